"""Draws by hash: the drawn numbers must never change, because results of earlier versions rest on them."""

from hashlib import sha256

import numpy as np
from selfalign.draws import draw_number, draw_order, make_generator


def test_draws_are_those_of_earlier_versions() -> None:
    assert draw_number("random", 1, "Q4", "Q6") == int(sha256(b"random/1/Q4/Q6").hexdigest()[:14], 16)
    orders = [draw_order("Q4", f"Q{number}") for number in range(1, 9)]
    assert orders == ["BA" if sha256(f"Q4/Q{n}".encode()).digest()[0] % 2 else "AB" for n in range(1, 9)]
    assert set(orders) == {"AB", "BA"}
    for between, name in (("/", b"1/BOL"), (" ", b"1 BOL")):
        seed = int(sha256(name).hexdigest()[:16], 16)
        expected = np.random.default_rng(seed).integers(1000, size=5)
        np.testing.assert_array_equal(make_generator(1, "BOL", between=between).integers(1000, size=5), expected)
