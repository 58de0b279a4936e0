"""Contenders made of the product's own parts; the only load tests that import these."""
