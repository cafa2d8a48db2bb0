"""Conformance suite: scripts that play a misbehaving OpenAI server to the running product. See docs/conformance.md."""
