"""Email addresses, web addresses, and handles."""

import re
from collections.abc import Iterable

from ai.bounded_patterns import BoundedPattern
from scenarios.pii.entities import PIIKind, PIISpan, SourceIdentifier
from scenarios.pii.normalized_text import NormalizedText
from scenarios.pii.vocabulary import KNOWN_NAMES, WORD_LISTS, is_ambiguous

EMAIL = BoundedPattern(r"(?<![\w.+%-])[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5}", re.IGNORECASE)
# "sarah at example dot org", as noted during a call, with or without brackets.
SPOKEN_AT = r"(?: at | ?[(\[{<] ?at ?[)\]}>] ?)"
SPOKEN_DOT = r"(?: dot | ?[(\[{<] ?dot ?[)\]}>] ?)"
SPOKEN_EMAIL = BoundedPattern(
    rf"(?<![\w.+%-])[\w.+%-]{{2,64}}{SPOKEN_AT}[a-z0-9-]{{1,63}}(?:(?:{SPOKEN_DOT}|\.)[a-z0-9-]{{1,63}}){{0,3}}"
    rf"{SPOKEN_DOT}[a-z]{{2,24}}\b",
    re.IGNORECASE,
)
WEB = BoundedPattern(
    r"(?<![\w.@-])(?:https?://[^\s<>\"')]{3,200}"
    r"|(?:www\.)?[a-z0-9-]{2,63}(?:\.[a-z0-9-]{1,63}){0,4}\.(?:com|org|net|edu|gov|us|io|info|co|me)\b(?:/[^\s<>\"')]{0,200})?)",
    re.IGNORECASE,
)
HANDLE = BoundedPattern(r"(?<![\w.@])@\w[\w.]{1,40}\w")
# A handle without its @: with an underscore, with a number sign, or introduced as a handle.
UNDERSCORED = BoundedPattern(
    r"(?<![\w@.])[a-z0-9]{1,30}(?:[_.]{1,2}[a-z0-9]{1,30}){0,5}(?:_[a-z0-9]{1,30}|#\d{4})\b", re.IGNORECASE
)
LABELED_HANDLE = BoundedPattern(
    r"\b(?:user ?name|screen ?name|handle|insta|instagram|ig|snap|snapchat|discord|tiktok|telegram|twitter"
    r"|gamertag|login)(?: is|:|'s| =) (?P<value>[a-z0-9][\w.-]{2,30}\w)",
    re.IGNORECASE,
)
TOKEN = BoundedPattern(r"\w[\w.+-]{2,62}\w")
MIN_HANDLE_LENGTH = 5  # characters
PATTERNS = (EMAIL, SPOKEN_EMAIL, WEB, HANDLE)

PUBLIC_SITES = WORD_LISTS["public sites"]
EMAIL_PROVIDERS = WORD_LISTS["mailboxes"]


def detect_contacts(normalized: NormalizedText) -> list[PIISpan]:
    found = [span for span in _find_contacts(normalized) if _host(_text_of(normalized, span)) not in PUBLIC_SITES]
    found += [PIISpan(match.start(), match.end(), PIIKind.CONTACT) for match in UNDERSCORED.finditer(normalized.plain)]
    labeled = [match.span("value") for match in LABELED_HANDLE.finditer(normalized.plain)]
    return found + [
        PIISpan(*span, PIIKind.CONTACT)
        for span in labeled
        if _is_distinctive_handle(normalized.plain[slice(*span)].casefold())
    ]


def match_contacts(identifiers: Iterable[SourceIdentifier], normalized: NormalizedText) -> list[PIISpan]:
    """Find the same contact in any spelling, and the site of an email or web address on its own."""
    keys = {key for identifier in identifiers for key in _comparison_keys(NormalizedText(identifier.text).plain)}
    handles = {
        handle for identifier in identifiers for handle in _extract_handles(NormalizedText(identifier.text).plain)
    }
    found = [span for span in _find_contacts(normalized) if keys & _comparison_keys(_text_of(normalized, span))]
    return found + [
        span
        for span in _find_tokens(normalized)
        if handles and _strip_separators(_text_of(normalized, span)) in handles
    ]


def _find_contacts(normalized: NormalizedText) -> list[PIISpan]:
    spans = []
    for pattern in PATTERNS:
        for match in pattern.finditer(normalized.plain):
            text = match[0].rstrip(".,;:!?")
            spans.append(PIISpan(match.start(), match.start() + len(text), PIIKind.CONTACT))
    return spans


def _find_tokens(normalized: NormalizedText) -> list[PIISpan]:
    return [PIISpan(match.start(), match.end(), PIIKind.CONTACT) for match in TOKEN.finditer(normalized.plain)]


def _extract_handles(text: str) -> set[str]:
    """Return the handles that a contact implies: the part before @ or #, or the last part of a web path."""
    canonical = _canonical_form(text)
    local, at, _ = canonical.partition("@")
    handle = local if at else canonical.rpartition("/")[2].lstrip("@").partition("#")[0]
    if "." in _host(text) and not at and "/" not in canonical:
        return set()
    key = _strip_separators(handle)
    return {key} if len(key) >= MIN_HANDLE_LENGTH and _is_distinctive_handle(key) else set()


def _is_distinctive_handle(handle: str) -> bool:
    """Return True if the handle is neither an ordinary word nor a name.

    Names are left to the name search, whose matches can be dismissed.
    """
    return not is_ambiguous(handle) and handle not in KNOWN_NAMES


def _strip_separators(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())


def _text_of(normalized: NormalizedText, span: PIISpan) -> str:
    return normalized.plain[span.start : span.end]


def _comparison_keys(text: str) -> set[str]:
    canonical = _canonical_form(text)
    host = _host(text)
    return {canonical} | ({host} if "." in host and host not in EMAIL_PROVIDERS | PUBLIC_SITES else set())


def _canonical_form(text: str) -> str:
    text = re.sub(SPOKEN_AT, "@", text.casefold())
    text = re.sub(SPOKEN_DOT, ".", text)
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", text).strip("/@")


def _host(text: str) -> str:
    """Return the site of an address, or "" for a handle."""
    return "" if text.startswith("@") else re.split(r"[/?#]", _canonical_form(text).rpartition("@")[2])[0]
