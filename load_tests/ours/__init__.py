"""Contenders that run on the product's own parts; the only load tests that import them."""
