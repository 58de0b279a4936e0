"""Load tests and benchmarks, which see the product from outside: they use only the contracts."""
