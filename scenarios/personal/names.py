"""Names of people in a source: known ones, introduced ones, and capitals that no ordinary word explains."""

import re
from collections.abc import Iterator, Sequence

from scenarios.personal.kinds import Kind, Span
from scenarios.personal.reading import Reading, Word
from scenarios.personal.vocabulary import (
    ALSO_NAMES,
    FAMILY,
    KNOWN_NAMES,
    LISTS,
    LITTLE_WORDS,
    MONTH_NAMES,
    NEVER_NAMES,
    PARTICLES,
    ROLE_TITLES,
    TITLES,
    is_common,
    is_no_name,
)

# What comes before a name, whatever its writing
INTRODUCED = {
    *((word,) for word in ("named", "nicknamed", "surname")),
    *(("name", verb) for verb in ("is", "was")),
    *((which, "name") for which in ("first", "last", "maiden", "middle")),
    ("goes", "by"),
}
SPEAKING = ("spoke", "speak", "spoken", "speaking", "talk", "talked", "talking")
SPOKEN_WITH = {(verb, to) for verb in SPEAKING for to in ("with", "to")}
BREAK = re.compile(r"[!?;\n\r]")
PERSON_VERBS = LISTS["person verbs"]
BEFORE_A_MONTH = LISTS["before a month"]
NO_NAME_ENDINGS = ("s", "ed", "ing", "ly", "ion", "ment", "ness", "able", "ible", "ful", "less", "ous", "ive")
MEDICINE = re.compile(
    r"\w{3,}(?:zepam|zolam|oxetine|triptyline|azepine|tiapine|idone|olol|pril|sartan|statin|prazole|cillin|mycin|barbital"
    r"|gabalin|pentin|faxine|traline|lopram|zodone|piprazole|peridol|phylline|codone|phetamine)"
)
# Within one name, with what its owner is called in quotes or brackets: Siddharth ("Sid") Rao
BETWEEN_NAMES = {" ", "-", " ' ", ' "', '" ', " (", ") ", ' ("', '") '}
LONGEST = 6
LONGEST_SMALL = 3
LONGEST_ACRONYM = 3
MOST_INITIALS = 4


def names_in(reading: Reading, taken: Sequence[Span]) -> list[Span]:
    """The names of a source, leaving out what already counts as something else."""
    scan = _Scan(reading, taken)
    return list(scan.names())


class _Scan:
    def __init__(self, reading: Reading, taken: Sequence[Span]) -> None:
        self.words = reading.words
        self.small_words = reading.small_words
        self.plain = reading.plain
        self._taken = _covered(self.words, taken)

    def names(self) -> Iterator[Span]:
        at = 0
        while at < len(self.words):
            is_sure = self._begins(at)
            if is_sure is None:
                at += 1
                continue
            last = self._end(at, is_sure)
            sure = is_sure or any(self.words[found].key in KNOWN_NAMES for found in range(at, last + 1))
            yield Span(self.words[at].start, self.words[last].end, Kind.NAME, sure)
            at = last + 1

    def _begins(self, at: int) -> bool | None:
        """Whether a name begins here: None no, True surely, False by its capital alone."""
        word = self.words[at]
        if self._taken[at] or not word.key.isalpha():
            return None
        if word.is_initial:
            return True if self._initials_lead_to_a_name(at) else None
        if len(word.key) < 2 or word.key in LITTLE_WORDS:
            return None
        if self._is_introduced(at):
            return True
        return self._by_its_look(at) if word.is_capital else self._in_small_letters(at)

    def _is_introduced(self, at: int) -> bool:
        word, before = self.words[at], self._before(at)
        if not before:
            return False
        if before[-1] in TITLES:
            return word.gap in {" ", ". ", "."} and self._fits_a_title(at, before[-1])
        if word.key in NEVER_NAMES:
            return False
        if self._says_name(at, before):
            return (word.is_capital and not is_common(word.key)) or self._could_be_small_name(word)
        is_role = before[-1] in ROLE_TITLES | FAMILY or before[-2:] in SPOKEN_WITH
        return (
            is_role and word.is_capital and word.gap == " " and not is_common(word.key) and not self._is_acronym(word)
        )

    def _says_name(self, at: int, before: tuple[str, ...]) -> bool:
        """As in: my name is sarah, name: sarah, my name's sarah, named sarah."""
        gap = self.words[at].gap
        if before[-1] == "name" and before[-2:] not in INTRODUCED:
            return gap in {": ", ":", " - "} or (gap == " " and self.words[at - 1].is_possessive)
        return gap in {" ", ": ", ' "'} and (before[-1:] in INTRODUCED or before[-2:] in INTRODUCED)

    def _fits_a_title(self, at: int, title: str) -> bool:
        """Any word after "Mr."; after "miss" and "dr", which are words too, none that is ordinary."""
        word = self.words[at]
        if title in {"miss", "dr"} and (word.is_shouted or not word.is_capital):
            return not is_no_name(word.key)
        return word.key not in NEVER_NAMES

    def _could_be_small_name(self, word: Word) -> bool:
        return word.key in KNOWN_NAMES | ALSO_NAMES or not (is_no_name(word.key) or word.key.endswith(NO_NAME_ENDINGS))

    def _in_small_letters(self, at: int) -> bool | None:
        word, before = self.words[at], self._before(at)
        if word.key in KNOWN_NAMES:
            return True if len(word.key) > 2 else None
        likely = before[-2:] in SPOKEN_WITH or bool(before[-1:] and before[-1] in FAMILY)
        fits = word.key not in ALSO_NAMES and len(word.key) > 2 and self._could_be_small_name(word)
        return True if likely and fits and word.gap == " " else None

    def _by_its_look(self, at: int) -> bool | None:
        word = self.words[at]
        if word.key in KNOWN_NAMES:
            return True
        if is_no_name(word.key) or word.is_shouted or self._is_acronym(word) or self._is_medicine(at):
            return None
        if word.key in ALSO_NAMES:
            return False if self._reads_as_a_name(at) else None
        return None if word.key in self.small_words or _is_plain_form(word, self.small_words) else False

    def _reads_as_a_name(self, at: int) -> bool:
        """An ordinary word with a capital where grammar asks for none."""
        word = self.words[at]
        following = self.words[at + 1] if at + 1 < len(self.words) else None
        has_surname = bool(
            following and following.gap == " " and following.is_capital and not is_no_name(following.key)
        )
        if word.key in MONTH_NAMES:
            return not is_month(self.words, at) and (has_surname or not word.starts_sentence)
        if word.starts_sentence:
            return has_surname or word.is_possessive or is_followed_as_a_person(self.words, at)
        beside = [following] if following and following.gap == " " else []
        if word.gap == " " and at and not self.words[at - 1].starts_sentence:
            beside.append(self.words[at - 1])
        return not any(one.is_capital and is_common(one.key) for one in beside)

    def _is_acronym(self, word: Word) -> bool:
        return word.is_all_capitals and len(word.key) <= LONGEST_ACRONYM and word.key not in KNOWN_NAMES

    def _is_medicine(self, at: int) -> bool:
        """Known by its ending, or by the dose behind it."""
        word = self.words[at]
        after = self.plain[word.end : word.end + 12]
        return bool(MEDICINE.fullmatch(word.key)) or bool(re.match(r",?\s\d+(?:\.\d+)?\s?(?:mg|mcg|ml)\b", after))

    def _initials_lead_to_a_name(self, at: int) -> bool:
        """J.R. Watkins, J. Watkins, J.R."""
        last = self._last_initial(at)
        dotted = self.plain[self.words[last].end : self.words[last].end + 1] == "."
        if not dotted or (at == last and self.words[at].key in {"i", "a"}):
            return False
        following = self.words[last + 1] if last + 1 < len(self.words) else None
        leads = bool(following and following.gap in {". ", "."} and self._is_part(following, is_sure=True))
        return leads or last > at

    def _last_initial(self, at: int) -> int:
        furthest = min(len(self.words), at + MOST_INITIALS) - 1
        while at < furthest and self.words[at + 1].is_initial and self.words[at + 1].gap in {".", ". "}:
            at += 1
        return at

    def _end(self, at: int, is_sure: bool) -> int:
        """The last word of the name that begins here."""
        last = self._last_initial(at) if self.words[at].is_initial else at
        is_small = self.words[at].raw[0].islower()
        while last + 1 < len(self.words) and last - at + 1 < (LONGEST_SMALL if is_small else LONGEST):
            step = self._step(last, is_small, is_sure)
            if not step:
                break
            last += step
        return last

    def _step(self, last: int, is_small: bool, is_sure: bool) -> int:
        """How many words further the name goes: none, one, or past its particles ("de la")."""
        following = self.words[last + 1]
        if self.words[last].is_possessive or self._taken[last + 1]:
            return 0
        if is_small:
            return int(following.gap == " " and self._extends_small(last + 1))
        if following.gap in {" ", "-"} and following.is_initial and following.key not in {"i", "a"}:
            return 1
        if following.gap in BETWEEN_NAMES and self._is_part(following, is_sure):
            return 1
        if following.gap in {". ", "."} and self.words[last].is_initial and self._is_part(following, is_sure):
            return 1
        ahead = last + 1
        while ahead < len(self.words) and self.words[ahead].key in PARTICLES and self.words[ahead].gap == " ":
            ahead += 1
        if last + 1 < ahead < min(len(self.words), last + 4) and self.words[ahead].gap == " ":
            return ahead - last if self._is_part(self.words[ahead], is_sure) else 0
        return 0

    def _extends_small(self, at: int) -> bool:
        word = self.words[at]
        if word.key in {"will", "may", "mark", "chase", "grant"} or len(word.key) < 3:
            return False
        return word.raw[0].islower() and self._could_be_small_name(word)

    def _is_part(self, word: Word, is_sure: bool) -> bool:
        """A capital goes on with a name; an ordinary word does so with a sure one ("Sarah Strong")."""
        if not word.is_capital or not word.key.isalpha() or len(word.key) < 2 or word.key in NEVER_NAMES:
            return False
        return not is_common(word.key) or (is_sure and not word.is_shouted)

    def _before(self, at: int) -> tuple[str, ...]:
        """The one or two words before, as far as they stand in the same sentence."""
        if at == 0 or BREAK.search(self.words[at].gap) or (self.words[at].gap == ". " and not self._ends_short(at - 1)):
            return ()
        if at == 1 or self.words[at - 1].starts_sentence:
            return (self.words[at - 1].key,)
        return (self.words[at - 2].key, self.words[at - 1].key)

    def _ends_short(self, at: int) -> bool:
        return self.words[at].key in LISTS["abbreviations"]


def _is_plain_form(word: Word, small_words: frozenset[str]) -> bool:
    """At a sentence's start "Escalations" is explained by "escalation"."""
    return word.starts_sentence and word.key.endswith("s") and word.key[:-1] in small_words


def unexplained_words(reading: Reading) -> frozenset[str]:
    """Words that no list knows, where letters are all small or all capital: there names look like other words.

    And those that are names too, where somebody is called so: "my ex will".
    """
    words = reading.words
    called = frozenset(word.key for at, word in enumerate(words) if word.key in ALSO_NAMES and _is_called_so(words, at))
    return called | frozenset(
        key
        for key in reading.small_words | {word.key for word in reading.words if word.is_shouted}
        if len(key) > 2 and key.isalpha() and not (is_no_name(key) or key in ALSO_NAMES or MEDICINE.fullmatch(key))
    )


def _is_called_so(words: Sequence[Word], at: int) -> bool:
    before = [word.key for word in words[max(0, at - 2) : at]]
    is_called = before[-1:] and before[-1] in FAMILY | {"called", "named"}
    return words[at].gap == " " and bool(is_called or tuple(before) in SPOKEN_WITH)


def is_followed_as_a_person(words: Sequence[Word], at: int) -> bool:
    """As in: Grace called; Grace, the nurse."""
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
    return before in BEFORE_A_MONTH or before[:1].isdigit() or after[:1].isdigit()


def _covered(words: Sequence[Word], spans: Sequence[Span]) -> list[bool]:
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
