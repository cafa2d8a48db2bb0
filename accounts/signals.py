"""Signals of the accounts app."""

from django.dispatch import Signal

# Sent with `owner`, an Organization or Account, and `days`, its new retention or None, before the change is saved.
# `recordings` returns the number of recordings that the next sweep would delete because of it.
retention_changing = Signal()
