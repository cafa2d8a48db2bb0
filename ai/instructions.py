"""Text that is data for a model and yet speaks to it: found, so that it can be taken out and a person told.

What a counselor says, a caller is made to repeat or a document holds must never steer whoever reads it for us. No list
of patterns is complete; this one is the first wall, and what is graded is verified behind it.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ai.patterns import read_lines, read_patterns

_DEFINED = {
    "READER": "(?:(?:ai|automated|auto|grading|scoring|evaluation|evaluating|language|large language)[ -]?"
    "(?:grader|evaluator|model|system|assistant|reviewer|judge|scorer|bot|engine|software|agent)|grader|evaluator|"
    r"scorer|rater|auto-?grader|llm|chat ?gpt|gpt(?:-?\d[\w.]*)?|ai)",
    "VERDICTS": "(?:met|passed|satisfied|fulfilled|achieved|kept|compliant|perfect|a pass|correct|yes)",
    "TOP": "(?:full|top|maximum|max|highest|perfect|best)(?: possible)? "
    "(?:marks?|scores?|points?|credits?|grades?|ratings?)",
    "HUNDRED": r"(?:100|one hundred|a hundred|ninety[ -]?\w*|9\d)\b",
}
_PATTERNS = Path(__file__).parent / "patterns"
_COMMAND = read_patterns(_PATTERNS / "commands.txt", _DEFINED, re.MULTILINE)
_RESULT = read_patterns(_PATTERNS / "results.txt", _DEFINED, re.MULTILINE)
_IN_FOREIGN = read_patterns(_PATTERNS / "other_languages.txt", flags=re.IGNORECASE)
# Beside one of the strong, these belong to it.
_WEAK = re.compile(
    r"\b(?:scor\w+|grad(?:e|ed|es|ing)|met|rubric|criteri\w+|verdicts?|full marks|100|hundred|perfect(?:ly)?|flags?|"
    r"red[ -]?lines?|evaluat\w+|json|outputs?|instructions?|prompt|transcript|checks?|points|passed|fulfilled|"
    r"exemplary|flawless|excellent|obey|comply|mandatory|override|authori[sz]ed|counselor|trainee)\b"
)
# "On a scale from 0 to 100, how would you rate your distress?" is good work.
_SCALING = re.compile(
    r"\b(?:scale|from (?:0|zero|1|one) to|between (?:0|zero|1|one) and|how (?:would|do|are|much|bad|strong)|"
    r"out of (?:ten|10)|(?:rate|score) (?:your|how))\b"
)
_LOOKS_LIKE = str.maketrans("аеорсухіјѕԁԛԝһոαορνιτκηАВЕКМНОРСТХ", "aeopcyxijsdqwhnaopvitknABEKMHOPCTX")
_LEET = str.maketrans("0134578@$!|", "oieastbasil")
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?]+(?=\s|$|[\"')\]])|\n|[.!?]|$)[\"')\]]*\s*")
_ENCODED = re.compile(r"(?<![\w+/])(?:[A-Za-z0-9+/]{24,}={0,2}|(?:[0-9a-fA-F]{2}[ ]?){16,})(?![\w+/])")
_SPACED = re.compile(r"(?<!\w)(?:\w[ ._-]){5,}\w(?!\w)")
_UNIVERSAL = (
    r"\b(?:always|regardless|no matter|whatever|every (?:session|call|counselor)|any (?:session|call|counselor))\b"
)
# A line that a page broke in the middle of a sentence.
_WRAPPED = re.compile(r"(?<=[^.!?:\n])\n(?=[a-z(])")
_LONG, _AROUND = 1_000, 300  # characters
_NEEDED_WORDS = read_lines(_PATTERNS / "needed.txt")
_DOCUMENT_WORDS = read_lines(_PATTERNS / "needed_in_documents.txt")
_TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": ".", "\u00a0": " "})
_CODED = 16  # letters without a gap: no word, maybe something encoded
# Digits within words, letters that stand apart, hexadecimal, and the commonest orders with each letter turned by 13.
_HIDDEN = re.compile(
    r"[a-z][0134578@$!|]+[a-z]|(?:\w[ ._-]){5}|[0-9a-f]{2} [0-9a-f]{2} [0-9a-f]{2} |"
    r"vtaber|qvfertneq|tenqre|rinyhngbe|pevgrevn|vafgehpgvbaf|ehoevp"
)
_NEEDED = re.compile(
    r"grader|evaluator|scorer|\brater|\bllm\b|\bgpt|chatgpt|\bai\b|prompt|rubric|instruct|criteri|transcript|verdict|json|"
    r"brace|</?\w|<\||\[/?\w|system|developer|assistant|red.lines?|everything|anything|checks|checklist|[\w+/]{24}|"
    r"directive|regardless|always|whatever|no matter|every (?:session|call)",
    re.IGNORECASE,
)
_TAGS = 0xE0000  # hidden copies of ASCII

_FOR_ALL = re.compile(_UNIVERSAL)


@dataclass(frozen=True)
class Span:
    """Where something speaks to the reader: `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True)
class _View:
    """The text as a reader may take it, and where each of its characters stands in the text."""

    text: str
    places: Sequence[int]


def find_instructions(text: str, is_document: bool = False) -> list[Span]:
    """The sentences that speak to whoever reads the text for us, in order; none in nearly every text.

    A document may say how people are assessed without speaking to a machine.
    """
    if not _may_speak(text):
        return []
    hits = [
        (start + at, end + at) for at, part in _parts(text, is_document) for start, end in _all_hits(part, is_document)
    ]
    if not hits:
        return []
    sentences = [match.span() for match in _SENTENCE.finditer(text) if match.group()]
    marked = [any(start < end_of and end > start_of for start, end in hits) for start_of, end_of in sentences]
    if not any(marked):  # hidden where no sentence is
        return [Span(min(start for start, _ in hits), max(end for _, end in hits))]
    return _joined(text, sentences, marked)


def _may_speak(text: str) -> bool:
    """Whether it is worth looking closer. Most of what people say is not."""
    low = text.translate(_TYPOGRAPHIC).lower()
    return (
        not low.isascii()
        or any(word in low for word in _NEEDED_WORDS)
        or any(len(word) >= _CODED for word in low.split())
        or _HIDDEN.search(low) is not None
    )


def _all_hits(text: str, is_document: bool) -> Iterator[tuple[int, int]]:
    for view in _views(text):
        yield from _hits(view, is_document)
    yield from _encoded(text)


def _parts(text: str, is_document: bool) -> Iterator[tuple[int, str]]:
    """The text; of a long document only what stands around a word without which nothing is found, and where it is."""
    if is_document:
        low = text.lower()
        if low.isascii() and not any(word in low for word in _DOCUMENT_WORDS) and not _ENCODED.search(text):
            return
        text = _WRAPPED.sub(" ", text)
    if not is_document or len(text) < _LONG or not text.isascii():
        yield 0, text
        return
    start, end = 0, -1
    for match in _NEEDED.finditer(text):
        if match.start() - _AROUND > end:
            if end > start:
                yield start, text[start:end]
            start = max(0, match.start() - _AROUND)
        end = min(len(text), match.end() + _AROUND)
    if end > start:
        yield start, text[start:end]


def without_instructions(text: str, spans: Sequence[Span], mark: str = "[…]") -> str:
    """The text with a mark in the place of each span, on a line of its own: it is no part of a sentence beside it."""
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start].rstrip(), mark]
        at = span.end
    return "\n".join(part for part in [*parts, text[at:].lstrip()] if part)


def _joined(text: str, sentences: Sequence[tuple[int, int]], marked: list[bool]) -> list[Span]:
    """Marked sentences with what belongs to them: sentences about grading beside them, and what stands between two."""
    weak = [bool(_WEAK.search(text[start:end].lower())) for start, end in sentences]
    for order in (range(1, len(marked)), range(len(marked) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for index in order:
            marked[index] = marked[index] or (weak[index] and marked[index + step])
    for index in range(1, len(marked) - 1):
        marked[index] = marked[index] or (marked[index - 1] and marked[index + 1])
    spans: list[Span] = []
    for (start, end), is_marked in zip(sentences, marked, strict=True):
        if is_marked and spans and spans[-1].end == start:
            spans[-1] = Span(spans[-1].start, end)
        elif is_marked:
            spans.append(Span(start, end))
    return spans


def _views(text: str) -> Iterator[_View]:
    plain = _plain(text)
    yield plain
    if any(ord(letter) > 127 for letter in plain.text):
        yield _View(plain.text.translate(_LOOKS_LIKE), plain.places)
    if re.search(r"[a-z][0134578@$!|][a-z]", plain.text):
        yield _View(plain.text.translate(_LEET), plain.places)
    if _SPACED.search(plain.text):
        yield _despaced(plain)
    turned = codecs.encode(plain.text, "rot13")
    if re.search(r"\b(?:ignore|disregard|grader|evaluator|criteria|instructions|rubric)\b", turned):
        yield _View(turned, plain.places)


def _plain(text: str) -> _View:
    """Small letters, compatible forms unified, hidden characters gone or shown."""
    if text.isascii():
        return _View(text.lower(), range(len(text)))
    letters, places = [], []
    for place, letter in enumerate(text):
        code = ord(letter)
        if _TAGS + 0x20 <= code <= _TAGS + 0x7E:
            shown = chr(code - _TAGS)
        elif unicodedata.category(letter) in {"Cf", "Mn"}:
            continue
        else:
            shown = unicodedata.normalize("NFKC", letter)
        for one in shown.lower():
            letters.append(one.translate(_TYPOGRAPHIC))
            places.append(place)
    return _View("".join(letters), places)


def _despaced(view: _View) -> _View:
    """Letters that were spaced out, run together; a wider gap stays a gap."""
    keep = [True] * len(view.text)
    for match in _SPACED.finditer(view.text):
        for index in range(match.start() + 1, match.end(), 2):
            keep[index] = False
    chosen = [index for index, kept in enumerate(keep) if kept]
    return _View("".join(view.text[index] for index in chosen), [view.places[index] for index in chosen])


def _hits(view: _View, is_document: bool) -> Iterator[tuple[int, int]]:
    for pattern in (_COMMAND, _RESULT, _IN_FOREIGN):
        for match in pattern.finditer(view.text):
            sentence = _around(view.text, match)
            is_harmless = is_document and pattern is _RESULT and not _FOR_ALL.search(sentence)
            # The end of the sentence before is part of what some patterns look for, not of what is found.
            start = match.end() - len(match.group().lstrip(' \t\n.!?"(['))
            if match.end() > start and not is_harmless and not _SCALING.search(sentence):
                yield view.places[start], view.places[match.end() - 1] + 1


def _around(text: str, match: re.Match[str]) -> str:
    """The sentence in which a match stands."""
    before = max(text.rfind(mark, 0, match.start()) for mark in ".!?\n")
    after = [at for mark in ".!?\n" if (at := text.find(mark, match.end())) >= 0]
    return text[before + 1 : min(after, default=len(text))]


def _encoded(text: str) -> Iterator[tuple[int, int]]:
    for match in _ENCODED.finditer(text):
        if _says_something(match.group()):
            yield match.span()


def _says_something(letters: str) -> bool:
    squeezed = letters.replace(" ", "")
    for decode in (lambda: base64.b64decode(squeezed + "=" * (-len(squeezed) % 4)), lambda: bytes.fromhex(squeezed)):
        try:
            said = decode().decode("ascii")
        except (binascii.Error, ValueError):
            continue
        if said.isprintable() and " " in said:
            return True
    return False
