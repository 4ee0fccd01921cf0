"""The first calls of PyTorch's functions on a CPU, made while nothing else runs."""

import torch

AFFECTED = (
    torch.acos, torch.asin, torch.atan, torch.cos, torch.erf, torch.erfc, torch.erfinv, torch.exp, torch.log,
    torch.log10, torch.log2, torch.sin, torch.sqrt, torch.tan, torch.tanh, torch.trunc,
)  # fmt: skip
"""The functions that PyTorch's CPU build passes to MKL's vector library (`IMPLEMENT_VML_MKL` in ATen/cpu/vml.h)."""

PRECISIONS = (torch.float32, torch.float64)


def warm_up() -> None:
    """Call each affected function once, with one element, in float32 and float64.

    MKL selects a kernel at the first call of a function in a process. If two threads make this call at the same time,
    one of them may use a kernel of low accuracy (pytorch/pytorch#188792). One element is computed by one thread.
    A process that computes with PyTorch calls this function before it builds a model. The first call takes 14 ms.
    """
    for dtype in PRECISIONS:
        one = torch.full((1,), 0.5, dtype=dtype, device="cpu")
        for function in AFFECTED:
            function(one)
