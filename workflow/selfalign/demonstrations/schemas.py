"""Tables of the demonstrations stage."""

import pandera.pandas as pa

from selfalign.tables import Table


class Similarity(Table):
    """How similar a candidate is to a test probe, by one measure; every pair of the probes in use."""

    probe: str = pa.Field(description="test probe")
    candidate: str = pa.Field(description="probe that may be shown")
    similarity: float = pa.Field(
        ge=-100, le=100, description="in points; below 0 only for negative cosines of embeddings"
    )

    class Config:
        unique = ["probe", "candidate"]


class Ranking(Table):
    """A candidate's place among the demonstrations for a test probe, all probes in use ranked."""

    probe: str = pa.Field(description="test probe")
    seed: int = pa.Field(ge=0, description="seed of the draw; 0 where nothing is drawn")
    rank: int = pa.Field(ge=1, description="1 is shown first")
    candidate: str = pa.Field(description="probe that may be shown")
    similarity: float = pa.Field(
        ge=-100, le=100, description="with the test probe, in points, by the strategy's measure; chrF++ where it draws"
    )
    sibling: bool = pa.Field(description="asks the same as the test probe")
    same_battery: bool = pa.Field(description="was asked in the same battery of the survey")
    same_category: bool = pa.Field(description="is of the same thematic category")

    class Config:
        unique = ["probe", "seed", "candidate"]
