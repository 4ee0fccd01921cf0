"""The sections of the config: every setting with its type, limits, default and meaning.

The library reads the settings of a run from a `Config`, which `selfalign.config.read` makes. The JSON schema
`workflow/schemas/config.schema.yaml` is generated from these models: `python tools/schema.py`.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from selfalign.arms import Arm
from selfalign.contrasts import Contrast
from selfalign.forms import Country, Language, ModelKind, Name, NamedSection, Names, Pair, ProbeKind, Section, distinct
from selfalign.inference.choices import (
    DATE,
    LONGEST_REPLY,
    READOUTS,
    Attention,
    Dtype,
    Engine,
    ModelFormat,
    Readout,
    ShownAs,
)
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.models.folder import expand_home
from selfalign.probes.selection import CRITERIA
from selfalign.scoring.choices import Chance, FamilyColumn, OptionOrder
from selfalign.scoring.unanswered import COUNTS_AS
from selfalign.survey.registry import FORMS

Choice = Annotated[tuple[Name, ...], Field(json_schema_extra={"uniqueItems": True})]
CountryOrNull = Annotated[
    str, Field(pattern="^([A-Z]{3})?$", examples=["DEU"], json_schema_extra={"type": ["string", "null"]})
]
Files = Annotated[str, Field(pattern=r"\{language\}", examples=["my_folder/{language}.csv"])]
FigureWidth = Annotated[float, Field(ge=2.5, le=40)]


def _section(model: type[Section], description: str | None = None) -> Any:
    """A section that need not be given, since all of its settings have defaults."""
    return Field(default_factory=model, description=description, json_schema_extra={"default": {}})


def _nullable(description: str) -> Any:
    """A section that is null if it is not given, and that a config may set to null."""
    return Field(None, description=description, json_schema_extra={"nullable": True})


# Surveys


class LocalFile(Section):
    """A survey in a file of the user's."""

    file: str = Field(description="Local file.")


class Download(Section):
    """A survey at an address."""

    url: str = Field(
        pattern="^https?://", examples=["https://example.org/survey.csv"], description="Address of the file."
    )
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file.")


class HubFile(Section):
    """A survey on the hub."""

    hub: str = Field(description="Data set on the hub, org/name.")
    revision: str = Field(description="Full commit hash.")
    path: str = Field(description="File in the data set.")


class TableColumns(Section):
    """The columns of a survey of form table that are not questions."""

    country: str | None = Field(None, description="The country.")
    weight: str | None = Field(None, description="The weight; without it, every respondent weighs 1.")
    respondent: str | None = Field(None, description="The id of the respondent, which must not occur twice.")
    year: str | None = Field(None, description="The year of the interview.")
    question: str | None = Field(None, description="Of a table of counts: the question.")
    code: str | None = Field(None, description="Of a table of counts: the answer.")
    count: str | None = Field(None, description="Of a table of counts: the number of respondents.")


class Survey(NamedSection):
    """A survey."""

    form: Literal[tuple(FORMS)] = Field(  # type: ignore[valid-type]  # pydantic lists the values
        description="The layout of the source; docs/surveys.md explains each form."
    )
    source: LocalFile | Download | HubFile = Field(description="Where the data come from: file, url or hub.")
    seed: int = Field(1, ge=0, description="Form counts: seed of the simulated respondents.")
    waves: tuple[Annotated[int, Field(ge=1, le=7)], ...] = distinct(
        "Form trends: waves to use; of a country, the latest of these.", default=(7,), min_length=1
    )
    questions: str | None = Field(None, description="Form table: the file of questions (CSV).")
    citation: str | None = Field(None, description="How to cite the survey; a run ends with it. Form table needs it.")
    country: Country | None = Field(None, description="Form table: the country of all respondents (ISO 3166 alpha-3).")
    countries: dict[str, CountryOrNull | None] | None = Field(
        None, description="Form table: the country of each value of columns.country; null leaves its respondents out."
    )
    columns: TableColumns | None = Field(None, description="Form table: names of the columns that are not questions.")
    groups: str | None = Field(
        None,
        description=(
            "Forms wvs7, trends and table: the file that defines groups of people by the values of columns (CSV); "
            "forms wvs7 and trends have a shipped one."
        ),
    )
    missing_weight: Literal["refuse", "leave_out"] = Field(
        "refuse", description="Form table: what to do with respondents without a weight."
    )

    @property
    def own_file(self) -> str | None:
        """The user's own file; None if the workflow fetches the survey."""
        return self.source.file if isinstance(self.source, LocalFile) else None

    @property
    def file(self) -> str:
        """The file of the survey: the user's own, or the one that the workflow fetches."""
        if isinstance(self.source, LocalFile):
            return self.source.file
        address = self.source.url if isinstance(self.source, Download) else self.source.path
        return f"<shared>/survey/{self.name}/download/{Path(re.sub('[?#].*', '', address)).name}"

    @property
    def groups_file(self) -> str:
        """The file that says which values make which group of people; empty if there is none."""
        shipped = FORMS[self.form].groups
        return self.groups or (f"resources/survey/{shipped}" if shipped else "")

    @property
    def is_counted(self) -> bool:
        """Whether a survey of form table has a row per country, question and answer."""
        return self.columns is not None and self.columns.count is not None

    @property
    def has_respondents(self) -> bool:
        """Whether the survey has a row per respondent, read or simulated."""
        return FORMS[self.form].respondents and not self.is_counted

    @property
    def has_real_respondents(self) -> bool:
        """Whether it has a row per respondent who was asked. Simulated ones answer each question independently."""
        return self.has_respondents and self.form != "counts"


# Probes, demonstrations and prompts


class Probes(Section):
    """The probes of a run."""

    bank: str = Field(description="The probe bank (CSV).")
    categories: Choice = Field((), description="Categories of probes to use; all where the list is empty.")
    only: Choice = Field((), description="Probes to use, by id; all where the list is empty.")
    kinds: tuple[ProbeKind, ...] = distinct("Kinds of probes to use; all where the list is empty.", default=())
    texts: Files = Field(description="Wording of the probes (CSV); {language} stands for the language.")
    replicates: int = Field(500, ge=2, description="Samples of the people, for intervals.")
    seed: int = Field(1, ge=0, description="Seed of these samples.")
    arora: str | None = Field(
        None,
        description=(
            "Folder with your own copy of the probes of Arora et al. (2023); for bank and texts in "
            "results/shared/arora."
        ),
    )

    @property
    def criteria(self) -> dict[str, tuple[str, ...]]:
        """The settings that select probes, as `selfalign.probes.selection` takes them."""
        return {name: getattr(self, name) for name in CRITERIA}


class TestProbes(Section):
    """Test probes from another survey than the demonstrations."""

    survey: Name = Field(description="Which of the surveys of form opinions has the test probes.")
    source: str = Field(
        "GAS", min_length=1, description="Whose questions are used: a value of the survey's column source."
    )
    table: str | None = Field(
        None,
        min_length=1,
        description="The reviewed table of test probes (CSV); the draft of the workflow if not given.",
    )
    only: Choice = Field((), description="Test probes to use, by id; all where the list is empty.")


class Bm25(Section):
    """The similarity by shared rare words."""

    k1: float = Field(ge=0, description="How soon repetitions of a word count less.")
    b: float = Field(ge=0, le=1, description="How much long statements are marked down.")


class Embedding(Section):
    """The similarity by sentence embeddings."""

    texts: str = Field(
        pattern="^(own|[a-z]{2})$",
        examples=["own", "en"],
        description="Which wording of the probes is encoded: own, the prompts' language, or this one's.",
    )
    model: str = Field(min_length=1, description="universal, or the folder of an encoder.")


class SimilaritySettings(Section):
    """How similarities of probes are measured."""

    bm25: Bm25
    embedding: Embedding

    def of(self, measure: str) -> dict[str, Any]:
        """The settings of a measure, by name; none if it has no settings."""
        found: Section | None = getattr(self, measure, None)
        return found.given if found else {}


class PromptSettings(Section):
    """The words of the prompts."""

    templates: Files = Field(description="Frames of the prompts (YAML); {language} stands for the language.")
    frames: Names = Field(description="Which frames to use; their answers are averaged.")
    share_step: Literal[1, 2, 4, 5, 10, 20, 25, 50] = Field(
        1, description="Step between the numbers of people, from 0 to 100, that frames of shares offer."
    )
    personas: Files = Field(description="Sentences that make a model a person of a country (CSV).")
    roles: Files = Field(
        "resources/roles/{language}.yaml", description="Other texts that name a country, by role (YAML)."
    )
    neutral: Files = Field(description="Demonstrations that do not ask for values (CSV).")
    spoken: str = Field(description="Each country's own language (CSV).")
    premises: bool = Field(
        True, description="Whether each prompt's premise is answered too, which the readout pmi needs."
    )


# The run


class GroupSettings(Section):
    """The groups of each country that a run asks about."""

    by: Names = Field(
        description="The variables of the groups: sex, age, education, settlement; or others of the survey's file."
    )
    least: int = Field(100, ge=1, description="Respondents that a group must have.")
    small: Literal["refuse", "leave_out"] = Field(
        "refuse", description="What to do with groups of the run's countries that have fewer."
    )


class RunSettings(Section):
    """The settings of a run."""

    name: str = Field(
        pattern="^[a-z0-9][a-z0-9_.-]*$",
        max_length=100,
        examples=["my_run-2"],
        description="Name of the run and of its folder in results/: small letters, digits, dots, hyphens, underscores.",
        json_schema_extra={"not": {"const": "shared"}},
    )
    survey: Name = Field(description="Which of the surveys to use.")
    models: Names = Field(description="Which of the models to run.")
    languages: Names = Field(description="Which of the languages to run.")
    groups: GroupSettings | None = _nullable(
        "Ask about groups of each country's people instead of whole countries; null does not."
    )


class Asked(Section):
    """The countries and arms of a language."""

    countries: Names = Field(description="Countries asked about in this language (ISO 3166 alpha-3).")
    arms: Names = Field(description="Arms to run in this language.")


# Models


class Hub(Section):
    """Weights on the model hub."""

    hub: str = Field(description="Repository on the model hub, org/name.")
    revision: str = Field(description="Full commit hash.")


class Package(Section):
    """Weights in a package."""

    package: str = Field(description="Package and version, name==version.")
    members: tuple[str, ...] = Field(description="Files inside, joined in order.")
    file: str = Field(description="Name of the joined file.")
    sha256: str = Field(description="SHA-256 of the joined file.")


class Packages(Section):
    """Weights in several packages."""

    packages: tuple[str, ...] = Field(description="Packages, one per member.")
    members: tuple[str, ...] = Field(description="Files inside, joined in order.")
    file: str = Field(description="Name of the joined file.")
    sha256: str = Field(description="SHA-256 of the joined file.")


class Folder(Section):
    """Weights in a local folder."""

    folder: str = Field(description="Local folder with safetensors or a GGUF file.")


class Price(Section):
    """The price of an endpoint."""

    input: float = Field(ge=0, description="Price of a million tokens that are sent.")
    output: float = Field(ge=0, description="Price of a million tokens that come back.")


class PricedEndpoint(Endpoint):
    """Where a model answers over the network, and its price."""

    price: Price | None = Field(None, description="Price of a million tokens, for `selfalign plan` only.")


class Template(Section):
    """What a chat template gets. It may have more keys, which depend on the model."""

    model_config = ConfigDict(extra="allow")

    date: str = Field(
        DATE,
        description="The date that a template writes, as year, month, day.",
        json_schema_extra={"format": "date"},
    )


class Model(NamedSection):
    """A language model, and how it is run."""

    label: str = Field(description="Name of the model in figures.")
    kind: ModelKind | None = Field(
        None, description="Whether the model was trained for English or for many languages; none if not given."
    )
    gated: bool = Field(
        False, description="The hub gives the weights only to users who accepted their terms; HF_TOKEN holds the key."
    )
    source: Hub | Package | Packages | Folder | None = Field(
        None, description="Where the weights come from: hub, package or folder."
    )
    endpoint: PricedEndpoint | None = Field(
        None, description="Where the model answers, instead of a source; docs/endpoints.md explains the readouts."
    )
    format: ModelFormat = Field("chat", description="The model's chat template, or bare text for base models.")
    shown: ShownAs = Field(
        "turns", description="Demonstrations as earlier turns of the chat, or as lines of the user's message."
    )
    reply: int = Field(
        0,
        ge=0,
        le=LONGEST_REPLY,
        description="Greedy replies of at most this number of tokens, in addition to the likelihoods; 0 for none.",
    )
    template: Template = _section(
        Template, "Values that the chat template gets with the messages, such as date or enable_thinking."
    )
    attention: Attention = Field("sdpa", description="PyTorch's fused attention, or plain matrix products.")
    gpus: int = Field(1, ge=1, description="GPUs that the model spans, where it runs on GPUs.")
    dtype: Dtype = Field("float32", description="Number format of weights and activations.")
    device: str = Field(
        "auto",
        pattern="^(auto|cpu|mps|cuda(:[0-9]+)?)$",
        examples=["auto", "cpu", "cuda", "cuda:1", "mps"],
        description="cpu, cuda, cuda:1, mps, or auto: a GPU where there is one.",
    )
    engine: Engine = Field(
        "packed", description="Shared prefixes computed once, or one forward pass per prompt and answer."
    )
    row_tokens: int = Field(
        2048,
        ge=1,
        description=("Distinct tokens per forward pass of the packed engine, at most; halved if memory runs out."),
    )

    @property
    def gives_replies(self) -> bool:
        """Whether the model gives a greedy reply to each prompt."""
        return self.endpoint.greedy if self.endpoint else self.reply > 0

    @property
    def weights(self) -> object:
        """What the model's answers come from: equal for two entries that only run it in different ways."""
        return (self.endpoint.url, self.endpoint.model) if self.endpoint else self.source

    @property
    def folder(self) -> str | None:
        """The user's own folder with the model, without `~`; None if its source is another one."""
        return str(expand_home(self.source.folder)) if isinstance(self.source, Folder) else None


# Scoring


class _Pair:
    """Lets the schema have a pair of arms where the library has a `Contrast`."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return TypeAdapter(Pair).json_schema()


class _PairOrMapping(_Pair):
    """Lets the schema also have the mapping. The test of the type lets an error name the form that the user wrote."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        pair = super().__get_pydantic_json_schema__(schema, handler)
        about = "Two arms; or a mapping, with the models or languages to compare."
        forms = {"if": {"type": "array"}, "then": pair, "else": handler(schema)}
        return {"description": about, "type": ["array", "object"]} | forms


ContrastOfPair = Annotated[Contrast, _Pair()]
ContrastOfAny = Annotated[Contrast, _PairOrMapping()]


class Readers(Section):
    """Simple readers of the demonstrations, for comparison with the models."""

    noise: float = Field(
        0.1,
        gt=0,
        le=0.5,
        description="How often a demonstration does not show its country's majority, as the ideal reader assumes.",
    )


class CountryRankSettings(Section):
    """The similarity of the models' answers with the people of every surveyed country."""

    least: float = Field(
        0.8, gt=0, le=1, description="Share of the probes that a country must have been asked, to be ranked."
    )


class SpecificationChoices(Section):
    """The choices of analysis under which own minus other country is estimated, in addition to arms and models."""

    readouts: tuple[Readout, ...] = distinct(
        "What decides between the options; those that the answers have.", default=READOUTS, min_length=1
    )
    orders: tuple[OptionOrder, ...] = distinct(
        "Option orders: both, averaged; pole A first only; pole B first only.",
        default=("both", "AB", "BA"),
        min_length=1,
    )
    cuts: tuple[Literal["bank", "middle"], ...] = distinct(
        "Cuts of answer scales: as in the bank; or with the code 5 of ten-point scales as neither pole.",
        default=("bank", "middle"),
        min_length=1,
    )
    kinds: tuple[ProbeKind, ...] = distinct(
        "Kinds of probes that are estimated alone, in addition to all probes together.", default=("value", "attitude")
    )


class CulturalMap(Section):
    """The Inglehart-Welzel cultural map."""

    items: str = Field("resources/map/items.csv", description="Items of the map, and the probes that ask them.")
    zones: str = Field("resources/map/zones.csv", description="Cultural zones of countries.")
    published: str = Field("resources/map/published.csv", description="Published coordinates of countries.")
    level: Literal["auto", "countries"] = Field(
        "auto",
        description=(
            "The units whose correlations make the axes: respondents where the survey has real ones (auto), or always "
            "countries."
        ),
    )
    least: int = Field(8, ge=3, description="Items that a map needs; with fewer it is skipped.")


class Scoring(Section):
    """How answers become estimates."""

    readouts: dict[Name, Readout] = Field(description="By frame, what decides between the options.")
    unanswered: Literal[tuple(COUNTS_AS)] = Field(  # type: ignore[valid-type]  # pydantic lists the values
        "half", description="How a cell without an answer counts in the agreement."
    )
    draws: int = Field(2000, ge=100, description="Bootstrap resamples.")
    level: float = Field(0.95, gt=0, lt=1, description="Coverage of intervals.")
    seed: int = Field(1, ge=0, description="Seed of the bootstrap and of the second samples.")
    second_samples: int = Field(
        200, ge=10, description="Second samples of a country's people, drawn for the ceiling of each metric."
    )
    resample: tuple[Chance, ...] = distinct(
        "What the intervals cover.", default=("batteries", "respondents", "seeds", "templates"), min_length=1
    )
    families: tuple[FamilyColumn, ...] = distinct(
        "Columns that name a family; p-values are corrected within it.", default=("measure", "scope")
    )
    measures: tuple[str, ...] = distinct(
        "Metrics with intervals and contrasts, in addition to agreement and alignment.", default=()
    )
    worth: int = Field(1000, ge=1, description="Respondents at which the search for worth stops.")
    readers: Readers | None = _nullable("Simple readers of the demonstrations; null for none.")
    country_ranks: CountryRankSettings | None = _nullable(
        "Rank all surveyed countries by their similarity with the models' answers; null does not."
    )
    alternatives: bool = Field(
        False,
        description=(
            "Whether contrasts are also estimated for each kind and category of probes, without forced choices, in "
            "discriminating cells, and with another cut of ten-point scales."
        ),
    )
    specifications: SpecificationChoices | None = _nullable(
        "Own minus other country under every choice of analysis; null for none."
    )
    map: CulturalMap | None = _nullable("The Inglehart-Welzel cultural map; null for none.")
    transfer: ContrastOfPair | None = _nullable(
        "An arm and its control with the answers of other countries, compared by source; null for none."
    )
    mixed: tuple[ContrastOfAny, ...] = Field(
        description="Which of the contrasts to cross-check by a mixed-effects model; [] for none."
    )
    primary: ContrastOfAny | None = _nullable(
        "The primary hypothesis: a contrast of agreement; null for that of figures.margin."
    )
    contrasts: tuple[ContrastOfAny, ...] = Field(
        description="More pairs of arms than those that follow from the arms; the second is subtracted from the first."
    )


# Figures


class LookOfArm(Section):
    """A look that the user gives an arm."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    colour: str | None = Field(
        None, pattern="^#[0-9a-f]{6}$", examples=["#0072b2"], description="Colour, hexadecimal in small letters."
    )
    marker: Literal["o", "s", "D", "^", "v", "P", "X", "<", ">", "*", "p", "h", "d", "8"] | None = Field(
        None, description="The marker, by matplotlib's sign."
    )
    open: bool | None = Field(None, description="Whether the marker is an outline.")


class CountryNames(Section):
    """The order and the names of countries in figures."""

    order: tuple[Country, ...] = distinct(
        "Countries that come first, in this order; the others follow by name.", default=()
    )
    names: dict[Country, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="By code, names that replace those of the language."
    )


class FigureStyle(Section):
    """The style of all figures."""

    width: FigureWidth = Field(6.8, description="Width of every figure, in inches.")
    height: float = Field(
        9.0,
        ge=2,
        le=100,
        description="Inches that no figure is higher than; what needs more is drawn in several files.",
    )
    formats: tuple[Literal["png", "pdf", "svg"], ...] = distinct(
        "Formats in which every figure is saved.", default=("png", "pdf", "svg"), min_length=1
    )
    font: str | None = Field(None, min_length=1, description="Font file that is tried before all others.")
    language: Language = Field("en", description="Language of all texts (ISO 639-1).")
    texts: str = Field(
        "resources/figures/{language}.yaml",
        description="The file of the texts; {language} stands for the language's code.",
        json_schema_extra={"pattern": "{language}"},
    )
    palette: dict[Name, LookOfArm] = Field(
        {}, description="By arm, a look that replaces the one that follows from the arm's settings."
    )
    countries: CountryNames = Field(
        default_factory=CountryNames, json_schema_extra={"default": {"order": [], "names": {}}}
    )


class FigureSettings(Section):
    """The settings of a figure."""

    width: FigureWidth | None = Field(None, description="Width in inches; figures.style.width if not given.")


class AgreementFigure(FigureSettings):
    """The figure agreement."""

    arms: Names | None = Field(None, description="The arms to draw; all if not given.")


class ContrastsFigure(FigureSettings):
    """The figure contrasts."""

    arms: Names | None = Field(None, description="The arms whose contrasts are drawn; all if not given.")


class MarginFigure(FigureSettings):
    """The figure margin."""

    contrast: ContrastOfPair = Field(description="The contrast to draw; one of scoring.contrasts.")


class CalibrationFigure(FigureSettings):
    """The figure calibration."""

    arms: Names = Field(description="The arms to draw.")


class MapFigure(FigureSettings):
    """The figure map."""

    arms: Names = Field(("chrf",), description="The arms to draw, one panel each.")


class LanguagesFigure(FigureSettings):
    """The figure languages."""

    arms: Names = Field(("chrf",), description="The arms of figures.selectors to draw; all if none of these is run.")


class Figures(Section):
    """The figures of a run."""

    style: FigureStyle = _section(FigureStyle)
    asked_in: Language = Field(
        "en",
        description=(
            "The language that figures across models show, and that other languages are compared with; the run's first "
            "language if it does not have this one."
        ),
    )
    selectors: Names = Field(
        ("random", "category", "chrf"), description="The arms whose gain over zero-shot the figures across models show."
    )
    agreement: AgreementFigure
    contrasts: ContrastsFigure = _section(ContrastsFigure)
    margin: MarginFigure
    calibration: CalibrationFigure
    transfer: FigureSettings = _section(FigureSettings)
    gains: FigureSettings = _section(FigureSettings)
    gains_by_country: FigureSettings = _section(FigureSettings)
    languages: LanguagesFigure = _section(LanguagesFigure)
    categories: FigureSettings = _section(FigureSettings)
    kinds: FigureSettings = _section(FigureSettings)
    margins: FigureSettings = _section(FigureSettings)
    country_ranks: FigureSettings = _section(FigureSettings)
    specifications: FigureSettings = _section(FigureSettings)
    map: MapFigure = _section(MapFigure)

    def width_of(self, figure: str | None) -> float:
        """The width of a figure in inches: its own if it has one, otherwise that of the style.

        Args:
            figure: its name; None or the name of a table for that of the style.
        """
        own: FigureSettings | None = getattr(self, figure or "", None)
        return own.width if own and own.width else self.style.width


class Config(Section):
    """The files config/config.yaml, surveys.yaml, languages.yaml, models.yaml and arms.yaml, merged."""

    surveys: dict[Name, Survey] = Field(min_length=1, description="The surveys, by name.")
    probes: Probes
    test_probes: TestProbes | None = _nullable(
        "Test probes from another survey than the demonstrations; null for those of run.survey."
    )
    demonstrations: SimilaritySettings
    prompts: PromptSettings
    run: RunSettings
    languages: dict[Language, Asked] = Field(min_length=1, description="By ISO 639-1 code.")
    arms: dict[Name, Arm] = Field(min_length=1, description="The treatments, by name.")
    models: dict[Name, Model] = Field(min_length=1, description="The language models, by name.")
    scoring: Scoring
    figures: Figures

    @property
    def survey(self) -> Survey:
        """The survey of the run: with test probes from another survey, that of the demonstrations."""
        return self.surveys[self.run.survey]

    @property
    def asked_models(self) -> list[Model]:
        """The models of the run, in its order."""
        return [self.models[name] for name in self.run.models]
