"""Hostile scripts played against the product from outside: see docs/conformance.md."""
