"""E-mail addresses, web addresses and handles."""

import re
from collections.abc import Iterable

from scenarios.personal.kinds import Identifier, Kind, Span
from scenarios.personal.reading import Reading
from scenarios.personal.vocabulary import LISTS

EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5}", re.IGNORECASE)
# "sarah at example dot org", as it is noted from a call
SPOKEN_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{2,64} (?:at|\(at\)) [a-z0-9-]{1,63} (?:dot|\(dot\)) (?:com|org|net|edu|gov|us|io|info)\b",
    re.IGNORECASE,
)
WEB = re.compile(
    r"(?<![\w.@-])(?:https?://[^\s<>\"')]{3,200}"
    r"|(?:www\.)?[a-z0-9-]{2,63}(?:\.[a-z0-9-]{1,63}){0,4}\.(?:com|org|net|edu|gov|us|io|info|co|me)\b(?:/[^\s<>\"')]{0,200})?)",
    re.IGNORECASE,
)
HANDLE = re.compile(r"(?<![\w.@])@\w[\w.]{1,40}\w")
PATTERNS = (EMAIL, SPOKEN_EMAIL, WEB, HANDLE)

PUBLIC = LISTS["public sites"]
MAILBOXES = LISTS["mailboxes"]


def contacts_in(reading: Reading) -> list[Span]:
    return [span for span in _contacts(reading) if _host(_text(reading, span)) not in PUBLIC]


def find_contacts(identifiers: Iterable[Identifier], reading: Reading) -> list[Span]:
    """The same contact in any spelling, and the site of an e-mail or web address by itself."""
    wanted = {key for identifier in identifiers for key in _keys(Reading(identifier.text).plain)}
    return [span for span in _contacts(reading) if wanted & _keys(_text(reading, span))]


def _contacts(reading: Reading) -> list[Span]:
    spans = []
    for pattern in PATTERNS:
        for match in pattern.finditer(reading.plain):
            text = match[0].rstrip(".,;:!?")
            spans.append(Span(match.start(), match.start() + len(text), Kind.CONTACT))
    return spans


def _text(reading: Reading, span: Span) -> str:
    return reading.plain[span.start : span.end]


def _keys(text: str) -> set[str]:
    written = _written(text)
    host = _host(text)
    return {written} | ({host} if "." in host and host not in MAILBOXES | PUBLIC else set())


def _written(text: str) -> str:
    text = re.sub(r" \(?at\)? ", "@", text.casefold())
    text = re.sub(r" \(?dot\)? ", ".", text)
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", text).strip("/@")


def _host(text: str) -> str:
    """The site of an address; an empty word for a handle."""
    return "" if text.startswith("@") else re.split(r"[/?#]", _written(text).rpartition("@")[2])[0]
