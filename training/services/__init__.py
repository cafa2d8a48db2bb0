"""Verbs that change more than one thing, one module for each noun."""
