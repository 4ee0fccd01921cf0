"""What the rules ask of the config beyond looking up a key; no rule stands here."""


def shipped(path):
    """A file of the project: in the working folder, or in the workflow's own if only that folder has it."""
    return locate(path, HOME)


SURVEY = f"results/{SHARED}/survey/{config['run']['survey']}"


def kept(path):
    """A file of which only some rows count: edited, it reruns a step through the digest of these rows alone."""
    return path if path.startswith("results/") else ancient(path)


def read_rows(digest, *files):
    """A digest of the rows that count in files of the user's; none of files that the workflow makes."""
    if any(str(file).startswith("results/") for file in files):
        return ""
    chosen = config["probes"]["categories"], config["probes"]["only"]
    return digest(*map(Path, files), *chosen)


BANK = kept(config["probes"]["bank"])

with told_plainly():
    USED_PROBES = read_rows(digest_probes, config["probes"]["bank"])


def texts_in(language):
    """The file of the wordings in a language."""
    return config["probes"]["texts"].replace("{language}", language)


def used_texts(wildcards):
    """Digests of the wordings that count, in the languages in which the arms of a language speak."""
    return [
        read_rows(digest_texts, config["probes"]["bank"], texts_in(one))
        for one in find_languages(config, wildcards.language)["texts"]
    ]


def run_texts(wildcards):
    """Digests of the wordings that count, in all the languages in which the run speaks."""
    run = config["run"]["languages"]
    languages = {one for each in run for one in find_languages(config, each)["texts"]}
    bank = config["probes"]["bank"]
    return [read_rows(digest_texts, bank, texts_in(one)) for one in sorted(languages)]


def compared_rows(wildcards):
    """Digest of the wordings that count for a measure: for bm25 those of the whole bank, in which a word is rare."""
    file = texts_in(compared_language(wildcards))
    if wildcards.measure == "bm25" and not file.startswith("results/"):
        return digest_texts(Path(config["probes"]["bank"]), Path(file), [], [])
    return read_rows(digest_texts, config["probes"]["bank"], file)


def surveys_of(*forms, counted=None):
    """Pattern of the names of all surveys of some forms; of counts or of respondents only, if `counted` says so."""
    names = [
        name
        for name, survey in config["surveys"].items()
        if survey["form"] in forms
        and counted in (None, "count" in survey.get("columns", {}))
    ]
    return "|".join(map(re.escape, names)) or "no survey"


TABLES = surveys_of("table", counted=False)

COUNTED = surveys_of("table", counted=True)

MICRODATA = f"{surveys_of('wvs7', 'counts', 'trends')}|{TABLES}"

FETCHED = (
    "|".join(
        re.escape(name)
        for name, survey in config["surveys"].items()
        if "file" not in survey["source"]
    )
    or "no survey"
)

SURVEY_TABLES = (
    [f"{SURVEY}/dictionary.csv", f"{SURVEY}/quality.csv"]
    if re.fullmatch(MICRODATA, config["run"]["survey"])
    else []
)


RESPONSES = (
    [f"{SURVEY}/responses.parquet"]
    if re.fullmatch(MICRODATA, config["run"]["survey"])
    else []
)


def survey_file(wildcards):
    """The file of a survey: the user's own, or where it is fetched to."""
    source = config["surveys"][wildcards.survey]["source"]
    place = re.sub("[?#].*", "", source.get("url") or source.get("path") or "")
    fetched = f"<shared>/survey/{wildcards.survey}/download/{Path(place).name}"
    return source.get("file") or fetched


def question_file(wildcards):
    """The file of questions of a survey of form table."""
    return config["surveys"][wildcards.survey]["questions"]


def table_settings(wildcards):
    """Settings of a survey of form table that decide what its file means, as JSON with its keys in one order."""
    survey = config["surveys"][wildcards.survey]
    keys = ("columns", "country", "countries", "missing_weight")
    return json.dumps(
        {key: survey[key] for key in keys if key in survey}, sort_keys=True
    )


def questions_path(survey, kind, language):
    """A file of a survey's questionnaire: made from its file of questions, or shipped."""
    if config["surveys"][survey]["form"] == "table":
        return f"results/{SHARED}/survey/{survey}/questionnaire/{kind}.csv"
    return shipped(
        str(Path("resources/survey", kind, language or "").with_suffix(".csv"))
    )


def questionnaire(kind, language=None):
    """A file of a survey's questionnaire, as an input function: `scales`, or the `questions` or `labels` of a language."""

    def file(wildcards):
        return questions_path(wildcards.survey, kind, language)

    return file


def of_survey(key):
    """A setting of a job's survey, as an input function."""

    def setting(wildcards):
        return config["surveys"][wildcards.survey][key]

    return setting


def survey_source(wildcards):
    """A survey's source as JSON, with its keys in one order."""
    return json.dumps(config["surveys"][wildcards.survey]["source"], sort_keys=True)


def wvs7_file(wildcards):
    """The file of wave 7: simulated where the survey is published counts."""
    counts = config["surveys"][wildcards.survey]["form"] == "counts"
    return (
        f"<shared>/survey/{wildcards.survey}/simulated.csv"
        if counts
        else survey_file(wildcards)
    )


COUNTRIES = sorted(
    {
        country
        for run in config["run"]["languages"]
        for country in config["languages"][run]["countries"]
    }
)

SCORES = collect(
    "<run>/scores/{model}/{language}.parquet",
    model=config["run"]["models"],
    language=config["run"]["languages"],
)

DESIGNS = collect(
    "<run>/design/{language}.parquet", language=config["run"]["languages"]
)

ANSWERS = collect(
    "<run>/answers/{model}/{language}.parquet",
    model=config["run"]["models"],
    language=config["run"]["languages"],
)

READOUTS = collect(
    "<run>/tables/readouts/{model}/{language}.csv",
    model=config["run"]["models"],
    language=config["run"]["languages"],
)


def replies(model):
    """Whether a model gives greedy replies."""
    return gives_reply(model["endpoint"]) if "endpoint" in model else model["reply"] > 0


# There only for models that give replies.
REPLIES = collect(
    "<run>/tables/replies/{model}/{language}.csv",
    model=[name for name in config["run"]["models"] if replies(config["models"][name])],
    language=config["run"]["languages"],
)

DEMONSTRATIONS = collect(
    "<run>/tables/demonstrations/{language}.csv", language=config["run"]["languages"]
)

# Files that every figure reads, as inputs, so that figures are drawn again when one changes.
TEXTS = texts_file(config["figures"]["style"])
FONT = [file for file in [config["figures"]["style"].get("font")] if file]

FONT_OPTION = "".join(f"--font {shlex.quote(file)}" for file in FONT)


SHOWS, SKIPPED = find_shown(config)

CONTRASTS = list_contrasts(config)


def shown(name, *files):
    """Files of an output that may be empty; none where the run has nothing to show there."""
    return list(files) if name in SHOWS else []


def figure_files(figure):
    """All files of a figure: a file per page and format."""
    pages = [figure] if figure in ACROSS else find_pages(config, figure)
    return [
        f"<run>/figures/{page}.{form}"
        for page in pages
        for form in config["figures"]["style"]["formats"]
    ]


# What figures across models show.
ASKED_IN = asked_in(config)

GAINS, MARGINS = list_gains(config), list_margins(config)

OWN_LANGUAGES = own_languages(config)

KINDS = kinds_of_models(config)

SCORES_ASKED_IN = collect(
    "<run>/scores/{model}/{language}.parquet",
    model=config["run"]["models"],
    language=ASKED_IN,
)

SCORES_OF_COUNTRIES = collect(
    "<run>/scores/{model}/{language}.parquet",
    model=config["run"]["models"],
    language=[ASKED_IN, *sorted(set(OWN_LANGUAGES.values()))],
)

SCORES_OF_KINDS = collect(
    "<run>/scores/{model}/{language}.parquet",
    model=list(KINDS),
    language=[ASKED_IN, *sorted(set(OWN_LANGUAGES.values()))],
)

FIGURE_TABLES = [f"<run>/figures/{figure}.csv" for figure in ACROSS if figure in SHOWS]

# The tables that are written as LaTeX, by name.
TYPESET = {
    "agreement": "<run>/tables/agreement.csv",
    **({"contrasts": "<run>/tables/contrasts.csv"} if "contrasts" in SHOWS else {}),
    **{Path(file).stem: file for file in FIGURE_TABLES},
}


def typeset_options(wildcards, input):
    """The tables that are written as LaTeX, as options with their names."""
    return [
        f"--table={name}={file}"
        for name, file in zip(TYPESET, input.tables, strict=True)
    ]


LATEX = [f"<run>/tables/latex/{name}.tex" for name in TYPESET]


def as_json(value):
    """A setting as JSON with its keys in one order."""
    return json.dumps(value, sort_keys=True)


def drawn(figure, label):
    """The files of a figure as outputs. The report has those of the first format."""
    first, *_ = config["figures"]["style"]["formats"]

    def mark(path):
        if not path.endswith(f".{first}"):
            return path
        shown = report(
            path,
            caption=f"../report/{figure}.rst",
            category="Figures",
            labels={"figure": label, "file": Path(path).stem},
        )
        return shown

    return [mark(path) for path in figure_files(figure)]


def pages_of(figure):
    """What each file of a figure shows, as JSON."""
    return json.dumps(find_pages(config, figure))


def style_of(figure):
    """The style of a figure, as JSON."""
    return describe_style(config, figure)


FIGURES = [
    path
    for figure in ["agreement", *sorted(SHOWS - {"mixed"})]
    for path in figure_files(figure)
]


def compared_language(wildcards):
    """Language whose wording a measure compares: the prompts' own, unless the measure is told otherwise."""
    settings = config["demonstrations"].get(wildcards.measure, {})
    texts = settings.get("texts", "own")
    return wildcards.language if texts == "own" else texts


def compared_texts(wildcards):
    """The wording that a measure compares."""
    return kept(texts_in(compared_language(wildcards)))


def measure_settings(wildcards):
    """Settings of a measure, as JSON with its keys in one order."""
    return json.dumps(
        config["demonstrations"].get(wildcards.measure, {}), sort_keys=True
    )


def encoder_files(wildcards):
    """Files of an encoder that lies in a local folder: so that it is used anew when one of them changes."""
    model = config["demonstrations"].get(wildcards.measure, {}).get("model")
    folder = Path(model or "no folder")
    return (
        sorted(str(path) for path in folder.rglob("*") if path.is_file())
        if folder.is_dir()
        else []
    )


def similarity_of(wildcards):
    """The similarity that a strategy has on record."""
    measure = measure_of(wildcards.strategy)
    return f"<run>/similarity/{wildcards.language}/{measure}.parquet"


def seeds_of(wildcards):
    """Seeds of all arms that use a strategy, if it draws."""
    arms = [
        arm
        for arm in config["arms"].values()
        if arm.get("strategy") == wildcards.strategy and wildcards.strategy in SEEDED
    ]
    return sorted({seed for arm in arms for seed in arm["seeds"]})


def arms_of(wildcards):
    """Arms of a language, as JSON; without their labels, which are for figures alone."""
    arms = {
        name: config["arms"][name]
        for name in config["languages"][wildcards.language]["arms"]
    }
    return json.dumps(
        {
            name: {k: v for k, v in arm.items() if k != "label"}
            for name, arm in arms.items()
        }
    )


def countries_of(wildcards):
    """The countries of a language, sorted: so that to reorder the configuration designs nothing anew."""
    return sorted(config["languages"][wildcards.language]["countries"])


def strategies_in(language):
    """Strategies by which the arms of a language choose their demonstrations."""
    arms = [config["arms"][name] for name in config["languages"][language]["arms"]]
    return sorted(
        {arm["strategy"] for arm in arms if arm["shots"] and "strategy" in arm}
    )


def rankings_of(wildcards):
    """Rankings that the arms of a language use."""
    return collect(
        "<run>/demonstrations/{{language}}/{strategy}.parquet",
        strategy=strategies_in(wildcards.language),
    )


def wordings_of(stage, key, what):
    """Files of all the languages in which the arms of a language speak."""

    def files(wildcards):
        languages = find_languages(config, wildcards.language)[what]
        paths = [config[stage][key].replace("{language}", one) for one in languages]
        return [kept(path) for path in paths] if key == "texts" else paths

    return files


with told_plainly():
    SCALE_FRAMES = frames_on_scales(config)

# Files that are there only where a frame of the run asks with the whole answer scale.
HUMAN_SCALES = [f"{RUN}/human/scales.parquet"] if SCALE_FRAMES else []

SCALES = questions_path(config["run"]["survey"], "scales", None)

ANSWER_SCALES = [SCALES] if SCALE_FRAMES else []

SCALE_SCORES = (
    collect(
        "<run>/scales/{model}/{language}.parquet",
        model=config["run"]["models"],
        language=config["run"]["languages"],
    )
    if SCALE_FRAMES
    else []
)


def questions_of(kind):
    """Files of whole scales, in all the languages in which the arms of a language speak."""

    def files(wildcards):
        languages = find_languages(config, wildcards.language)["texts"]
        survey = config["run"]["survey"]
        return [
            questions_path(survey, kind, language)
            for language in (languages if SCALE_FRAMES else [])
        ]

    return files


# The version file beside the bank; a bank of one's own may have none.
BANK_VERSION = [
    str(path)
    for path in [Path(config["probes"]["bank"]).with_name("bank.yaml")]
    if path.is_file()
]


def bank_texts(wildcards):
    """Files of wordings that any prompt of the run is made of, each once."""
    files = set(ANSWER_SCALES)
    patterns = {("prompts", "templates"): "texts"}
    patterns |= {("prompts", "personas"): "personas", ("prompts", "neutral"): "neutral"}
    for run in config["run"]["languages"]:
        languages = find_languages(config, run)
        files |= {kept(texts_in(one)) for one in languages["texts"]}
        for (stage, key), what in patterns.items():
            pattern = config[stage][key]
            files |= {pattern.replace("{language}", one) for one in languages[what]}
        if SCALE_FRAMES:
            files |= {
                questions_path(config["run"]["survey"], kind, one)
                for kind in ("questions", "labels")
                for one in languages["texts"]
            }
    return sorted(files)


# Files of the questionnaire that the steps of a form of survey read.
QUESTIONNAIRE = {
    "wvs7": ["scales.csv", "questions/en.csv", "labels/en.csv"],
    "counts": ["scales.csv", "questions/en.csv", "labels/en.csv"],
    "trends": ["scales.csv", "trends.csv", "questions/en.csv", "labels/en.csv"],
    "shares": ["scales.csv"],
    "opinions": ["opinions.csv"],
}


def run_inputs(wildcards):
    """Files that the run reads and does not make, without the models, whose cards have their digests."""
    survey = config["surveys"][config["run"]["survey"]]
    parts = [survey, *(config[key] for key in ("probes", "prompts", "figures"))]
    files = [BANK, *BANK_VERSION, *bank_texts(wildcards), *list_files(parts)]
    files.append(TEXTS)
    files += [
        shipped(f"resources/survey/{name}")
        for name in QUESTIONNAIRE.get(survey["form"], [])
    ]
    files.append(shipped("notebooks/explore.ipynb"))
    if "arora" in config["probes"]:
        files += [
            shipped(f"resources/probes/{name}.csv")
            for name in ("probes", "arora", "arora_repairs")
        ]
    for measure in config["demonstrations"].values():
        files += list_files(measure)
    # A file that is there twice is kept as the one whose content counts in part.
    distinct = {str(file): file for file in reversed(files)}
    return [
        file
        for name, file in sorted(distinct.items())
        if not name.startswith("results/")
    ]


def all_results(wildcards):
    """Files that the run makes, without their manifest."""
    return [file for file in rules.all.input if Path(file).name != "manifest.csv"]


def whole_config(wildcards):
    """The merged settings as JSON; from a function, because Snakemake would look for wildcards in a text."""
    return json.dumps(config, sort_keys=True)


CODES = " ".join(code_digests().values())


def spoken_of(wildcards):
    """The languages of the countries, where an arm of a language speaks a country's own."""
    arms = [
        config["arms"][name] for name in config["languages"][wildcards.language]["arms"]
    ]
    own = any("own" in (arm.get("persona"), arm.get("shown_in")) for arm in arms)
    return [config["prompts"]["spoken"]] if own else []


def design_files(wildcards, input):
    """Files that a design needs or not, as options of the command line; wordings with their language."""
    languages = find_languages(config, wildcards.language)
    kinds = {"texts": "texts", "templates": "texts", "questions": "texts"}
    kinds |= {"labels": "texts", "personas": "personas", "neutral": "neutral"}
    return [
        f"--{kind}={language}={file}"
        for kind, what in kinds.items()
        for language, file in zip(languages[what], input.get(kind))
    ] + [
        f"--{kind}={file}"
        for kind in ("spoken", "scales", "human")
        for file in input.get(kind)
    ]


def intermediate_files():
    """A file of each step between the inputs and the results, without the weights of the models.

    The rule `all` asks for them. Otherwise Snakemake would not make a file again that a failed or killed job has
    deleted, if the results of an earlier run are there: it would say "Nothing to be done".
    """
    survey = config["run"]["survey"]
    settings = config["surveys"][survey]
    files = [f"{SURVEY}/distributions.parquet", *RESPONSES, *bank_texts(None), BANK]
    files += [survey_file(SimpleNamespace(survey=survey))]
    files += [f"{SURVEY}/simulated.csv"] if settings["form"] == "counts" else []
    files += [f"{RUN}/human/{name}.parquet" for name in ("poles", "replicates")]
    files += HUMAN_SCALES
    for language in config["run"]["languages"]:
        for strategy in strategies_in(language):
            files.append(f"{RUN}/demonstrations/{language}/{strategy}.parquet")
            measure = measure_of(strategy)
            files.append(f"{RUN}/similarity/{language}/{measure}.parquet")
    files += DESIGNS + ANSWERS + SCORES
    files += [
        f"results/{SHARED}/models/{model}/model.json"
        for model in config["run"]["models"]
        if "endpoint" not in config["models"][model]
    ]
    made = ("results/", "<run>/", "<shared>/")
    return sorted({str(file) for file in files if str(file).startswith(made)})


def of_model(key):
    """A setting of a job's model, as an input function. Snakemake's `lookup` searches the whole config for each job."""

    def setting(wildcards):
        return config["models"][wildcards.model][key]

    return setting


def template_settings(wildcards):
    """What a model's chat template is given beside the messages, as JSON with its keys in one order."""
    return json.dumps(config["models"][wildcards.model]["template"], sort_keys=True)


def model_source(wildcards):
    """A model's source as JSON, with its keys in one order: so that to reorder the configuration fetches nothing."""
    return json.dumps(config["models"][wildcards.model]["source"], sort_keys=True)


def model_files(wildcards):
    """Files of a model that lies in a local folder: so that it is taken anew when one of them changes."""
    folder = Path(
        config["models"][wildcards.model]["source"].get("folder", "no folder")
    )
    return (
        sorted(str(path) for path in folder.iterdir() if path.is_file())
        if folder.is_dir()
        else []
    )


def gpus_of(wildcards):
    """GPUs that a job asks Snakemake for; with device auto none, so that it never waits for what is not there."""
    model = config["models"][wildcards.model]
    return 0 if model["device"] in ("auto", "cpu") else model["gpus"]


def inference_threads(wildcards):
    """Cores of a job: up to 16 where the CPU computes, 4 where a GPU does, so that jobs on several GPUs fit in."""
    return 4 if config["models"][wildcards.model]["device"].startswith("cuda") else 16


ENDPOINTS = (
    "|".join(
        re.escape(name)
        for name, model in config["models"].items()
        if "endpoint" in model
    )
    or "no endpoint"
)


def ledger_of(wildcards):
    """The ledger of a model and language; no input, since a job adds to it."""
    return f"results/{SHARED}/ledger/{wildcards.model}/{wildcards.language}.sqlite"


def model_endpoint(wildcards):
    """A model's endpoint as JSON, with its keys in one order; without its price, which changes no answer."""
    endpoint = config["models"][wildcards.model]["endpoint"]
    return json.dumps(
        {key: value for key, value in endpoint.items() if key != "price"},
        sort_keys=True,
    )


def arora_file(wildcards):
    """A language's file in the user's own copy of the probes of Arora et al."""
    folder = Path(config["probes"].get("arora", "no folder"))
    return str(folder / f"{wildcards.language}.csv")


def gguf_memory(wildcards, input, attempt):
    """MB to unpack a GGUF file in, more at each attempt: in float32, 4 bits grow to 32. Safetensors are not loaded."""
    size = sum(path.stat().st_size for path in Path(str(input)).glob("*.gguf"))
    return attempt * int(2000 + 10 * size / 1e6)


def model_memory(wildcards, input, attempt):
    """MB to run a model in, more at each attempt: a quarter above its weights in their number format, and 2 GB."""
    card = json.loads(Path(input.card).read_text())
    width = 4 if config["models"][wildcards.model]["dtype"] == "float32" else 2
    return attempt * int(2000 + 1.25 * width * card["parameters"] / 1e6)


def longer(minutes):
    """So many minutes, and as many more at each attempt."""

    def runtime(wildcards, attempt):
        return attempt * minutes

    return runtime


# A cluster runs the jobs that hold a model. The other steps take seconds, even on a survey of full size
# (docs/cluster.md), less than a job waits in a queue: the machine that submits runs them.
localrules:
    simulate_survey,
    parse_wvs7,
    parse_trends,
    parse_shares,
    parse_opinions,
    split_questions,
    parse_table,
    parse_counts,
    weigh_answers,
    describe_survey,
    adopt_arora_bank,
    adopt_arora,
    record_bank,
    map_poles,
    resample_people,
    map_scales,
    measure_similarity,
    rank_demonstrations,
    design_prompts,
    describe_demonstrations,
    score_answers,
    score_scales,
    compare_readouts,
    compare_replies,
    estimate_agreement,
    estimate_contrasts,
    estimate_transfer,
    estimate_readouts,
    estimate_languages,
    estimate_categories,
    estimate_kinds,
    estimate_worth,
    fit_mixed,
    compute_metrics,
    plot_agreement,
    plot_contrasts,
    plot_margin,
    plot_calibration,
    plot_transfer,
    plot_gains,
    plot_gains_by_country,
    plot_languages,
    plot_categories,
    plot_kinds,
    plot_margins,
    typeset_tables,
    explore,
    record_run,
    record_outputs,
