"""The prefix tree of some sequences of tokens: what must be computed so that each distinct prefix is computed once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tree:
    """Nodes of a prefix tree in preorder: a node stands after its parent, and before all that follows its subtree.

    Attributes:
        tokens: token id of each node (n).
        parents: parent of each node, -1 at a root (n).
        depths: number of ancestors of each node, which is its position in its sequence (n).
        ends: the last node of each sequence.
    """

    tokens: np.ndarray
    parents: np.ndarray
    depths: np.ndarray
    ends: dict[tuple[int, ...], int]

    def __len__(self) -> int:
        return len(self.tokens)

    def path(self, node: int) -> list[int]:
        """A node after its ancestors, from the root on; nothing for -1."""
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
    ends = {}
    previous: tuple[int, ...] = ()
    path: list[int] = []
    for sequence in sorted(set(sequences)):
        shared = shared_length(previous, sequence)
        path = [*path[:shared], *range(len(tokens), len(tokens) + len(sequence) - shared)]
        tokens += sequence[shared:]
        parents += [path[depth - 1] if depth else -1 for depth in range(shared, len(sequence))]
        depths += range(shared, len(sequence))
        ends[sequence] = path[-1]
        previous = sequence
    return Tree(np.array(tokens), np.array(parents), np.array(depths), ends)


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of leading tokens that two sequences share."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def see(tree: Tree, past: Sequence[int], start: int, end: int) -> np.ndarray:
    """Which nodes each node of a row sees: its ancestors and itself.

    Args:
        tree: the tree.
        past: the ancestors of node `start`, from the root on (p).
        start: first node of the row.
        end: the node after its last one.

    Returns:
        Booleans, a row's node x (the past, then the row) of shape (end - start, p + end - start).
    """
    seen = np.zeros((end - start, len(past) + end - start), dtype=bool)
    for place, (parent, depth) in enumerate(zip(tree.parents[start:end], tree.depths[start:end], strict=True)):
        if parent >= start:
            seen[place] = seen[parent - start]
        else:
            seen[place, :depth] = True
        seen[place, len(past) + place] = True
    return seen


def cut_rows(tree: Tree, most: int) -> list[tuple[int, int]]:
    """Cut the nodes, in preorder, into rows: first node and the node after the last.

    Of the places where a row of at least half of `most` nodes may end, it ends before the node that has the fewest
    ancestors: between prompts rather than within one. Few keys and values then stand before a row, and few other rows
    compute them, which `rows_needed` depends on.
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
    """Rows that hold some nodes, and those that hold the ancestors of such rows' first nodes, theirs, and so on.

    Computed in order, they compute what all the rows would, number for number: a job that was killed goes on as if it
    had not been.

    Args:
        tree: the tree.
        rows: first node and the node after the last, of all rows in order.
        nodes: those that are asked for.
    """
    starts = np.array([start for start, _ in rows])
    todo = set(np.searchsorted(starts, list(nodes), side="right") - 1)
    needed: set[int] = set()
    while todo:
        row = todo.pop()
        needed.add(row)
        todo |= set(np.searchsorted(starts, tree.path(tree.parents[starts[row]]), side="right") - 1) - needed
    return [rows[row] for row in sorted(needed)]
