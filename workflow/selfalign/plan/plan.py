"""`selfalign plan`: the prompts, time and price of a run before it starts, and the expected widths of its intervals."""

from pathlib import Path

import click

from selfalign.errors import InputError


class ModelNumbers(click.ParamType[tuple[str, list[float]]]):
    """A model with numbers: NAME=NUMBER, or NAME=NUMBER/NUMBER."""

    name = "model=number"

    def __init__(self, numbers: int) -> None:
        self.numbers = numbers

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, list[float]]:
        if isinstance(value, tuple):
            return value
        name, _, text = str(value).rpartition("=")
        try:
            numbers = [float(part) for part in text.split("/")]
        except ValueError:
            numbers = []
        if not name or len(numbers) != self.numbers or min(numbers) < 0 or (self.numbers == 1 and not numbers[0]):
            self.fail(f"{value!r} is not MODEL={'/'.join(['NUMBER'] * self.numbers)}", param, ctx)
        return name, numbers


@click.command("plan")
@click.option(
    "--configfile", "files", multiple=True, type=click.Path(path_type=Path), help="Config file, as of Snakemake."
)
@click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--rate", "rates", multiple=True, type=ModelNumbers(1), help="MODEL=TOKENS_PER_SECOND, distinct tokens.")
@click.option("--price", "prices", multiple=True, type=ModelNumbers(2), help="MODEL=INPUT/OUTPUT, per million tokens.")
@click.option("--hardware", help="Where it will run: a name of resources/plan/rates.csv. Default: this machine.")
@click.option("--cores", type=click.IntRange(min=1), help="CPU cores of a job, if no ledger has its rate.")
@click.option("--exact", is_flag=True, help="Render every prompt, instead of 3,000 of each language.")
@click.option("--fetch-tokenizers", "fetch", is_flag=True, help="Fetch missing tokenizers from the hub; no weights.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every model in every language.")
def command(
    files: tuple[Path, ...],
    more: tuple[Path, ...],
    rates: tuple[tuple[str, list[float]], ...],
    prices: tuple[tuple[str, list[float]], ...],
    hardware: str | None,
    cores: int | None,
    exact: bool,
    fetch: bool,
    as_json: bool,
) -> None:
    """Print the cost of a run before it starts: prompts, tokens, hours, memory, disk, price, and interval widths.

    The command reads the settings, the survey, the tokenizers and the ledgers. It writes nothing into results/.
    """
    import json
    from dataclasses import asdict, replace

    from selfalign.config.read import read_config
    from selfalign.config.sections import Price
    from selfalign.plan.planner import Options, make_plan
    from selfalign.plan.report import write_report

    if more and not files:
        raise click.UsageError("name config files with --configfile")
    config = read_config([*files, *more])
    for option, given in (("--rate", rates), ("--price", prices)):
        for name, _ in given:
            if name not in config.run.models:
                known = ", ".join(config.run.models)
                raise InputError(option, "is not a model of this run", f"The run has: {known}", value=name)
    options = Options(
        rates={name: numbers[0] for name, numbers in rates},
        prices={name: Price(input=numbers[0], output=numbers[1]) for name, numbers in prices},
        hardware=hardware,
        cores=cores,
        exact=exact,
        fetch=fetch,
    )
    plan = replace(make_plan(config, options), files=[str(file) for file in (*files, *more)])
    click.echo(json.dumps(asdict(plan), indent=2) if as_json else write_report(plan))
