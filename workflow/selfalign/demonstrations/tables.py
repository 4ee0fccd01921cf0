"""Tables of the demonstrations stage."""

import pandera.pandas as pa

from selfalign.tables import Table

STRATEGIES = ("random", "category", "chrf")
"""How candidates are ordered: at random, at random within the test probe's category, by chrF++ similarity."""

SEEDED = ("random", "category")
"""The strategies that draw; the others have the one seed 0."""


class Ranking(Table):
    """A candidate's place among the demonstrations for a test probe, all probes in use ranked."""

    probe: str = pa.Field(description="test probe")
    seed: int = pa.Field(ge=0, description="seed of the draw; 0 where nothing is drawn")
    rank: int = pa.Field(ge=1, description="1 is shown first")
    candidate: str = pa.Field(description="probe that may be shown")
    similarity: float = pa.Field(ge=0, le=100, description="chrF++ of the candidate with the test probe, in points")
    sibling: bool = pa.Field(description="asks the same as the test probe")
    same_battery: bool = pa.Field(description="was asked in the same battery of the survey")
    same_category: bool = pa.Field(description="is of the same thematic category")

    class Config:
        unique = ["probe", "seed", "candidate"]
