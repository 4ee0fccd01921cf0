"""The scoring stage: from answers to estimates with intervals.

It has three parts:

- cells: `cells`, `unanswered`, `by_readout`, `inputs` and the steps `score_*` turn answers into scored cells;
- metrics: `metrics` defines and registers them, `measures` and `across` compute them for cells, `people` and
  `baselines` have the baselines;
- estimates: `panels`, `bootstrap`, `families`, `pooling`, `reml` and the steps `estimate_*` and `fit_mixed` compute
  means, contrasts and intervals of any measure.

`choices` has the values of settings that the config also knows.
"""
