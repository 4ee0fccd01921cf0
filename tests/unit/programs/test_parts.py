"""The parts of an engine's time, as `benchmarks/inference.py --profile` prints them."""

import time

import pytest
import torch
from engines.parts import GROUPS, OUTSIDE, REST, group_of, measure_parts, share_out


@pytest.mark.parametrize(
    ("operation", "group"),
    [
        ("aten::addmm", "matmul"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "attention"),
        ("aten::rsqrt", "norms, rotary embedding, activations"),
        ("aten::mul_", "norms, rotary embedding, activations"),
        ("aten::index_select", "gathers and copies"),
        ("aten::copy_", "gathers and copies"),
        ("aten::sort", REST),
    ],
)
def test_operation_is_in_its_group(operation: str, group: str) -> None:
    assert group_of(operation) == group


def test_parts_sum_to_the_time() -> None:
    parts = share_out([("aten::mm", 3.0), ("aten::bmm", 1.0), ("aten::cat", 0.5)], seconds=6.0)
    assert parts["matmul"] == 4.0 and parts["gathers and copies"] == 0.5 and parts[OUTSIDE] == 1.5
    assert sum(parts.values()) == 6.0 and set(parts) == {*GROUPS, REST, OUTSIDE}


def test_time_of_python_is_outside_of_operations() -> None:
    def work() -> None:
        torch.ones(64, 64) @ torch.ones(64, 64)
        time.sleep(0.2)

    parts = measure_parts(work)
    assert parts["matmul"] > 0
    assert parts[OUTSIDE] >= 0.2
