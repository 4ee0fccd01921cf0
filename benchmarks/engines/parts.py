"""Where the time of an engine on a CPU goes: the operations of PyTorch in groups, and what is outside of them."""

import re
import time
from collections.abc import Callable, Iterable

from torch.profiler import ProfilerActivity, profile

GROUPS = {
    "matmul": r"(mm|addmm|bmm|baddbmm|matmul|linear)",
    "attention": r"_?(scaled_dot_product|flash_attention|softmax|log_softmax|logsumexp).*",
    "gathers and copies": r"_?(copy|cat|index|gather|take|embedding|stack|clone|contiguous|to|select|slice|zeros).*",
    "norms, rotary embedding, activations": r"(mul|add|sub|div|neg|pow|mean|rsqrt|silu|gelu|tanh|cos|sin|exp|clamp).*",
}
"""By group, the names of its operations; the first group that matches counts."""
REST, OUTSIDE = "other operations", "outside of operations: Python, planning, masks"


def group_of(operation: str) -> str:
    """The group of an operation, such as `aten::mm`."""
    name = operation.removeprefix("aten::")
    return next((group for group, pattern in GROUPS.items() if re.fullmatch(pattern, name)), REST)


def share_out(operations: Iterable[tuple[str, float]], seconds: float) -> dict[str, float]:
    """Seconds by group.

    Args:
        operations: names, and seconds in each without those that it calls.
        seconds: all together.
    """
    spent = dict.fromkeys([*GROUPS, REST], 0.0)
    for name, own in operations:
        spent[group_of(name)] += own
    return spent | {OUTSIDE: max(0.0, seconds - sum(spent.values()))}


def measure_parts(work: Callable[[], object]) -> dict[str, float]:
    """Do some work and return the seconds of its parts. Watching makes each operation some microseconds slower."""
    start = time.perf_counter()
    with profile(activities=[ProfilerActivity.CPU]) as watched:
        work()
        seconds = time.perf_counter() - start
    return share_out(((event.key, event.self_cpu_time_total / 1e6) for event in watched.key_averages()), seconds)
