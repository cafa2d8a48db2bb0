"""Text extraction, chunking, and keyword search of uploaded documents, without embeddings."""

import io
import math
import re
from collections.abc import Iterable

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from ..http.json_types import JSON, as_list, as_text, objects

CHARACTERS_PER_TOKEN = 4
COMMON_WORDS = (
    "a about an and any are as at be been but by can did do does for from had has have he her his how i if in into is "
    "it its me my not of on or our she so that the their them then there they this to was we were what when which who "
    "will with you your"
)
STOP_WORDS = frozenset(COMMON_WORDS.split())
WORD = re.compile(r"[a-z0-9']+")


class UnreadableFileError(Exception):
    """Document without searchable text."""


def extract_text(filename: str, content: bytes) -> str:
    text = _pdf_text(content) if content.startswith(b"%PDF") else _plain_text(filename, content)
    if not text.strip():
        raise UnreadableFileError("The file contains no text.")
    return text


def _pdf_text(content: bytes) -> str:
    try:
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    except (PyPdfError, ValueError, KeyError) as error:
        raise UnreadableFileError("The file could not be parsed because it is not valid.") from error
    # A broken font yields lone surrogates, which JSON cannot hold.
    return "\n\n".join(pages).encode("utf-8", "replace").decode()


def _plain_text(filename: str, content: bytes) -> str:
    if b"\0" in content:
        raise UnreadableFileError(f"The type of {filename} is not supported.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError("The file is not valid UTF-8 text.") from error


def cut_into_chunks(text: str, size_tokens: int, overlap_tokens: int) -> list[str]:
    """Return overlapping pieces, each cut at a line ending if one is near."""
    size, overlap = size_tokens * CHARACTERS_PER_TOKEN, overlap_tokens * CHARACTERS_PER_TOKEN
    chunks: list[str] = []
    start = 0
    while start < len(text):
        end = min(len(text), start + size)
        if end < len(text) and (line_end := text.rfind("\n", start + size // 2, end)) > 0:
            end = line_end
        chunks.append(text[start:end].strip())
        if end == len(text):
            break
        start = max(start + 1, end - overlap)
    return [chunk for chunk in chunks if chunk]


def search_terms(text: str) -> set[str]:
    return {stem(word) for word in WORD.findall(text.lower().replace("’", "'"))} - STOP_WORDS


def stem(word: str) -> str:
    """Strip the most common English endings, so that `asks` and `asking` match `ask`."""
    for ending in ("ing", "ed", "ly", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def rank(query: str, chunk_words: Iterable[set[str]]) -> list[tuple[float, int]]:
    """Return (score from 0 to 1, index) of every chunk that shares a word with the query, best first."""
    wanted = search_terms(query)
    found = [wanted & present for present in chunk_words]
    weight = {word: math.log(1 + len(found) / (1 + sum(word in hit for hit in found))) for word in wanted}
    total = sum(weight.values()) or 1.0
    scored = [(sum(weight[word] for word in hit) / total, index) for index, hit in enumerate(found) if hit]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1]))


def matches_filter(attributes: JSON, condition: JSON) -> bool:
    """Return whether a file's attributes pass a search filter."""
    kind = condition.get("type")
    if kind in ("and", "or"):
        parts = [matches_filter(attributes, part) for part in objects(condition.get("filters"))]
        return all(parts) if kind == "and" else any(parts)
    value, wanted = attributes.get(as_text(condition.get("key"))), condition.get("value")
    if kind in ("in", "nin"):
        return (value in as_list(wanted)) == (kind == "in")
    if kind in ("eq", "ne"):
        return (value == wanted) == (kind == "eq")
    return _matches_comparison(kind, value, wanted)


def _matches_comparison(kind: object, value: object, wanted: object) -> bool:
    if not isinstance(value, int | float) or not isinstance(wanted, int | float):
        return False
    return {"gt": value > wanted, "gte": value >= wanted, "lt": value < wanted, "lte": value <= wanted}.get(
        str(kind), False
    )
