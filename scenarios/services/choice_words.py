"""Words that packs use for the values of choice columns."""

import re

from django.db.models import TextChoices

from scenarios.models import Difficulty, Mode, Opener, Patience, fold_text

CHOICES: dict[str, type[TextChoices]] = {
    "mode": Mode,
    "difficulty": Difficulty,
    "opens": Opener,
    "patience": Patience,
}
_PHONE_WORDS = (
    "voice",
    "call",
    "phone call",
    "phonecall",
    "voice call",
    "inbound call",
    "incoming call",
    "telephone",
    "telephone call",
    "audio",
    "hotline",
    "tel",
)
_CHAT_WORDS = (
    "text",
    "text chat",
    "web chat",
    "webchat",
    "web based chat",
    "online chat",
    "live chat",
    "sms",
    "texting",
    "text message",
    "text messages",
    "text messaging",
    "messaging",
    "instant message",
    "instant messaging",
)
_SYNONYMS: dict[str, dict[str, str]] = {
    "mode": {word: str(Mode.PHONE) for word in _PHONE_WORDS} | {word: str(Mode.CHAT) for word in _CHAT_WORDS},
    # "hard" may be either of the two upper levels, so that a person has to choose.
    "difficulty": {"easy": Difficulty.BEGINNER, "medium": Difficulty.INTERMEDIATE},
    "opens": {"client": Opener.CALLER, "visitor": Opener.CALLER, "trainee": Opener.COUNSELOR},
}
_PARENTHESES = re.compile(r"\([^()]*+\)")


def find_choice(column: str, text: str) -> str | None:
    """Return the value for a text, which may be the value, its label, a synonym, or mixed, as “Phone (Voice)”."""
    words = _words_of(column)
    folded = " ".join(fold_text(text).replace("_", " ").replace("-", " ").split())
    folded = folded.strip("\"'“”„‘’ ")
    found = words.get(folded) or words.get(" ".join(_PARENTHESES.sub(" ", folded).split()))
    # “Phone/Voice” names one value twice. “Phone/Chat” names two, so that a person has to choose.
    named = {words.get(part.strip()) for part in folded.split("/")}
    return found or (named.pop() if len(named) == 1 else None)


def _words_of(column: str) -> dict[str, str]:
    choices = CHOICES[column]
    labels = {fold_text(str(label)): value for value, label in choices.choices}
    return _SYNONYMS.get(column, {}) | labels | {value: value for value in choices.values}
