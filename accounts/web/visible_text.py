"""Text as a person sees it, without invisible characters. Imports no Django, so packs can use it."""

import re

# Soft hyphens, zero-width characters, direction marks, fillers, and byte order marks.
UNSEEN = (
    "\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a"
)
# These change how the character before them looks, so they are kept at the end of a text.
_MODIFIERS = "\u034f\u200d\ufe00-\ufe0f\U000e0000-\U000e0fff"
_BLANK = re.compile(rf"[\s{UNSEEN}{_MODIFIERS}]*+")
_UNSEEN_RUN = re.compile(rf"[{UNSEEN}{_MODIFIERS}]+")
_OUTER = re.compile(rf"\A[\s{UNSEEN}]++|(?<![\s{UNSEEN}])[\s{UNSEEN}]++\Z")
_UNSAFE_IN_NAMES = re.compile(rf"[{UNSEEN}\0-\x1f\x7f-\x9f\u2028\u2029]+")


def is_blank(text: str) -> bool:
    """Return True if a person would see nothing."""
    return _BLANK.fullmatch(text) is not None


def strip_blank(text: str) -> str:
    """Remove whitespace and invisible characters from both ends."""
    return "" if is_blank(text) else _OUTER.sub("", text)


def remove_unseen(text: str) -> str:
    """Return the text without invisible characters, to compare texts that look the same."""
    return _UNSEEN_RUN.sub("", text)


def clean_filename(name: str, max_length: int = 200) -> str:
    """Return a file name without folders, control characters, or direction marks. If it is too long, shorten its stem.

    With a direction mark, a name that ends in `.exe` can be shown as `report.pdf`.
    """
    name = strip_blank(_UNSAFE_IN_NAMES.sub("", name.replace("\\", "/").rpartition("/")[2]))
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 20:
        return name[:max_length]
    return f"{stem[: max_length - len(suffix) - 1]}{dot}{suffix}"


def clear_unseen(text: str) -> str:
    """Return "" for text that looks empty but contains more than whitespace. Return other text unchanged.

    Whitespace is left to each field: some keep it, others reject it with their own message.
    """
    return "" if text.strip() and is_blank(text) else text
