"""Detection and removal of prompt injections: text that is data for a model but addresses the model.

A counselor's turn, a line that a caller is made to repeat, or a document must never steer the model that reads it.
Detected text is removed and reported to a person. No pattern list is complete: this one is the first line of defense,
and grades are verified as well.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ai.bounded_patterns import BoundedPattern, squeeze
from ai.pattern_files import read_lines, read_patterns

_PLACEHOLDERS = {
    "READER": "(?:(?:ai|automated|auto|grading|scoring|evaluation|evaluating|language|large language)[ -]?"
    "(?:grader|evaluator|model|system|assistant|reviewer|judge|scorer|bot|engine|software|agent)|grader|evaluator|"
    r"scorer|rater|auto-?grader|llm|chat ?gpt|gpt(?:-?\d[\w.]{0,20})?|ai)",
    "VERDICTS": "(?:met|passed|satisfied|fulfilled|achieved|kept|compliant|perfect|a pass|correct|yes)",
    "TOP": "(?:full|top|maximum|max|highest|perfect|best)(?: possible)? "
    "(?:marks?|scores?|points?|credits?|grades?|ratings?)",
    "HUNDRED": r"(?:100|one hundred|a hundred|ninety[ -]?\w{0,20}+|9\d)\b",
}
_PATTERNS = Path(__file__).parent / "patterns"
_COMMAND = read_patterns(_PATTERNS / "commands.txt", _PLACEHOLDERS, re.MULTILINE)
_RESULT = read_patterns(_PATTERNS / "dictated_results.txt", _PLACEHOLDERS, re.MULTILINE)
_OTHER_LANGUAGES = read_patterns(_PATTERNS / "other_languages.txt", flags=re.IGNORECASE)
# A sentence with one of these words is also removed if it is next to an injection.
_GRADING_WORDS = BoundedPattern(
    r"\b(?:scor\w+|grad(?:e|ed|es|ing)|met|rubric|criteri\w+|verdicts?|full marks|100|hundred|perfect(?:ly)?|flags?|"
    r"red[ -]?lines?|evaluat\w+|json|outputs?|instructions?|prompt|transcript|checks?|points|passed|fulfilled|"
    r"exemplary|flawless|excellent|obey|comply|mandatory|override|authori[sz]ed|counselor|trainee)\b"
)
# "On a scale from 0 to 100, how would you rate your distress?" is good counseling, not an injection.
_SCALING_QUESTION = BoundedPattern(
    r"\b(?:scale|from (?:0|zero|1|one) to|between (?:0|zero|1|one) and|how (?:would|do|are|much|bad|strong)|"
    r"out of (?:ten|10)|(?:rate|score) (?:your|how))\b"
)
_HOMOGLYPHS = str.maketrans("аеорсухіјѕԁԛԝһոαορνιτκηАВЕКМНОРСТХ", "aeopcyxijsdqwhnaopvitknABEKMHOPCTX")
_LEET = str.maketrans("0134578@$!|", "oieastbasil")
_SENTENCE = BoundedPattern(r"[^.!?\n]*+(?:[.!?]++|\n|$)[\"')\]]*+\s*+")
_ENCODED_TEXT = BoundedPattern(r"(?<![\w+/])(?:[A-Za-z0-9+/]{24,}+={0,2}+|(?:[0-9a-fA-F]{2}[ ]?){16,})(?![\w+/])")
_SPACED_LETTERS = BoundedPattern(r"(?<!\w)(?:\w[ ._-]){5,}\w(?!\w)")
_UNIVERSAL_PATTERN = (
    r"\b(?:always|regardless|no matter|whatever|every (?:session|call|counselor)|any (?:session|call|counselor))\b"
)
# A line break that page layout put inside a sentence.
_WRAPPED_LINE = BoundedPattern(r"(?<=[^.!?:\n])\n(?=[a-z(])")
_LONG_DOCUMENT, _CONTEXT_WIDTH = 1_000, 300  # characters
_PREFILTER_WORDS = read_lines(_PATTERNS / "prefilter_words.txt")
_DOCUMENT_PREFILTER_WORDS = read_lines(_PATTERNS / "document_prefilter_words.txt")
_TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": ".", "\u00a0": " "})
_MIN_ENCODED_LENGTH = 16  # characters without a space: too long for most words, possibly encoded
# Digits inside words, spaced-out letters, hexadecimal, and the most common injection words in ROT13.
_OBFUSCATED_TEXT = BoundedPattern(
    r"[a-z][0134578@$!|]+[a-z]|(?:\w[ ._-]){5}|[0-9a-f]{2} [0-9a-f]{2} [0-9a-f]{2} |"
    r"vtaber|qvfertneq|tenqre|rinyhngbe|pevgrevn|vafgehpgvbaf|ehoevp"
)
_DOCUMENT_PREFILTER = BoundedPattern(
    r"grader|evaluator|scorer|\brater|\bllm\b|\bgpt|chatgpt|\bai\b|prompt|rubric|instruct|criteri|transcript|verdict|json|"
    r"brace|</?\w|<\||\[/?\w|system|developer|assistant|red.lines?|everything|anything|checks|checklist|[\w+/]{24}|"
    r"directive|regardless|always|whatever|no matter|every (?:session|call)",
    re.IGNORECASE,
)
_TAG_BLOCK = 0xE0000  # Unicode tag characters: invisible copies of ASCII

_DIGIT_INSIDE_WORD = BoundedPattern(r"[a-z][0134578@$!|][a-z]")
_ROTATED_WORD = BoundedPattern(r"\b(?:ignore|disregard|grader|evaluator|criteria|instructions|rubric)\b")
_UNIVERSAL_CLAIM = BoundedPattern(_UNIVERSAL_PATTERN)


@dataclass(frozen=True)
class InjectionSpan:
    """Character range of an injection: `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True)
class _NormalizedText:
    """Text as a model may read it, with a map back to the original."""

    text: str
    offsets: Sequence[int]  # index in the original text, one per character of `text`


def find_injections(text: str, is_document: bool = False) -> list[InjectionSpan]:
    """Return the spans of sentences that address the model, in order. Most texts have none.

    With `is_document`, sentences about how people are assessed are allowed unless they address a machine.
    """
    squeezed = squeeze(text)
    spans = _find_in_squeezed(squeezed.text, is_document)
    return [InjectionSpan(*squeezed.original_span(span.start, span.end)) for span in spans]


def _find_in_squeezed(text: str, is_document: bool) -> list[InjectionSpan]:
    if not _may_contain_injection(text):
        return []
    hits = [
        (start + offset, end + offset)
        for offset, part in _candidate_parts(text, is_document)
        for start, end in _find_hits(part, is_document)
    ]
    if not hits:
        return []
    sentences = [match.span() for match in _SENTENCE.finditer(text) if match.group()]
    marked = _mark_sentences(sentences, hits)
    if not any(marked):  # the injection is not inside any sentence
        return [InjectionSpan(min(start for start, _ in hits), max(end for _, end in hits))]
    return _merge_sentences(text, sentences, marked)


def _mark_sentences(sentences: Sequence[tuple[int, int]], hits: Sequence[tuple[int, int]]) -> list[bool]:
    """Return for each sentence whether a hit overlaps it. Sentences are in order and do not overlap."""
    starts, ends = [start for start, _ in sentences], [end for _, end in sentences]
    marked = [False] * len(sentences)
    for start, end in hits:
        for index in range(bisect_right(ends, start), bisect_left(starts, end)):
            marked[index] = True
    return marked


def _may_contain_injection(text: str) -> bool:
    """Return True if a full search is needed. This cheap check rules it out for most of what people say."""
    lowercase = text.translate(_TYPOGRAPHIC).lower()
    return (
        not lowercase.isascii()
        or any(word in lowercase for word in _PREFILTER_WORDS)
        or any(len(word) >= _MIN_ENCODED_LENGTH for word in lowercase.split())
        or _OBFUSCATED_TEXT.search(lowercase) is not None
    )


def _find_hits(text: str, is_document: bool) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of every pattern match and every piece of encoded text."""
    for view in _decoded_views(text):
        yield from _match_patterns(view, is_document)
    yield from _find_encoded_text(text)


def _candidate_parts(text: str, is_document: bool) -> Iterator[tuple[int, str]]:
    """Yield (offset, part) for the parts of the text that need a full search.

    An ASCII document with neither a prefilter word nor encoded text yields nothing. A long one yields only the
    text around prefilter words, without which no pattern matches.
    """
    if is_document:
        lowercase = text.lower()
        if (
            lowercase.isascii()
            and not any(word in lowercase for word in _DOCUMENT_PREFILTER_WORDS)
            and not _ENCODED_TEXT.search(text)
        ):
            return
        text = _WRAPPED_LINE.sub(" ", text)
    if not is_document or len(text) < _LONG_DOCUMENT or not text.isascii():
        yield 0, text
        return
    start, end = 0, -1
    for match in _DOCUMENT_PREFILTER.finditer(text):
        if match.start() - _CONTEXT_WIDTH > end:
            if end > start:
                yield start, text[start:end]
            start = max(0, match.start() - _CONTEXT_WIDTH)
        end = min(len(text), match.end() + _CONTEXT_WIDTH)
    if end > start:
        yield start, text[start:end]


def remove_injections(text: str, spans: Sequence[InjectionSpan], mark: str = "[…]") -> str:
    """Return the text with `mark` in place of each span, on its own line so that it does not merge with a sentence."""
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start].rstrip(), mark]
        at = span.end
    return "\n".join(part for part in [*parts, text[at:].lstrip()] if part)


def _merge_sentences(text: str, sentences: Sequence[tuple[int, int]], marked: list[bool]) -> list[InjectionSpan]:
    """Return spans of the marked sentences and of those that belong to them.

    A sentence about grading next to a marked one belongs to it, and so does a single sentence between two marked ones.
    """
    mentions_grading = [bool(_GRADING_WORDS.search(text[start:end].lower())) for start, end in sentences]
    for order in (range(1, len(marked)), range(len(marked) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for index in order:
            marked[index] = marked[index] or (mentions_grading[index] and marked[index + step])
    for index in range(1, len(marked) - 1):
        marked[index] = marked[index] or (marked[index - 1] and marked[index + 1])
    spans: list[InjectionSpan] = []
    for (start, end), is_marked in zip(sentences, marked, strict=True):
        if is_marked and spans and spans[-1].end == start:
            spans[-1] = InjectionSpan(spans[-1].start, end)
        elif is_marked:
            spans.append(InjectionSpan(start, end))
    return spans


def _decoded_views(text: str) -> Iterator[_NormalizedText]:
    """Yield the normalized text, then versions with homoglyphs, leetspeak, spaced letters, or ROT13 decoded."""
    plain = _normalize(text)
    yield plain
    if any(ord(letter) > 127 for letter in plain.text):
        yield _NormalizedText(plain.text.translate(_HOMOGLYPHS), plain.offsets)
    if _DIGIT_INSIDE_WORD.search(plain.text):
        yield _NormalizedText(plain.text.translate(_LEET), plain.offsets)
    if _SPACED_LETTERS.search(plain.text):
        yield _remove_letter_spacing(plain)
    rotated = codecs.encode(plain.text, "rot13")
    if _ROTATED_WORD.search(rotated):
        yield _NormalizedText(rotated, plain.offsets)


def _normalize(text: str) -> _NormalizedText:
    """Return the text in lower case and NFKC form, with hidden characters removed or made visible."""
    if text.isascii():
        return _NormalizedText(text.lower(), range(len(text)))
    letters, offsets = [], []
    for offset, letter in enumerate(text):
        code = ord(letter)
        if _TAG_BLOCK + 0x20 <= code <= _TAG_BLOCK + 0x7E:
            shown = chr(code - _TAG_BLOCK)
        elif unicodedata.category(letter) in {"Cf", "Mn"}:
            continue
        else:
            shown = unicodedata.normalize("NFKC", letter)
        for character in shown.lower():
            letters.append(character.translate(_TYPOGRAPHIC))
            offsets.append(offset)
    return _NormalizedText("".join(letters), offsets)


def _remove_letter_spacing(view: _NormalizedText) -> _NormalizedText:
    """Return the text with spaced-out letters joined; wider gaps remain."""
    keep = [True] * len(view.text)
    for match in _SPACED_LETTERS.finditer(view.text):
        for index in range(match.start() + 1, match.end(), 2):
            keep[index] = False
    chosen = [index for index, kept in enumerate(keep) if kept]
    return _NormalizedText("".join(view.text[index] for index in chosen), [view.offsets[index] for index in chosen])


def _match_patterns(view: _NormalizedText, is_document: bool) -> Iterator[tuple[int, int]]:
    """Yield (start, end) in the original text of every pattern match that is not harmless in its sentence."""
    for pattern in (_COMMAND, _RESULT, _OTHER_LANGUAGES):
        for match in pattern.finditer(view.text):
            sentence = _enclosing_sentence(view.text, match)
            is_harmless = is_document and pattern is _RESULT and not _UNIVERSAL_CLAIM.search(sentence)
            # Some patterns start at the end of the previous sentence, which is not part of the injection.
            start = match.end() - len(match.group().lstrip(' \t\n.!?"(['))
            if match.end() > start and not is_harmless and not _SCALING_QUESTION.search(sentence):
                yield view.offsets[start], view.offsets[match.end() - 1] + 1


def _enclosing_sentence(text: str, match: re.Match[str]) -> str:
    """Return the sentence that contains a match, cut off `_CONTEXT_WIDTH` characters from the match."""
    # Bounded, because a long text without punctuation would be searched again for each of its matches.
    first, last = max(0, match.start() - _CONTEXT_WIDTH), min(len(text), match.end() + _CONTEXT_WIDTH)
    before = max(text.rfind(mark, first, match.start()) for mark in ".!?\n")
    after = [at for mark in ".!?\n" if (at := text.find(mark, match.end(), last)) >= 0]
    return text[max(first, before + 1) : min(after, default=last)]


def _find_encoded_text(text: str) -> Iterator[tuple[int, int]]:
    for match in _ENCODED_TEXT.finditer(text):
        if _decodes_to_text(match.group()):
            yield match.span()


def _decodes_to_text(letters: str) -> bool:
    """Return True if base64 or hexadecimal text decodes to printable words."""
    compact = letters.replace(" ", "")
    for decode in (lambda: base64.b64decode(compact + "=" * (-len(compact) % 4)), lambda: bytes.fromhex(compact)):
        try:
            decoded = decode().decode("ascii")
        except (binascii.Error, ValueError):
            continue
        if decoded.isprintable() and " " in decoded:
            return True
    return False
