"""Benchmarks, one a module; `scripts/bench NAME` runs them."""
