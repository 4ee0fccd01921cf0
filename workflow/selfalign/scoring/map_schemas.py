"""Tables of the cultural map: its inputs, its axes and its points."""

import pandas as pd
import pandera.pandas as pa

from selfalign.tables import Table

PEOPLE = "people"
"""Stands in the column model of the cultural map for the people of a country."""


class MapItems(Table):
    """The items of the cultural map: a row per answer that an item is made of."""

    item: str = pa.Field(str_length={"min_value": 1}, description="name of the item")
    axis: str = pa.Field(isin=["survival", "traditional"], description="the axis that the item marks")
    direction: int = pa.Field(
        isin=[1, -1], description="1: a higher score means self-expression, or secular values; -1: the opposite"
    )
    base: float = pa.Field(description="added to the score of the item")
    question: str = pa.Field(description="id of the question")
    probe: str = pa.Field(unique=True, description="probe by which a model is asked")
    counts: str = pa.Field(
        str_matches=r"^(\d+(-\d+)?( \d+(-\d+)?)*)?$", description="codes that count 1, others 0; empty: the code itself"
    )
    sign: int = pa.Field(isin=[1, -1], description="whether the answer is added or subtracted")


class MapZones(Table):
    """The cultural zone of each country."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", unique=True, description="ISO 3166 alpha-3")
    zone: str = pa.Field(str_length={"min_value": 1}, description="name of the zone")


class MapPublished(Table):
    """Published coordinates of countries."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", unique=True, description="ISO 3166 alpha-3")
    year: int = pa.Field(description="of the survey")
    survival: float = pa.Field(description="survival (low) against self-expression values (high)")
    traditional: float = pa.Field(description="traditional (low) against secular-rational values (high)")


class MapAxes(Table):
    """An item of the cultural map, and what it weighs on the two axes of the people."""

    item: str = pa.Field(unique=True, description="name of the item")
    level: str = pa.Field(isin=["respondents", "countries"], description="units whose correlations make the axes")
    units: int = pa.Field(ge=1, description="number of these units")
    explained: float = pa.Field(ge=0, le=1, description="share of the items' variance that the two axes explain")
    mean: float = pa.Field(nullable=True, description="of the item over the units")
    deviation: float = pa.Field(ge=0, nullable=True, description="standard deviation of the item over the units")
    loading_survival: float = pa.Field(nullable=True, description="correlation with the axis survival")
    loading_traditional: float = pa.Field(nullable=True, description="correlation with the axis traditional")
    weight_survival: float = pa.Field(nullable=True, description="weight of the standardised item on survival")
    weight_traditional: float = pa.Field(nullable=True, description="weight of the standardised item on traditional")
    reason: str = pa.Field(nullable=True, description="why the item is left out; empty where it is used")


class Map(Table):
    """A point of the cultural map: the people of a country, or a model's answers in an arm and country."""

    model: str = pa.Field(description=f"as named in the config; `{PEOPLE}`: the country's people")
    language: str = pa.Field(nullable=True, description="ISO 639-1; empty for the people")
    arm: str = pa.Field(nullable=True, description="treatment; empty for the people")
    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="ISO 3166 alpha-3")
    view: str = pa.Field(
        isin=["codes", "options"],
        description="from all answer codes; or through the two options of the probes, as models answer",
    )
    level: str = pa.Field(isin=["respondents", "countries"], description="units whose correlations make the axes")
    zone: str = pa.Field(nullable=True, description="cultural zone of the country; empty where the list has none")
    survival: float = pa.Field(nullable=True, description="survival (low) against self-expression values (high)")
    traditional: float = pa.Field(
        nullable=True, description="traditional (low) against secular-rational values (high); both empty if items miss"
    )
    survival_se: float = pa.Field(
        ge=0,
        nullable=True,
        description="standard error, where the point is of several draws; docs/map.md says of what",
    )
    traditional_se: float = pa.Field(ge=0, nullable=True, description="standard error of the other axis")
    correlation: float = pa.Field(ge=-1, le=1, nullable=True, description="of the errors of both axes")
    distance: float = pa.Field(
        ge=0,
        nullable=True,
        description="of a model: to the country's people in the same view; of people seen through options: to codes",
    )
    items: int = pa.Field(ge=0, description="items that the point is made of")
    missing: str = pa.Field(nullable=True, description="items of the axes without an answer here")
    n: pd.Int64Dtype = pa.Field(ge=0, nullable=True, description="answered cells of a model; respondents, if known")
    unanswered: pd.Int64Dtype = pa.Field(ge=0, nullable=True, description="cells of a model without an answer")
    published_survival: float = pa.Field(nullable=True, description="the published coordinate, of people only")
    published_traditional: float = pa.Field(nullable=True, description="the other published coordinate")

    class Config:
        unique = ["model", "language", "arm", "country", "view"]


class MapPoints(Map):
    """The points that the figure map draws, with the start of each arrow."""

    from_survival: float = pa.Field(nullable=True, description="of the same model without demonstrations")
    from_traditional: float = pa.Field(nullable=True, description="the other coordinate of this start")
