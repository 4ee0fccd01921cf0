"""Baselines of the metrics: chance, the rest of the world, a near country, and the same people again.

A baseline is a distribution over options. A metric compares it with the people, as it compares the model's. `shares`
are those of the people: countries x items x options. They are NaN where a country was not asked an item, and 0 for an
option that an item does not have.
"""

import numpy as np

from selfalign.scoring.metrics import Array


def uniform(offered: Array) -> Array:
    """Equal probabilities of all options of an item.

    Args:
        offered: items x options: whether the item has the option.

    Returns:
        Items x options.
    """
    equal: Array = offered / offered.sum(axis=-1, keepdims=True)
    return equal


def rest_of_world(shares: Array) -> Array:
    """For each country, the mean of the other countries' shares, with equal weights.

    The country itself is left out, because otherwise its answers would be compared with a mean that contains them.

    Returns:
        Countries x items x options; NaN where no other country was asked.
    """
    asked = ~np.isnan(shares).any(axis=-1, keepdims=True)
    known = np.where(asked, shares, 0)
    others = asked.sum(axis=0) - asked
    means: Array = (known.sum(axis=0) - known) / np.where(others > 0, others, np.nan)
    return means


def simple_sample_size(share: Array, standard_error: Array, n: Array) -> Array:
    """Size of the simple random sample in which a share has the standard error that it has in the survey.

    p (1 - p) / standard_error^2, which is n over the design effect (Kish 1965). If all respondents gave the same
    answer, the standard error is 0 and the size cannot be computed. Then it is n.
    """
    sampled = standard_error > 0
    variance = np.where(sampled, standard_error, 1.0) ** 2
    return np.where(sampled, share * (1 - share) / variance, n)


def second_sample(share: Array, size: float, draws: int, generator: np.random.Generator) -> Array:
    """Shares in a second sample of the same size from the same country, given the first sample: the ceiling.

    True shares are drawn from their posterior distribution given the first sample, and `size` people are drawn from
    these shares: a Dirichlet-multinomial with Jeffreys' prior (Gelman et al. 2013, section 3.4).

    A second sample is drawn, instead of splitting the first sample into halves, because the model is compared with all
    respondents. The difference of two halves has twice the variance of the difference of two full samples. The
    Spearman-Brown formula corrects a split-half correlation for the same reason.

    Args:
        share: the people's share of each option of one item.
        size: of the sample: respondents, or their `simple_sample_size`.
        draws: number of second samples.
        generator: of random numbers.

    Returns:
        Draws x options.
    """
    people = max(int(np.rint(size)), 1)
    truth = generator.dirichlet(people * share + 0.5, size=draws)
    return generator.multinomial(people, truth) / people
