"""The probes stage: the people's answers to each probe, by country; and, on request, an alternative bank.

Reads   <shared>/survey/{survey}/distributions.parquet   of the survey of the run; groups.parquet if it asks about groups
        probes.bank                            which answer codes make pole A and pole B of a probe
        bank.yaml in the same folder           the version of the bank; your own bank may have none
        kinds.csv in the same folder           the kinds of its probes, if probes.kinds selects some
        probes.arora                           your own copy of the probes of Arora et al. (2023), if you use them
        resources/probes/arora.csv             the question of each of its rows
        resources/probes/arora_repairs.csv     its errors, with their corrections
        resources/survey/scales.csv            answer codes of each question; or those of the survey's own questionnaire
        test_probes.table                      test probes from another survey, reviewed
        <shared>/survey/{survey}/opinions.csv, distributions.parquet   of the survey in test_probes
Writes  <run>/probes/selected.csv            the rows of the bank that the run uses
        <run>/probes/left_out.csv            the other probes, and the setting that leaves each out
        <run>/people/groups.csv               the size of each group of people, where the run asks about groups
        <run>/people/members.parquet          the group of each respondent
        <run>/people/distributions.parquet    the answers of countries and of groups
        <run>/people/bank.json                version of the bank, and digests of the files that prompts are made of
        <run>/people/poles.parquet            a country's share of pole A on a probe, and its majority
        <run>/people/dropped.csv              probes without a majority in a country, and why
        <run>/people/replicates.parquet       the same shares in other samples of the people
        <run>/people/scales.parquet           the shares of a country's people on a question's whole scale
        <run>/people/dropped_scales.csv       which of these are left out, and why
                                             with test_probes:
        <run>/probes/draft.csv, uncut.csv    probes on the questions with clear poles, to review; the other questions
        <run>/probes/selected.csv, left_out.csv, tests.csv   the test probes that the run uses; the others; their words
        <run>/probes/shown.csv, shown_left_out.csv   the rows of the bank that demonstrations are chosen from; the others
        <run>/probes/all.csv, <run>/probes/texts/{language}.csv   test probes and demonstrations, and their words
        <run>/people/joined.parquet           the people's answers to both
        <run>/people/tested.parquet           people's answers to the test probes, in the countries of both surveys
        <run>/people/countries.csv            the countries of both surveys
        <shared>/arora/probes.csv               the copy as a probe bank
        <shared>/arora/texts/{language}.csv     the copy as wordings of its probes
        <shared>/arora/repairs/{language}.csv   what was repaired and dropped
Steps   adopt_arora_bank and adopt_arora, where probes.bank and probes.texts are made -> select_probes -> [form_groups ->] map_poles
        -> resample_people; map_scales; record_bank
        with test_probes: select_probes; draft_opinion_probes -> take_opinion_probes -> join_texts; join_people
        -> map_poles -> resample_people; record_bank
"""


include: "../inputs/probes.smk"


rule adopt_arora_bank:
    input:
        rows=PATHS.shipped("resources/probes/arora.csv"),
        bank=PATHS.shipped("resources/probes/probes.csv"),
    output:
        "<shared>/arora/probes.csv",
    log:
        "<shared>/logs/adopt_arora_bank.log",
    benchmark:
        "<shared>/benchmarks/adopt_arora_bank.tsv"
    conda:
        "../../environment.yml"
    params:
        given=given(
            PATHS.shipped("resources/probes/arora.csv"),
            PATHS.shipped("resources/probes/probes.csv"),
        ),
        code=code_digest("adopt_arora_bank"),
    message:
        "Making the bank of the probes of Arora et al."
    shell:
        "selfalign adopt-arora-bank --rows {input.rows:q} --bank {input.bank:q} --output {output} 2> {log}"


rule adopt_arora:
    input:
        release=arora_file,
        rows=PATHS.shipped("resources/probes/arora.csv"),
        repairs=PATHS.shipped("resources/probes/arora_repairs.csv"),
    output:
        texts="<shared>/arora/texts/{language}.csv",
        log="<shared>/arora/repairs/{language}.csv",
    log:
        "<shared>/logs/adopt_arora/{language}.log",
    benchmark:
        "<shared>/benchmarks/adopt_arora/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        given=given(
            arora_file,
            PATHS.shipped("resources/probes/arora.csv"),
            PATHS.shipped("resources/probes/arora_repairs.csv"),
        ),
        code=code_digest("adopt_arora"),
    message:
        "Adopting the probes of Arora et al.: {wildcards.language}"
    shell:
        "selfalign adopt-arora --release {input.release:q} --language {wildcards.language} --rows {input.rows:q}"
        " --repairs {input.repairs:q} --texts {output.texts} --log {output.log} 2> {log}"


rule record_bank:
    input:
        bank=kept(PATHS.probes.bank),
        version=PATHS.probes.bank_version,
        texts=bank_texts,
        table=[file for file in [PATHS.probes.test_table] if PATHS.tests],
    output:
        "<run>/people/bank.json",
    log:
        "<run>/logs/record_bank.log",
    benchmark:
        "<run>/benchmarks/record_bank.tsv"
    conda:
        "../../environment.yml"
    params:
        version=input_options("version"),
        used=USED_PROBES,
        texts=run_texts,
        given=given(PATHS.probes.bank_version, bank_texts, PATHS.probes.test_table),
        code=code_digest("record_bank"),
    message:
        "Recording the version of the probe bank"
    shell:
        "selfalign record-bank --bank {input.bank:q} {params.version:q} --output {output} {input.texts:q} {input.table:q}"
        " 2> {log}"


rule select_probes:
    input:
        bank=kept(PATHS.probes.bank),
        kinds=[kept(file) for file in PATHS.probes.kinds if CONFIG.probes.kinds],
    output:
        selected=PATHS.probes.chosen["selected"],
        left_out=report(
            PATHS.probes.chosen["left_out"],
            caption="../report/left_out.rst",
            category="Tables",
            labels={"table": "probes left out"},
        ),
    log:
        "<run>/logs/select_probes.log",
    benchmark:
        "<run>/benchmarks/select_probes.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=as_json(
            {
                name: values
                for name, values in CONFIG.probes.criteria.items()
                if name != "kinds" or values
            }
        ),
        kinds=input_options("kinds"),
        used=USED_PROBES,
        code=code_digest("select_probes"),
    message:
        "Selecting the probes of the run"
    shell:
        "selfalign select-probes --bank {input.bank:q} {params.kinds:q} --settings {params.settings:q} --selected {output.selected}"
        " --left-out {output.left_out} 2> {log}"


rule form_groups:
    input:
        responses=PATHS.responses,
        groups=f"{PATHS.survey}/groups.parquet",
        crosswalk=PATHS.crosswalk or [],
        distributions=f"{PATHS.survey}/distributions.parquet",
    output:
        distributions="<run>/people/distributions.parquet",
        members="<run>/people/members.parquet",
        sizes=report(
            "<run>/people/groups.csv",
            caption="../report/group_sizes.rst",
            category="Tables",
            labels={"table": "sizes of groups"},
        ),
    log:
        "<run>/logs/form_groups.log",
    benchmark:
        "<run>/benchmarks/form_groups.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=as_json(CONFIG.run.groups),
        countries=sorted({*COUNTRIES, *SHOWN}),
        given=given(PATHS.crosswalk),
        code=code_digest("form_groups"),
    message:
        "Forming the groups of people"
    shell:
        "selfalign form-groups --responses {input.responses} --groups {input.groups} --crosswalk {input.crosswalk:q}"
        " --countries-distributions {input.distributions} --settings {params.settings:q}"
        " --countries '{params.countries}' --distributions {output.distributions} --members {output.members}"
        " --sizes {output.sizes} 2> {log}"


rule draft_opinion_probes:
    input:
        opinions=f"{PATHS.opinions}/opinions.csv",
        distributions=f"{PATHS.opinions}/distributions.parquet",
    output:
        draft="<run>/probes/draft.csv",
        uncut="<run>/probes/uncut.csv",
    log:
        "<run>/logs/draft_opinion_probes.log",
    benchmark:
        "<run>/benchmarks/draft_opinion_probes.tsv"
    conda:
        "../../environment.yml"
    params:
        source=PATHS.tests.source if PATHS.tests else "",
        code=code_digest("draft_opinion_probes"),
    message:
        "Drafting test probes from an opinion table"
    shell:
        "selfalign draft-opinion-probes --opinions {input.opinions} --distributions {input.distributions}"
        " --source {params.source:q} --draft {output.draft} --uncut {output.uncut} 2> {log}"


rule take_opinion_probes:
    input:
        table=PATHS.probes.test_table,
        opinions=f"{PATHS.opinions}/opinions.csv",
        distributions=f"{PATHS.opinions}/distributions.parquet",
        shown="<run>/probes/shown.csv",
    output:
        taken="<run>/probes/tests.csv",
        selected=PATHS.probes.taken["selected"],
        left_out=PATHS.probes.taken["left_out"],
        all="<run>/probes/all.csv",
    log:
        "<run>/logs/take_opinion_probes.log",
    benchmark:
        "<run>/benchmarks/take_opinion_probes.tsv"
    conda:
        "../../environment.yml"
    params:
        source=PATHS.tests.source if PATHS.tests else "",
        only=list(PATHS.tests.only) if PATHS.tests else [],
        countries=COUNTRIES,
        given=given(PATHS.probes.test_table),
        code=code_digest("take_opinion_probes"),
    message:
        "Taking the test probes of the run from {input.table}"
    shell:
        "selfalign take-opinion-probes --table {input.table:q} --opinions {input.opinions}"
        " --distributions {input.distributions} --shown {input.shown} --source {params.source:q}"
        " --only '{params.only}' --countries '{params.countries}' --taken {output.taken} --selected {output.selected}"
        " --left-out {output.left_out} --all {output.all} 2> {log}"


rule join_texts:
    input:
        texts=joined_texts,
        shown="<run>/probes/shown.csv",
        tests=worded_tests,
    output:
        "<run>/probes/texts/{language}.csv",
    log:
        "<run>/logs/join_texts/{language}.log",
    benchmark:
        "<run>/benchmarks/join_texts/{language}.tsv"
    conda:
        "../../environment.yml"
    params:
        tests=input_options("tests"),
        texts=joined_rows,
        code=code_digest("join_texts"),
    message:
        "Joining the words of test probes and demonstrations: {wildcards.language}"
    shell:
        "selfalign join-texts --texts {input.texts:q} --shown {input.shown} {params.tests:q} --output {output} 2> {log}"


rule join_people:
    input:
        tested=f"{PATHS.opinions}/distributions.parquet",
        tests="<run>/probes/selected.csv",
        shown=f"{PATHS.survey}/distributions.parquet",
        bank=kept(PATHS.probes.bank),
        selected="<run>/probes/shown.csv",
    output:
        poles="<run>/people/joined.parquet",
        distributions="<run>/people/tested.parquet",
        joined="<run>/people/countries.csv",
    log:
        "<run>/logs/join_people.log",
    benchmark:
        "<run>/benchmarks/join_people.tsv"
    conda:
        "../../environment.yml"
    params:
        countries=COUNTRIES,
        code=code_digest("join_people"),
    message:
        "Joining the survey of the test probes and the survey of the demonstrations"
    shell:
        "selfalign join-people --tested {input.tested} --tests {input.tests} --shown {input.shown} --bank {input.bank:q}"
        " --selected {input.selected} --countries '{params.countries}' --poles {output.poles}"
        " --distributions {output.distributions} --joined {output.joined} 2> {log}"


rule map_poles:
    input:
        distributions=PATHS.tested_distributions,
        bank=kept(PATHS.probes.tested_bank),
        selected="<run>/probes/selected.csv",
    output:
        poles="<run>/people/poles.parquet",
        dropped=report(
            "<run>/people/dropped.csv",
            caption="../report/dropped.rst",
            category="Tables",
            labels={"table": "dropped"},
        ),
    log:
        "<run>/logs/map_poles.log",
    benchmark:
        "<run>/benchmarks/map_poles.tsv"
    conda:
        "../../environment.yml"
    params:
        countries=COUNTRIES,
        code=code_digest("map_poles"),
    message:
        "Mapping answers to the poles of the probes"
    shell:
        "selfalign map-poles --distributions {input.distributions} --bank {input.bank:q} --selected {input.selected}"
        " --countries '{params.countries}'"
        " --poles {output.poles} --dropped {output.dropped} 2> {log}"


rule resample_people:
    input:
        responses=PATHS.tested_responses,
        members=PATHS.members,
        poles="<run>/people/poles.parquet",
        bank="<run>/probes/selected.csv",
    output:
        "<run>/people/replicates.parquet",
    log:
        "<run>/logs/resample_people.log",
    benchmark:
        "<run>/benchmarks/resample_people.tsv"
    conda:
        "../../environment.yml"
    params:
        people=input_options("responses", "members"),
        countries=COUNTRIES,
        replicates=CONFIG.probes.replicates,
        seed=CONFIG.probes.seed,
        code=code_digest("resample_people"),
    message:
        "Drawing samples of the people"
    shell:
        "selfalign resample-people {params.people:q} --poles {input.poles} --bank {input.bank}"
        " --countries '{params.countries}' --replicates {params.replicates} --seed {params.seed}"
        " --output {output} 2> {log}"


rule map_scales:
    input:
        distributions=PATHS.distributions,
        bank="<run>/probes/selected.csv",
        scales=PATHS.answer_scales,
    output:
        scales="<run>/people/scales.parquet",
        dropped="<run>/people/dropped_scales.csv",
    log:
        "<run>/logs/map_scales.log",
    benchmark:
        "<run>/benchmarks/map_scales.tsv"
    conda:
        "../../environment.yml"
    params:
        countries=COUNTRIES,
        given=given(PATHS.answer_scales),
        code=code_digest("map_scales"),
    message:
        "Mapping answers to whole scales"
    shell:
        "selfalign map-scales --distributions {input.distributions} --bank {input.bank} --scales {input.scales:q}"
        " --countries '{params.countries}'"
        " --output {output.scales} --dropped {output.dropped} 2> {log}"
