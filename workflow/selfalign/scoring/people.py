"""The people's answers as arrays, and the baselines as arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from selfalign.draws import make_generator
from selfalign.population import country_of
from selfalign.scoring import baselines
from selfalign.scoring.metrics import Array


@dataclass(frozen=True, eq=False)
class People:
    """What the people of all surveyed countries answer to all items.

    Attributes:
        countries: country, by its place in the arrays.
        items: item, by its place in the arrays.
        options: place of an option, by item and option.
        positions: items x options: place on the answer scale; NaN where it has none.
        offered: items x options: whether the item has the option.
        shares: countries x items x options; NaN where a country was not asked.
        sizes: countries x items: respondents; NaN where not published.
        neighbours: place of each country's nearest country; -1 where there is none.
        samples: number of second samples.
        seed: of these samples.
    """

    countries: pd.Index
    items: pd.Index
    options: pd.Series
    positions: Array
    offered: Array
    shares: Array
    sizes: Array
    neighbours: Array
    samples: int
    seed: int

    @classmethod
    def lay_out(
        cls, people: pd.DataFrame, options: pd.DataFrame, nearest: dict[str, str], samples: int, seed: int
    ) -> "People":
        """Arrays from long tables.

        Args:
            people: columns country, item, option, share, size (respondents; empty where not published).
            options: of every item: columns item, option, position (on the answer scale; empty where it has none).
            nearest: the other country whose people answer most alike, by country; a country may have none.
            samples: number of second samples of people, for the ceiling.
            seed: of these samples.
        """
        countries, items = (pd.Index(sorted(set(people[column]))) for column in ("country", "item"))
        options = options[options["item"].isin(items)]
        row, column = places(items, options["item"]), options.groupby("item").cumcount().to_numpy()
        positions = np.full((len(items), column.max() + 1), np.nan)
        positions[row, column] = options["position"]
        offered = np.zeros(positions.shape, dtype=bool)
        offered[row, column] = True
        option = pd.Series(column, index=pd.MultiIndex.from_frame(options[["item", "option"]]))
        country, item = places(countries, people["country"]), places(items, people["item"])
        shares = np.full((len(countries), *positions.shape), np.nan)
        shares[country, item] = 0  # an option that nobody chose need not have a row
        shares[country, item, option[pd.MultiIndex.from_frame(people[["item", "option"]])]] = people["share"]
        sizes = np.full(shares.shape[:2], np.nan)
        sizes[country, item] = people["size"]
        neighbours = countries.get_indexer([nearest.get(country, "") for country in countries])
        return cls(countries, items, option, positions, offered, shares, sizes, neighbours, samples, seed)

    @cached_property
    def uniform(self) -> Array:
        """Items x options."""
        return baselines.uniform(self.offered)

    @cached_property
    def rest_of_world(self) -> Array:
        """The mean of the other countries: countries x items x options. For a group, without its own country."""
        home = self.countries.map(country_of)
        whole = self.countries == home
        found: Array = baselines.rest_of_world(self.shares[whole])[self.countries[whole].get_indexer(home)]
        return found

    @cached_property
    def nearest(self) -> Array:
        """The nearest country's shares: countries x items x options."""
        return np.where(self.neighbours[:, None, None] >= 0, self.shares[self.neighbours], np.nan)

    def ceiling(self, country: int) -> Array:
        """Second samples of a country's people: samples x items x options; NaN where no number of people is known.

        Each item has another random stream, so that a new item or country does not change the others.
        """
        again = np.full((self.samples, *self.positions.shape), np.nan)
        for item in np.flatnonzero(~np.isnan(self.sizes[country])):
            stream = make_generator(self.seed, self.countries[country], self.items[item])
            offered = self.offered[item]
            share, size = self.shares[country, item, offered], self.sizes[country, item]
            again[:, item] = np.where(offered, again[:, item], 0)
            again[:, item, offered] = baselines.second_sample(share, size, self.samples, stream)
        return again

    def baselines(self, country: int) -> Iterator[tuple[str, Array]]:
        """The baselines of a country, each with the name of its column: replicates x items x options."""
        yield "uniform", self.uniform[None]
        yield "world", self.rest_of_world[None, country]
        yield "nearest", self.nearest[None, country]
        yield "ceiling", self.ceiling(country)


def places(index: pd.Index, labels: pd.Series) -> Array:
    """Place of each label in an index; KeyError for one that is not there."""
    numbers: Array = pd.Series(np.arange(len(index)), index=index)[labels].to_numpy()
    return numbers
