"""Whether a run has the items of the cultural map."""

from pathlib import Path

from selfalign.config.sections import Config, CulturalMap
from selfalign.home import is_made
from selfalign.probes.selection import find_used
from selfalign.tables import read_input


def why_no_map(config: Config, settings: CulturalMap) -> str:
    """Why a run cannot have the cultural map, and what to add; empty if it can.

    Args:
        config: of the run.
        settings: its section scoring.map.

    Raises:
        InputError: the bank or the file of items cannot be read.
    """
    probes = config.probes
    if config.test_probes:
        return "its items are questions of the World Values Survey, and test_probes takes those of another survey"
    if is_made(probes.bank):
        return f"its items are probes of resources/probes/probes.csv, and probes.bank is {probes.bank}"
    if config.survey.form == "shares":
        return (
            f"the survey {config.run.survey} publishes shares of several answer codes together, and the map needs a "
            "share of each code. Choose another survey in run.survey"
        )
    from selfalign.scoring.map_schemas import MapItems  # takes time to import, and most runs have no map

    items = read_input(Path(settings.items), MapItems)
    parts = items.groupby("item", sort=False)["probe"].agg(set).to_dict()
    used = find_used(Path(probes.bank), probes.criteria)
    absent = {item: sorted(asked - used) for item, asked in parts.items() if asked - used}
    if len(parts) - len(absent) >= settings.least:
        return ""
    missing = ", ".join(probe for names in absent.values() for probe in names)
    return (
        f"the run has {len(parts) - len(absent)} of the map's {len(parts)} items, and scoring.map.least is "
        f"{settings.least}. Add to probes.only: {missing}"
    )
