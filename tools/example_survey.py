"""Write an invented national survey of 12 questions: `python tools/example_survey.py FOLDER`.

Writes national.csv, national.sav and national.dta with the same 600 respondents, and national_counts.csv with their
answer counts. Nobody was asked: all answers are drawn from made-up shares, with a fixed seed.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

PEOPLE = 600
IMPORTANT = {1: "Very important", 2: "Rather important", 3: "Not very important", 4: "Not at all important"}
TRUST = {1: "A great deal", 2: "Quite a lot", 3: "Not very much", 4: "None at all"}
AGREE = {1: "Agree strongly", 2: "Agree", 3: "Neither", 4: "Disagree", 5: "Disagree strongly"}
CARE = {1: "Most people can be trusted", 2: "One needs to be careful"}
CHOICE = {1: "Protecting the environment", 2: "Economic growth"}
SATISFIED = {0: "Extremely dissatisfied", 10: "Extremely satisfied"}
ESSENTIAL = {1: "Not at all important", 10: "Absolutely important"}

QUESTIONS = {
    "imp_family": ("How important is family in your life?", IMPORTANT, (70, 20, 6, 4)),
    "imp_work": ("How important is work in your life?", IMPORTANT, (40, 35, 15, 10)),
    "imp_relig": ("How important is religion in your life?", IMPORTANT, (12, 20, 33, 35)),
    "tr_parl": ("How much do you trust the parliament?", TRUST, (8, 30, 40, 22)),
    "tr_police": ("How much do you trust the police?", TRUST, (20, 45, 25, 10)),
    "tr_press": ("How much do you trust the press?", TRUST, (5, 33, 42, 20)),
    "tr_people": ("Can most people be trusted, or does one need to be careful?", CARE, (38, 62)),
    "env_growth": ("Which is more important, the environment or economic growth?", CHOICE, (55, 45)),
    "women_jobs": ("When jobs are scarce, men should have more right to a job than women.", AGREE, (5, 8, 12, 35, 40)),
    "immig_jobs": ("Immigrants take jobs away from people born here.", AGREE, (12, 24, 25, 26, 13)),
    "lifesat": ("How satisfied are you with your life?", SATISFIED, (2, 2, 3, 5, 6, 12, 12, 20, 22, 10, 6)),
    "dem_imp": ("How important is it to live in a democracy?", ESSENTIAL, (2, 1, 2, 3, 6, 6, 10, 18, 20, 32)),
}
"""By column: the question, labels of codes, and invented shares in percent. Codes begin at the first with a label."""

MISSING = {8: "Don't know", 9: "No answer"}
LONG_MISSING = {88: "Don't know", 99: "No answer"}


def missing_of(column: str) -> dict[int, str]:
    """The missing codes of a question: 8 and 9, or 88 and 99 where these are answers."""
    return LONG_MISSING if len(QUESTIONS[column][2]) > 6 else MISSING


def draw_people() -> pd.DataFrame:
    """The respondents. The cells of the half that was not asked about immigrants are empty."""
    generator = np.random.default_rng(12)
    table = {
        "caseid": np.arange(10001, 10001 + PEOPLE),
        "weight": np.round(generator.uniform(0.4, 2.1, PEOPLE), 3),
        "gender": generator.integers(1, 3, PEOPLE),
        "agegroup": generator.integers(1, 7, PEOPLE),
        "region": generator.integers(1, 6, PEOPLE),
    }
    for column, (_, labels, shares) in QUESTIONS.items():
        codes = np.arange(min(labels), min(labels) + len(shares))
        answers = generator.choice(codes, PEOPLE, p=np.array(shares) / sum(shares)).astype(float)
        lost = generator.uniform(size=PEOPLE)
        dont_know, no_answer = missing_of(column)
        answers[lost < 0.05] = dont_know
        answers[lost < 0.02] = no_answer
        table[column] = answers
    people = pd.DataFrame(table)
    people.loc[people["caseid"] % 2 == 0, "immig_jobs"] = np.nan  # a split ballot
    return people.assign(comment=np.where(people["caseid"] % 50 == 0, "Ça dépend; vraiment", ""))


def write_survey(folder: Path) -> None:
    """Write the survey in all four forms."""
    folder.mkdir(parents=True, exist_ok=True)
    people = draw_people()
    whole = people.astype(dict.fromkeys(QUESTIONS, "Int64"))
    whole.to_csv(folder / "national.csv", index=False, lineterminator="\n")
    titles = {column: asked for column, (asked, _, _) in QUESTIONS.items()}
    labels = {column: dict(each) for column, (_, each, _) in QUESTIONS.items()}
    labels |= {"gender": {1: "Man", 2: "Woman"}}
    spss = {column: labels[column] | missing_of(column) for column in QUESTIONS}
    pyreadstat.write_sav(
        people,
        str(folder / "national.sav"),
        column_labels=titles,
        variable_value_labels=labels | spss,
        missing_ranges={column: list(missing_of(column)) for column in QUESTIONS},
    )
    stata = people.copy()
    letters = {column: dict(zip(missing_of(column), ("a", "b"), strict=True)) for column in QUESTIONS}
    for column, codes in letters.items():
        stata[column] = people[column].astype(object).replace(codes)
    extended = {column: dict(zip(("a", "b"), missing_of(column).values(), strict=True)) for column in QUESTIONS}
    pyreadstat.write_dta(
        stata,
        str(folder / "national.dta"),
        column_labels=titles,
        variable_value_labels=labels | {column: labels[column] | extended[column] for column in QUESTIONS},
        missing_user_values={column: ["a", "b"] for column in QUESTIONS},
    )
    long = people[list(QUESTIONS)].melt(var_name="question", value_name="code").dropna()
    counts = long.astype({"code": int}).value_counts().rename("count").reset_index()
    counts["place"] = counts["question"].map({column: place for place, column in enumerate(QUESTIONS)})
    counts = counts.sort_values(["place", "code"]).drop(columns="place")
    counts.to_csv(folder / "national_counts.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    write_survey(Path(*sys.argv[1:2]))
