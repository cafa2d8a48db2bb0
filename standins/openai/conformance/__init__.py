"""Conformance suite: hostile OpenAI scripts played against the running product. See docs/conformance.md."""
