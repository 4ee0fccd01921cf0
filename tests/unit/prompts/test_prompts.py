"""The prompts stage: what is shown, to whom it belongs, and that every cell finds its prompt."""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from bank import BANK, BANK_FILE, bank_texts
from nonempty import some
from places import ROOT
from selfalign.arms import Arm
from selfalign.demonstrations.measure_similarity import chrf_similarity, list_pairs
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.errors import InputError
from selfalign.probes.map_poles import map_poles
from selfalign.probes.map_scales import spread_people
from selfalign.probes.scales import read_scales
from selfalign.probes.selection import select_probes
from selfalign.prompts import design_prompts
from selfalign.prompts.design_prompts import Experiment
from selfalign.prompts.frames import Frame, Item, read_frame
from selfalign.prompts.schemas import CONTENT, Design, Prompts
from selfalign.prompts.sources import Surveyed, answer_otherwise
from selfalign.prompts.wording import (
    DesignLanguages,
    WordingFiles,
    read_countries,
    read_neutral,
    read_personas,
    read_wording,
)
from selfalign.survey.weigh_answers import weigh

RESOURCES = ROOT / "resources"
COUNTRIES = ["BOL", "CHN", "DEU"]  # China was not asked four of the questions
NAMES = {"BOL": "Bolivia", "CHN": "China", "DEU": "Germany"}
SHOTS = 3


def arm(strategy: str = "chrf", answers: str = "own", **settings: object) -> dict[str, object]:
    defaults = {"shots": SHOTS, "strategy": strategy, "answers": answers, "seeds": [1, 2], "exclude": ["siblings"]}
    return {**defaults, **settings}


ARMS = {
    "zero": {"shots": 0},
    "own": arm(),
    "other": arm(answers="other"),
    "inverted": arm(answers="inverted"),
    "random": arm("random"),
    "category": arm("category"),
    "far": arm(exclude=["siblings", "battery"]),
    "foreign": arm(exclude=["category"]),
    "nearest": arm(answers="nearest"),
    "farthest": arm(answers="farthest"),
    "world": arm(answers="world"),
    "shuffled": arm(answers="shuffled"),
    "neutral": {"shots": SHOTS, "answers": "neutral", "seeds": [1, 2]},
    "persona": {"shots": 0, "persona": "asked"},
    "persona_own": arm(persona="asked"),
    "persona_spoken": {"shots": 0, "persona": "own"},
    "german": arm(shown_in="de"),
    "spoken": arm(shown_in="own"),
    "some": arm(countries=["DEU", "RUS"]),
}


USED = """
Q4 Q6 Q8 Q22 Q29 Q37 Q41 Q57a Q57b Q60 Q62 Q64 Q66 Q71 Q94 Q112 Q113 Q114 Q116 Q118 Q119 Q120 Q121 Q123 Q124
Q125 Q128 Q129 Q130 Q131 Q140 Q142 Q146 Q149 Q150 Q151 Q164 Q165 Q167 Q169 Q171 Q174 Q175 Q176 Q182 Q185 Q190
Q195 Q197 Q198 Q199 Q201 Q207 Q209 Q216 Q218 Q221 Q227 Q235 Q236 Q245 Q247 Q252 Q253 Q258
"""


@pytest.fixture(scope="module")
def some_bank() -> pd.DataFrame:
    """65 probes from all over the bank. The default has too few of a battery for some arms below."""
    return select_probes(BANK, {"only": USED.split()}, RESOURCES)


@pytest.fixture(scope="module")
def some_texts(some_bank: pd.DataFrame) -> pd.DataFrame:
    return bank_texts().loc[some_bank["probe"]]


@pytest.fixture(scope="module")
def rankings(some_bank: pd.DataFrame, some_texts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    pairs = pair_probes(some_bank, list_pairs(chrf_similarity(some_texts)))
    return {strategy: rank(pairs, strategy, [1, 2]) for strategy in ("random", "category", "chrf")}


@pytest.fixture(scope="module")
def poles(some_bank: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    return map_poles(weigh(counts.assign(n=1, weight=counts["count"], weight_squared=counts["count"])), some_bank)


@pytest.fixture(scope="module")
def spread(some_bank: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """How the same people spread over whole scales."""
    answers = weigh(counts.assign(n=1, weight=counts["count"], weight_squared=counts["count"]))
    return spread_people(answers, read_scales(RESOURCES / "survey" / "scales.csv", some_bank))


@pytest.fixture(scope="module")
def letters() -> Frame:
    return read_frame(RESOURCES / "templates" / "en.yaml", "letters")


@pytest.fixture(scope="module")
def languages(some_bank: pd.DataFrame, letters: Frame) -> DesignLanguages:
    """English, and the languages of the three countries."""
    wordings = {}
    for code in ("en", "de", "es", "zh"):
        survey, file = RESOURCES / "survey", f"{code}.csv"
        files = WordingFiles(
            RESOURCES / "templates" / f"{code}.yaml",
            RESOURCES / "probes" / "texts" / file,
            RESOURCES / "neutral" / file,
            survey / "scales.csv",
            survey / "questions" / file,
            survey / "labels" / file,
        )
        words = read_wording(files, ["letters", "scale"], BANK)
        kinds = {kind: getattr(words, kind) for kind in ("probes", "scales")}
        asked = {kind: {probe: texts[probe] for probe in some_bank["probe"]} for kind, texts in kinds.items()}
        wordings[code] = replace(words, **asked)
    personas = {code: read_personas(RESOURCES / "personas" / f"{code}.csv") for code in wordings}
    return DesignLanguages("en", wordings, read_countries(RESOURCES / "countries.csv"), personas)


@pytest.fixture(scope="module")
def write(
    languages: DesignLanguages,
    poles: pd.DataFrame,
    spread: pd.DataFrame,
    some_bank: pd.DataFrame,
    rankings: dict[str, pd.DataFrame],
    letters: Frame,
):
    """A function that lays arms out for some countries, and checks both tables."""

    def lay(
        arms: dict,
        countries: list[str] = COUNTRIES,
        people: pd.DataFrame = poles,
        frames: tuple = (letters,),
        spread: pd.DataFrame = spread,
        premises: bool = True,
        **changed: object,
    ):
        asked = replace(languages.words, frames={frame.name: frame for frame in frames})
        spoken = replace(languages, wordings={**languages.wordings, "en": asked}, **changed)
        everyone = Surveyed(people, spread, some_bank)
        read = Arm.read_all(arms)
        design, prompts = Experiment(read, countries, everyone, rankings, spoken, premises).lay_out()
        prompts = Prompts.validate(prompts)
        return Design.validate(design), prompts.assign(user=[as_bare_text(row) for row in prompts.itertuples()])

    return lay


def as_bare_text(row: tuple) -> str:
    """Demonstrations and question of a prompt, one below the other."""
    shown = [f"{question}\n{row.cue} {answer}" for question, answer in json.loads(row.shown)]
    return "\n\n".join([*shown, f"{row.asked}\n{row.cue}"])


@pytest.fixture(scope="module")
def cells(write) -> pd.DataFrame:
    """Every cell in each order, beside its prompt; `pairs` are its demonstrations, probe and answer."""
    design, prompts = write(ARMS)
    table = design.merge(prompts, on="prompt", validate="many_to_one")
    return table.assign(pairs=[[tuple(one.split("=")) for one in line.split()] for line in table["demonstrations"]])


@pytest.mark.slow
def test_text_is_written_once_for_all_countries_that_share_it(
    languages: DesignLanguages,
    poles: pd.DataFrame,
    rankings: dict[str, pd.DataFrame],
    some_bank: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written, write = [], design_prompts._write_prompts
    counted = lambda cells, questions: written.append(len(cells)) or write(cells, questions)  # noqa: E731
    monkeypatch.setattr(design_prompts, "_write_prompts", counted)
    countries = ["BOL", "CHN", "DEU", "MEX"]
    words = replace(languages.words, frames={"letters": languages.words.frames["letters"]})
    spoken = replace(languages, wordings={**languages.wordings, "en": words})
    arms = Arm.read_all({"other": ARMS["other"]})
    parts, prompts = Experiment(arms, countries, Surveyed(poles, None, some_bank), rankings, spoken).lay_out_arms()
    (cells,) = parts
    assert len(cells) > 2.8 * 2 * sum(written)  # each source is shown to three countries, in both orders
    assert set(cells["prompt"]) == set(prompts.loc[prompts["premise"] != "", "prompt"])


@pytest.fixture(scope="module")
def majority(poles: pd.DataFrame) -> dict[tuple[str, str], str]:
    return poles.set_index(["country", "probe"])["majority"].to_dict()


def shows_probes(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells whose demonstrations are probes, in the language of the test probe."""
    arms = [name for name, one in ARMS.items() if one["shots"] and "strategy" in one and "shown_in" not in one]
    return cells[cells["arm"].isin(arms)]


def select(cells: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    for column, value in wanted.items():
        cells = cells[cells[column] == value]
    return cells


# The text


def test_real_prompt_reads_as_it_should(cells: pd.DataFrame) -> None:
    asked = select(cells, arm="own", country="DEU", probe="Q64").set_index("order")
    assert asked.loc["AB", "demonstrations"] == "Q66=B Q71=A Q6=A"
    # Of the Germans who answered, 944 of 1,498 lack confidence in the press, 809 of 1,484 in their government, and
    # religion is not important to 934 of 1,522.
    user = """The press ___ my confidence.
A: lacks
B: has
Answer: A

My country's government ___ my confidence.
A: lacks
B: has
Answer: A

Religion plays a ___ part in my life.
A: small
B: big
Answer: A

Religious institutions ___ my confidence.
A: have
B: lack
Answer:"""
    assert asked.loc["AB", "user"] == user
    assert asked.loc["AB", "system"] == "Fill in the blank the way you see it. Answer with A or B only."
    assert list(asked.loc["AB", ["options", "labels"]]) == ['["have", "lack"]', '["A", "B"]']


def test_real_prompt_with_the_options_words_reads_as_it_should(write) -> None:
    words = read_frame(RESOURCES / "templates" / "en.yaml", "words")
    design, prompts = write({"own": ARMS["own"]}, ["DEU"], frames=(words,))
    asked = design.merge(prompts, on="prompt").set_index(["probe", "order"])
    demonstrations = """The press ___ my confidence. (lacks / has)
Answer: lacks

My country's government ___ my confidence. (lacks / has)
Answer: lacks

Religion plays a ___ part in my life. (small / big)
Answer: small

Religious institutions ___ my confidence. """
    assert asked.loc[("Q64", "AB"), "user"] == f"{demonstrations}(have / lack)\nAnswer:"
    assert asked.loc[("Q64", "BA"), "user"] == f"{demonstrations}(lack / have)\nAnswer:"
    assert list(asked.loc[("Q64", "AB"), ["options", "labels"]]) == ['["have", "lack"]', "[]"]
    assert list(asked.loc[("Q64", "BA"), ["options", "labels"]]) == ['["lack", "have"]', "[]"]
    instruction = "Fill in the blank the way you see it. Answer with one of the two options only."
    assert set(prompts["system"]) == {instruction}


@pytest.mark.slow
@pytest.mark.parametrize("frame", ["words", "letters", "numbers", "words_short", "words_opinion", "scale", "stated"])
def test_premise_is_the_prompt_with_a_blank_as_its_statement(frame: str, languages: DesignLanguages, write) -> None:
    template = read_frame(RESOURCES / "templates" / "en.yaml", frame)
    design, prompts = write({name: ARMS[name] for name in ("zero", "own", "persona_own")}, ["DEU"], frames=(template,))
    premises = prompts[prompts["premise"] == ""].set_index("prompt")
    table = design.merge(prompts, on="prompt")
    assert set(table["premise"]) == set(premises.index)
    same = ["system", "shown", "cue", "options"]
    if frame != "scale":  # two probes of one question are the same demonstration there, under either name
        same.append("demonstrations")
    pd.testing.assert_frame_equal(premises.loc[table["premise"], same].reset_index(drop=True), table[same])
    items = languages.words.scales if frame == "scale" else languages.words.probes
    statements = table["probe"].map({probe: item.statement for probe, item in items.items()})
    blank = [asked.replace(said, "___") for asked, said in zip(table["asked"], statements, strict=True)]
    assert list(premises.loc[table["premise"], "asked"]) == blank
    assert set(premises["labels"]) == {"[]"}


@pytest.mark.slow
def test_real_premise_reads_as_it_should(cells: pd.DataFrame, write) -> None:
    _, prompts = write(ARMS)
    asked = select(cells, arm="own", country="DEU", probe="Q64", order="AB").iloc[0]
    premise = prompts.set_index("prompt").loc[asked["premise"]]
    shown, question = asked["user"].rsplit("\n\n", 1)
    assert question == "Religious institutions ___ my confidence.\nA: have\nB: lack\nAnswer:"
    assert premise["user"] == f"{shown}\n\n___\nA: have\nB: lack\nAnswer:"


def test_prompts_that_differ_in_the_statement_only_share_a_premise(cells: pd.DataFrame) -> None:
    zero = select(cells, arm="zero").drop_duplicates(["probe", "order"])
    assert (zero.groupby("options")["premise"].nunique() == 1).all()
    assert zero["premise"].nunique() == zero["options"].nunique() < zero["prompt"].nunique()


@pytest.mark.parametrize("path", sorted((RESOURCES / "templates").glob("*.yaml")), ids=lambda path: path.stem)
def test_question_of_a_premise_is_a_blank_and_the_options_in_every_language_and_frame(path: Path) -> None:
    for name in some(yaml.safe_load(path.read_text(encoding="utf-8"))):
        frame = read_frame(path, name)
        item = Item("Is this said?", ("A", "B"), ("one", "two"), ("one", "two"))
        for order in ("AB", "BA"):
            question = frame.ask_nothing(item.turned(order))
            assert question.startswith("___") and "said" not in question, name
            assert frame.ask(item.turned(order)) == question.replace("___", item.statement)


@pytest.mark.slow
def test_prompts_without_premises_are_the_same_otherwise(write) -> None:
    design, prompts = write({"own": ARMS["own"]}, ["DEU"])
    same, fewer = write({"own": ARMS["own"]}, ["DEU"], premises=False)
    pd.testing.assert_frame_equal(same, design)
    pd.testing.assert_frame_equal(fewer, prompts[prompts["premise"] != ""])


@pytest.mark.slow
def test_frame_changes_the_words_of_a_prompt_and_not_what_is_shown(write, letters: Frame) -> None:
    words = read_frame(RESOURCES / "templates" / "en.yaml", "words")
    design, prompts = write({"own": ARMS["own"], "random": ARMS["random"]}, ["DEU"], frames=(letters, words))
    table = design.merge(prompts, on="prompt")
    key = ["arm", "probe", "seed", "order"]
    assert (table.groupby(key)["demonstrations"].nunique() == 1).all()
    both = table.pivot(index=key, columns="template", values="user")
    for lettered, worded in some(both[["letters", "words"]]).itertuples(index=False):
        for one, other in zip(lettered.split("\n\n"), worded.split("\n\n"), strict=True):
            statement, first, second, answer = one.split("\n")
            options = {"A": first[3:], "B": second[3:]}
            chosen = options.get(answer.removeprefix("Answer:").strip(), "")
            assert other == f"{statement} ({options['A']} / {options['B']})\nAnswer: {chosen}".strip()


def test_zero_shot_prompt_is_the_question_alone(cells: pd.DataFrame) -> None:
    asked = select(cells, arm="zero", country="BOL", probe="Q4").set_index("order")
    assert asked.loc["AB", "user"] == "To me, politics means ___.\nA: little\nB: a lot\nAnswer:"
    assert asked.loc["BA", "user"] == "To me, politics means ___.\nA: a lot\nB: little\nAnswer:"


def test_two_orders_of_a_cell_differ_in_the_two_option_lines_only(cells: pd.DataFrame) -> None:
    orders = cells.pivot(index=["arm", "country", "probe", "source", "seed"], columns="order", values="user")
    for one, other in some(orders).itertuples(index=False):
        first, second = one.split("\n"), other.split("\n")
        assert first[:-3] + first[-1:] == second[:-3] + second[-1:]
        options = [[line[3:] for line in lines[-3:-1]] for lines in (first, second)]
        assert options[0] == options[1][::-1] and options[0][0] != options[0][1]
        assert [line[:3] for line in first[-3:-1]] == [line[:3] for line in second[-3:-1]] == ["A: ", "B: "]


@pytest.mark.slow
def test_order_ab_shows_pole_a_first(cells: pd.DataFrame, some_texts: pd.DataFrame) -> None:
    for row in some(cells).itertuples():
        first = some_texts.loc[row.probe, "option_a" if row.order == "AB" else "option_b"]
        assert row.user.split("\n")[-3] == f"A: {first}"


@pytest.mark.slow
def test_answer_shown_in_a_demonstration_is_the_pole_on_record(cells: pd.DataFrame, some_texts: pd.DataFrame) -> None:
    for row in some(shows_probes(cells).drop_duplicates("prompt")).itertuples():
        blocks = row.user.split("\n\n")[:-1]
        assert len(blocks) == len(row.pairs)
        for block, (candidate, answer) in zip(blocks, some(row.pairs), strict=True):
            statement, first, second, answered = block.split("\n")
            chosen = {"A": first, "B": second}[answered.removeprefix("Answer: ")]
            assert statement == some_texts.loc[candidate, "statement"]
            assert chosen[3:] == some_texts.loc[candidate, f"option_{answer.lower()}"]


@pytest.mark.slow
def test_demonstrations_favour_neither_order(cells: pd.DataFrame, some_texts: pd.DataFrame) -> None:
    seen = {}
    for row in shows_probes(cells).itertuples():
        for block, (candidate, _) in zip(row.user.split("\n\n")[:-1], row.pairs, strict=True):
            pole_a_first = block.split("\n")[1] == f"A: {some_texts.loc[candidate, 'option_a']}"
            assert seen.setdefault((row.probe, candidate), pole_a_first) == pole_a_first  # whoever answers
    assert len(seen) > 500
    assert 0.45 < sum(seen.values()) / len(seen) < 0.55


# Whose answers


def test_own_demonstrations_carry_the_majority_of_the_country_itself(
    cells: pd.DataFrame, majority: dict[tuple[str, str], str]
) -> None:
    for row in some(cells[cells["arm"].isin(["own", "random", "category", "far", "foreign"])]).itertuples():
        assert row.source == row.country
        assert all(majority[row.country, candidate] == answer for candidate, answer in some(row.pairs))


def test_other_shows_each_other_country_as_that_country_shows_itself(cells: pd.DataFrame, write) -> None:
    own, other = select(cells, arm="own"), select(cells, arm="other")
    sources = other.groupby("country")["source"].agg(set)
    assert sources.to_dict() == {country: set(COUNTRIES) - {country} for country in COUNTRIES}
    shown = own.set_index(["country", "probe", "order"])["prompt"]
    compared = 0
    for row in other.itertuples():
        if (row.source, row.probe, row.order) in shown.index:
            assert row.prompt == shown[row.source, row.probe, row.order]
            compared += 1
    assert len(other) - compared == 2 * 2 * 4  # two countries and orders, and what China was not asked
    asked_everywhere = set.intersection(*own.groupby("country")["probe"].agg(set))
    sets = [set(table.loc[table["probe"].isin(asked_everywhere), "prompt"]) for table in (own, other)]
    assert sets[0] == sets[1]


def test_inverted_turns_each_answer_and_nothing_else(cells: pd.DataFrame) -> None:
    key = ["country", "probe", "order"]
    both = select(cells, arm="own").merge(select(cells, arm="inverted"), on=key, suffixes=("", "_inverted"))
    assert len(both) == len(select(cells, arm="own"))
    turned = {"A": "B", "B": "A"}
    for row in both.itertuples():
        assert [(candidate, turned[answer]) for candidate, answer in row.pairs] == row.pairs_inverted
        lines, inverted = row.user.split("\n"), row.user_inverted.split("\n")
        for line, other in zip(lines, inverted, strict=True):
            if line.startswith("Answer: "):
                assert other == f"Answer: {turned[line[-1]]}"
            else:
                assert other == line


def test_zero_shot_prompt_is_shared_by_all_countries(cells: pd.DataFrame) -> None:
    zero = select(cells, arm="zero")
    assert (zero.groupby(["probe", "order"])["prompt"].nunique() == 1).all()
    assert set(zero.loc[zero["probe"] == "Q4", "country"]) == set(COUNTRIES)
    assert set(zero["source"]) == {""} and set(zero["seed"]) == {0}


def test_nearest_and_farthest_are_the_two_ends_of_the_distances(cells: pd.DataFrame, poles: pd.DataFrame) -> None:
    shares = poles.pivot(index="country", columns="probe", values="share_a")
    for country in COUNTRIES:
        gaps = {other: (shares.loc[other] - shares.loc[country]).abs().mean() for other in shares.index.drop(country)}
        assert set(select(cells, arm="nearest", country=country)["source"]) == {min(gaps, key=gaps.get)}
        assert set(select(cells, arm="farthest", country=country)["source"]) == {max(gaps, key=gaps.get)}


def test_world_answers_with_the_mean_of_all_countries_shares(cells: pd.DataFrame, poles: pd.DataFrame) -> None:
    means = poles.groupby("probe")["share_a"].mean()
    asked = select(cells, arm="world")
    assert set(asked["source"]) == {"world"}
    assert all(answer == ("A" if means[candidate] > 0.5 else "B") for row in asked.pairs for candidate, answer in row)
    assert (asked.groupby(["probe", "order"])["prompt"].nunique() == 1).all()  # whoever is compared


def test_shuffled_deals_the_own_answers_to_other_probes(
    cells: pd.DataFrame, majority: dict[tuple[str, str], str]
) -> None:
    key = ["country", "probe", "order"]
    own = select(cells, arm="own").set_index(key)["pairs"]
    for seed in (1, 2):
        dealt = select(cells, arm="shuffled", seed=seed).set_index(key)["pairs"]
        assert [[c for c, _ in pairs] for pairs in dealt] == [[c for c, _ in own[cell]] for cell in dealt.index]
        for country in COUNTRIES:
            given = {candidate: answer for pairs in dealt.xs(country) for candidate, answer in pairs}
            true = [answer == majority[country, candidate] for candidate, answer in given.items()]
            assert 0.3 < sum(true) / len(true) < 0.7, "as often true as by chance"
    one, other = (select(cells, arm="shuffled", seed=seed)["demonstrations"].tolist() for seed in (1, 2))
    assert one != other


@pytest.mark.slow
def test_shuffled_keeps_how_many_are_of_each_pole(poles: pd.DataFrame, languages: DesignLanguages) -> None:
    answers = Surveyed(poles).majority
    every = answers.assign(probe="any", seed=0)[["source", "probe", "seed", "candidate", "answer"]]
    dealt = answer_otherwise(every, Arm.read(arm(answers="shuffled"), "shuffled"), answers, languages.words.probes)
    counts = dealt.groupby(["source", "seed"])["answer"].value_counts().unstack()
    for seed in (1, 2):
        pd.testing.assert_frame_equal(
            counts.xs(seed, level="seed"), every.groupby("source")["answer"].value_counts().unstack(), check_dtype=False
        )


@pytest.mark.slow
def test_neutral_demonstrations_are_right_and_about_no_probe(cells: pd.DataFrame) -> None:
    items = read_neutral(RESOURCES / "neutral" / "en.csv").set_index("item")
    asked = select(cells, arm="neutral")
    assert set(asked["source"]) == {""} and set(asked["seed"]) == {1, 2}
    for row in asked.itertuples():
        assert len({item for item, _ in row.pairs}) == SHOTS
        for (item, answer), block in zip(row.pairs, row.user.split("\n\n"), strict=False):
            statement, first, second, answered = block.split("\n")
            assert answer == items.loc[item, "answer"] and statement == items.loc[item, "statement"]
            chosen = {"A": first, "B": second}[answered.removeprefix("Answer: ")]
            assert chosen[3:] == items.loc[item, f"option_{answer.lower()}"]
    assert (asked.groupby(["probe", "seed", "order"])["prompt"].nunique() == 1).all()


def test_neutral_demonstrations_may_be_in_a_language_that_alone_has_them(
    languages: DesignLanguages, poles: pd.DataFrame
) -> None:
    english = replace(languages.words, neutral={}, right={}, frames={"letters": languages.words.frames["letters"]})
    spoken = replace(languages, wordings={**languages.wordings, "en": english})
    arms = Arm.read_all({"neutral": {**ARMS["neutral"], "shown_in": "de"}})
    _, prompts = Experiment(arms, ["DEU"], Surveyed(poles), {}, spoken).lay_out()
    german = {item.statement for item in languages.wordings["de"].neutral.values()}
    shown = [question.split("\n")[0] for row in prompts["shown"] for question, _ in json.loads(row)]
    assert shown and set(shown) <= german


@pytest.mark.slow
def test_each_country_answers_for_each_where_sources_are_named(write) -> None:
    design, _ = write({"other": arm(answers="other", sources=["BOL", "RUS", "USA"])}, ["BOL", "DEU"])
    sources = design.groupby("country")["source"].agg(set).to_dict()
    assert sources == {"BOL": {"RUS", "USA"}, "DEU": {"BOL", "RUS", "USA"}}


def test_source_that_was_not_surveyed_is_refused(write) -> None:
    with pytest.raises(InputError, match=r"arms\.other\.sources.*ROU.*no respondents"):
        write({"other": arm(answers="other", sources=["BOL", "ROU"])}, ["DEU"])


# Personas and languages


def test_persona_comes_before_the_instruction_and_changes_nothing_else(cells: pd.DataFrame) -> None:
    key = ["country", "probe", "order"]
    for plain, persona in (("zero", "persona"), ("own", "persona_own")):
        both = select(cells, arm=plain).merge(select(cells, arm=persona), on=key, suffixes=("", "_of_persona"))
        assert len(both) == len(select(cells, arm=plain))
        said = {country: f"You are from {name}.\n" for country, name in NAMES.items()}
        assert (both["system_of_persona"] == both["country"].map(said) + both["system"]).all()
        assert (both["user_of_persona"] == both["user"]).all()


def test_persona_speaks_the_countrys_own_language(cells: pd.DataFrame) -> None:
    asked = select(cells, arm="persona_spoken").groupby("country")["system"].first()
    instruction = "Fill in the blank the way you see it. Answer with A or B only."
    assert asked["DEU"] == f"Sie kommen aus Deutschland.\n{instruction}"
    assert asked["BOL"].endswith(instruction) and "Bolivia" in asked["BOL"] and "You are" not in asked["BOL"]


def test_country_without_a_persona_is_refused(write) -> None:
    with pytest.raises(InputError, match=r"arms\.me\.persona.*no sentence in en .* of UKR.*Add a row"):
        write({"me": {"shots": 0, "persona": "asked"}}, ["UKR"], personas={"en": {"DEU": "You are from Germany."}})


def test_demonstrations_in_another_language_show_the_same_probes_and_answers(
    cells: pd.DataFrame, languages: DesignLanguages
) -> None:
    key = ["country", "probe", "order"]
    both = select(cells, arm="own").merge(select(cells, arm="german"), on=key, suffixes=("", "_german"))
    assert len(both) == len(select(cells, arm="own"))
    german = languages.wordings["de"].probes
    for row in both.itertuples():
        assert row.demonstrations == row.demonstrations_german and row.system == row.system_german
        blocks, translated = row.user.split("\n\n"), row.user_german.split("\n\n")
        assert blocks[-1] == translated[-1], "the test probe is asked in English"
        for (candidate, answer), block in zip(row.pairs, json.loads(row.shown_german), strict=True):
            question, told = block
            statement, first, second = question.split("\n")
            assert statement == german[candidate].statement
            assert {"A": first, "B": second}[told][3:] == german[candidate].answers["AB".index(answer)]


def test_demonstrations_in_the_own_language_differ_by_country(cells: pd.DataFrame) -> None:
    key = ["country", "probe", "order"]
    spoken, german = (select(cells, arm=name).set_index(key)["prompt"] for name in ("spoken", "german"))
    assert (spoken["DEU"] == german["DEU"]).all()
    assert (spoken["BOL"] != german["BOL"]).all()


def test_arm_runs_only_for_its_countries(cells: pd.DataFrame) -> None:
    assert set(select(cells, arm="some")["country"]) == {"DEU"}


# Whole scales


def read_scale_prompt(write, probe: str, order: str, country: str = "DEU", **settings: object) -> pd.Series:
    scale = read_frame(RESOURCES / "templates" / "en.yaml", "scale")
    design, prompts = write({"some": arm(shots=2, **settings)}, [country], frames=(scale,))
    assert set(design["asks"]) == {"scale"}
    return design.merge(prompts, on="prompt").set_index(["probe", "order"]).loc[(probe, order)]


@pytest.mark.slow
def test_real_prompt_with_a_whole_scale_reads_as_it_should(write) -> None:
    # Of the Germans who answered, most have not much confidence (3) in the press and in their government.
    asked = read_scale_prompt(write, "Q64", "AB")
    assert asked["demonstrations"] == "Q66=3 Q71=3"
    scale = "a lot / a fair amount / not much / none"
    turned = " / ".join(scale.split(" / ")[::-1])
    blocks = asked["user"].split("\n\n")
    assert [block.split("\n")[1] for block in blocks] == ["Answer: not much"] * 2 + ["Answer:"]
    assert all(block.split("\n")[0].endswith((f"({scale})", f"({turned})")) for block in blocks)
    assert blocks[-1].endswith(f"({scale})\nAnswer:")
    assert json.loads(asked["options"]) == scale.split(" / ")
    other = read_scale_prompt(write, "Q64", "BA")
    assert json.loads(other["options"]) == turned.split(" / ") and other["user"].endswith(f"({turned})\nAnswer:")


@pytest.mark.slow
def test_scale_of_ten_points_is_answered_with_its_numbers(write) -> None:
    asked = read_scale_prompt(write, "Q164", "AB")
    assert json.loads(asked["options"]) == [str(code) for code in range(1, 11)]
    assert " / 2 / 3 / 4 / 5 / 6 / 7 / 8 / 9 / 10 = " in asked["user"].split("\n\n")[-1]


@pytest.mark.slow
def test_demonstrations_on_scales_carry_the_modal_answer_of_their_source(
    write, spread: pd.DataFrame, some_bank
) -> None:
    question = some_bank.set_index("probe")["question"]
    modal = spread[spread["modal"]].set_index(["country", "question"])["code"]
    size = spread.groupby("question")["code"].nunique()
    for answers in ("own", "inverted", "other"):
        asked = read_scale_prompt(write, "Q64", "AB", answers=answers, sources=["BOL"])
        source = "BOL" if answers == "other" else "DEU"
        for candidate, code in (pair.split("=") for pair in some(asked["demonstrations"].split())):
            own = modal[source, question[candidate]]
            expected = size[question[candidate]] + 1 - own if answers == "inverted" else own
            assert int(code) == expected, "confidence is asked on codes 1 to 4"


def test_probe_without_a_distribution_over_its_scale_has_only_two_options(write, spread: pd.DataFrame) -> None:
    frames = tuple(read_frame(RESOURCES / "templates" / "en.yaml", name) for name in ("letters", "scale"))
    few = spread[(spread["country"] != "DEU") | (spread["question"] != "Q64")]
    design, _ = write({"zero": ARMS["zero"]}, ["BOL", "DEU"], frames=frames, spread=few)
    asked = design[design["probe"] == "Q64"].groupby("country")["asks"].agg(set).to_dict()
    assert asked == {"BOL": {"poles", "scale"}, "DEU": {"poles"}}


# Which are shown


@pytest.mark.slow
def test_demonstrations_are_the_first_in_rank_that_may_be_shown(
    cells: pd.DataFrame,
    rankings: dict[str, pd.DataFrame],
    some_bank: pd.DataFrame,
    majority: dict[tuple[str, str], str],
) -> None:
    facts = some_bank.set_index("probe").to_dict("index")
    alike = {"siblings": "siblings", "battery": "battery", "category": "category"}
    ranked = {
        name: table.sort_values("rank").groupby(["probe", "seed"])["candidate"].agg(list).to_dict()
        for name, table in rankings.items()
    }
    shown = shows_probes(cells)
    for row in some(shown[shown["order"] == "AB"]).itertuples():
        arm_of_row, itself = ARMS[row.arm], facts[row.probe]
        expected = [
            candidate
            for candidate in ranked[arm_of_row["strategy"]][row.probe, 0 if row.arm == "shuffled" else row.seed]
            if (row.source == "world" or (row.source, candidate) in majority)
            and all(facts[candidate][alike[what]] != itself[alike[what]] for what in arm_of_row["exclude"])
        ]
        assert [candidate for candidate, _ in row.pairs] == expected[:SHOTS]


@pytest.mark.slow
def test_siblings_are_never_shown_to_each_other(cells: pd.DataFrame, rankings: dict[str, pd.DataFrame]) -> None:
    nearest = rankings["chrf"][(rankings["chrf"]["rank"] <= SHOTS) & rankings["chrf"]["sibling"]]
    assert len(nearest) >= 2, "no sibling would be shown anyway"
    groups = ({"Q57a", "Q57b"}, {"Q209", "Q218"})
    for row in cells.itertuples():
        assert not any({row.probe, candidate} in groups for candidate, _ in row.pairs)


def test_siblings_are_shown_where_an_arm_excludes_nothing(write) -> None:
    design, prompts = write({"near": arm(exclude=[])}, ["DEU"])
    shown = design.merge(prompts, on="prompt").set_index(["probe", "order"])["demonstrations"]
    assert shown["Q57a", "AB"].split()[0].startswith("Q57b=")


def test_leaving_out_the_battery_shows_none_of_its_probes(cells: pd.DataFrame, some_bank: pd.DataFrame) -> None:
    battery = some_bank.set_index("probe")["battery"]

    def mates(name: str) -> int:
        return sum(
            battery[candidate] == battery[row.probe]
            for row in select(cells, arm=name).itertuples()
            for candidate, _ in row.pairs
        )

    assert mates("own") > 100
    assert mates("far") == 0


def test_candidate_without_an_answer_is_passed_over_for_the_next(
    cells: pd.DataFrame, rankings: dict[str, pd.DataFrame]
) -> None:
    ranked = rankings["chrf"].sort_values("rank").groupby("probe")["candidate"].agg(list)
    absent = {"Q125", "Q130", "Q140", "Q227"}
    chinese = select(cells, arm="own", country="CHN", order="AB").set_index("probe")["pairs"]
    assert not absent & set(chinese.index)
    assert not any(candidate in absent for shown in chinese for candidate, _ in shown)
    passed_over = [probe for probe in chinese.index if absent & set(ranked[probe][:SHOTS])]
    assert len(passed_over) >= 3
    assert all(len(chinese[probe]) == SHOTS for probe in passed_over)


@pytest.mark.slow
def test_tie_is_neither_asked_nor_shown(write, poles: pd.DataFrame) -> None:
    is_tie = (poles["country"] == "DEU") & (poles["probe"] == "Q66")
    tied = poles.assign(majority=poles["majority"].mask(is_tie, "tie"))
    design, prompts = write({"own": ARMS["own"], "zero": ARMS["zero"]}, ["BOL", "DEU"], people=tied)
    table = design.merge(prompts, on="prompt")
    assert set(table.loc[table["probe"] == "Q66", "country"]) == {"BOL"}
    shows = table["demonstrations"].str.contains("Q66=")
    assert set(table.loc[shows, "country"]) == {"BOL"}


@pytest.mark.slow
def test_probe_of_a_category_that_is_not_used_is_neither_asked_nor_shown(
    write, some_bank: pd.DataFrame, poles: pd.DataFrame
) -> None:
    used = select_probes(some_bank, {"categories": ["religion", "ethics"]}, BANK_FILE)
    few = poles[poles["probe"].isin(used["probe"])]
    design, prompts = write({"own": ARMS["own"], "random": ARMS["random"]}, ["DEU"], people=few)
    assert set(design["probe"]) == set(used["probe"])
    shown = {one.partition("=")[0] for line in prompts["demonstrations"] for one in line.split()}
    assert shown <= set(used["probe"])


@pytest.mark.parametrize("shots", [1, 2, 5])
def test_number_of_demonstrations_is_the_arms(shots: int, write) -> None:
    _, prompts = write({"some": arm("random", shots=shots)}, ["DEU"])
    prompts = prompts[prompts["premise"] != ""]
    assert set(prompts["demonstrations"].str.split().str.len()) == {shots}
    assert set(prompts["user"].str.count("\n\n")) == {shots}


@pytest.mark.slow
def test_first_demonstrations_stay_when_there_are_more(write) -> None:
    few, many = (write({"arm": arm(shots=shots)}, ["DEU"]) for shots in (2, 4))
    lists = [
        d.merge(p, on="prompt").set_index(["probe", "order"])["demonstrations"].str.split() for d, p in (few, many)
    ]
    assert all(lists[1][key][:2] == shown for key, shown in lists[0].items())


def test_too_many_shots_are_refused(write) -> None:
    with pytest.raises(InputError, match=r"arms\.near.*value 7: test probe \S+ has 6 of the 7 candidates.*Lower shots"):
        write({"near": arm("category", shots=7)}, ["DEU"])


# The design


def test_every_cell_is_there_once_and_no_other(cells: pd.DataFrame, majority: dict[tuple[str, str], str]) -> None:
    nobody = dict.fromkeys(["zero", "persona", "persona_spoken", "neutral"], lambda _: [""])
    sources = nobody | {"other": lambda country: [c for c in COUNTRIES if c != country], "world": lambda _: ["world"]}
    for name in ("nearest", "farthest"):
        found = select(cells, arm=name).groupby("country")["source"].first()
        sources[name] = lambda country, found=found: [found[country]]
    seeds = dict.fromkeys(["random", "category", "shuffled", "neutral"], [1, 2])
    countries = {"some": ["DEU"]}
    expected = Counter(
        (name, country, probe, source, seed, order)
        for name in ARMS
        for country, probe in majority
        if country in countries.get(name, COUNTRIES)
        for source in sources.get(name, lambda country: [country])(country)
        for seed in seeds.get(name, [0])
        for order in ("AB", "BA")
    )
    assert (
        Counter(cells[["arm", "country", "probe", "source", "seed", "order"]].itertuples(index=False, name=None))
        == expected
    )


@pytest.mark.slow
def test_design_refers_to_all_prompts_and_to_no_other(write) -> None:
    design, prompts = write(ARMS)
    asked = prompts[prompts["premise"] != ""]
    assert set(design["prompt"]) == set(asked["prompt"])
    assert set(asked["premise"]) | set(asked["prompt"]) == set(prompts["prompt"])
    assert len(prompts) == len(prompts.drop_duplicates(CONTENT))
    assert len(asked) < len(design)


def test_id_of_a_prompt_is_the_hash_of_its_text(cells: pd.DataFrame) -> None:
    for row in some(cells.drop_duplicates("prompt").head(20)).itertuples():
        content = "\x1f".join([row.system, row.shown, row.asked, row.cue, row.options, row.labels])
        assert row.prompt == hashlib.sha256(content.encode()).hexdigest()[:16]


def test_new_arm_or_country_leaves_the_prompts_of_the_others(cells: pd.DataFrame, write) -> None:
    design, prompts = write({"own": ARMS["own"]}, ["DEU"])
    before = select(cells, arm="own", country="DEU").set_index(["probe", "order"])["prompt"].sort_index()
    pd.testing.assert_series_equal(design.set_index(["probe", "order"])["prompt"].sort_index(), before)
    assert set(prompts.loc[prompts["premise"] != "", "prompt"]) == set(before)


@pytest.mark.slow
def test_own_frame_multiplies_the_cells(write, letters: Frame, some_bank: pd.DataFrame) -> None:
    digits = Frame("digits", "Choose.", "Is it 1 {first} or 2 {second}? {statement}", "Reply:", ("1", "2"))
    design, prompts = write({"own": ARMS["own"]}, ["DEU"], frames=(letters, digits))
    table = design.merge(prompts, on="prompt")
    assert table["template"].value_counts().to_dict() == dict.fromkeys(["letters", "digits"], 2 * len(some_bank))
    reframed = table[table["template"] == "digits"]
    assert set(reframed["labels"]) == {'["1", "2"]'}
    question = r"Is it 1 .* or 2 .*\? .*\nReply:"
    assert reframed["user"].str.fullmatch(rf"({question} [12]\n\n){{3}}{question}").all()


@pytest.mark.slow
def test_tables_do_not_depend_on_the_order_of_arms_and_countries(write) -> None:
    three = {name: ARMS[name] for name in ("own", "random", "zero")}
    one = write(three, ["BOL", "DEU"])
    other = write(dict(reversed(three.items())), ["DEU", "BOL"])
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(some(left).reset_index(drop=True), right.reset_index(drop=True))


def test_other_country_arm_has_no_cells_where_there_is_one_country(write) -> None:
    design, _ = write({"zero": ARMS["zero"], "other": ARMS["other"]}, ["DEU"])
    assert set(design["arm"]) == {"zero"}


def test_design_without_any_cell_is_refused(write) -> None:
    with pytest.raises(InputError):
        write({"other": ARMS["other"]}, ["DEU"])
