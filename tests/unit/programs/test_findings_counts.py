"""Counts that the pages of the findings state in sentences, computed again from the kept tables."""

import json
import re

import pandas as pd
import pytest
from pages import read_page
from project import ROOT
from scipy import stats

FINDINGS = ROOT / "docs" / "findings"
NAMES = ["persona", "cultural", "anthropological"]


def read_kept(name: str) -> pd.DataFrame:
    run, table = name.split("/")
    return pd.read_csv(FINDINGS / run / "tables" / f"{table}.csv")


def count_outside(table: pd.DataFrame, measures: list[str]) -> tuple[int, int, int]:
    """How many intervals exclude 0, of how many, and how many are above 0."""
    above = sum(int((table[f"{one}_low"] > 0).sum()) for one in measures)
    below = sum(int((table[f"{one}_high"] < 0).sum()) for one in measures)
    return above + below, len(table) * len(measures), above


@pytest.mark.parametrize("arms", [NAMES, ["chrf_without_battery"]], ids=["names", "other batteries"])
def test_the_map_counts_the_intervals_that_exclude_0(arms: list[str]) -> None:
    table = read_kept("study/map_summary").query("arm in @arms")
    cells = []
    for measures in (["survival", "traditional"], ["distance_gap"]):
        outside, all_, above = count_outside(table, measures)
        cells.append(f"{outside} of {all_} | {above}")
    named = ", ".join(f"`{arm}`" for arm in arms)
    assert f"| {named} | {' | '.join(cells)} |" in read_page("findings/cultural_map.md")


def test_the_page_of_the_name_has_the_counts_of_the_map() -> None:
    table = read_kept("study/map_summary").query("arm in @NAMES")
    slopes, gaps = count_outside(table, ["survival", "traditional"]), count_outside(table, ["distance_gap"])
    text = r"(\d+) of (\d+) slopes, (\w+) of them below 0, and (\d+) of (\d+) distance gaps"
    said = re.search(text, read_page("findings/naming.md"))
    assert said is not None
    numbers = {"three": 3, "four": 4, "five": 5}
    assert (int(said[1]), int(said[2]), numbers[said[3]]) == (slopes[0], slopes[1], slopes[0] - slopes[2])
    assert (int(said[4]), int(said[5])) == gaps[:2]


def read_rows(page: str, heading: str) -> list[list[str]]:
    """Cells of the table that follows a heading of a page, without its first two lines."""
    part = page[page.index(f"\n{heading}\n") :]
    lines = re.search(r"\n\n((?:\|.*\n)+)", part)
    assert lines is not None
    return [[cell.strip() for cell in line.split("|")[1:]] for line in lines[1].splitlines()[2:]]


def is_rounded(cell: str, value: float) -> bool:
    """Whether a cell such as 0.02 or <0.001 is this value, rounded."""
    if cell.startswith("<"):
        return value < float(cell[1:])
    decimals = len(cell.partition(".")[2])
    return abs(float(cell) - value) <= 0.5 * 10.0**-decimals + 1e-9


MODELS = {
    "SmolLM2-135M": "smollm2-135m",
    "Gemma-3-270m": "gemma-3-270m",
    "Qwen-0.5B": "qwen2.5-coder-0.5b",
    "Qwen-1.5B": "qwen2.5-coder-1.5b",
}
ORDER = list(MODELS.values())
MAIN_LOW = 0.032
"""Lower end of the ideal reader's main interval without the battery: benchmarks/readers.py."""


def test_p_of_a_part_of_the_ideal_readers_margin() -> None:
    within = "arm == 'chrf_without_battery' and against == 'chrf_without_battery_other' and measure == 'agreement'"
    verdicts = read_kept("study/verdicts").query(within).query("beyond.isna()").set_index("model")
    readers = read_kept("study/readers").query(within).query("reader == 'ideal_reader' and country == 'all'")
    estimate, low = readers[["reader_estimate", "reader_low"]].drop_duplicates().to_numpy().ravel()
    page = read_page("findings/demonstrations.md")
    for name, margin, bound, *cells, _ in read_rows(page, "## How small is the margin without the battery?"):
        row = verdicts.loc[MODELS[name]]
        error, df = row[["category_standard_error", "category_df"]]
        assert row["main"] == "category"
        assert is_rounded(margin, 100 * row["estimate"])
        assert is_rounded(bound, 100 * (row["estimate"] + stats.t.ppf(0.95, df) * error))
        parts = [estimate / 4, low / 4, MAIN_LOW / 4, MAIN_LOW / 2]
        values = [float(stats.t.cdf((row["estimate"] - part) / error, df)) for part in parts]
        assert len(cells) == 4 and all(map(is_rounded, cells, values)), (name, values)
    ends = 100 * readers["share_high"]
    assert f"end at {ends.min():.0f} to {ends.max():.0f} %" in page
    assert f"at most {ends.min():.0f} to {ends.max():.0f} % of that" in read_page("findings/ten_results.md")


def test_possible_ranks_of_the_most_similar_countries() -> None:
    ranks = read_kept("study/country_ranks").query("arm == 'zero_shot' and rank == 1").set_index("model")
    ends = [int(ranks.loc[model, "rank_high"]) for model in MODELS.values()]
    assert f"reach {ends[0]}, {ends[1]}, {ends[2]} and {ends[3]}." in read_page("findings/by_default.md")


def test_the_page_by_default_has_the_numbers_of_the_ranks() -> None:
    ranks, page = read_kept("study/country_ranks"), " ".join(read_page("findings/by_default.md").split())
    first = ranks.query("arm == 'zero_shot' and rank == 1").set_index("model")["country"]
    assert first[list(MODELS.values())].tolist() == ["KEN", "IND", "CAN", "USA"]
    assert "The first ones are Kenya (SmolLM2), India (Gemma), Canada (Qwen-0.5B) and the USA (Qwen-1.5B)" in page
    single = ranks.query("arm == 'zero_shot' and country != 'all'").groupby("model")
    alike = [single.get_group(model)["similarity"].corr(single.get_group(model)["even"], "spearman") for model in ORDER]
    said = "{:.2f} (SmolLM2), {:.2f} (Gemma), {:.2f} (Qwen-0.5B) and {:.2f} (Qwen-1.5B)".format(*alike)
    assert f"Spearman's correlation is {said}" in page
    means = ranks.query("country == 'all'").set_index(["arm", "model"])
    assert means.loc["zero_shot", "rank"].eq(10).all()
    moved = "{:.1f}, {:.1f}, {:.1f} and {:.1f}".format(*means.loc["chrf", "rank"][ORDER])
    assert f"rises from rank 10 to {moved}." in page
    improved = (19 * means.loc["neutral", "improved"][ORDER]).round().astype(int)
    said = "With them {} of 19 countries improve for SmolLM2, {} for Gemma, {} for Qwen-0.5B and {} for Qwen-1.5B."
    assert said.format(*improved) in page
    leads = means.loc["chrf_without_battery", ["lead", "lead_low", "lead_high"]]
    assert ((leads["lead_low"] <= 0) & (leads["lead_high"] >= 0)).all()
    assert leads["lead"].idxmax() == ORDER[-1]


def test_the_page_of_questions_has_the_changes_by_the_alternatives() -> None:
    table = read_kept("study/alternatives").query("measure == 'agreement' and beyond.isna()")
    page = " ".join(read_page("findings/questions.md").split())
    pairs = {"chrf": "chrf_other", "chrf_without_battery": "chrf_without_battery_other"}
    margins = table[table["against"] == table["arm"].map(pairs)].set_index(["alternative", "model", "arm"]).sort_index()
    largest = {
        name: 100 * (margins["estimate"].loc[name] - margins["estimate"].loc["main"]).abs().max()
        for name in ("middle", "without_forced")
    }
    changed = margins.loc["middle", "changed"].unique().astype(int)
    assert len(changed) == 1
    said = "Under the other cut {} majorities change, and no margin moves by more than {:.1f} points."
    assert said.format(changed[0], largest["middle"]) in page
    assert f"Without forced choices no margin moves by more than {largest['without_forced']:.1f} points." in page
    similar = margins.xs("chrf", level="arm")
    value, attitude = similar.loc["value"], similar.loc["attitude"]
    assert ((value["low"] < 0) & (value["high"] > 0)).all() and (attitude["low"] > 0).sum() == 3
    certain = attitude[attitude["low"] > 0]
    assert (
        "three of four exclude 0 by battery**, with *p* of {:.2f} to {:.2f} and 3 degrees".format(
            certain["p"].min(), certain["p"].max()
        )
        in page
    )
    assert f"Corrected *p* are {certain['p_holm'].min():.0f} (Holm) and {certain['p_bh'].max():.2f}" in page


def test_the_page_of_languages_counts_the_margins() -> None:
    table = read_kept("study_languages/verdicts").query("measure == 'agreement'")
    page = " ".join(read_page("findings/languages.md").split())
    plain = table[table["beyond"].isna() & (table["language"] == table["against_language"])]
    plain = plain[plain["model"] == plain["against_model"]].set_index(["arm", "against"])
    similar, others, inverted = (
        plain.loc[pair]
        for pair in (
            ("chrf", "chrf_other"),
            ("chrf_without_battery", "chrf_without_battery_other"),
            ("chrf", "chrf_inverted"),
        )
    )
    elsewhere = [rows[rows["language"] != "en"] for rows in (similar, others)]
    counts = [int((rows["estimate"] > 0).sum()) for rows in elsewhere]
    found = [int((rows["main_low"] > 0).sum()) for rows in (elsewhere[0], similar[similar["language"] == "en"])]
    assert [len(rows) for rows in elsewhere] == [12, 12] and found == [1, 2]
    assert f"Chinese, {counts[0]} of 12 margins are above 0, one with its interval. " in page
    assert f"Without the battery {counts[1]} of 12 are above 0." in page
    assert f"Without the battery, {(elsewhere[1]['estimate'] < 0).sum()} of these 12 are below 0**" in page
    outside = (others["main_low"] > 0) | (others["main_high"] < 0)
    assert len(others) == 15 and outside.sum() == 2 and "two of 15 intervals exclude 0" in page
    cost = 100 * inverted["estimate"]
    above = (inverted["main_low"] > 0).sum()
    assert f"cost {cost.min():.0f} to {cost.max():.0f} points, and {above} of 15 intervals are above 0." in page
    secondary = table[table["role"] == "secondary"]
    assert f"Of the {len(secondary)} secondary contrasts of agreement, the smallest is" in page
    assert f"the smallest is {secondary['main_p_holm'].min():.2f}." in page


def test_the_pages_name_the_runs_of_uncommitted_code() -> None:
    records = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in FINDINGS.glob("*/run.json")}
    edited = {
        name: record["selfalign"]["commit"][:7] for name, record in records.items() if record["selfalign"]["edited"]
    }
    assert edited
    for page in ("findings.md", "extending_findings.md"):
        (sentence,) = [
            line for line in read_page(page).splitlines() if "whose diff was not" in line or "no diff" in line
        ]
        assert set(re.findall(r"`((?:study|specifications)\w*)`", sentence)) == set(edited)
        assert re.findall(r"commit ([0-9a-f]{7}\b)", sentence) == sorted(set(edited.values()))


def test_the_transfer_figure_is_read_with_its_counts() -> None:
    pairs = read_kept("study/transfer").query("model == 'smollm2-135m' and measure == 'agreement' and country != 'all'")
    page = " ".join(read_page("findings/demonstrations.md").split())
    above, below = int((pairs["low"] > 0).sum()), int((pairs["high"] < 0).sum())
    assert pairs["p_bh"].min() > 0.05
    assert (
        f"Its {len(pairs)} cells are not corrected. {above} of SmolLM2's intervals are above 0 and {below} is" in page
    )
    means = 100 * pairs.groupby("country")["estimate"].mean().nlargest(3)
    assert list(means.index) == ["CHN", "IND", "THA"]
    assert "with means of {:.1f}, {:.1f} and {:.1f}".format(*means) in page


def test_rows_of_the_specification_figure_that_do_not_compare_like_with_like() -> None:
    table = read_kept("study/specifications").query("measure == 'agreement'")
    above = table.assign(above=table["estimate"] > 0).groupby("persona")["above"].mean()
    page = read_page("findings/choices.md")
    assert (above.drop("none") == 1).all() and f"{100 * above['none']:.0f} % without one" in page
    assert set(table.query("persona != 'none'")["arm"]) == {"persona_chrf", "cultural_chrf"}
    plain = table.query("form == 'plain'")
    assert set(plain["model"]) == {"gemma-3-270m"} and set(table.query("model == 'gemma-3-270m'")["form"]) == {"plain"}
    assert f"so its {100 * (plain['estimate'] > 0).mean():.0f} % is" in page


def test_shares_above_0_by_wording_are_those_of_the_specifications() -> None:
    table = read_kept("specifications/specifications").query("measure == 'agreement'")
    above = (table["estimate"] > 0).groupby(table["frame"]).mean()
    letters, words, opinion = (f"{100 * above[frame]:.0f}" for frame in ("letters", "words", "words_opinion"))
    page = read_page("findings/choices.md")
    assert f"{letters} % of the specifications with letters are above 0, and {words} and {opinion} % of those" in page


AGAIN = {
    "smollm2-135m": "SmolLM2",
    "gemma-3-270m": "Gemma",
    "qwen2.5-coder-0.5b": "Qwen-0.5B",
    "qwen2.5-coder-1.5b": "Qwen-1.5B",
}
"""The models of the run study_replies, as the pages name them."""


def test_the_page_of_choices_has_the_shares_of_replies() -> None:
    table = read_kept("study_replies/replies").set_index(["arm", "model"])
    page = read_page("findings/choices.md")
    without, similar, others = (100 * table["option"].loc[arm] for arm in ("zero_shot", "chrf", "chrf_without_battery"))
    smollm2, gemma, qwen, larger = AGAIN
    assert f"Without them {without[smollm2]:.1f} % of SmolLM2's replies and none of Gemma's are an option" in page
    assert without[gemma] == 0
    assert f"Of Gemma's, {100 * table['empty'].loc['zero_shot', gemma]:.0f} % are empty" in page
    assert (
        f"With similar questions it is {similar[smollm2]:.0f} and {similar[gemma]:.0f} %, "
        f"and with questions of other batteries {others[smollm2]:.0f} and {others[gemma]:.0f} %" in page
    )
    assert f"demonstrations too**, in {without[qwen]:.0f} % (0.5B) and {without[larger]:.0f} % (1.5B)" in page
    similar, others = (100 * table["orders_differ"].loc[arm] for arm in ("chrf", "chrf_without_battery"))
    assert (
        f"{similar[smollm2]:.0f} % of SmolLM2's replies with similar questions choose the other pole, "
        f"{similar[gemma]:.0f} % of Gemma's, {similar[qwen]:.0f} % of Qwen-0.5B's "
        f"and {similar[larger]:.0f} % of Qwen-1.5B's" in page
    )
    smaller = ", ".join(f"{others[model]:.0f}" for model in (smollm2, gemma, qwen))
    assert f"it is {smaller} and {others[larger]:.0f} %." in page
    likelier = 1 - table.loc[table["compared"] > 1000, "mismatch"]
    assert f"in {100 * likelier.min():.0f} to {100 * likelier.max():.0f} % of the cells" in page


def test_the_page_of_choices_has_the_specifications_of_the_models_asked_again() -> None:
    table = read_kept("study_replies/specifications").query("measure == 'agreement' and arm == 'chrf'")
    above, page = table["estimate"] > 0, read_page("findings/choices.md")
    assert f"also read by replies, it is above 0 under {100 * above.mean():.0f} % of them" in page
    assert f"**All {(~above).sum()} specifications of `chrf` that are not above 0 ask about values alone**" in page
    assert set(table["probe_kind"][~above]) == {"value"} and not (table["high"] < 0).any()
    assert "gemma-3-270m" not in set(table["model"][~above])
    greedy, option = (100 * above[table["readout"] == readout].mean() for readout in ("greedy", "option"))
    assert f"**By replies {greedy:.0f} % are above 0**, and by the likelier option {option:.0f} %." in page


def test_the_page_of_choices_has_the_choices_that_the_end_decides() -> None:
    table = read_kept("study_replies/readouts").query("readout == 'option' and against == 'open'")
    differ = 100 * table.set_index(["arm", "model"])["differ"]
    smollm2, gemma, qwen, _ = (f"{differ.loc['zero_shot', model]:.0f} %" for model in AGAIN)
    assert 0 < differ.loc["zero_shot", "qwen2.5-coder-1.5b"] < 1
    page = read_page("findings/choices.md")
    assert f"differ in {smollm2} of the cells.\n  For Gemma it is {gemma}, for Qwen-0.5B {qwen}, and" in page
    assert f"With similar questions it is at most {differ.loc['chrf'].max():.0f} % in each model." in page


def test_the_page_of_choices_compares_the_study_with_the_models_asked_again() -> None:
    page = read_page("findings/choices.md")
    for name, arm, against, form in (
        ("transfer", "chrf", "chrf_other", ".2f"),
        ("contrasts", "chrf", "zero_shot", ".1f"),
    ):
        keys = ["model", "country", *(["source"] if name == "transfer" else [])]
        chosen = f"arm == '{arm}' and against == '{against}' and measure == 'agreement' and country != 'all'"
        study, again = (read_kept(f"{run}/{name}").query(chosen) for run in ("study", "study_replies"))
        both = study.merge(again, on=keys, suffixes=("", "_again"))
        assert len(both) == (32 if name == "contrasts" else 224)
        for column in ("estimate", "estimate_again"):
            means = (100 * both.groupby("model")[column].mean())[list(AGAIN)]
            assert f"| {' | '.join(format(mean, form) for mean in means)} |" in page, (name, column)
        if name == "transfer":
            change = 100 * (both["estimate"] - both["estimate_again"]).abs()
            largest = change.groupby(both["model"]).max()[list(AGAIN)]
            assert f"points | {' | '.join(f'{one:.1f}' for one in largest)} |" in page


def test_numbers_of_the_positive_control_are_those_of_its_tables() -> None:
    page, findings = read_page("findings/demonstrations.md"), read_page("findings.md")
    tables = read_kept("programs/positive_control").fillna({"against": ""}).set_index(["model", "arm", "against"])
    shown = read_kept("programs/positive_control_answers")
    repeated, margins = {}, {}
    for model in AGAIN:
        table, answers = tables.loc[model], shown[shown["model"] == model]
        assert answers.groupby("probe")["shown"].agg("".join).eq("AB").all() and answers["probe"].nunique() == 255
        main = 100 * table[["estimate", "main_low", "main_high"]]
        often = ((answers["p_a"] > 0.5) == (answers["shown"] == "A")).mean()
        assert main.loc[("repetition", ""), "estimate"] == pytest.approx(100 * often, abs=0.7), "countries weigh alike"
        repeated[model] = "{:.0f} % [{:.0f}, {:.0f}]".format(*main.loc[("repetition", "")])
        margins[model] = "{:.1f} points [{:.1f}, {:.1f}]".format(*main.loc[("itself", "itself_other")])
    smollm2, gemma, qwen, larger = AGAIN
    assert (
        f"on {repeated[smollm2]} of the questions by SmolLM2, {repeated[gemma]} by Gemma, {repeated[qwen]} by "
        f"Qwen-0.5B and {repeated[larger]} by Qwen-1.5B" in page
    )
    possible = f"of {100 * tables['reader_estimate'].xs('itself_other', level='against').iloc[0]:.1f} possible ones"
    assert f"is then {margins[smollm2]} (SmolLM2) to {margins[gemma]} (Gemma), {possible}" in page
    short = {model: text.replace(" points", "") for model, text in margins.items()}
    assert (
        f"is {margins[gemma]} in Gemma, {short[qwen]} in Qwen-0.5B, {short[larger]} in Qwen-1.5B "
        f"and {short[smollm2]} in SmolLM2, {possible}" in findings
    )
    shares = 100 * tables.xs(("itself", "itself_other"), level=("arm", "against"))[
        ["share", "share_main_low", "share_main_high"]
    ].astype(float)
    least, most = ("{:.0f} % [{:.0f}, {:.0f}]".format(*shares.loc[model]) for model in (smollm2, gemma))
    assert f"take {least} to {most} of the margin" in page and f"This model takes {least} of what" in page
    readers = read_kept("study/readers").query(
        "reader == 'ideal_reader' and country == 'all' and measure == 'agreement'"
    )
    ideal = readers.query("against == 'chrf_without_battery_other'")["reader_estimate"].iloc[0]
    share, low = shares.loc[smollm2, ["share", "share_main_low"]]
    assert f"The same share of {100 * ideal:.1f} points is {share * ideal:.1f} points." in page
    assert f"{low:.0f} % of {100 * MAIN_LOW:.1f} points, they are {low * MAIN_LOW:.1f} points" in page


def test_parts_of_the_positive_control_are_those_of_its_table() -> None:
    table = read_kept("programs/positive_control_shares").dropna(subset=["against"]).set_index(["arm", "model"])
    assert set(table["countries"]) == {8} and set(table.index.get_level_values("model")) == set(AGAIN)
    page = read_page("findings/demonstrations.md")
    similar, ends = 100 * table.loc["chrf", "share"], 100 * table.loc["chrf_without_battery", "share_main_high"]
    assert f"the margin is {similar.min():.0f} % to {similar.max():.0f} % of this one" in page
    assert f"the intervals of the share end at {ends.min():.0f} to {ends.max():.0f} %." in page


def test_pages_have_the_distance_from_the_majority_of_the_other_countries() -> None:
    table = read_kept("programs/replies_contrasts").query("arm == 'chrf' and against == 'world'")
    least, *_, most = (
        -100 * table[["estimate", "main_high", "main_low"]].sort_values("estimate", ascending=False).to_numpy()
    )
    said = "{:.1f} [{:.1f}, {:.1f}] to {:.1f} [{:.1f}, {:.1f}]".format(*least, *most)
    for page in ("findings.md", "findings/ten_results.md", "../README.md"):
        assert said in read_page(page), page


def test_findings_have_the_margins_without_the_battery_of_the_models_asked_again() -> None:
    table = read_kept("study_replies/verdicts").query(
        "arm == 'chrf_without_battery' and against == 'chrf_without_battery_other' and measure == 'agreement'"
    )
    assert set(table["model"]) == set(AGAIN) and (table["main_low"] < 0).all()
    least, most = (f"{100 * end:.1f}" for end in (table["estimate"].min(), table["estimate"].max()))
    assert f"all four margins are above 0, [{least} to {most}]" in read_page("findings.md")
    larger = table.set_index("model").loc["qwen2.5-coder-1.5b", ["estimate", "main_low", "main_high"]]
    said = "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * larger).abs())
    for page in ("findings.md", "findings/ten_results.md"):
        assert f"[{said}](" in read_page(page), page


def test_findings_have_the_margin_with_letters() -> None:
    table = read_kept("programs/frames").fillna({"against_frame": "", "beyond": ""})
    margins = table.query("against == 'chrf_other' and beyond == ''").set_index("frame")
    (gap,) = table.query("frame == 'letters' and against_frame == 'words'").to_dict("records")
    points = "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * margins.loc["letters", ["estimate", "main_low", "main_high"]]))
    less = "{:.1f} [{:.1f}, {:.1f}]".format(*(-100 * gap[name] for name in ("estimate", "main_high", "main_low")))
    assert f"SmolLM2 has {points} in four countries, {less} less than with words" in read_page(
        "findings/ten_results.md"
    )
    kept = read_kept("study_frames/specifications").query("measure == 'agreement'").set_index(["frame", "readout"])
    for frame, readout in (("words", "option"), ("letters", "label")):
        assert kept.loc[(frame, readout), "estimate"] == pytest.approx(margins.loc[frame, "estimate"], abs=2e-6)


def test_degrees_of_freedom_of_the_first_result() -> None:
    rows = read_kept("study/verdicts").query("arm == 'chrf' and against == 'chrf_other' and measure == 'agreement'")
    rows = rows[rows["beyond"].isna()]
    assert len(rows) == len(MODELS) and rows["main"].eq("category").all()
    ends = f"{rows['category_df'].min():.1f} to {rows['category_df'].max():.1f}"
    page = read_page("findings/ten_results.md")
    assert f"own minus other in result 1 is by category, with {ends} degrees of freedom" in page


def test_the_page_of_the_map_names_the_smallest_distances() -> None:
    page = read_page("findings/cultural_map.md")
    shown = [row[0].strip("`") for row in read_rows(page, "The mean distance to the own country's people:")]
    kept = read_kept("study/map_summary")
    table = kept[kept["arm"].isin(shown)]
    labels = {model: re.sub(r"-135M|-3-270m", "", label) for label, model in MODELS.items()}
    smallest = table.nsmallest(3, "distance").itertuples()
    first, second, third = (
        f"{row.distance:.2f} [{row.distance_low:.2f}, {row.distance_high:.2f}] (`{row.arm}`, {labels[row.model]})"
        for row in smallest
    )
    assert f"The smallest of the {len(table)} mean distances in the table are {first}, {second} and {third}." in page


def test_the_page_of_the_name_has_the_widest_ends_against_zero_shot() -> None:
    rows = read_kept("study/verdicts").query("arm in @NAMES and against == 'zero_shot' and measure == 'agreement'")
    ends = f"reach from {100 * rows['main_low'].min():.1f} to {100 * rows['main_high'].max():.1f} points"
    assert ends in read_page("findings/naming.md")
