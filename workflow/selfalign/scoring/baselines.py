"""What is scored in the model's place, to tell what a value is worth: chance, the world, a neighbour, the people.

All are distributions over options, which the metrics then take as they take the model's. `shares` are the people's:
countries x items x options, NaN where a country was not asked an item, 0 for an option that an item does not have.
"""

import numpy as np

from selfalign.scoring.metrics import Array


def uniform(offered: Array) -> Array:
    """Every option of an item as likely as any other.

    Args:
        offered: items x options: whether the item has the option.

    Returns:
        Items x options.
    """
    equal: Array = offered / offered.sum(axis=-1, keepdims=True)
    return equal


def rest_of_world(shares: Array) -> Array:
    """For each country, the mean of the other countries' shares, each country weighing the same.

    The country itself is left out: its own answers would be among what they are compared with.

    Returns:
        Countries x items x options; NaN where no other country was asked.
    """
    asked = ~np.isnan(shares).any(axis=-1, keepdims=True)
    known = np.where(asked, shares, 0)
    others = asked.sum(axis=0) - asked
    means: Array = (known.sum(axis=0) - known) / np.where(others > 0, others, np.nan)
    return means


def simple_sample_size(share: Array, standard_error: Array, n: Array) -> Array:
    """Respondents of a simple random sample that knows a share as well as the survey's weighted sample does.

    p (1 - p) / standard_error^2: n over the design effect (Kish 1965). Where everybody answered alike the
    standard error is 0 and tells nothing, and n is taken.
    """
    sampled = standard_error > 0
    variance = np.where(sampled, standard_error, 1.0) ** 2
    return np.where(sampled, share * (1 - share) / variance, n)


def second_sample(share: Array, size: float, draws: int, generator: np.random.Generator) -> Array:
    """Shares among as many people of the same country again, given the first sample: the human ceiling.

    The country's true shares are drawn as far as the first sample leaves them open, then `size` people from these:
    a Dirichlet-multinomial with Jeffreys' prior (Gelman et al. 2013, section 3.4).

    Two halves of a sample differ by twice the variance of two samples of full size. The model is compared with all
    respondents, so the halves' score is corrected to full size here as the Spearman-Brown formula corrects a
    split-half correlation: by what a second full sample would score.

    Args:
        share: the people's share of each option of one item.
        size: respondents, or how many they are worth (`simple_sample_size`).
        draws: number of second samples.
        generator: of random numbers.

    Returns:
        Draws x options.
    """
    people = max(int(np.rint(size)), 1)
    truth = generator.dirichlet(people * share + 0.5, size=draws)
    return generator.multinomial(people, truth) / people
