"""E-mail addresses, web addresses and handles."""

import re
from collections.abc import Iterable

from scenarios.personal.kinds import Identifier, Kind, Span
from scenarios.personal.reading import Reading
from scenarios.personal.vocabulary import KNOWN_NAMES, LISTS, is_ambiguous

EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5}", re.IGNORECASE)
# "sarah at example dot org", as it is noted from a call; brackets of any kind
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
# A handle without its sign: with an underscore, with a number sign, or said to be one
UNDERSCORED = re.compile(
    r"(?<![\w@.])[a-z0-9]{1,30}(?:[_.]{1,2}[a-z0-9]{1,30}){0,5}(?:_[a-z0-9]{1,30}|#\d{4})\b", re.IGNORECASE
)
SAID_TO_BE_ONE = re.compile(
    r"\b(?:user ?name|screen ?name|handle|insta|instagram|ig|snap|snapchat|discord|tiktok|telegram|twitter"
    r"|gamertag|login)(?: is|:|'s| =) (?P<value>[a-z0-9][\w.-]{2,30}\w)",
    re.IGNORECASE,
)
PIECE = re.compile(r"\w[\w.+-]{2,62}\w")
SHORTEST = 5
PATTERNS = (EMAIL, SPOKEN_EMAIL, WEB, HANDLE)

PUBLIC = LISTS["public sites"]
MAILBOXES = LISTS["mailboxes"]


def contacts_in(reading: Reading) -> list[Span]:
    found = [span for span in _contacts(reading) if _host(_text(reading, span)) not in PUBLIC]
    found += [Span(match.start(), match.end(), Kind.CONTACT) for match in UNDERSCORED.finditer(reading.plain)]
    said = [match.span("value") for match in SAID_TO_BE_ONE.finditer(reading.plain)]
    return found + [Span(*place, Kind.CONTACT) for place in said if _is_own(reading.plain[slice(*place)].casefold())]


def find_contacts(identifiers: Iterable[Identifier], reading: Reading) -> list[Span]:
    """The same contact in any spelling, and the site of an e-mail or web address by itself."""
    wanted = {key for identifier in identifiers for key in _keys(Reading(identifier.text).plain)}
    handles = {handle for identifier in identifiers for handle in _handles(Reading(identifier.text).plain)}
    found = [span for span in _contacts(reading) if wanted & _keys(_text(reading, span))]
    return found + [span for span in _pieces(reading) if handles and _squeeze(_text(reading, span)) in handles]


def _contacts(reading: Reading) -> list[Span]:
    spans = []
    for pattern in PATTERNS:
        for match in pattern.finditer(reading.plain):
            text = match[0].rstrip(".,;:!?")
            spans.append(Span(match.start(), match.start() + len(text), Kind.CONTACT))
    return spans


def _pieces(reading: Reading) -> list[Span]:
    return [Span(match.start(), match.end(), Kind.CONTACT) for match in PIECE.finditer(reading.plain)]


def _handles(text: str) -> set[str]:
    """How its owner may be called: what stands before the @ or #, or behind a site's last stroke."""
    written = _written(text)
    local, at, _ = written.partition("@")
    own = local if at else written.rpartition("/")[2].lstrip("@").partition("#")[0]
    if "." in _host(text) and not at and "/" not in written:
        return set()
    key = _squeeze(own)
    return {key} if len(key) >= SHORTEST and _is_own(key) else set()


def _is_own(handle: str) -> bool:
    """A word is no handle by itself, and a name is for the names to find: those a person may call not personal."""
    return not is_ambiguous(handle) and handle not in KNOWN_NAMES


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())


def _text(reading: Reading, span: Span) -> str:
    return reading.plain[span.start : span.end]


def _keys(text: str) -> set[str]:
    written = _written(text)
    host = _host(text)
    return {written} | ({host} if "." in host and host not in MAILBOXES | PUBLIC else set())


def _written(text: str) -> str:
    text = re.sub(SPOKEN_AT, "@", text.casefold())
    text = re.sub(SPOKEN_DOT, ".", text)
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", text).strip("/@")


def _host(text: str) -> str:
    """The site of an address; an empty word for a handle."""
    return "" if text.startswith("@") else re.split(r"[/?#]", _written(text).rpartition("@")[2])[0]
