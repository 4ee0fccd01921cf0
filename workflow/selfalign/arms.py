"""An arm: one treatment of the experiment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, assert_never

from pydantic import ConfigDict, Field

from selfalign.demonstrations.strategies import EXCLUSIONS, SEEDED, STRATEGIES
from selfalign.forms import CountryCodes, Name, NamedSection, Spoken, distinct

WhoseAnswers = Literal[
    "own", "other", "other_group", "country", "nearest", "farthest", "world", "inverted", "shuffled", "neutral"
]
"""Whose answers demonstrations have."""

Kind = Literal["texts", "templates", "questions", "labels", "personas", "roles", "neutral"]
"""Kinds of files with the words of a language."""


@dataclass(frozen=True)
class Speech:
    """The languages in which arms speak, as sorted ISO 639-1 codes.

    Attributes:
        texts: of probes and demonstrations.
        personas: of personas.
        neutral: of demonstrations that do not ask for values.
        roles: of texts that name a country.
    """

    texts: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()
    neutral: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[str, ...]:
        """The languages of a kind of file."""
        match kind:
            case "texts" | "templates" | "questions" | "labels":
                return self.texts
            case "personas":
                return self.personas
            case "roles":
                return self.roles
            case "neutral":
                return self.neutral
        assert_never(kind)

    @classmethod
    def union(cls, parts: Iterable["Speech"]) -> "Speech":
        """The languages of several."""
        every = list(parts)
        kinds: tuple[Kind, ...] = ("texts", "personas", "neutral", "roles")
        return cls(*(tuple(sorted({one for part in every for one in part.of(kind)})) for kind in kinds))


class Arm(NamedSection):
    """The settings of an arm, and the decisions that follow from them."""

    FREE: ClassVar = frozenset({"label", "answers", "sources", "named"})
    """Settings in which a control may differ from its arm."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"shots": {"minimum": 1}, "answers": {"not": {"const": "neutral"}}}},
            "then": {"required": ["strategy"]},
        }
    )

    label: str = Field(description="Name of the arm in figures.")
    shots: int = Field(ge=0, description="Number of demonstrations; 0 is zero-shot.")
    strategy: Literal[STRATEGIES] | None = Field(  # type: ignore[valid-type]  # pydantic lists the values
        None, description="How demonstrations are chosen."
    )
    seeds: tuple[Annotated[int, Field(ge=1)], ...] = distinct(
        "Seeds of the draws, of strategies and sequences that draw; their answers are averaged.",
        default=(1,),
        min_length=1,
    )
    answers: WhoseAnswers = Field("own", description="Whose answers the demonstrations have.")
    sources: CountryCodes | None = Field(
        None, description="other: the countries whose answers are shown; the others of the language if not given."
    )
    persona: Spoken | None = Field(
        None, description="Language of the sentence that makes the model a person of the country; none if not given."
    )
    role: Name | None = Field(
        None, description="A text of prompts.roles that names the country; the sentence of the persona if not given."
    )
    named: Literal["own", "other"] = Field(
        "own", description="Which country the persona or role names: the one asked about, or each other one in turn."
    )
    shown_in: Spoken = Field("asked", description="The language of the demonstrations.")
    countries: CountryCodes | None = Field(
        None, description="Countries of the language that the arm is run for; all if not given."
    )
    exclude: tuple[Literal[tuple(EXCLUSIONS)], ...] = distinct(  # type: ignore[valid-type]  # pydantic lists the values
        "Which candidates may not be shown for a test probe.", default=("siblings",)
    )
    ceiling: float | None = Field(
        None,
        le=100,
        description="Only candidates whose similarity with the test probe is below this may be shown, in points.",
    )
    diversity: float = Field(
        0,
        ge=0,
        le=1,
        description="Weight of unlikeness to the demonstrations chosen so far (maximal marginal relevance); 0 is off.",
    )
    sequence: Literal["nearest_first", "nearest_last", "drawn"] = Field(
        "nearest_first", description="In which order demonstrations are shown."
    )

    @classmethod
    def read(cls, settings: Any, name: str = "") -> Self:
        """An arm from its settings. An earlier version may have recorded no label, or no number of shots."""
        return super().read({"label": "", "shots": 0, **settings}, name)

    @classmethod
    def read_all(cls, settings: Mapping[str, Any]) -> dict[str, Self]:
        """Arms by name, from the settings of each."""
        return {name: cls.read(of_arm, name) for name, of_arm in settings.items()}

    @property
    def selector(self) -> str | None:
        """The strategy that ranks this arm's demonstrations; None if it shows none, or neutral ones."""
        return self.strategy if self.shots else None

    @property
    def draws(self) -> bool:
        """Whether the strategy draws demonstrations at random instead of ranking them."""
        return self.strategy in SEEDED

    @property
    def is_drawn(self) -> bool:
        """Whether demonstrations or their sequence are drawn. Each seed then has its own set."""
        return self.draws or self.sequence == "drawn"

    @property
    def shows_own(self) -> bool:
        """Whether the demonstrations have the country's own answers."""
        return bool(self.shots) and self.answers == "own"

    @property
    def has_country(self) -> bool:
        """Whether the prompts depend on the country that is asked about."""
        shown = bool(self.shots) and (self.answers not in ("world", "neutral") or self.shown_in == "own")
        return shown or self.persona is not None

    @property
    def is_own(self) -> bool:
        """Whether the arm has controls: it shows the country's own answers, or shows none and names the country."""
        return self.shows_own or (not self.shots and self.persona is not None and self.named == "own")

    @property
    def of_others(self) -> bool:
        """Whether the arm shows the answers of other countries, or names them."""
        return self.answers == "other" or self.named == "other"

    @property
    def needs_groups(self) -> bool:
        """Whether the arm is only for runs that ask about groups of a country."""
        return bool(self.shots) and self.answers in ("other_group", "country")

    @property
    def needs_neutral(self) -> bool:
        """Whether the demonstrations do not ask for values."""
        return bool(self.shots) and self.answers == "neutral"

    @property
    def needs_spoken(self) -> bool:
        """Whether the arm speaks a country's own language, which only a file can tell."""
        return "own" in (self.persona, self.shown_in)

    def asked(self, countries: Iterable[str]) -> list[str]:
        """The countries of a language that the arm is run for.

        Args:
            countries: of the language.
        """
        return [country for country in countries if self.countries is None or country in self.countries]

    def others(self, country: str, countries: Iterable[str]) -> list[str]:
        """The other countries that an arm with the answers `other` shows in turn before questions about a country.

        Args:
            country: that is asked about.
            countries: of the language.
        """
        return [one for one in (countries if self.sources is None else self.sources) if one != country]

    def has_cells(self, countries: Sequence[str]) -> bool:
        """Whether a language has cells of this arm.

        The arm must be run for a country of the language. Another country's answers need another country.

        Args:
            countries: of the language.
        """
        asked = self.asked(countries)
        return any(self.others(one, countries) for one in asked) if self.of_others else bool(asked)

    def is_control_of(self, arm: "Arm") -> bool:
        """Whether this arm differs from an arm of the country only in whose answers it shows or whom it names.

        The seeds of a strategy that draws must be the same, since they decide which demonstrations are shown.
        """
        if not arm.is_own or self.is_own:
            return False
        free = self.FREE if arm.draws else self.FREE | {"seeds"}
        return all(getattr(self, key) == getattr(arm, key) for key in type(self).model_fields if key not in free)

    def speech(self, language: str, countries: Iterable[str], spoken: Mapping[str, str]) -> Speech:
        """The languages in which the arm speaks.

        Args:
            language: of the questions.
            countries: of the language.
            spoken: each country's own language.

        Raises:
            KeyError: the arm speaks the own language of a country that `spoken` lacks.
        """

        def resolve(setting: str) -> tuple[str, ...]:
            named = {language if setting == "asked" else setting}
            found = {spoken[country] for country in self.asked(countries)} if setting == "own" else named
            return tuple(sorted(found))

        shown = resolve(self.shown_in) if self.shots else ()
        return Speech(
            texts=shown,
            personas=resolve(self.persona) if self.persona else (),
            neutral=shown if self.needs_neutral else (),
            roles=resolve(self.persona) if self.persona and self.role else (),
        )
