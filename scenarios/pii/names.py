"""Names of people in a source: known names, introduced names, and unexplained capitalized words."""

import re
from collections.abc import Iterator, Sequence

from ai.bounded_patterns import BoundedPattern
from scenarios.pii.entities import PIIKind, PIISpan
from scenarios.pii.normalized_text import NormalizedText, Word
from scenarios.pii.vocabulary import (
    AMBIGUOUS_NAMES,
    FAMILY_WORDS,
    FUNCTION_WORDS,
    KNOWN_NAMES,
    MONTH_NAMES,
    NEVER_NAMES,
    PARTICLES,
    ROLE_TITLES,
    TITLES,
    WORD_LISTS,
    is_common_word,
    is_never_name,
)

# Words that introduce a name, capitalized or not.
NAME_INTRODUCTIONS = {
    *((word,) for word in ("named", "nicknamed", "surname")),
    *(("name", verb) for verb in ("is", "was")),
    *((which, "name") for which in ("first", "last", "maiden", "middle")),
    ("goes", "by"),
}
SPEAKING = ("spoke", "speak", "spoken", "speaking", "talk", "talked", "talking")
SPOKEN_WITH = {(verb, to) for verb in SPEAKING for to in ("with", "to")}
SENTENCE_BREAK = BoundedPattern(r"[!?;\n\r]")
PERSON_VERBS = WORD_LISTS["person verbs"]
MONTH_PREPOSITIONS = WORD_LISTS["before a month"]
NON_NAME_ENDINGS = ("s", "ed", "ing", "ly", "ion", "ment", "ness", "able", "ible", "ful", "less", "ous", "ive")
MEDICATION = BoundedPattern(
    r"\b\w{3,40}(?:zepam|zolam|oxetine|triptyline|azepine|tiapine|idone|olol|pril|sartan|statin|prazole|cillin|mycin|barbital"
    r"|gabalin|pentin|faxine|traline|lopram|zodone|piprazole|peridol|phylline|codone|phetamine)"
)
# Separators within one name, including a nickname in quotes or parentheses: Siddharth ("Sid") Rao.
BETWEEN_NAMES = {" ", "-", " ' ", ' "', '" ', " (", ") ", ' ("', '") '}
MAX_WORDS = 6  # words of a capitalized name
MAX_LOWERCASE_WORDS = 3  # words of a lowercase name
MAX_ACRONYM_LETTERS = 3  # letters
MAX_INITIALS = 4  # initials in a row


def detect_names(normalized: NormalizedText, taken: Sequence[PIISpan]) -> list[PIISpan]:
    """Find the names of a source outside the spans already taken by other kinds."""
    scan = _NameScanner(normalized, taken)
    return list(scan.names())


class _NameScanner:
    def __init__(self, normalized: NormalizedText, taken: Sequence[PIISpan]) -> None:
        self.words = normalized.words
        self.lowercase_words = normalized.lowercase_words
        self.plain = normalized.plain
        self._taken = _mark_covered(self.words, taken)

    def names(self) -> Iterator[PIISpan]:
        at = 0
        while at < len(self.words):
            is_sure = self._classify_start(at)
            if is_sure is None:
                at += 1
                continue
            last = self._find_last_word(at, is_sure)
            sure = is_sure or any(self.words[found].key in KNOWN_NAMES for found in range(at, last + 1))
            yield PIISpan(self.words[at].start, self.words[last].end, PIIKind.NAME, sure)
            at = last + 1

    def _classify_start(self, at: int) -> bool | None:
        """Return True if a name begins here, False if only the capital letter suggests it, and None if none begins."""
        word = self.words[at]
        if self._taken[at] or not word.key.isalpha():
            return None
        if word.is_initial:
            return True if self._are_initials_of_name(at) else None
        if len(word.key) < 2 or word.key in FUNCTION_WORDS:
            return None
        if self._is_introduced(at):
            return True
        return self._classify_capitalized(at) if word.is_capital else self._classify_lowercase(at)

    def _is_introduced(self, at: int) -> bool:
        word, before = self.words[at], self._preceding_words(at)
        if not before:
            return False
        if before[-1] in TITLES:
            return word.gap in {" ", ". ", "."} and self._can_follow_title(at, before[-1])
        if word.key in NEVER_NAMES:
            return False
        if self._follows_name_label(at, before):
            return (word.is_capital and not is_common_word(word.key)) or self._can_be_lowercase_name(word)
        is_role = before[-1] in ROLE_TITLES | FAMILY_WORDS or before[-2:] in SPOKEN_WITH
        return (
            is_role
            and word.is_capital
            and word.gap == " "
            and not is_common_word(word.key)
            and not self._is_acronym(word)
        )

    def _follows_name_label(self, at: int, before: tuple[str, ...]) -> bool:
        """Return True after a name label: my name is sarah, name: sarah, my name's sarah, named sarah."""
        gap = self.words[at].gap
        if before[-1] == "name" and before[-2:] not in NAME_INTRODUCTIONS:
            return gap in {": ", ":", " - "} or (gap == " " and self.words[at - 1].is_possessive)
        return gap in {" ", ": ", ' "'} and (before[-1:] in NAME_INTRODUCTIONS or before[-2:] in NAME_INTRODUCTIONS)

    def _can_follow_title(self, at: int, title: str) -> bool:
        """Accept any word after "Mr.", but only uncommon words after "miss" and "dr", which are ordinary words, too."""
        word = self.words[at]
        if title in {"miss", "dr"} and (word.is_in_all_caps_line or not word.is_capital):
            return not is_never_name(word.key)
        return word.key not in NEVER_NAMES

    def _can_be_lowercase_name(self, word: Word) -> bool:
        return word.key in KNOWN_NAMES | AMBIGUOUS_NAMES or not (
            is_never_name(word.key) or word.key.endswith(NON_NAME_ENDINGS)
        )

    def _classify_lowercase(self, at: int) -> bool | None:
        word, before = self.words[at], self._preceding_words(at)
        if word.key in KNOWN_NAMES:
            return True if len(word.key) > 2 else None
        likely = before[-2:] in SPOKEN_WITH or bool(before[-1:] and before[-1] in FAMILY_WORDS)
        fits = word.key not in AMBIGUOUS_NAMES and len(word.key) > 2 and self._can_be_lowercase_name(word)
        return True if likely and fits and word.gap == " " else None

    def _classify_capitalized(self, at: int) -> bool | None:
        word = self.words[at]
        if word.key in KNOWN_NAMES:
            return True
        if is_never_name(word.key) or word.is_in_all_caps_line or self._is_acronym(word) or self._is_medicine(at):
            return None
        if word.key in AMBIGUOUS_NAMES:
            return False if self._looks_like_name(at) else None
        return None if word.key in self.lowercase_words or _is_plain_form(word, self.lowercase_words) else False

    def _looks_like_name(self, at: int) -> bool:
        """Return True if an ordinary word is capitalized although grammar does not require it."""
        word = self.words[at]
        following = self.words[at + 1] if at + 1 < len(self.words) else None
        has_surname = bool(
            following and following.gap == " " and following.is_capital and not is_never_name(following.key)
        )
        if word.key in MONTH_NAMES:
            return not is_month(self.words, at) and (has_surname or not word.starts_sentence)
        if word.starts_sentence:
            return has_surname or word.is_possessive or has_person_context(self.words, at)
        neighbors = [following] if following and following.gap == " " else []
        if word.gap == " " and at and not self.words[at - 1].starts_sentence:
            neighbors.append(self.words[at - 1])
        return not any(neighbor.is_capital and is_common_word(neighbor.key) for neighbor in neighbors)

    def _is_acronym(self, word: Word) -> bool:
        return word.is_all_capitals and len(word.key) <= MAX_ACRONYM_LETTERS and word.key not in KNOWN_NAMES

    def _is_medicine(self, at: int) -> bool:
        """Return True for a medication, recognized by its ending or by the dose that follows."""
        word = self.words[at]
        after = self.plain[word.end : word.end + 12]
        return bool(MEDICATION.fullmatch(word.key)) or bool(re.match(r",?\s\d+(?:\.\d+)?\s?(?:mg|mcg|ml)\b", after))

    def _are_initials_of_name(self, at: int) -> bool:
        """Return True for J.R. Watkins, J. Watkins, and J.R."""
        last = self._last_initial(at)
        dotted = self.plain[self.words[last].end : self.words[last].end + 1] == "."
        if not dotted or (at == last and self.words[at].key in {"i", "a"}):
            return False
        following = self.words[last + 1] if last + 1 < len(self.words) else None
        leads = bool(following and following.gap in {". ", "."} and self._continues_name(following, is_sure=True))
        return leads or last > at

    def _last_initial(self, at: int) -> int:
        furthest = min(len(self.words), at + MAX_INITIALS) - 1
        while at < furthest and self.words[at + 1].is_initial and self.words[at + 1].gap in {".", ". "}:
            at += 1
        return at

    def _find_last_word(self, at: int, is_sure: bool) -> int:
        """Return the index of the last word of the name that begins here."""
        last = self._last_initial(at) if self.words[at].is_initial else at
        is_lowercase = self.words[at].raw[0].islower()
        while last + 1 < len(self.words) and last - at + 1 < (MAX_LOWERCASE_WORDS if is_lowercase else MAX_WORDS):
            step = self._count_next_words(last, is_lowercase, is_sure)
            if not step:
                break
            last += step
        return last

    def _count_next_words(self, last: int, is_lowercase: bool, is_sure: bool) -> int:
        """Return how many of the next words belong to the name: 0, 1, or more if it has particles ("de la")."""
        following = self.words[last + 1]
        if self.words[last].is_possessive or self._taken[last + 1]:
            return 0
        if is_lowercase:
            return int(following.gap == " " and self._continues_lowercase_name(last + 1))
        if following.gap in {" ", "-"} and following.is_initial and following.key not in {"i", "a"}:
            return 1
        if following.gap in BETWEEN_NAMES and self._continues_name(following, is_sure):
            return 1
        if following.gap in {". ", "."} and self.words[last].is_initial and self._continues_name(following, is_sure):
            return 1
        ahead = last + 1
        while ahead < len(self.words) and self.words[ahead].key in PARTICLES and self.words[ahead].gap == " ":
            ahead += 1
        if last + 1 < ahead < min(len(self.words), last + 4) and self.words[ahead].gap == " ":
            return ahead - last if self._continues_name(self.words[ahead], is_sure) else 0
        return 0

    def _continues_lowercase_name(self, at: int) -> bool:
        word = self.words[at]
        if word.key in {"will", "may", "mark", "chase", "grant"} or len(word.key) < 3:
            return False
        return word.raw[0].islower() and self._can_be_lowercase_name(word)

    def _continues_name(self, word: Word, is_sure: bool) -> bool:
        """Return True if a capitalized word continues a name.

        An ordinary word continues only a name that is certain ("Sarah Strong").
        """
        if not word.is_capital or not word.key.isalpha() or len(word.key) < 2 or word.key in NEVER_NAMES:
            return False
        return not is_common_word(word.key) or (is_sure and not word.is_in_all_caps_line)

    def _preceding_words(self, at: int) -> tuple[str, ...]:
        """Return the preceding one or two words of the same sentence."""
        if (
            at == 0
            or SENTENCE_BREAK.search(self.words[at].gap)
            or (self.words[at].gap == ". " and not self._is_abbreviation(at - 1))
        ):
            return ()
        if at == 1 or self.words[at - 1].starts_sentence:
            return (self.words[at - 1].key,)
        return (self.words[at - 2].key, self.words[at - 1].key)

    def _is_abbreviation(self, at: int) -> bool:
        return self.words[at].key in WORD_LISTS["abbreviations"]


def _is_plain_form(word: Word, lowercase_words: frozenset[str]) -> bool:
    """Return True if "Escalations" at the start of a sentence is explained by "escalation" elsewhere."""
    return word.starts_sentence and word.key.endswith("s") and word.key[:-1] in lowercase_words


def find_unexplained_words(normalized: NormalizedText) -> frozenset[str]:
    """Return unlisted words from lowercase or all-caps text, where names look like other words.

    Also return ambiguous names that are used as names: "my ex will".
    """
    words = normalized.words
    used_as_names = frozenset(
        word.key for at, word in enumerate(words) if word.key in AMBIGUOUS_NAMES and _is_used_as_name(words, at)
    )
    return used_as_names | frozenset(
        key
        for key in normalized.lowercase_words | {word.key for word in normalized.words if word.is_in_all_caps_line}
        if len(key) > 2
        and key.isalpha()
        and not (is_never_name(key) or key in AMBIGUOUS_NAMES or MEDICATION.fullmatch(key))
    )


def _is_used_as_name(words: Sequence[Word], at: int) -> bool:
    before = [word.key for word in words[max(0, at - 2) : at]]
    is_called = before[-1:] and before[-1] in FAMILY_WORDS | {"called", "named"}
    return words[at].gap == " " and bool(is_called or tuple(before) in SPOKEN_WITH)


def has_person_context(words: Sequence[Word], at: int) -> bool:
    """Return True if the next word indicates a person: Grace called; Grace, the nurse."""
    if at + 1 == len(words):
        return False
    following = words[at + 1]
    does = following.key in PERSON_VERBS or (following.key.endswith("ed") and following.gap == " ")
    return (does and not following.is_capital) or following.gap == ", "


def is_month(words: Sequence[Word], at: int) -> bool:
    if words[at].key not in MONTH_NAMES:
        return False
    before = words[at - 1].key if at and "." not in words[at].gap else ""
    after = words[at + 1].key if at + 1 < len(words) else ""
    return before in MONTH_PREPOSITIONS or before[:1].isdigit() or after[:1].isdigit()


def _mark_covered(words: Sequence[Word], spans: Sequence[PIISpan]) -> list[bool]:
    covered = [False] * len(words)
    ordered = sorted(spans, key=lambda span: span.start)
    at = 0
    for span in ordered:
        while at < len(words) and words[at].end <= span.start:
            at += 1
        inside = at
        while inside < len(words) and words[inside].start < span.end:
            covered[inside] = True
            inside += 1
    return covered
