"""The files of a run, which follow from its config. `<run>` and `<shared>` are path variables of Snakemake."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import get_args

from selfalign.arms import Kind, Speech
from selfalign.config.arms import selectors_of
from selfalign.config.defaults import list_files
from selfalign.config.figures import FIGURES, TYPESET, WITH_CSV, numbers_of_figure
from selfalign.config.languages import frames_of, speech_of_run, words_file
from selfalign.config.outputs import Shown, asked_in, find_shown, kinds_of_models, own_languages
from selfalign.config.pages import name_pages
from selfalign.config.probe_files import ProbeFiles
from selfalign.config.sections import Config, TestProbes
from selfalign.config.style import texts_file
from selfalign.demonstrations.strategies import measure_of
from selfalign.errors import InputError
from selfalign.home import HOME, RESULTS, is_made, locate
from selfalign.runs import ANSWERS, CARD, DESIGN, RECORD, SCORES, SHARED, SURVEY, TABLE
from selfalign.survey.registry import FORMS

WORDS: tuple[Kind, ...] = get_args(Kind)
"""Kinds of words that the step design_prompts reads, each from a file for each language."""

_OPTIONAL = (
    *("contrasts", "verdicts", "contrasts_by_readout", "mixed", "readers", "transfer", "languages", "categories"),
    *("kinds", "country_ranks", "groups", "group_contrasts", "alternatives", "specifications", "map", "map_axes"),
)
"""Tables that not every run makes."""

_WITH = {
    **dict.fromkeys(["contrasts_by_readout", "verdicts"], "contrasts"),
    "map_axes": "map",
    "group_contrasts": "groups",
}
"""Tables that a run makes together with another one."""


@dataclass(frozen=True)
class Paths:
    """The files of a run: what it reads, what it makes, and what its report shows.

    Attributes:
        config: of the run.
        home: the workflow's own folder.
    """

    config: Config
    home: Path = HOME

    @property
    def run(self) -> str:
        """Folder of the run."""
        return f"results/{self.config.run.name}"

    @property
    def survey(self) -> str:
        """Folder of the run's survey."""
        return survey_folder(self.config.run.survey)

    @cached_property
    def speech(self) -> dict[str, Speech]:
        """The languages in which the arms of each language of the run speak."""
        return speech_of_run(self.config)

    @property
    def spoken(self) -> Speech:
        """The languages in which the run speaks, by kind of words."""
        return Speech.union(self.speech.values())

    @cached_property
    def probes(self) -> ProbeFiles:
        """The files of test probes and demonstrations."""
        return ProbeFiles(self.config, self.run, self.home)

    def shipped(self, path: str) -> str:
        """A file of the project: in the working folder, or in the workflow's own if only that folder has it."""
        return locate(path, self.home)

    # What the run reads

    @property
    def tests(self) -> TestProbes | None:
        """The settings of test probes from another survey than the demonstrations; None if both are of one survey."""
        return self.config.test_probes

    @property
    def all_poles(self) -> str:
        """What the people answer to all of these probes."""
        return "<run>/people/joined.parquet" if self.tests else "<run>/people/poles.parquet"

    @property
    def opinions(self) -> str:
        """Folder of the survey of the test probes, which may be the run's survey."""
        return survey_folder(self.tests.survey) if self.tests else self.survey

    @property
    def tested_distributions(self) -> str:
        """The people's answers to the questions of the test probes."""
        return f"{self.run}/people/tested.parquet" if self.tests else self.distributions

    @property
    def tested_responses(self) -> list[str]:
        """The respondents who answered the questions of the test probes, where the survey has them."""
        return [] if self.tests else self.responses

    def words(self, kind: Kind, language: str) -> list[str]:
        """The files of a kind in the languages in which the arms of a language speak.

        Args:
            kind: of file. Questions and labels have no files if no frame asks with whole scales.
            language: of the run.
        """
        languages = self.speech[language].of(kind)
        if kind == "texts":
            return [self.probes.texts(one) for one in languages]
        if kind in ("questions", "labels"):
            spoken = languages if self.asks_on_scales else ()
            return [self.questionnaire(self.config.run.survey, kind, one) for one in spoken]
        return [words_file(self.config, kind, one) for one in languages]

    def questionnaire(self, survey: str, kind: str, language: str | None = None) -> str:
        """A file of a survey's questionnaire: made from its file of questions, or shipped.

        Args:
            survey: its name.
            kind: scales, questions or labels.
            language: of questions or labels.
        """
        if self.config.surveys[survey].form == "table":
            return f"{survey_folder(survey)}/questionnaire/{kind}.csv"
        return self.shipped(str(Path("resources/survey", kind, language or "").with_suffix(".csv")))

    @property
    def answer_scales(self) -> str:
        """The answer scales of the run's survey."""
        return self.questionnaire(self.config.run.survey, "scales")

    @cached_property
    def asks_on_scales(self) -> bool:
        """Whether a frame of the run asks with the whole answer scale."""
        return bool(frames_of(self.config, "scale"))

    @cached_property
    def partly_read(self) -> set[str]:
        """The bank and its wordings: only the rows of some probes count."""
        return {self.probes.bank, *(self.probes.bank_texts(one) for one in self.spoken.texts)}

    @cached_property
    def wordings(self) -> list[str]:
        """Files of the words of all prompts of the run, sorted."""
        files = {self.answer_scales} if self.asks_on_scales else set()
        for language in self.config.run.languages:
            files |= {self.probes.bank_texts(one) for one in self.speech[language].texts}
            files |= {file for kind in WORDS for file in self.words(kind, language)}
        return sorted(files)

    @cached_property
    def inputs(self) -> list[str]:
        """Files that the run reads and does not make, sorted; without models, whose cards have their digests."""
        config = self.config
        surveys = [config.run.survey, *([self.tests.survey] if self.tests else [])]
        shipped = [f"resources/survey/{name}" for name in FORMS[config.survey.form].questionnaire]
        shipped += ["resources/survey/opinions.csv"] if self.tests else []
        shipped.append("notebooks/explore.ipynb")
        if config.probes.arora is not None:
            shipped += [f"resources/probes/{name}.csv" for name in ("probes", "arora", "arora_repairs")]
        shipped += [self.crosswalk] if self.has_groups and self.crosswalk else []
        files = [
            self.probes.bank,
            *self.probes.bank_version,
            *self.wordings,
            *list_files(config.model_dump(warnings=False), surveys),
            texts_file(config.figures.style),
        ]
        files += map(self.shipped, shipped)
        if config.probes.kinds or {"alternatives", "specifications"} & self.shown.outputs:
            files += self.probes.kinds
        return sorted({file for file in files if not is_made(file)})

    # What the run makes

    def each(
        self, pattern: str, models: Iterable[str] | None = None, languages: Iterable[str] | None = None
    ) -> list[str]:
        """A file for each model and language.

        Args:
            pattern: with the field {language}, and {model} if each model has a file.
            models: those of the run if not given.
            languages: those of the run if not given.
        """
        run = self.config.run
        models = run.models if models is None else models
        languages = run.languages if languages is None else languages
        if "{model}" not in pattern:
            models = [""]
        return [pattern.format(model=model, language=language) for model, language in product(models, languages)]

    @property
    def designs(self) -> list[str]:
        """The designs of all languages."""
        return self.each(f"<run>/{DESIGN}")

    @property
    def answers(self) -> list[str]:
        """The answers of all models in all languages."""
        return self.each(f"<run>/{ANSWERS}")

    def scores(self, models: Iterable[str] | None = None, languages: Iterable[str] | None = None) -> list[str]:
        """The scores of models in languages, all if not given."""
        return self.each(f"<run>/{SCORES}", models, languages)

    @property
    def scores_asked_in(self) -> list[str]:
        """Scores in the language that figures across models show."""
        return self.scores(languages=[asked_in(self.config)])

    @property
    def scores_of_countries(self) -> list[str]:
        """Scores in the language that figures across models show, and in the countries' own languages."""
        return self.scores(languages=self._compared)

    @property
    def scores_of_kinds(self) -> list[str]:
        """The files of `scores_of_countries`, of the models that have a kind."""
        kinds = kinds_of_models(self.config)
        return self.scores(kinds, self._compared)

    @property
    def _compared(self) -> list[str]:
        return [asked_in(self.config), *sorted(set(own_languages(self.config).values()))]

    @property
    def spread(self) -> list[str]:
        """The people's answers on whole scales, where a frame asks with them."""
        return [f"{self.run}/people/scales.parquet"] if self.asks_on_scales else []

    @property
    def scale_scores(self) -> list[str]:
        """The models' distributions over whole scales, where a frame asks with them."""
        return self.each("<run>/scales/{model}/{language}.parquet") if self.asks_on_scales else []

    @property
    def responses(self) -> list[str]:
        """The survey's respondents, where it has them."""
        return [f"{self.survey}/responses.parquet"] if self.config.survey.has_respondents else []

    @property
    def has_groups(self) -> bool:
        """Whether the run asks about groups of each country's people."""
        return self.config.run.groups is not None

    @property
    def distributions(self) -> str:
        """The people's answers: those of countries, and of their groups if the run asks about groups."""
        return f"{self.run}/people/distributions.parquet" if self.has_groups else f"{self.survey}/distributions.parquet"

    @property
    def members(self) -> list[str]:
        """Who is in which group, where the run asks about groups."""
        return [f"{self.run}/people/members.parquet"] if self.has_groups else []

    @property
    def crosswalk(self) -> str:
        """The file that says which values make which group of the run's survey; empty if there is none."""
        file = self.config.survey.groups_file
        return self.shipped(file) if file else ""

    @property
    def map_responses(self) -> list[str]:
        """The respondents whose answers make the axes of the cultural map; none where the countries' do."""
        of_map = self.config.scoring.map
        by_people = of_map is not None and of_map.level == "auto" and self.config.survey.has_real_respondents
        return self.responses if by_people else []

    @property
    def survey_tables(self) -> list[str]:
        """Tables of the questions and samples of a survey with respondents, and of groups if the run has them."""
        names = ("dictionary", "quality") if self.config.survey.has_respondents else ()
        groups = [f"{self.run}/people/groups.csv", f"{self.survey}/groups.csv"] if self.has_groups else []
        return [*(f"{self.survey}/{name}.csv" for name in names), *groups]

    @property
    def tables_by_model(self) -> list[str]:
        """Tables of each model and language: of readouts, replies, whole scales, stated shares and demonstrations."""
        models = [name for name in self.config.run.models if self.config.models[name].gives_replies]
        asks_shares = frames_of(self.config, "share")
        return [
            *self.each("<run>/tables/readouts/{model}/{language}.csv"),
            *self.each("<run>/tables/replies/{model}/{language}.csv", models),
            *self.scale_scores,
            *(self.each("<run>/tables/stated/{model}/{language}.csv") if asks_shares else []),
            *self.each("<run>/tables/demonstrations/{language}.csv"),
        ]

    @property
    def intermediate(self) -> list[str]:
        """A file of each step between the inputs and the results, without the weights of the models, sorted.

        The rule `all` asks for them. Otherwise Snakemake would not make a file again that a failed or killed job has
        deleted, if the results of an earlier run are there: it would say "Nothing to be done".
        """
        survey = self.config.survey
        files = [f"{self.survey}/distributions.parquet", *self.responses, *self.wordings, self.probes.bank, survey.file]
        files += [f"{self.survey}/simulated.csv"] if survey.form == "counts" else []
        files.append(f"{self.run}/probes/selected.csv")
        if self.tests:
            files += [f"{self.opinions}/distributions.parquet", self.config.surveys[self.tests.survey].file]
            files += [self.probes.test_table, f"{self.run}/probes/draft.csv", *self.probes.chosen.values()]
            files += [self.probes.all, self.all_poles, self.tested_distributions]
        files += [f"{self.run}/people/{name}.parquet" for name in ("poles", "replicates")]
        files += self.spread
        files += [self.distributions, *self.members, f"{self.survey}/groups.parquet"] if self.has_groups else []
        for language in self.config.run.languages:
            for strategy in selectors_of(self.config, language):
                files.append(f"{self.run}/demonstrations/{language}/{strategy}.parquet")
                files.append(f"{self.run}/similarity/{language}/{measure_of(strategy)}.parquet")
        files += self.designs + self.answers + self.scores()
        local = [model for model in self.config.run.models if self.config.models[model].endpoint is None]
        files += [f"results/{SHARED}/{CARD.format(model=model)}" for model in local]
        return sorted({file for file in map(str, files) if file.startswith((RESULTS, "<run>/", "<shared>/"))})

    # What the run shows

    @cached_property
    def shown(self) -> Shown:
        """The outputs that the run makes of those that may be empty."""
        return find_shown(self.config)

    @property
    def tables(self) -> list[str]:
        """The run's tables, except those that would be empty."""
        shown = self.shown.outputs
        names = ["agreement", "worth", "metrics", *(one for one in _OPTIONAL if _WITH.get(one, one) in shown)]
        return [f"<run>/{TABLE.format(name=name)}" for name in names]

    def refuse_skipped(self, files: Iterable[str]) -> None:
        """Refuse to make tables and figures, asked for by name, that this run does not have.

        Raises:
            InputError: names the first of them, and the reason.
        """
        for file in map(Path, files):
            name = _WITH.get(file.stem, file.stem)
            known = file.parent.name in ("tables", "figures", "latex") and name in {*self.shown.skipped, *_OPTIONAL}
            if known and name not in self.shown.outputs:
                off = f"{'run' if name == 'groups' else 'scoring'}.{name} is off"
                problem = f"this run does not make it: {self.shown.skipped.get(name, off)}"
                raise InputError(file, problem, "Change the settings, or do not ask for this file")

    @property
    def results(self) -> list[str]:
        """The files that the rule `all` asks for, except the manifest, which lists them."""
        return [
            *self.tables,
            *self.tables_by_model,
            *self.figures,
            *self.figure_tables,
            *self.latex,
            *self.survey_tables,
            *self.intermediate,
            "<run>/audit/hardest_probes.csv",
            "<run>/people/bank.json",
            f"<run>/{RECORD}",
        ]

    def figure(self, name: str) -> list[str]:
        """All files of a figure: a file per page and format."""
        pages = name_pages(self.config, name)
        return [f"<run>/figures/{page}.{form}" for page in pages for form in self.formats]

    @property
    def formats(self) -> list[str]:
        """Formats of figures."""
        return list(self.config.figures.style.formats)

    @property
    def figures(self) -> list[str]:
        """All files of all figures."""
        return [path for name in sorted(self.shown.outputs & FIGURES.keys()) for path in self.figure(name)]

    @property
    def figure_tables(self) -> list[str]:
        """The numbers of the figures that have a table of them."""
        return [f"<run>/figures/{name}.csv" for name in WITH_CSV if name in self.shown.outputs]

    @property
    def typeset(self) -> dict[str, str]:
        """The tables that are written as LaTeX, by name."""
        made = [name for name in TYPESET if name in self.shown.outputs]
        return {name: f"<run>/{numbers_of_figure(name)}" for name in made}

    @property
    def latex(self) -> list[str]:
        """The tables as LaTeX."""
        return [f"<run>/tables/latex/{name}.tex" for name in self.typeset]


def survey_folder(survey: str) -> str:
    """Folder of a survey, by its name."""
    return f"results/{SHARED}/{SURVEY.format(survey=survey)}"
