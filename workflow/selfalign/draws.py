"""Random draws by hash: they depend on names alone, so that a new name leaves all other draws as they were.

Every draw is the same in every process and on every machine.
"""

from hashlib import sha256

import numpy as np


def draw_number(*names: object) -> int:
    """A number below 2**56, from the SHA-256 of some names."""
    return int.from_bytes(_digest(*names)[:7])


def draw_order(*names: object) -> str:
    """One of the option orders AB and BA, from the SHA-256 of some names."""
    return ("AB", "BA")[_digest(*names)[0] % 2]


def make_generator(*names: object, between: str = "/") -> np.random.Generator:
    """A random generator whose seed is from the SHA-256 of some names.

    Args:
        names: what the draws are for, such as a seed and a country.
        between: what stands between the names.
    """
    return np.random.default_rng(int.from_bytes(_digest(*names, between=between)[:8]))


def _digest(*names: object, between: str = "/") -> bytes:
    return sha256(between.join(map(str, names)).encode()).digest()
