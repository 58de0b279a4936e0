"""Load tests and benchmarks, seen from outside: they know the contracts alone."""
