"""The scoring stage, part 6: which country's people does a model answer like?

Reads   <run>/scores/{model}/{language}.parquet           the models' scores
        <run>/people/poles.parquet, replicates.parquet    the people's shares, also in other samples of the people
        <run>/probes/selected.csv                         the probes
        <shared>/survey/{survey}/                         distributions and responses of the run's survey
Writes  <run>/tables/
        country_ranks.csv       the similarity of the models' answers with every surveyed country
        map.csv, map_axes.csv   people and models on the Inglehart-Welzel cultural map, and its axes
Steps   rank_countries, estimate_map
"""

from selfalign.config.check_files import MAP_FILES
from selfalign.config.outputs import arms_without_country, first_arms

MAP = CONFIG.scoring.map.given if CONFIG.scoring.map else {}


rule rank_countries:
    input:
        scores=PATHS.scores(),
        poles="<run>/people/poles.parquet",
        people="<run>/people/replicates.parquet",
    output:
        reported("country_ranks", "similarity with all surveyed countries"),
    log:
        "<run>/logs/rank_countries.log",
    benchmark:
        "<run>/benchmarks/rank_countries.tsv"
    conda:
        "../../environment.yml"
    params:
        baselines=as_json(first_arms(CONFIG)),
        without_country=arms_without_country(CONFIG),
        least=CONFIG.scoring.country_ranks.least if CONFIG.scoring.country_ranks else 1,
        how=scoring_options(*RESAMPLING),
        code=code_digest("rank_countries"),
    message:
        "Ranking all surveyed countries by their similarity with the models' answers"
    shell:
        "selfalign rank-countries {input.scores} --poles {input.poles} --people {input.people}"
        " --baselines {params.baselines:q} --without-country '{params.without_country}' --least {params.least}"
        " {params.how} --output {output} 2> {log}"


rule estimate_map:
    input:
        scores=PATHS.scores(),
        distributions=f"{PATHS.survey}/distributions.parquet",
        responses=PATHS.map_responses,
        bank="<run>/probes/selected.csv",
        scales=PATHS.answer_scales,
        files=[MAP[name] for name in MAP_FILES if MAP],
    output:
        points=reported("map", "cultural map"),
        axes=reported("map_axes", "axes of the cultural map"),
    log:
        "<run>/logs/estimate_map.log",
    benchmark:
        "<run>/benchmarks/estimate_map.tsv"
    conda:
        "../../environment.yml"
    params:
        responses=input_options("responses"),
        map=as_options({name: MAP[name] for name in (*MAP_FILES, "least") if MAP}),
        how=scoring_options("draws", "seed"),
        given=given(PATHS.answer_scales, [MAP[name] for name in MAP_FILES if MAP]),
        code=code_digest("estimate_map"),
    message:
        "Placing people and models on the cultural map"
    shell:
        "selfalign estimate-map {input.scores} --distributions {input.distributions} {params.responses:q}"
        " --bank {input.bank} --scales {input.scales:q} {params.map} {params.how} --axes {output.axes}"
        " --output {output.points} 2> {log}"
