"""Benchmarks, run by `bench/run.py`."""
