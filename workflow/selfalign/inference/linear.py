"""Products of a model's weights in float32 on a CPU: by oneDNN, which docs/inference.md compares with MKL.

PyTorch has both, and gives float32 to MKL, other number formats to oneDNN.
"""

import platform
from collections.abc import Callable, Mapping, Sequence

import torch
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

AVAILABLE = (
    platform.machine() in ("x86_64", "AMD64")
    and torch.backends.mkldnn.is_available()
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # what PyTorch's own compiler calls
)


class OneDnn(TorchFunctionMode):
    """While it is entered, `linear` is computed by oneDNN where that is available, for float32 on a CPU."""

    def __torch_function__(
        self,
        function: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Every function of PyTorch that is called meanwhile."""
        return (_linear if function is linear and AVAILABLE else function)(*args, **(kwargs or {}))


def _linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    kinds = {(part.device.type, part.dtype) for part in (input, weight)}
    if kinds != {("cpu", torch.float32)}:
        return linear(input, weight, bias)
    return torch.ops.mkldnn._linear_pointwise(input, weight, bias, "none", [], "")
