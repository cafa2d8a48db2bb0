"""A stand-in that speaks OpenAI's wire, for trying out and testing without a key: `python -m openai_standin`.

It thinks nothing: callers are scripted, speech is not understood, grading is keyword rules.
"""
