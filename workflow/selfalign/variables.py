"""Variables of the environment that make jobs on a CPU faster. No number depends on them; the Snakefile sets them."""

THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000"}
"""Idle threads of PyTorch soon leave the cores to others, but not at once."""

MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""Blocks of up to 32 MiB that a job frees it keeps for its next ones (glibc): new ones cost a fault for every page."""

FAST = THREADS | MEMORY
