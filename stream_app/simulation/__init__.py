"""Seeded clickstream with a hidden truth that later work is judged against."""
