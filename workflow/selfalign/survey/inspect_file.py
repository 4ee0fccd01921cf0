"""Facts of the columns of a survey file: values with labels and counts, and which columns look like questions."""

import re
from dataclasses import dataclass, field

from selfalign.survey.cells import is_blank, read_count, read_number, tidy
from selfalign.survey.files import UNLABELLED, ColumnLabels, SurveyFile, read_labels
from selfalign.survey.questions import HIGHEST

MOST = 50
"""Columns with more different values are not listed value by value."""

MOST_ANSWERS = 11
"""Columns with more answers do not look like questions."""

Range = tuple[str, str]
"""The lowest and the highest of the values that a column declares as missing."""

_KINDS = {
    "not_asked": r"not asked|^filter|split (ballot|sample|half)|nicht (gefragt|erhoben)|sorulmadı|no preguntad",
    "not_applicable": r"not applicable|inapplicable|no aplica|nicht anwendbar|sans objet|geçerli değil"
    r"|niet van toepassing",
    "dont_know": r"don.?t know|do not know|can.?t (choose|say)|wei(ß|ss) (es |ich )?nicht|no sabe|ne sai[st] pas"
    r"|n[ãa]o sab|^non so\b|weet (het |ik )?niet|geen mening|^(dk|nsp|wn|wei(ß|ss) n\.?)$|bilmiyor|fikri(m)? yok"
    r"|nu [sșş]ti(e|u)|не знаю|затрудня|не зна[мн]|^ne znam\b|nie wiem|trudno powiedzie|δεν (ξέρ|γνωρίζ)|tidak tahu"
    r"|không biết|hindi alam|모름|모르겠|不知道|不清楚|说不清|わからない|نمی.?دان|معلوم نہیں|پتہ نہیں|জানি না|জানেন না",
    "no_answer": r"^refus|refused$|no answer|not answered|prefer not to|keine (angabe|antwort)|verweiger|no contest"
    r"|no respond|sin respuesta|sans r.ponse|n[ãa]o respond|^(na|n/a|nr|k\. ?a\.?|ka)$|^geweigerd|geen antwoord"
    r"|(cevap|yanıt) (yok|ver)|nu r[ăa]spund|^refuz|нет ответа|^отказ|без одговора|bez odgovora|^odmowa|brak odpowiedzi"
    r"|δεν απαντ|tidak (men)?jawab|không trả lời|từ chối|walang sagot|무응답|응답 ?거절|拒绝|不回答|无回答|無回答"
    r"|بدون پاسخ|پاسخ نداد|جواب نہیں|উত্তর নেই",
    "other": r"^missing|missing$|^invalid|^fehlend|^ung[üu]ltig|^perdido|^kayıp|^eksik",
}
"""Words in the label of a missing answer, by kind."""

_FAR = {"7", "8", "9", "66", "77", "88", "96", "97", "98", "99", "777", "888", "996", "997", "998", "999"}
"""Codes that mean missing in many surveys, where they stand apart from the other codes."""

_ABOUT = re.compile(
    r"(the )?(respondent'?s? )?(sex|gender|geschlecht|sexo|sexe|cinsiyet\w*|пол"
    r"|age ?(group|class|category|in years)?\w*"
    r"|alter(sgruppe\w*)?|edad|yaş\w*( grubu)?|возраст|year of birth|birth ?year|geburtsjahr|doğum yılı"
    r"|region|province|state|bundesland|bölge|şehir|urban ?/? ?rural|settlement\w*|educ\w*( level)?|level of education"
    r"|schul\w*|bildung\w*|eğitim\w*|образование|degree|income\w*( group)?|einkommen|gelir|marital( status)?"
    r"|familienstand|medeni (hal|durum)\w*|married|household( size)?|occupation|beruf|meslek|employment( status)?"
    r"|employed|religion|konfession|denomination|confession|ethnic\w*|language|mode|interviewer\w*|duration|date|wave|year|version|strat\w*|psu|cluster)",
    re.IGNORECASE,
)
"""Names and labels of columns about the respondent, not about values."""

_ROLES = {
    "weight": r"(?i)^(w|wt|wgt|wght|wate|weight\w*|\w*_?weight|gewicht|peso|pond\w*|factor|w_\w*|\w*wg[h]?t"
    r"|a[ğg][ıi]rl[ıi]k\w*|poids\w*|bobot|вес)$",
    "respondent": r"(?i)^(id|ident|caseid|case_id|resp_?id|respondent\w*|respnr|idno|uuid|serial|lfdn|lfd_?nr|folio"
    r"|record|response ?id|denek_?no|anket_?no)$",
    "country": r"(?i)^(country\w*|cntry|b_country_alpha|land|pa[íi]s|pays|[üu]lke|страна|nation|iso\w*|c_alphan"
    r"|cntry_an)$",
    "year": r"(?i)^(year|a_year|jahr|a[ñn]o|interview_?year)$",
    "question": r"(?i)^(question\w*|variable|item|frage|pregunta)$",
    "code": r"(?i)^(code|answer\w*|value|response|antwort|respuesta|category)$",
    "count": r"(?i)^(count\w*|n|freq\w*|number|respondents|anzahl|casos)$",
}
"""Names of columns by what they are likely to be."""


@dataclass
class Facts:
    """A column of the file: its values, their labels and their counts.

    Attributes:
        name: of the column.
        label: of the column, where the file has one.
        counts: respondents by value, in the order of the values; those with a label and no respondents too. Spellings
            that `tidy` makes equal are one value, such as `1` and `1.0`, or `Yes` and `yes`.
        labels: of the values, where the file has some.
        missing: kind of missing answer by value, as the labels, the declarations and the codes suggest.
        blank: respondents without a value.
        distinct: number of different texts.
    """

    name: str
    label: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    blank: int = 0
    distinct: int = 0

    @property
    def answers(self) -> list[str]:
        """The values that are answers."""
        return [value for value in self.counts if value not in self.missing]

    @property
    def numeric(self) -> bool:
        """Whether all answers are whole numbers."""
        numbers = [read_number(value) for value in self.answers]
        return all(number is not None and number.is_integer() for number in numbers)

    @property
    def unordered(self) -> bool:
        """Whether more than two answers are in words, or the ends of a scale are: the file does not say their order."""
        words = sum(read_number(value) is None for value in self.answers)
        return words > 0 and len(self.answers) > 2


def inspect_columns(survey: SurveyFile) -> list[Facts]:
    """Facts of every column of a file, in its order."""
    about, raw = read_labels(survey), survey.read(survey.names)
    return [_describe(name, raw[name].value_counts().to_dict(), about.get(name, UNLABELLED)) for name in survey.names]


def inspect_counts(survey: SurveyFile, columns: dict[str, str]) -> list[Facts]:
    """Facts of every question of a table of counts, in the order of its rows.

    Args:
        columns: names of the columns question, code and count.
    """
    raw = survey.read([columns[role] for role in ("question", "code", "count")])
    raw = raw.set_axis(["question", "code", "count"], axis=1).astype(object)
    raw["count"] = [read_count(count) or 0 for count in raw["count"]]
    facts = []
    for question, rows in raw.groupby("question", sort=False):
        if question.strip():
            counts = rows.groupby("code")["count"].sum().astype(int).to_dict()
            facts.append(_describe(question.strip(), counts, UNLABELLED))
    return facts


def _describe(name: str, counts: dict[str, int], about: ColumnLabels) -> Facts:
    labels = {value: " ".join(text.split()) for value, text in about.values.items()}
    known: dict[str, int] = dict.fromkeys(labels, 0)
    blank = 0
    for value, n in counts.items():
        text = value.strip()
        if is_blank(text) and text not in labels:
            blank += int(n)
        elif n:
            known[text] = known.get(text, 0) + int(n)
    distinct, spelling = sum(n > 0 for n in known.values()), _choose_spellings(known)
    joined: dict[str, int] = {}
    for value, n in known.items():
        joined[spelling[value]] = joined.get(spelling[value], 0) + n
    ordered = dict(sorted(joined.items(), key=lambda item: _place(item[0])))
    labels = {spelling[value]: label for value, label in labels.items()}
    facts = Facts(name, " ".join(about.label.split()), ordered, labels, {}, blank, distinct)
    if len(ordered) <= MOST:
        facts.missing = _find_missing(facts, about.missing)
    return facts


def _choose_spellings(counts: dict[str, int]) -> dict[str, str]:
    """The spelling of each value: numbers are as short as they can be, words as most respondents have them."""
    chosen: dict[str, str] = {}
    for value in sorted(counts, key=lambda value: (-counts[value], value)):
        same = tidy(value)
        chosen.setdefault(same, value if read_number(value) is None else same)
    return {value: chosen[tidy(value)] for value in counts}


def _place(value: str) -> tuple[int, float, str]:
    number = read_number(value)
    return (0, number, "") if number is not None else (1, 0.0, value.casefold())


def _find_missing(facts: Facts, ranges: list[Range]) -> dict[str, str]:
    """Kind of missing answer of each value that looks like one."""
    found: dict[str, str] = {}
    for value in facts.counts:
        text = facts.labels.get(value, "" if read_number(value) is not None else value)
        kind = next((kind for kind, words in _KINDS.items() if re.search(words, text, re.IGNORECASE)), None)
        number = read_number(value)
        declared = re.fullmatch(r"\.[a-z]", value) or any(_is_within(value, *ends) for ends in ranges)
        if kind or declared or (number is not None and number < 0 and not _is_on_scale(number, text, facts)):
            found[value] = kind or "other"
    rest = [value for value in facts.counts if value not in found]
    return found | dict.fromkeys(_find_apart(rest, facts.labels), "other")


def _is_on_scale(number: float, label: str, facts: Facts) -> bool:
    """Whether a negative code is an answer: its scale goes as far below 0 as above, such as -5 to 5.

    The code -1 next to 0 and 1 is also a usual code of a missing answer. It is an answer if it has a label.
    """
    codes = {code for code in map(read_number, facts.counts) if code is not None}
    end = max(codes)
    balanced = end >= 1 and end.is_integer() and set(range(-int(end), int(end) + 1)) <= codes
    return balanced and -end <= number and (end > 1 or bool(label))


def _find_apart(values: list[str], labels: dict[str, str]) -> list[str]:
    """The last codes without labels, such as 8 and 9, where they do not continue the codes before them."""
    numbers = [number for number in map(read_number, values) if number is not None]
    if len(numbers) < len(values):
        return []
    for place in range(2, len(values)):
        last = values[place:]
        if numbers[place] > numbers[place - 1] + 1 and all(code in _FAR and code not in labels for code in last):
            return last
    return []


def _is_within(value: str, low: str, high: str) -> bool:
    number, first, last = read_number(value), read_number(low), read_number(high)
    if number is None or first is None or last is None:
        return value in (low, high)
    return first <= number <= last


def find_candidates(columns: list[Facts], rows: int) -> dict[str, list[str]]:
    """Columns about the respondent, or of a table of counts, that may have a role, by role: names in the file's order.

    Args:
        columns: facts of the columns.
        rows: number of rows of the file.
    """
    return {
        role: [each.name for each in columns if re.match(names, each.name) and _may_be(role, each, rows)]
        for role, names in _ROLES.items()
    }


def _may_be(role: str, facts: Facts, rows: int) -> bool:
    """Whether the values of a column fit what its name suggests."""
    numbers = [read_number(value) for value in facts.counts]
    if role == "weight":
        weights = [number for number in numbers if number is not None and number >= 0]
        if len(weights) < len(numbers) or facts.distinct < 2:
            return False
        sure = re.search(r"(?i)we?i?gh?t|wgt|gewicht|peso|pond", facts.name)
        return bool(sure) or not all(weight.is_integer() for weight in weights)
    if role == "respondent":
        return facts.distinct == rows - facts.blank and not facts.blank
    if role == "year":
        return all(number is not None and 1900 <= number <= 2100 for number in numbers)
    if role == "country":
        return 0 < facts.distinct <= 250
    if role == "count":
        return all(number is not None and number >= 0 and number.is_integer() for number in numbers)
    return True


def find_likely_weights(columns: list[Facts]) -> list[str]:
    """Columns whose values look like weights, whatever their name: positive, with decimals, and 1 on average."""
    return [each.name for each in columns if _weighs(each)]


def _weighs(facts: Facts) -> bool:
    numbers = {value: read_number(value) for value in facts.counts}
    known = {value: number for value, number in numbers.items() if number is not None and number >= 0}
    if len(known) < len(numbers) or facts.distinct <= MOST_ANSWERS or facts.blank:
        return False
    mean = sum(number * facts.counts[value] for value, number in known.items()) / sum(facts.counts.values())
    return 0.8 <= mean <= 1.25 and not all(number.is_integer() for number in known.values())


def why_no_question(facts: Facts, roles: dict[str, str]) -> str:
    """Why a column does not look like a question about values; empty if it does."""
    for role, name in roles.items():
        if name == facts.name:
            return f"the {role}"
    if len(facts.counts) > MOST or len(facts.answers) > MOST_ANSWERS:
        return f"{facts.distinct} different values"
    if sum(facts.counts[value] > 0 for value in facts.answers) < 2:
        return "fewer than two answers"
    if not facts.numeric and any(read_number(value) is not None for value in facts.answers):
        return "decimals, or numbers and words"
    if any((read_number(value) or 0) > HIGHEST for value in facts.answers):
        return "large numbers"
    if any(_ABOUT.fullmatch(text.replace("_", " ").strip()) for text in (facts.name, facts.label)):
        return "about the respondent, by its name"
    return ""
