"""The parts of `benchmarks/inference.py`: workloads, contenders, the limit, the report."""
