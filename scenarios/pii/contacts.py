"""Email addresses, web addresses, and handles."""

import re
from collections.abc import Iterable

from scenarios.pii.entities import PIIKind, PIISpan, SourceIdentifier
from scenarios.pii.normalized_text import NormalizedText
from scenarios.pii.vocabulary import KNOWN_NAMES, WORD_LISTS, is_ambiguous

EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5}", re.IGNORECASE)
# "sarah at example dot org", as noted from a call, with any kind of brackets.
SPOKEN_AT = r"(?: at | ?[(\[{<] ?at ?[)\]}>] ?)"
SPOKEN_DOT = r"(?: dot | ?[(\[{<] ?dot ?[)\]}>] ?)"
SPOKEN_EMAIL = re.compile(
    rf"(?<![\w.+%-])[\w.+%-]{{2,64}}{SPOKEN_AT}[a-z0-9-]{{1,63}}(?:(?:{SPOKEN_DOT}|\.)[a-z0-9-]{{1,63}}){{0,3}}"
    rf"{SPOKEN_DOT}[a-z]{{2,24}}\b",
    re.IGNORECASE,
)
WEB = re.compile(
    r"(?<![\w.@-])(?:https?://[^\s<>\"')]{3,200}"
    r"|(?:www\.)?[a-z0-9-]{2,63}(?:\.[a-z0-9-]{1,63}){0,4}\.(?:com|org|net|edu|gov|us|io|info|co|me)\b(?:/[^\s<>\"')]{0,200})?)",
    re.IGNORECASE,
)
HANDLE = re.compile(r"(?<![\w.@])@\w[\w.]{1,40}\w")
# A handle without its @: with an underscore, with a number sign, or introduced as a handle.
UNDERSCORED = re.compile(
    r"(?<![\w@.])[a-z0-9]{1,30}(?:[_.]{1,2}[a-z0-9]{1,30}){0,5}(?:_[a-z0-9]{1,30}|#\d{4})\b", re.IGNORECASE
)
LABELLED_HANDLE = re.compile(
    r"\b(?:user ?name|screen ?name|handle|insta|instagram|ig|snap|snapchat|discord|tiktok|telegram|twitter"
    r"|gamertag|login)(?: is|:|'s| =) (?P<value>[a-z0-9][\w.-]{2,30}\w)",
    re.IGNORECASE,
)
PIECE = re.compile(r"\w[\w.+-]{2,62}\w")
MIN_HANDLE_LENGTH = 5  # characters
PATTERNS = (EMAIL, SPOKEN_EMAIL, WEB, HANDLE)

PUBLIC_SITES = WORD_LISTS["public sites"]
MAILBOXES = WORD_LISTS["mailboxes"]


def detect_contacts(reading: NormalizedText) -> list[PIISpan]:
    found = [span for span in _contacts(reading) if _host(_text(reading, span)) not in PUBLIC_SITES]
    found += [PIISpan(match.start(), match.end(), PIIKind.CONTACT) for match in UNDERSCORED.finditer(reading.plain)]
    said = [match.span("value") for match in LABELLED_HANDLE.finditer(reading.plain)]
    return found + [
        PIISpan(*place, PIIKind.CONTACT)
        for place in said
        if _is_distinctive_handle(reading.plain[slice(*place)].casefold())
    ]


def match_contacts(identifiers: Iterable[SourceIdentifier], reading: NormalizedText) -> list[PIISpan]:
    """Find the same contact in any spelling, and the site of an email or web address on its own."""
    wanted = {key for identifier in identifiers for key in _keys(NormalizedText(identifier.text).plain)}
    handles = {handle for identifier in identifiers for handle in _handles(NormalizedText(identifier.text).plain)}
    found = [span for span in _contacts(reading) if wanted & _keys(_text(reading, span))]
    return found + [span for span in _pieces(reading) if handles and _strip_separators(_text(reading, span)) in handles]


def _contacts(reading: NormalizedText) -> list[PIISpan]:
    spans = []
    for pattern in PATTERNS:
        for match in pattern.finditer(reading.plain):
            text = match[0].rstrip(".,;:!?")
            spans.append(PIISpan(match.start(), match.start() + len(text), PIIKind.CONTACT))
    return spans


def _pieces(reading: NormalizedText) -> list[PIISpan]:
    return [PIISpan(match.start(), match.end(), PIIKind.CONTACT) for match in PIECE.finditer(reading.plain)]


def _handles(text: str) -> set[str]:
    """Return the handles that a contact implies: the part before @ or #, or the last part of a web path."""
    written = _written(text)
    local, at, _ = written.partition("@")
    own = local if at else written.rpartition("/")[2].lstrip("@").partition("#")[0]
    if "." in _host(text) and not at and "/" not in written:
        return set()
    key = _strip_separators(own)
    return {key} if len(key) >= MIN_HANDLE_LENGTH and _is_distinctive_handle(key) else set()


def _is_distinctive_handle(handle: str) -> bool:
    """Return True if the handle is neither an ordinary word nor a name.

    Names are left to the name search, whose matches can be dismissed.
    """
    return not is_ambiguous(handle) and handle not in KNOWN_NAMES


def _strip_separators(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())


def _text(reading: NormalizedText, span: PIISpan) -> str:
    return reading.plain[span.start : span.end]


def _keys(text: str) -> set[str]:
    written = _written(text)
    host = _host(text)
    return {written} | ({host} if "." in host and host not in MAILBOXES | PUBLIC_SITES else set())


def _written(text: str) -> str:
    text = re.sub(SPOKEN_AT, "@", text.casefold())
    text = re.sub(SPOKEN_DOT, ".", text)
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", text).strip("/@")


def _host(text: str) -> str:
    """Return the site of an address, or "" for a handle."""
    return "" if text.startswith("@") else re.split(r"[/?#]", _written(text).rpartition("@")[2])[0]
