"""The probes of Arora et al.: their rows as probes of ours, known defects repaired, and nothing of their text shipped.

Tests of the conversion use a small bank of our own in the form of the release; those of the release itself need a copy.
"""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from bank import BANK, BANK_FILE, BANK_FOLDER
from nonempty import some
from project import ROOT, Project
from refusal import Refused
from selfalign.config.check_files import check_files
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.probes.adopt_arora import adopt, check_copy, read_copy
from selfalign.probes.adopt_arora_bank import make_bank
from selfalign.probes.arora import (
    AroraLog,
    AroraRepairs,
    AroraRows,
    ProbeWording,
    clean_cell,
    digest,
    per_row,
    word_probe,
)
from selfalign.probes.bank import parse_codes, read_bank, read_texts
from selfalign.probes.map_poles import map_poles
from selfalign.probes.schemas import Bank, Texts
from selfalign.survey.schemas import Counts, Scales
from selfalign.tables import read_input

COPY = ROOT.parent / "shared" / "data" / "arora_probes_gpl3"
LANGUAGES = ["bn", "de", "el", "fa", "id", "ko", "ms", "ro", "sr", "tl", "tr", "ur", "vi"]
GENERIC = {"affix", "blanks", "capital", "html", "punctuation"}
needs_copy = pytest.mark.skipif(not COPY.is_dir(), reason="no copy of the probes of Arora et al. is here")

ROWS = """row,probe,question,pole_a,pole_b,neither,dropped
0,Q1,Q1,1-2,3-4,,
1,Q2,Q2,1-2,3-4,,
2,Q106a,Q106,6-10,1-5,,
3,Q106b,Q106,1-5,6-10,,
4,Q152a,Q152,,,,asks for one of four aims
"""
RELEASE = """\t0\t1\t2\t3
0\t1\tTee ist mir [MASK]\tlieb\tzuwider
1\t2\tEs ist [MASK] wenn Tee kalt wird\tschlimm,\tJetzt
2\t106a\tIch trinke [MASK]e Tassen\tgroß\tklein
3\t106b\tTee mag ich\tgern\tnicht gern
4\t152a\tZuerst kommt [MASK]\tTee\t
"""


def repairs_of(*repairs: tuple[str, str, str, str, str, str], language: str = "de") -> pd.DataFrame:
    """A table of repairs; each is rows, column, words, old text, repair, defect."""
    columns = ["rows", "column", "words", "was", "repair", "defect"]
    table = pd.DataFrame(repairs, columns=columns).assign(was=lambda table: table["was"].map(digest))
    table.insert(0, "language", language)
    return table


REPAIRS = repairs_of(
    ("1", "option_b", "", "Jetzt", "gut", "sense"),
    ("3", "blank", "2:3", "mag ich", "", "no_blank"),
    ("3", "option_b", "", "nicht gern", "mag ich nicht", "form"),
)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return read_input(BANK_FOLDER / "arora.csv", AroraRows)


@pytest.fixture(scope="module")
def repairs() -> pd.DataFrame:
    return read_input(BANK_FOLDER / "arora_repairs.csv", AroraRepairs)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Folder with a small bank in the form of the release, and the tables about it."""
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "de.csv").write_text(RELEASE, encoding="utf-8")
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    REPAIRS.to_csv(folder / "repairs.csv", index=False)
    return folder


# A row as a probe


def word(
    sentence: str,
    labels: tuple[str, str],
    *repairs: tuple[str, str, str, str, str],
    language: str = "de",
) -> ProbeWording:
    """A row with repairs of it, as a probe."""
    table = repairs_of(*(("0", *repair) for repair in repairs), language=language)
    return word_probe(sentence, *labels, per_row(table, language).get(0, []), language)


@pytest.mark.parametrize(
    ("sentence", "labels", "expected"),
    [
        pytest.param("Tee ist [MASK]", ("gut", "schlecht"), ("Tee ist ___", "gut", "schlecht"), id="as it is"),
        pytest.param("eine [MASK]e Tasse", ("gut", "klein"), ("eine ___ Tasse", "gute", "kleine"), id="suffix"),
        pytest.param(
            "Ich [MASK]mag ihn", ("ver", "be"), ("Ich ___ ihn", "vermag", "bemag"), id="stem outside the mask"
        ),
        pytest.param("Er ist un[MASK].", ("klar", "nie unklar"), ("Er ist ___.", "unklar", "nie unklar"), id="has it"),
        pytest.param("Es ist [MASK] wenn", ("gut,", "arg,"), ("Es ist ___, wenn", "gut", "arg"), id="comma in a label"),
        pytest.param("Tee ist [MASK].", ("gut.", "arg."), ("Tee ist ___.", "gut", "arg"), id="two full stops"),
        pytest.param("Es ist [MASK]", ("gut", "Schlecht"), ("Es ist ___", "gut", "schlecht"), id="capital"),
        pytest.param("Es ist [MASK]", ("Ruhe", "Lärm"), ("Es ist ___", "Ruhe", "Lärm"), id="German nouns"),
        pytest.param("[MASK] ist es", ("gut", "schlecht"), ("___ ist es", "Gut", "Schlecht"), id="opens the sentence"),
    ],
)
def test_row_becomes_a_statement_with_two_options(
    sentence: str, labels: tuple[str, str], expected: tuple[str, str, str]
) -> None:
    assert word(sentence, labels)[:3] == expected


def test_nouns_keep_no_capitals_but_in_german() -> None:
    assert word("The [MASK] wins", ("Sea", "Sun"), language="en")[:3] == ("The ___ wins", "sea", "sun")


@pytest.mark.parametrize(
    ("repairs", "expected"),
    [
        pytest.param(
            [("blank", "0:1", "[MASK] gern", ""), ("option_b", "", "nie", "mag nicht")],
            ("Ich ___ Tee", "mag gern", "mag nicht"),
            id="the blank takes more words",
        ),
        pytest.param(
            [("blank", "1:1", "gern", ""), ("option_b", "", "nie", "ungern")],
            ("Ich mag ___ Tee", "gern", "ungern"),
            id="the blank moves",
        ),
        pytest.param(
            [("statement", "2:2", "Tee", "den Kaffee"), ("blank", "0:1", "[MASK] gern", "")],
            ("Ich ___ den Kaffee", "mag gern", "nie"),
            id="a word is replaced by two",
        ),
        pytest.param(
            [("statement", "0:0", "[MASK]", ""), ("blank", "1:2", "gern Tee", "")],
            ("Ich ___", "gern Tee", "nie"),
            id="the mask is deleted",
        ),
        pytest.param(
            [("statement", "-1:2", "Ich [MASK] gern Tee", "Tee ___ ich"), ("option_a", "", "mag", "trinke")],
            ("Tee ___ ich", "trinke", "nie"),
            id="all of the sentence is replaced",
        ),
    ],
)
def test_repairs_of_a_row_are_made_by_place(
    repairs: list[tuple[str, str, str, str]], expected: tuple[str, str, str]
) -> None:
    wording = word("Ich [MASK] gern Tee", ("mag", "nie"), *((*repair, "defect") for repair in repairs))
    assert wording[:3] == expected
    assert [change.column for change in wording.changes] == [
        column
        for kind in (["statement"], ["blank"], ["option_a", "option_b"])
        for column in kind
        if column in [repair[0] for repair in repairs]
    ]
    assert {change.defect for change in wording.changes} == {"defect"}


def test_every_change_is_logged_with_the_old_text() -> None:
    changes = word("Es ist [MASK]e wenn", ("gut,", "Schlecht"), ("option_b", "", "Schlecht", "arge", "form")).changes
    assert [tuple(change) for change in changes] == [
        ("label_1", "punctuation", "gut,", "gut"),
        ("option_a", "affix", "gut", "gute"),
        ("option_b", "form", "Schlecht", "arge"),
    ]


def test_cells_are_cleaned_of_blanks_escapes_and_decomposed_letters() -> None:
    assert clean_cell(" a\u0301\u00a0 b&#39;c\n") == "\u00e1 b'c"


# A file


def convert(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Texts and log of the small bank."""
    table, copy = read_input(folder / "rows.csv", AroraRows), read_copy(folder / "de.csv")
    check_copy(copy, table, folder / "de.csv")
    known = read_input(folder / "repairs.csv", AroraRepairs)
    return adopt(copy, table, known, "de", folder / "de.csv", folder / "repairs.csv")


def test_file_becomes_texts_of_all_probes_and_a_log_of_all_changes(small: Path) -> None:
    texts, log = convert(small)
    assert Texts.validate(texts).drop(columns="status").to_numpy().tolist() == [
        ["Q1", "Tee ist mir ___", "lieb", "zuwider"],
        ["Q2", "Es ist ___, wenn Tee kalt wird", "schlimm", "gut"],
        ["Q106a", "Ich trinke ___ Tassen", "große", "kleine"],
        ["Q106b", "Tee ___", "mag ich", "mag ich nicht"],
    ]
    assert set(texts["status"]) == {"drafted"}
    told = AroraLog.validate(log)[["row", "column", "defect", "after"]].to_numpy().tolist()
    assert told == [
        [1, "label_1", "punctuation", "schlimm"],
        [1, "option_b", "sense", "gut"],
        [2, "option_a", "affix", "große"],
        [2, "option_b", "affix", "kleine"],
        [3, "blank", "no_blank", "___"],
        [3, "option_b", "form", "mag ich nicht"],
        [4, "row", "asks for one of four aims", "dropped"],
    ]


@pytest.mark.parametrize("change", ["crlf", "mark", "blank line", "trailing blanks"])
def test_layout_of_a_file_changes_nothing(change: str, small: Path) -> None:
    before, _ = convert(small)
    text = {
        "crlf": RELEASE.replace("\n", "\r\n"),
        "mark": "\ufeff" + RELEASE,
        "blank line": RELEASE.replace("\n1\t", "\n\n1\t"),
        "trailing blanks": RELEASE.replace("\n", " \n").replace("\t", " \t "),
    }[change]
    (small / "de.csv").write_text(text, encoding="utf-8", newline="")
    after, _ = convert(small)
    pd.testing.assert_frame_equal(before, after)


def adopt_small(folder: Path, copy: Path | None = None, language: str = "de") -> list[object]:
    """Arguments that adopt the small bank."""
    tables = ["--rows", folder / "rows.csv", "--repairs", folder / "repairs.csv"]
    outputs = ["--texts", folder / "out" / "texts.csv", "--log", folder / "out" / "log.csv"]
    return ["adopt-arora", "--release", copy or folder / "de.csv", "--language", language, *tables, *outputs]


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        pytest.param("\t", ";", ["line 1", "has 1 columns", "expected 5 columns with tabs"], id="semicolons"),
        pytest.param("\t", ",", ["line 1", "expected 5 columns with tabs"], id="commas"),
        pytest.param("\tzuwider", "\tzuwider\tmehr", ["columns with tabs"], id="a field too many"),
        pytest.param(
            "mir [MASK]", "mir lieb", ["line 2", 'column "sentence"', "0 masks", "Correct the row"], id="no mask"
        ),
        pytest.param("mir [MASK]", "[MASK] [MASK]", ["line 2", 'column "sentence"', "2 masks"], id="two masks"),
        pytest.param("zuwider", "", ["line 2", 'column "label 2"', "must not be empty"], id="no second label"),
        pytest.param("\tklein", "\t", ["line 4", 'column "label 2"', "not be empty"], id="no label for a suffix"),
        pytest.param("\tlieb", "\t ", ["line 2", 'column "label 1"', "must not be empty"], id="no first label"),
        pytest.param("zuwider", "lieb", ["line 2", 'column "label 2"', "same as label 1"], id="the same labels"),
        pytest.param(
            "\n0\t1\t", "\n0\t300\t", ["line 2", 'column "question"', "'300'", "is about question 1"], id="question"
        ),
        pytest.param("\n0\t1\t", "\n9\t1\t", ["line 2", 'column "row"', "'9'", "no such row"], id="unknown row"),
        pytest.param("\n1\t2\t", "\n0\t1\t", ["line 3", 'column "row"', "must not be repeated"], id="a row twice"),
        pytest.param("\n4\t152a", '\n4\t152a\t"', ["cannot be read as a table", "Take the file"], id="an open quote"),
        pytest.param("4\t152a\tZuerst kommt [MASK]\tTee\t\n", "", ["1 rows", "are not here", "them 4"], id="cut off"),
        pytest.param(RELEASE, "", ["is empty"], id="empty file"),
        pytest.param(
            "Jetzt",
            "egal",
            ["line 3", 'column "label 2"', "'egal'", "another text here", "line 2 of", "Put the row back"],
            id="another text than the repaired one",
        ),
        pytest.param(
            "mag ich", "mag", ["line 5", 'column "sentence"', "another text here"], id="shorter than repaired"
        ),
    ],
)
def test_mistake_in_a_copy_is_reported_with_line_and_column(
    old: str, new: str, tells: list[str], small: Path, refused: Refused
) -> None:
    (small / "de.csv").write_text(RELEASE.replace(old, new), encoding="utf-8")
    refused(*adopt_small(small), tells=[str(small / "de.csv"), *tells])


def test_copy_that_is_not_there_is_refused(small: Path, refused: Refused) -> None:
    missing = small / "elsewhere" / "de.csv"
    refused(*adopt_small(small, missing), tells=[str(missing), "no such file", "probes.arora"])


def test_copy_in_latin_1_is_refused(small: Path, refused: Refused) -> None:
    (small / "de.csv").write_bytes(RELEASE.encode("latin-1"))
    refused(*adopt_small(small), tells=[str(small / "de.csv"), "not UTF-8", "Save it as UTF-8"])


def test_language_without_reviewed_defects_is_refused(small: Path, refused: Refused) -> None:
    tells = ["value 'dk'", "defects of this language are not known", "Known are: de"]
    refused(*adopt_small(small, language="dk"), tells=tells)


def test_row_with_one_pole_and_no_reason_is_refused(small: Path, refused: Refused) -> None:
    (small / "rows.csv").write_text(ROWS.replace("0,Q1,Q1,1-2,3-4,,", "0,Q1,Q1,1-2,,,"), encoding="utf-8")
    refused(*adopt_small(small), tells=[str(small / "rows.csv"), "line 2"])


# The bank


def test_bank_takes_poles_of_the_release_and_the_rest_from_ours(rows: pd.DataFrame) -> None:
    ours, used = BANK, rows[rows["dropped"] == ""]
    bank = Bank.validate(make_bank(used, ours))
    assert list(bank["probe"]) == list(used["probe"])
    of_question = ours.drop_duplicates("question").set_index("question")
    for probe in bank.itertuples():
        for column in ("category", "battery", "siblings", "scale", "reversed"):
            assert getattr(probe, column) == of_question.loc[probe.question, column], probe
    twins = bank.groupby("question")["probe"].agg(list)
    assert twins["Q130"] == ["Q130a", "Q130b", "Q130c", "Q130d"]
    assert (bank.groupby("question")["siblings"].nunique() == 1).all()


def test_bank_without_a_question_of_the_release_is_refused(tmp_path: Path, refused: Refused) -> None:
    ours = BANK_FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    bank = tmp_path / "probes.csv"
    bank.write_text("".join(line for line in ours if not line.startswith("Q57")), encoding="utf-8")
    arguments = ["--rows", BANK_FOLDER / "arora.csv", "--bank", bank, "--output", tmp_path / "arora.csv"]
    refused("adopt-arora-bank", *arguments, tells=[str(bank), "1 questions", "Q57", "Give the whole bank"])


def test_codes_of_every_row_partition_the_scale_of_its_question(rows: pd.DataFrame) -> None:
    scales = read_input(ROOT / "resources" / "survey" / "scales.csv", Scales).set_index("question")
    for row in some(rows[rows["dropped"] == ""]).itertuples():
        codes = [code for part in (row.pole_a, row.pole_b, row.neither) for code in parse_codes(part)]
        scale = scales.loc[row.question]
        assert sorted(codes) == list(range(scale["first"], scale["last"] + 1)), row


def test_twins_that_split_one_scale_have_opposite_poles(rows: pd.DataFrame) -> None:
    poles = rows.set_index("probe")
    for question in ("Q106", "Q107", "Q108", "Q109", "Q110", "Q111", "Q174", "Q175"):
        one, other = poles.loc[f"{question}a"], poles.loc[f"{question}b"]
        assert (one["pole_a"], one["pole_b"]) == (other["pole_b"], other["pole_a"]), question
    for question, letters in {"Q130": "abcd", "Q173": "ab"}.items():
        first = [parse_codes(poles.loc[f"{question}{letter}", "pole_a"]) for letter in letters]
        assert sum(map(len, first)) == len(set().union(*first)), question


def same_cut(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of probes of two banks with the same question and cut, and whether pole A is the same."""
    pairs = ours.merge(theirs, on="question", suffixes=("", "_arora"))
    cuts = pairs.filter(regex="^(pole|neither)").map(lambda codes: frozenset(parse_codes(codes)))
    straight = (cuts["pole_a"] == cuts["pole_a_arora"]) & (cuts["pole_b"] == cuts["pole_b_arora"])
    turned = (cuts["pole_a"] == cuts["pole_b_arora"]) & (cuts["pole_b"] == cuts["pole_a_arora"])
    return pairs.assign(straight=straight)[straight | turned]


def test_majorities_are_those_of_our_bank_where_question_and_cut_are_the_same(rows: pd.DataFrame) -> None:
    ours = BANK
    theirs = make_bank(rows[rows["dropped"] == ""], ours)
    counts = read_input(ROOT / "resources" / "survey" / "example" / "counts.csv", Counts).query("code >= 0")
    n = counts["count"]
    answers = counts.assign(
        n=n,
        weight=n * 1.0,
        weight_squared=n * 1.0,
        share=n / n.groupby([counts["country"], counts["question"]]).transform("sum"),
    )
    majority, other = (map_poles(answers, bank).set_index(["country", "probe"])["majority"] for bank in (ours, theirs))
    pairs = same_cut(ours, theirs)
    assert not pairs["straight"].all()
    document = (ROOT / "docs" / "arora.md").read_text(encoding="utf-8")
    assert f"{len(pairs)} pairs of probes have question and cut in common" in document
    checked = 0
    for pair in pairs.itertuples():
        for country in counts["country"].unique():
            if (country, pair.probe) in majority.index:
                turned = {"A": "B", "B": "A", "tie": "tie"}[majority[(country, pair.probe)]]
                expected = majority[(country, pair.probe)] if pair.straight else turned
                assert other[(country, pair.probe_arora)] == expected, pair
                checked += 1
    assert checked > 2000


# What ships


def test_shipped_tables_are_about_all_rows_and_languages(rows: pd.DataFrame, repairs: pd.DataFrame) -> None:
    assert list(rows["row"]) == list(range(272))
    used, document = rows[rows["dropped"] == ""], (ROOT / "docs" / "arora.md").read_text(encoding="utf-8")
    assert f"{len(used)} probes for {used['question'].nunique()} questions" in document
    assert f"{len(rows) - len(used)} rows are in none" in document
    assert sorted(set(repairs["language"])) == LANGUAGES
    places = Counter(
        (repair.language, row, repair.column, repair.words if repair.column == "statement" else "")
        for repair in repairs.itertuples()
        for row in parse_codes(repair.rows)
    )
    assert set(places.values()) == {1}
    assert f"{len(repairs):,} lines for {len(places):,} places" in document
    assert not (repairs["repair"].map(digest) == repairs["was"]).any()
    assert not set(repairs["defect"]) & GENERIC


@needs_copy
def test_nothing_shipped_has_more_than_three_words_of_a_sentence_of_the_release() -> None:
    shipped = [*BANK_FOLDER.glob("arora*.csv"), ROOT / "docs" / "arora.md", Path(__file__)]
    shipped += [ROOT / "workflow" / "selfalign" / "probes" / f"{name}.py" for name in ("arora", "adopt_arora")]
    cells = [cell for path in shipped for cell in re.split(r'[,\n"|]', path.read_text(encoding="utf-8"))]
    runs = {tuple(words[start : start + 4]) for words in map(str.split, cells) for start in range(len(words) - 3)}
    for language in LANGUAGES:
        for sentence in some(read_copy(COPY / f"{language}.csv")["sentence"]):
            words = clean_cell(sentence).split()
            taken = [words[start : start + 4] for start in range(len(words) - 3)]
            assert not [run for run in taken if tuple(run) in runs], (language, sentence)


# The release


@pytest.fixture(scope="module")
def adopted(rows: pd.DataFrame, repairs: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Texts and log of each language of the release."""
    made = {}
    for language in LANGUAGES:
        path = COPY / f"{language}.csv"
        copy = read_copy(path)
        check_copy(copy, rows, path)
        made[language] = adopt(copy, rows, repairs, language, path, BANK_FOLDER / "arora_repairs.csv")
    return made


@needs_copy
@pytest.mark.parametrize("language", LANGUAGES)
def test_language_of_the_release_is_adopted_with_each_rows_fate_known(
    language: str, rows: pd.DataFrame, adopted: dict[str, tuple[pd.DataFrame, pd.DataFrame]], tmp_path: Path
) -> None:
    texts, log = adopted[language]
    used = rows[rows["dropped"] == ""]
    bank = make_bank(used, BANK)
    Texts.validate(texts).to_csv(tmp_path / "texts.csv", index=False)
    assert len(read_texts(tmp_path / "texts.csv", bank)) == len(used) == 259
    for row in texts.itertuples():
        cells = (row.statement, row.option_a, row.option_b)
        assert re.search(r"(?<!\w)___(?!\w)", row.statement) and row.statement.count("_") == 3, row
        assert row.option_a.casefold() != row.option_b.casefold(), row
        assert all(cell == " ".join(cell.split()) for cell in cells), row
        assert not any(mark in cell for cell in cells for mark in ("[MASK]", "&#", "{", "}", "  ")), row
        assert not re.search(r"[.,;:!?۔،।]$", row.option_a + row.option_b), row
    dropped = AroraLog.validate(log).query("column == 'row'")
    assert list(dropped["row"]) == list(rows.loc[rows["dropped"] != "", "row"])
    changed = set(log.loc[log["column"] != "row", "row"])
    copy = read_copy(COPY / f"{language}.csv").astype({"row": "int64"}).set_index("row")
    for row, text in zip(used["row"], texts.itertuples(), strict=True):
        as_it_was = (
            copy.at[row, "sentence"].replace("[MASK]", "___"),
            copy.at[row, "label_1"],
            copy.at[row, "label_2"],
        )
        assert row in changed or as_it_was == (text.statement, text.option_a, text.option_b), row


@needs_copy
def test_document_has_the_defects_by_kind_and_language(
    adopted: dict[str, tuple[pd.DataFrame, pd.DataFrame]],
) -> None:
    logs = pd.concat([log.assign(language=language) for language, (_, log) in adopted.items()])
    changed = logs[logs["column"] != "row"]
    counts = changed.groupby(["defect", "language"])["row"].nunique().unstack(fill_value=0)[LANGUAGES]
    document = (ROOT / "docs" / "arora.md").read_text(encoding="utf-8")
    for defect, row in counts.iterrows():
        assert f"| `{defect}` | {' | '.join(map(str, row))} | {row.sum()} |" in document, (defect, list(row))
    assert document.count("\n| `") >= len(counts)
    pairs = changed.drop_duplicates(["language", "row"])
    unchanged = 259 * 13 - len(pairs)
    assert f"{len(pairs):,} of {259 * 13:,}" in document and f"{unchanged:,} are as released" in document


# The workflow


def settings(folder: str | None, **probes: str) -> dict:
    """A config of the probes of Arora et al. in German."""
    made = {"bank": "results/shared/arora/probes.csv", "texts": "results/shared/arora/texts/{language}.csv"}
    return {
        "surveys": {"example": {"form": "counts", "source": {"hub": "org/name"}}},
        "run": {"survey": "example", "languages": ["de"]},
        "languages": {"de": {"countries": ["DEU"], "arms": ["zero_shot"]}},
        "arms": {"zero_shot": {"shots": 0}},
        "demonstrations": {"embedding": {"model": "universal"}},
        "probes": made | ({"arora": folder} if folder else {}) | probes,
        "prompts": {
            key: str(ROOT / "resources" / "templates" / "en.yaml") for key in ("templates", "personas", "neutral")
        },
        "figures": {"style": {"texts": str(ROOT / "resources" / "figures" / "{language}.yaml"), "language": "en"}},
    }


def test_config_is_accepted_before_bank_and_texts_are_made(small: Path) -> None:
    check_files(Config.read(settings(str(small))))


@pytest.mark.parametrize(
    ("folder", "probes", "tells"),
    [
        pytest.param(None, {}, ["probes.arora", "must be given", "docs/arora.md"], id="no folder named"),
        pytest.param("no/such/folder", {}, ["probes.arora", "'no/such/folder'", "no such folder"], id="no such folder"),
        pytest.param(
            "empty", {}, ["probes.arora", "has no file de.csv", "none", "run.languages"], id="no such language"
        ),
        pytest.param("small", {"bank": str(BANK_FILE)}, ["probes.bank", "does not go with"], id="our bank"),
        pytest.param("small", {"texts": "texts/{language}.csv"}, ["probes.texts", "does not go with"], id="our texts"),
    ],
)
def test_config_without_a_whole_copy_is_refused(
    folder: str | None, probes: dict[str, str], tells: list[str], small: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    folder = {"empty": str(tmp_path / "empty"), "small": str(small)}.get(folder, folder)
    with pytest.raises(InputError) as refusal:
        check_files(Config.read(settings(folder, **probes)))
    for part in tells:
        assert part in str(refusal.value)


def test_workflow_makes_bank_and_texts_of_a_copy(plain: Project, small: Path) -> None:
    shipped = plain.folder / "resources" / "probes"
    (shipped / "arora.csv").write_text(ROWS, encoding="utf-8")
    REPAIRS.to_csv(shipped / "arora_repairs.csv", index=False)
    (plain.folder / "de.yaml").write_bytes((ROOT / "resources" / "templates" / "en.yaml").read_bytes())
    config = {
        "probes": settings(str(small))["probes"] | {"categories": [], "only": []},
        "prompts": {"templates": "{language}.yaml"},
        "run": {"languages": ["de"]},
        "languages": {"de": {"countries": ["DEU", "MEX"], "arms": ["zero_shot", "chrf", "chrf_other"]}},
        "arms": {name: {"shots": 1} for name in ("chrf", "chrf_other")},  # the copy has four probes
    }
    plan = plain.snakemake("--dry-run", "results/default/design/de.parquet", config=config)
    assert plan.code == 0, plan.output
    assert plan.planned()["adopt_arora"] == plan.planned()["adopt_arora_bank"] == 1
    run = plain.snakemake("results/shared/arora/probes.csv", "results/shared/arora/texts/de.csv", config=config)
    assert run.code == 0, run.output
    bank = read_bank(plain.folder / "results" / "shared" / "arora" / "probes.csv")
    assert list(bank["probe"]) == ["Q1", "Q2", "Q106a", "Q106b"]
    texts = read_texts(plain.folder / "results" / "shared" / "arora" / "texts" / "de.csv", bank)
    assert texts.loc["Q106b", "option_b"] == "mag ich nicht"
    with (plain.folder / "results" / "shared" / "arora" / "repairs" / "de.csv").open(encoding="utf-8") as log:
        assert [line["after"] for line in csv.DictReader(log)][-1] == "dropped"
    (small / "de.csv").unlink()
    stopped = plain.snakemake("results/shared/arora/texts/de.csv", config=config)
    assert stopped.code == 1 and "has no file de.csv" in stopped.output, json.dumps(stopped.output)
