"""Write an invented survey in the form of the official file of wave 7, to test and rehearse with.

    python tools/official_survey.py FILE.zip                # 97,220 respondents, 66 countries, 613 columns
    python tools/official_survey.py FILE.zip --size 0.05    # a twentieth of each sample

The file has no real respondent. Its shares come from the published figures in resources/survey:

- The 19 countries of example/counts.csv have exactly these counts of answers.
- The other countries mix three of the 19, with weights that the seed draws.
- Where shares/shares.csv has a country and question, the answers are moved so that the share is the published one.

Answers to different questions are independent of each other. So groups of people, such as women and men, differ
by chance only. docs/rehearsal.md says what else is invented.
"""

import io
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
from selfalign.countries import number_of_country
from selfalign.survey.parse_shares import RULES
from selfalign.survey.schemas import Counts, Scales, Shares
from selfalign.tables import read_input

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
MEMBER = "WVS_Cross-National_Wave_7_csv_v6_0.csv"
RESPONDENTS, COLUMNS = 97_220, 613
"""Size of the published file."""

SMALLEST = 40
"""Respondents of a country, at least, however small the file."""

UNWEIGHTED = frozenset({"BOL", "DEU", "ETH", "KEN", "NLD", "NZL", "ZWE"})
"""Countries whose weights are all 1 in the published file."""

CODES = range(-5, 11)
NOT_ASKED = -4
MISSING = {-1: 0.6, -2: 0.3, -5: 0.1}
"""How the missing answers, whose kinds are not published, are spread: don't know, no answer, other."""

VARIANTS = ("Q33_3", "Q34_3", "Q35_3", "Q82_EU", "Q82_ASEAN", "Q94R", "Q95R", "Q275A", "Q275R", "Q288R", "Q289CS9")
"""Other forms of a question, which the workflow must not take for the question."""

TEXTS = ('"said ""no"", then; left"', "IRREGULAR", '"a, b"', "Zürich", "")
"""Answers in free text, as the file has them."""

IRREGULAR = b'no "quotes" here'
"""A quote inside a field that is not quoted, as users report from the published file."""


def count_answers(seed: int) -> dict[str, pd.DataFrame]:
    """Shares of answer codes for each of the 66 countries.

    Args:
        seed: of the mixtures.

    Returns:
        By country, a row per question and a column per code; each row sums to 1. Those of the published countries are
        their counts, divided by the size of the sample.
    """
    known = _published()
    asked = {country: _asked(table) for country, table in known.items()}
    together = sum(asked.values())
    shares = read_input(RESOURCES / "survey/shares/shares.csv", Shares)
    scales = read_input(RESOURCES / "survey/scales.csv", Scales).set_index("question")[["first", "last"]].T.to_dict()
    found = {}
    for place, country in enumerate(list_countries()):
        if country in known:
            found[country] = known[country]
            continue
        mixed = _mix(asked, together, np.random.default_rng([seed, 1, place]))
        theirs = shares[shares["country"] == country]
        found[country] = _move(mixed, theirs, scales, set(shares["question"])) if len(theirs) else mixed
    return found


@cache
def _published() -> dict[str, pd.DataFrame]:
    """The published counts as shares, by country."""
    table = _counts().pivot(index=["country", "question"], columns="code", values="count")
    table = table.reindex(columns=CODES).fillna(0.0)
    questions = table.index.unique("question")
    return {
        country: group.div(group.sum(axis=1), axis=0).droplevel("country").reindex(questions)
        for country, group in table.groupby("country")
    }


@cache
def _counts() -> pd.DataFrame:
    return read_input(RESOURCES / "survey/example/counts.csv", Counts)


@cache
def list_countries() -> list[str]:
    """The 66 countries and territories of wave 7."""
    return sorted(pd.read_csv(RESOURCES / "countries.csv")["country"])


def size_samples(size: float) -> dict[str, int]:
    """Respondents by country: those of the published counts, and an equal part of the rest for each other country.

    Args:
        size: part of each sample that is written.
    """
    known = _counts().groupby(["country", "question"])["count"].sum().groupby("country").first()
    others = [country for country in list_countries() if country not in known.index]
    rest = np.diff(np.linspace(0, RESPONDENTS - known.sum(), len(others) + 1).astype(int))
    whole = known.to_dict() | dict(zip(others, rest, strict=True))
    return {country: max(min(SMALLEST, whole[country]), round(size * whole[country])) for country in sorted(whole)}


def _mix(asked: dict[str, pd.DataFrame], together: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The weighted mean of three countries, each question over those of the three that asked it.

    Args:
        asked: shares of the published countries, as `_asked` gives them.
        together: their sum, for questions that none of the three asked.
        random: draws the three and their weights.
    """
    names = random.choice(sorted(asked), 3, replace=False)
    parts = dict(zip(names, random.dirichlet([2, 2, 2]), strict=True))
    total = sum(part * asked[name] for name, part in parts.items())
    nobody = total.sum(axis=1) == 0
    total[nobody] = together[nobody]
    return total.div(total.sum(axis=1), axis=0)


def _asked(table: pd.DataFrame) -> pd.DataFrame:
    """Shares of a country, with zeros in the rows of questions that it did not ask."""
    return table.where(table[NOT_ASKED] < 0.5, 0.0).fillna(0.0)


def _move(
    mixed: pd.DataFrame, shares: pd.DataFrame, scales: dict[str, dict[str, int]], published: set[str]
) -> pd.DataFrame:
    """Answers with the published share on the codes of each rule; a question without a share was not asked."""
    moved, places = mixed.to_numpy().copy(), {question: place for place, question in enumerate(mixed.index)}
    codes = np.array(CODES)
    for share in shares.itertuples():
        first, last = RULES[share.rule]
        row = moved[places[share.question]]
        scale = (codes >= scales[share.question]["first"]) & (codes <= scales[share.question]["last"])
        named = scale & (codes >= first) & (codes <= last)
        valid = row[scale].sum()
        for part, weight in ((named, share.share), (scale & ~named, 1 - share.share)):
            row[part] *= weight * valid / row[part].sum()
    for question in published - set(shares["question"]):
        moved[places[question]] = codes == NOT_ASKED
    return pd.DataFrame(moved, mixed.index, mixed.columns)


def draw_country(country: str, answers: pd.DataFrame, people: int, seed: int) -> dict[str, np.ndarray]:
    """Respondents of a country, with the columns of the published file.

    Args:
        country: its code.
        answers: shares of codes, as `count_answers` gives them.
        people: number of respondents.
        seed: of the draws; each country has its own stream.

    Returns:
        The cells of each column, by its name.
    """
    random = np.random.default_rng([seed, 2, list_countries().index(country)])
    number = number_of_country(country)
    interview = number * 1_000_000 + np.arange(1, people + 1)
    if country == "URY":  # as in version 5.0 of the published file
        interview[: min(1000, people)] = 858_069_901
    weight = np.ones(people) if country in UNWEIGHTED else random.lognormal(0, 0.4, people)
    head = {
        "version": "invented for tests, in the form of 6-0-0",
        "doi": "doi.org/10.14281/18241.24",
        "A_WAVE": 7,
        "A_YEAR": random.integers(2017, 2022) + random.integers(0, 2, people),
        "A_STUDY": 2,
        "B_COUNTRY": number,
        "B_COUNTRY_ALPHA": country,
        "C_COW_NUM": random.integers(2, 990),
        "C_COW_ALPHA": country,
        "D_INTERVIEW": interview,
        "J_INTDATE": random.integers(20170101, 20221231),
        "S_INTLANGUAGE": random.integers(100, 5000),
        "LNGE_ISO": "xx",
        "W_WEIGHT": (weight / weight.mean()).round(12),
        "S018": (1000 / people * weight / weight.mean()).round(12),
    }
    columns = {name: np.broadcast_to(np.asarray(cells), people) for name, cells in head.items()}
    columns |= _draw_answers(answers, people, random)
    about = _draw_people(people, np.random.default_rng([seed, 3, list_countries().index(country)]))
    columns |= dict.fromkeys(("H_SETTLEMENT", "H_URBRURAL"))
    names = [*VARIANTS, *(f"I_{place}" for place in range(1, COLUMNS - len(columns) - len(VARIANTS)))]
    columns |= dict(zip(names, random.integers(-5, 100, (len(names), people), dtype=np.int16), strict=True))
    columns |= about
    columns["X_TEXT"] = np.array(TEXTS, dtype=object)[random.integers(len(TEXTS), size=people)]
    return columns


def _draw_answers(answers: pd.DataFrame, people: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Answer codes of each question in the order of the questionnaire; Q1 to Q290, those without figures at random."""
    known, codes = dict(zip(answers.index, answers.to_numpy(), strict=True)), np.array(CODES, dtype=np.int16)
    names = [f"Q{number}" for number in range(1, 291)]
    names[names.index("Q234") + 1 : names.index("Q234") + 1] = ["Q234A"]
    drawn = {}
    for name in names:
        if name in known:
            cells = np.repeat(codes, apportion(known[name], people))
            missing = cells == -5
            cells[missing] = random.choice(list(MISSING), size=missing.sum(), p=list(MISSING.values()))
            drawn[name] = random.permutation(cells)
        else:
            drawn[name] = random.integers(-5, 8, people, dtype=np.int16)
    return drawn


def _draw_people(people: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Sex, age, education and settlement of respondents, with the codes of the published file; 2 % of each missing."""
    level = random.integers(0, 9, people)
    settlement = random.choice([1, 2, 3, 4, 5], people, p=[0.15, 0.15, 0.15, 0.2, 0.35])
    drawn = {
        "Q260": random.integers(1, 3, people),
        "Q262": random.integers(18, 90, people),
        "Q275": level,
        "Q275R": np.digitize(level, [3, 5]) + 1,
        "H_SETTLEMENT": settlement,
        "H_URBRURAL": np.where(settlement == 5, 2, 1),
    }
    unknown = random.random(people) < 0.02
    return {name: np.where(unknown, -2, cells).astype(np.int16) for name, cells in drawn.items()}


def apportion(shares: np.ndarray, people: int) -> np.ndarray:
    """Numbers of people with these shares, which sum to `people`: rounded by the largest remainder."""
    exact = shares / shares.sum() * people
    whole = np.floor(exact + 1e-9).astype(int)
    short = people - whole.sum()
    whole[np.argsort(whole - exact, kind="stable")[:short]] += 1
    return whole


def write_survey(path: Path, size: float = 1.0, seed: int = 1) -> int:
    """Write the file, one country after the other.

    Args:
        path: the zip to write.
        size: part of each country's sample, 1 for the published size.
        seed: decides the whole file, byte by byte.

    Returns:
        Number of respondents.
    """
    answers, samples = count_answers(seed), size_samples(size)
    member = zipfile.ZipInfo(MEMBER, date_time=(2024, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compresslevel=1) as archive, archive.open(member, "w", force_zip64=True) as file:
        file.write("\ufeff".encode())
        for part in _write_parts(answers, samples, seed):
            file.write(part)
    return sum(samples.values())


def _write_parts(answers: dict[str, pd.DataFrame], samples: dict[str, int], seed: int) -> Iterator[bytes]:
    for place, (country, people) in enumerate(samples.items()):
        columns = draw_country(country, answers[country], people, seed)
        if place == 0:
            yield ",".join(columns).encode() + b"\r\n"
        texts, numbers = columns.pop("X_TEXT"), io.BytesIO()
        options = arrow_csv.WriteOptions(include_header=False, quoting_style="needed")
        arrow_csv.write_csv(pa.table(columns), numbers, options)
        rows = numbers.getvalue().split(b"\n")
        ends = [text.encode().replace(b"IRREGULAR", IRREGULAR) for text in texts]
        yield b"".join(row + b"," + end + b"\r\n" for row, end in zip(rows[:-1], ends, strict=True))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--size", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Part of each sample.")
@click.option("--seed", type=int, default=1, help="Decides the whole file.")
def main(file: Path, size: float, seed: int) -> None:
    """Write an invented survey in the form of the official file of wave 7."""
    click.echo(f"{write_survey(file, size, seed):,} respondents in {file}")


if __name__ == "__main__":
    main()
