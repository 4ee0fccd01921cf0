"""Variables of the environment that make jobs on a CPU faster. No number depends on them.

The Snakefile sets them for its jobs. `apply` sets them for a command that a person runs.
"""

import ctypes
import os

THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000"}
"""Idle threads of PyTorch soon leave the cores to others, but not at once."""

MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""A job keeps freed blocks of up to 32 MiB for its next ones (glibc): new blocks cost a fault for every page."""

FAST = THREADS | MEMORY

_OPTIONS = {"MALLOC_MMAP_THRESHOLD_": (-3, 2**25), "MALLOC_TRIM_THRESHOLD_": (-1, -1)}
"""By variable, the parameter of glibc's `mallopt` and its value; -1 never gives memory back."""


def apply() -> None:
    """Set the variables of `FAST` that the user has not set. Call it before PyTorch is imported.

    PyTorch's library of threads reads its variables when it is loaded. The C library has read its own when the process
    started, so it gets them by `mallopt` instead; other C libraries than glibc have no such variables.
    """
    missing = FAST.keys() - os.environ.keys()
    os.environ.update({name: FAST[name] for name in missing})
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if set_option is not None:
        for name in missing & _OPTIONS.keys():
            set_option(*_OPTIONS[name])
