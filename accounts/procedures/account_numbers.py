"""Search for an account's number, and for the numbers of other accounts, on the first pages of a document."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from ai.bounded_patterns import BoundedPattern

_TITLE_LINES = 8  # lines at the top of a document that say which account it is for
_MARGIN_LINES = 2  # lines at the top and the bottom of a page that may be its header and footer
_MENTION_REACH = 60  # characters before the label that are searched for words such as “see also”
_LABEL_REACH = 40  # characters between "account" and its number
_MIN_UNLABELED_LENGTH = 3  # shorter numbers without a label are sections, steps, or pages
_PUBLIC_NUMBER = BoundedPattern(r"988|[2-9]11|(?:19|20)\d\d")  # public hotlines and years, which any title may mention
_SEPARATED = r"[ \t]{1,4}"
_LABEL = BoundedPattern(r"\b(?:accounts?|acct|clients?|contracts?|programs?|lines?|customers?)\b", re.IGNORECASE)
# Words and punctuation that may come between the label and the number.
_LABEL_REST = BoundedPattern(
    r"(?:[\W\d_]|\b(?:accounts?|numbers?|nos?|nr|ids?|codes?|and|or|is|the|for)\b){0,60}", re.IGNORECASE
)
# Words before the label of an account that the document only mentions, such as “replaces the old manual of”. The header
# of the account's own document may be “Procedures of account 717” or “This manual belongs to account 717”.
_MENTION_ONLY = BoundedPattern(
    r"\b(?:see(?: also)?|replaces?|replacing|supersedes?|superseding|formerly|previously|not|(?:transfers?|transferred|"
    r"refers?|referred|(?<!manual )(?<!document )(?<!procedures )(?<!guidelines )belongs?) to|instead of|unlike)"
    r"(?:(?:[ \t][\w’'-]{1,20}){0,3}[ \t](?:manual|document|procedures|guidelines) of)?"
    r"(?:\W{1,3}(?:the|an?|any|for|to|with|manual|document|procedures|guidelines|of|crisis)){0,4}\W{1,3}$",
    re.IGNORECASE,
)
_YEAR = BoundedPattern(r"(?:19|20)\d\d(?!\d)")
_PHONE_REST = BoundedPattern(r"\)?[-. ]{0,2}\d{3}[-. ]{0,2}\d{4}(?!\d)")
_PHONE_END = BoundedPattern(r"[-. ]{1,2}\d{4}(?!\d)")
_PHONE_START = BoundedPattern(r"(?<!\d)\d{3}\)?[-. ]{1,2}$")
_NEIGHBOR_BEFORE = BoundedPattern(r"(\d{1,20})\s?[-/]\s?$")
_NEIGHBOR_AFTER = BoundedPattern(r"\s?[-/]\s?(\d{1,20})")
_NO_NUMBER_BEFORE = BoundedPattern(
    r"(?:(?:[$€£]|\b(?:USD|EUR|GBP))\s?|\d[.,]|(?:\.\s?){3}|\b(?:pages?|p\.|ext\.?|extension)\s?)$", re.IGNORECASE
)
_NUMBER_GOES_ON = BoundedPattern(r"[-.,/]\d")
_PHONE_LINE_DIGITS = 4  # the last part of a phone number, such as 0717
_DASH = BoundedPattern(r"[\u2010-\u2015\u2212]")
_NO_NUMBER_AFTER = BoundedPattern(r"[.,]\d|\s?%|\s?pages?\b", re.IGNORECASE)


class AccountMatch(Enum):
    """Result of the search."""

    FOUND = "found"
    MISSING = "missing"
    OTHER = "other"


@dataclass(frozen=True)
class _Mention:
    number: str
    page: int  # from 0
    line: int  # from 0, on its page
    start: int  # offset on its page
    is_labeled: bool  # preceded by a word such as "account"
    is_marginal: bool  # in the title, a header, or a footer
    is_at_edge: bool  # at the beginning or the end of its line

    @property
    def names_account(self) -> bool:
        """Return True if the number, in a title, header, or footer, tells which account the document is for."""
        if self.is_labeled:
            return True
        is_common = len(self.number) < _MIN_UNLABELED_LENGTH or _PUBLIC_NUMBER.fullmatch(self.number) is not None
        return self.page == 0 and self.is_at_edge and not is_common

    @property
    def position(self) -> tuple[int, int]:
        return self.page, self.start


def match_account(pages: Sequence[str], number: str, other_numbers: Iterable[str]) -> tuple[AccountMatch, str]:
    """Look for an account's number on the first pages. Return the result, and the other account's number for OTHER.

    The title, headers, and footers decide. If they name no account, the first labeled number decides.
    A document may name several accounts, as in `716/717`.
    """
    texts = [_clean(page) for page in pages]
    own = list(_find_mentions(texts, number))
    others = [mention for other in other_numbers for mention in _find_mentions(texts, other)]
    marginal = _first(one for one in others if one.is_marginal and one.names_account)
    own_marginal = [one for one in own if one.is_marginal and (one.is_labeled or one.page == 0)]
    if any(one.is_labeled or not _precedes(marginal, one) for one in own_marginal):
        return AccountMatch.FOUND, ""
    if marginal:
        return AccountMatch.OTHER, marginal.number
    labeled, own_labeled = (_first(one for one in mentions if one.is_labeled) for mentions in (others, own))
    if labeled and (own_labeled is None or labeled.position < own_labeled.position):
        return AccountMatch.OTHER, labeled.number
    return (AccountMatch.FOUND if own else AccountMatch.MISSING), ""


def _first(mentions: Iterable[_Mention]) -> _Mention | None:
    return min(mentions, key=lambda mention: mention.position, default=None)


def _precedes(other: _Mention | None, own: _Mention) -> bool:
    """Return True if the labeled number of another account comes before the account's own, unlabeled number."""
    return other is not None and other.is_labeled and other.position < own.position


def mentions_number(text: str, number: str) -> bool:
    """Return True if the text contains the number, including forms like `7 1 7`, `00717`, `716/717`, and `717-2024`."""
    return next(_find_spans(_clean(text), number), None) is not None


def mentions_name(text: str, name: str) -> bool:
    words = r"\s{1,20}".join(re.escape(word) for word in _clean(name).split())
    return bool(words) and BoundedPattern(rf"(?<!\w){words}(?!\w)", re.IGNORECASE).search(_clean(text)) is not None


def _clean(text: str) -> str:
    """Return the text with normalized digits and dashes, and without invisible characters."""
    plain = unicodedata.normalize("NFKC", text)
    kept = (
        str(unicodedata.digit(letter)) if letter > "9" and letter.isdecimal() else letter
        for letter in plain
        if unicodedata.category(letter) != "Cf"
    )
    return _DASH.sub("-", "".join(kept))


def _find_mentions(pages: Sequence[str], number: str) -> Iterator[_Mention]:
    plain_number = "".join(number.split())
    for index, text in enumerate(pages):
        last_line = text.count("\n")
        for start, end in _find_spans(text, number):
            line = text.count("\n", 0, start)
            top = _TITLE_LINES if index == 0 else _MARGIN_LINES
            yield _Mention(
                plain_number,
                index,
                line,
                start,
                is_labeled=_is_labeled(text, start),
                is_marginal=line < top or line > last_line - _MARGIN_LINES,
                is_at_edge=_is_at_edge(text, start, end),
            )


def _is_at_edge(text: str, start: int, end: int) -> bool:
    """Return True if the number comes first or last on its line."""
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    before, after = text[line_start:start], text[end : line_end if line_end >= 0 else len(text)]
    return not any(map(str.isalnum, before)) or not any(map(str.isalnum, after))


def _is_labeled(text: str, start: int) -> bool:
    """Return True if only punctuation, numbers, and filler words separate a word such as "account" from the number.

    “See also account 717” and “replaces the manual of account 717” do not count.
    """
    begin = max(text.rfind("\n", 0, start) + 1, start - _LABEL_REACH)
    labels = list(_LABEL.finditer(text, begin, start))
    if not labels or _LABEL_REST.fullmatch(text, labels[-1].end(), start) is None:
        return False
    before = text[max(0, labels[-1].start() - _MENTION_REACH) : labels[-1].start()]
    return _MENTION_ONLY.search(before.rpartition("\n")[2]) is None


def _find_spans(text: str, number: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each mention of a number."""
    number = "".join(number.split())
    number = (number.lstrip("0") or "0") if number.isdigit() else number
    if not number:
        return
    for found in _number_pattern(number).finditer(text):
        if _is_standalone_number(text, found.start(), found.end(), number):
            yield found.span()


def _number_pattern(number: str) -> BoundedPattern:
    """Return the pattern of a number. A PDF may lose the space beside it, so letters may adjoin digits."""
    before, after = (r"\d" if end.isdigit() else r"[^\W_]" for end in (number[0], number[-1]))
    zeros = "0{0,6}" if number.isdigit() else ""
    patterns = [rf"(?<!{before}){zeros}{re.escape(number)}(?!{after})"]
    if len(number) > 1:
        # Letter-spaced on one line, whatever the lines above and below begin with, or one digit per line.
        on_line = _SEPARATED.join(re.escape(letter) for letter in number)
        patterns.append(rf"(?<!\d)(?<!\d[ \t]){on_line}(?![ \t]{{0,4}}\d)")
        anywhere = r"\s{1,4}".join(re.escape(letter) for letter in number)
        patterns.append(rf"(?<!\d)(?<!\d\s){anywhere}(?!\s{{0,4}}\d)")
    if len(number) > 2 and number.isdigit():
        patterns.append(rf"(?<![\d-]){'-'.join(number)}(?![\d-])")
    return BoundedPattern("|".join(patterns), re.IGNORECASE)


def _is_standalone_number(text: str, start: int, end: int, number: str) -> bool:
    """Return False if the digits belong to a phone number, an amount, a page number, or a longer number."""
    before, after = text[max(0, start - 24) : start], text[end : end + 24]
    if not number.isdigit():
        return _NUMBER_GOES_ON.match(after) is None or _YEAR.match(after, 1) is not None or after[0] == "/"
    if _NO_NUMBER_BEFORE.search(before) or _NO_NUMBER_AFTER.match(after) or _PHONE_REST.match(after):
        return False
    is_line_number = end - start == _PHONE_LINE_DIGITS and before.endswith(("-", "."))
    if _PHONE_START.search(before) and (is_line_number or _PHONE_END.match(after)):
        return False
    left, right = _NEIGHBOR_BEFORE.search(before), _NEIGHBOR_AFTER.match(after)
    if left and right and "-" in left[0] and "-" in right[0]:
        return False  # the middle of a phone number or a date
    return all(_may_stand_beside(neighbor, number) for neighbor in (left, right) if neighbor)


def _may_stand_beside(neighbor: re.Match[str], number: str) -> bool:
    """Return True for the number of another account, as in `716/717`, or a year, as in `717-2024`."""
    return len(neighbor[1].lstrip("0")) == len(number) or _YEAR.fullmatch(neighbor[1]) is not None
