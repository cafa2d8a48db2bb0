"""Accounts and past conversations of the demo, created through the same services as real ones."""
