"""What `selfalign start-survey` finds in a file, and the files that it writes."""

import shlex
from pathlib import Path
from typing import Annotated

import pandas as pd
import pyreadstat
import pytest
import yaml
from pydantic import TypeAdapter
from refusal import Refused
from selfalign.config.sections import RunSettings
from selfalign.survey.files import open_survey
from selfalign.survey.inspect_file import Facts, inspect_columns
from selfalign.survey.parse_table import parse_table
from selfalign.survey.questions import read_questions
from selfalign.survey.start_survey import guess_countries
from selfalign.survey.table_columns import TableLayout
from surveys import run


@pytest.mark.parametrize(
    ("labels", "countries"),
    [
        pytest.param({"4": "Great Britain", "8": "Russia", "9": "Nowhere"}, ["GBR", "RUS", None], id="names"),
        pytest.param({"792": "Turkey", "410": "South Korea"}, ["TUR", "KOR"], id="names of ISO numbers"),
        pytest.param({"4": "", "8": "", "276": ""}, ["AFG", "ALB", "DEU"], id="ISO numbers"),
        pytest.param({"1": "", "4": "", "8": ""}, [None, None, None], id="other numbers"),
        pytest.param({"PT": "", "DEU": "", "France": ""}, ["PRT", "DEU", "FRA"], id="texts"),
    ],
)
def test_country_is_the_one_that_the_label_names(labels: dict[str, str], countries: list[str | None]) -> None:
    facts = Facts(
        "land", counts=dict.fromkeys(labels, 1), labels={key: label for key, label in labels.items() if label}
    )
    assert list(guess_countries(facts).values()) == countries


def test_other_columns_of_weights_are_named(tmp_path: Path) -> None:
    rows = [f"{n},{0.5 + n % 2},{0.7 + n % 3},{1 + n % 2},{1 + n % 3},{1 + n % 4}" for n in range(20)]
    (tmp_path / "ess.csv").write_text("\n".join(["idno,dweight,pspwght,a,b,c", *rows]) + "\n", encoding="utf-8")
    said = run("start-survey", tmp_path / "ess.csv", "--country", "PRT", "--folder", tmp_path / "ess")
    assert "weight: column dweight\n" in said
    assert "other columns that may be weights: pspwght; choose with --weight" in said


def test_scale_whose_labels_are_codes_gets_values_that_are_read_as_codes(tmp_path: Path) -> None:
    answers = [float(1 + n % 4) for n in range(40)]
    labels = {float(code): str(code - 1) for code in range(1, 5)}
    table = pd.DataFrame(dict.fromkeys(("a", "b", "c"), answers))
    pyreadstat.write_sav(table, str(tmp_path / "s.sav"), variable_value_labels=dict.fromkeys(table, labels))
    run("start-survey", tmp_path / "s.sav", "--country", "PRT", "--folder", tmp_path / "s")
    questions = read_questions(tmp_path / "s/questions.csv")
    with open_survey(tmp_path / "s.sav", tmp_path) as file:
        layout = TableLayout.of_survey({"country": "PRT"})
        responses, _, _ = parse_table(file, questions, layout, tmp_path / "s/questions.csv")
    assert responses["a"].tolist() == [int(answer) for answer in answers]


def read(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig").set_index("question")


def start(folder: Path, columns: dict[str, list[str]], *options: str, name: str = "s.csv") -> str:
    """What start-survey says of a CSV with these columns, each repeated ten times."""
    pd.DataFrame({column: values * 10 for column, values in columns.items()}).to_csv(folder / name, index=False)
    return run("start-survey", folder / name, *options)


def test_spellings_of_one_value_are_counted_together(tmp_path: Path) -> None:
    columns = {
        "a": ["1.0", "2.0", "3.0", "99.0", "-1.0"],
        "b": ["1", "1.0", "01", "2", ""],
        "c": ["Yes", "yes", "Yes", "no", "NO "],
    }
    start(tmp_path, columns, "--country", "DEU", "--questions", "a, b, c", "--folder", str(tmp_path / "s"))
    questions = read(tmp_path / "s/questions.csv")[["answers", "missing", "values", "note_counts"]]
    assert questions.to_numpy().tolist() == [
        ["1; 2; 3", "-1 = other; 99 = other", "", "-1: 10; 1: 10; 2: 10; 3: 10; 99: 10"],
        ["1; 2", "blank = other", "", "1: 30; 2: 10; blank: 10"],
        ["1 = NO; 2 = Yes", "", "", "NO: 20; Yes: 30"],
    ]
    assert read(tmp_path / "s/probes.csv")["note_pole_a"].tolist() == ["1 (10)", "1 (30)", "1 NO (20)"]


TURKISH = {
    "Ağırlık": ["0.5", "1.5", "1", "0.8", "1.2"],
    "Cinsiyet": ["Erkek", "Kadın", "Kadın", "Erkek", "Kadın"],
    "a": ["Çok önemli", "Hiç önemli değil", "Pek önemli değil", "Bilmiyorum", "Cevap yok"],
    "b": ["Evet", "Hayır", "Evet", "Fikri yok", "Evet"],
    "c": ["1", "2", "-9", "1", "2"],
}


def test_turkish_file_has_its_weight_sex_and_missing_answers(tmp_path: Path) -> None:
    said = start(tmp_path, TURKISH, "--country", "TUR", "--language", "tr", "--folder", str(tmp_path / "t"))
    assert "weight: column Ağırlık\n" in said
    assert "Cinsiyet: about the respondent" in said
    questions = read(tmp_path / "t/questions.csv")
    assert list(questions.index) == ["a", "b", "c"]
    assert questions.loc["a", "missing"] == "Bilmiyorum = dont_know; Cevap yok = no_answer"
    assert questions.loc["b", "missing"] == "Fikri yok = dont_know"


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        *[(word, "dont_know") for word in ("Weiß nicht", "Не знаю", "Затрудняюсь ответить", "Nu știu", "不知道")],
        *[(word, "dont_know") for word in ("모르겠다", "Δεν γνωρίζω", "Không biết", "Tidak tahu", "نمی‌دانم", "জানি না")],
        *[(word, "no_answer") for word in ("k. A.", "Нет ответа", "Nu răspund", "不回答", "무응답", "Không trả lời")],
    ],
)
def test_missing_answers_are_found_in_the_languages_of_the_prompts(label: str, kind: str, tmp_path: Path) -> None:
    columns = {name: ["1", "2", "3", label, "2"] for name in ("a", "b", "c")}
    start(tmp_path, columns, "--country", "DEU", "--questions", "a, b, c", "--folder", str(tmp_path / "s"))
    assert set(read(tmp_path / "s/questions.csv")["missing"]) == {f"{label} = {kind}"}


@pytest.mark.parametrize(
    ("labels", "missing"),
    [
        pytest.param({-9: "trifft nicht zu", 1: "ja", 2: "nein"}, ["-9"], id="a label that is not known"),
        pytest.param({-2: "sehr schlecht", -1: "", 0: "", 1: "", 2: "sehr gut"}, [], id="a scale around 0"),
        pytest.param({-5: "", **dict.fromkeys(range(-4, 6), "")}, [], id="a scale without labels"),
        pytest.param({-1: "gegen", 0: "weder noch", 1: "für"}, [], id="three answers with labels"),
        pytest.param({-1: "", 0: "", 1: ""}, ["-1"], id="three codes without labels"),
        pytest.param({-2: "keine Meinung", -1: "Filter", 0: "nein", 1: "ja"}, ["-2", "-1"], id="below a dichotomy"),
    ],
)
def test_negative_code_is_an_answer_on_a_scale_around_0_only(
    labels: dict[int, str], missing: list[str], tmp_path: Path
) -> None:
    table = pd.DataFrame({"a": [float(code) for code in labels]})
    named = {float(code): label for code, label in labels.items() if label}
    pyreadstat.write_sav(table, str(tmp_path / "s.sav"), variable_value_labels={"a": named} if named else {})
    with open_survey(tmp_path / "s.sav", tmp_path) as file:
        (facts,) = inspect_columns(file)
    assert sorted(facts.missing) == sorted(missing)


def test_poles_are_open_where_the_file_does_not_say_the_order(tmp_path: Path) -> None:
    words = ["sehr wichtig", "wichtig", "unwichtig", "weiß nicht", "wichtig"]
    ends = ["gar kein Vertrauen", "2", "3", "4", "volles Vertrauen"]
    columns = {"a": words, "b": ends, "c": ["ja", "nein", "ja", "nein", "ja"], "d": ["1", "2", "3", "4", "5"]}
    said = start(tmp_path, columns, "--country", "DEU", "--questions", "a..d", "--folder", str(tmp_path / "s"))
    assert "put the words of a, b in the order of the scale" in said
    poles = read(tmp_path / "s/probes.csv")[["pole_a", "pole_b", "neither"]]
    assert {name: list(row) for name, row in poles.iterrows()} == {
        "a": ["", "", ""],
        "b": ["", "", ""],
        "c": ["1", "2", ""],
        "d": ["1 2", "4 5", "3"],
    }
    questions = read(tmp_path / "s/questions.csv")
    assert questions.loc["b", ["answers", "values"]].tolist() == [
        "1 = gar kein Vertrauen; 2; 3; 4; 5 = volles Vertrauen",
        "",
    ]
    assert read_questions(tmp_path / "s/questions.csv")[1].codes["volles vertrauen"] == 5


def test_column_that_looks_like_a_weight_is_named(tmp_path: Path) -> None:
    rows = {"poststrat": [f"{0.5 + place / 20}" for place in range(20)], "price": [f"{place}.5" for place in range(20)]}
    answers = {name: ["1", "2", "3", "2"] * 5 for name in ("a", "b", "c")}
    said = start(tmp_path, rows | answers, "--country", "DEU", "--folder", str(tmp_path / "s"))
    assert "weight: none" in said and "  columns that may be weights: poststrat; choose with --weight" in said


@pytest.mark.parametrize(
    ("file", "folder", "name"),
    [
        pytest.param("Umfrage Größe.csv", None, "umfrage_grosse", id="capitals, a space and an umlaut"),
        pytest.param("türkiye anketi.csv", None, "turkiye_anketi", id="Turkish"),
        pytest.param("example.csv", None, "example_own", id="a name of the project"),
        pytest.param("shared.csv", None, "shared_own", id="the folder of what runs share"),
        pytest.param("опрос.csv", None, "survey", id="other letters only"),
        pytest.param("s.csv", "Mein Ordner", "mein_ordner", id="a folder"),
        pytest.param(f"{'a' * 200}.csv", None, "a" * 60, id="too long"),
    ],
)
def test_config_has_a_name_that_a_run_may_have(
    file: str, folder: str | None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    columns = {column: ["1", "2", "3", "2"] for column in ("a", "b", "c")}
    said = start(tmp_path, columns, "--country", "DEU", *(["--folder", folder] if folder else []), name=file)
    path = f"{folder or name}/config.yaml"
    assert f"snakemake --cores 2 --configfile {shlex.quote(path)}" in said
    config = yaml.safe_load((tmp_path / path).read_text(encoding="utf-8"))
    assert config["run"]["name"] == config["run"]["survey"] == name
    assert list(config["surveys"]) == [name]
    field = TypeAdapter(Annotated[str, RunSettings.model_fields["name"]])
    assert field.validate_python(name) == name


def test_countries_are_known_by_their_names_in_other_languages(tmp_path: Path) -> None:
    countries = {"1": "Deutschland", "2": "Österreich", "3": "Almanya", "4": "España", "5": "Nirgendwo"}
    facts = Facts("land", counts=dict.fromkeys(countries, 1), labels=countries)
    assert list(guess_countries(facts).values()) == ["DEU", "AUT", "DEU", "ESP", None]


def test_config_gives_the_label_of_each_country(tmp_path: Path) -> None:
    table = pd.DataFrame({"land": [1.0, 2.0] * 10, **{name: [1.0, 2.0, 3.0, 2.0] * 5 for name in ("a", "b", "c")}})
    labels = {"land": {1.0: "Deutschland", 2.0: "Nirgendwo"}}
    pyreadstat.write_sav(table, str(tmp_path / "s.sav"), variable_value_labels=labels)
    said = run("start-survey", tmp_path / "s.sav", "--country", "land", "--folder", tmp_path / "s")
    assert "and the country of 2 Nirgendwo, also in languages" in said
    text = (tmp_path / "s/config.yaml").read_text(encoding="utf-8")
    assert '      "1": DEU # Deutschland\n      "2": "" # Nirgendwo\n' in text


def test_file_that_is_not_there_is_named_with_the_nearest_one(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "umfrage.sav").touch()
    refused("start-survey", tmp_path / "umfrag.sav", tells=["there is no such file", 'Did you mean "umfrage.sav"?'])
