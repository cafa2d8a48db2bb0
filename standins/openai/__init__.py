"""Stand-in for the OpenAI API, for tests and trial runs without a key. Run it with `python -m standins.openai`.

It uses no model: callers are scripted, speech is not recognized, and grading follows keyword rules.
"""
