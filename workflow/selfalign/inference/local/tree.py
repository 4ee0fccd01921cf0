"""The prefix tree of sequences of tokens, so that the engine computes each distinct prefix once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tree:
    """Nodes of a prefix tree in preorder: each node comes directly before its subtree.

    Attributes:
        tokens: token id of each node (n).
        parents: parent of each node, -1 at a root (n).
        depths: number of ancestors of each node, which is its position in its sequence (n).
        until: the node after each node and its subtree (n).
        ends: the last node of each sequence.
    """

    tokens: np.ndarray
    parents: np.ndarray
    depths: np.ndarray
    until: np.ndarray
    ends: dict[tuple[int, ...], int]

    def __len__(self) -> int:
        return len(self.tokens)

    def path(self, node: int) -> list[int]:
        """The ancestors of a node from the root on, then the node. Empty for -1."""
        path = []
        while node >= 0:
            path.append(int(node))
            node = self.parents[node]
        return path[::-1]


def grow(sequences: Iterable[tuple[int, ...]]) -> Tree:
    """Prefix tree of sequences of tokens, the children of a node in the order of their ids."""
    tokens: list[int] = []
    parents: list[int] = []
    depths: list[int] = []
    until: list[int] = []
    ends = {}
    previous: tuple[int, ...] = ()
    path: list[int] = []
    for sequence in sorted(set(sequences)):
        shared = shared_length(previous, sequence)
        for node in path[shared:]:
            until[node] = len(tokens)
        path = [*path[:shared], *range(len(tokens), len(tokens) + len(sequence) - shared)]
        tokens += sequence[shared:]
        parents += [path[depth - 1] if depth else -1 for depth in range(shared, len(sequence))]
        depths += range(shared, len(sequence))
        until += [0] * (len(sequence) - shared)
        ends[sequence] = path[-1]
        previous = sequence
    for node in path:
        until[node] = len(tokens)
    return Tree(np.array(tokens), np.array(parents), np.array(depths), np.array(until), ends)


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of leading tokens that two sequences share."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def cut_rows(tree: Tree, most: int) -> list[tuple[int, int]]:
    """Cut the nodes, in preorder, into rows: first node and the node after the last.

    A row has at least half of `most` nodes. It ends before the node with the fewest ancestors, so usually between two
    prompts. Then few keys and values come before a row, and few other rows compute them. `rows_needed` needs this.
    """
    rows, start = [], 0
    while len(tree) - start > most:
        earliest = start + max(1, most // 2)
        depths = tree.depths[earliest : start + most + 1]
        end = earliest + int(np.flatnonzero(depths == depths.min())[-1])
        rows.append((start, end))
        start = end
    return [*rows, (start, len(tree))]


def rows_needed(tree: Tree, rows: Sequence[tuple[int, int]], nodes: Iterable[int]) -> list[tuple[int, int]]:
    """Rows that contain some nodes, and all rows that these rows depend on.

    A row depends on the rows that contain the ancestors of its first node. Computed in order, these rows give the same
    numbers as all rows would. So a killed job can be resumed without a difference.

    Args:
        rows: first node and the node after the last, of all rows in order.
        nodes: the wanted nodes.
    """
    starts = np.array([start for start, _ in rows])
    todo = set(np.searchsorted(starts, list(nodes), side="right") - 1)
    needed: set[int] = set()
    while todo:
        row = todo.pop()
        needed.add(row)
        todo |= set(np.searchsorted(starts, tree.path(tree.parents[starts[row]]), side="right") - 1) - needed
    return [rows[row] for row in sorted(needed)]
