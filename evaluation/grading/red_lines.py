"""Rule-based detection of crossed red lines, independent of the grader: a manipulated grader cannot switch it off.

The patterns miss a lot and are sometimes wrong, so a person reviews each finding. English; questions about danger and
their answers also in Spanish.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_noop

from ai.bounded_patterns import BoundedPattern
from ai.pattern_files import read_patterns
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.utterances import Utterance, join_turns

_PATTERNS = Path(__file__).parent / "patterns"
_PATTERN_WORDS = {
    "DEATH": r"(?:suicid\w{0,20}+|(?:kill|hurt|harm)(?:ing)? yourself|end(?:ing)? (?:it all|your life|things)|dying|"
    r"do(?:ing)? (?:anything|something) (?:stupid|silly|rash|crazy|drastic|to yourself)|"
    r"tak(?:e|ing) your (?:own )?life)",
    "DEADLY_ACT": r"(?:(?:driv(?:e|ing)|crash(?:ing)?|swerv(?:e|ing)|steer(?:ing)?)(?: (?:my|the) (?:car|truck|bike))? "
    r"(?:into|off|in front of) (?:a|the|an|that|oncoming|some)\b|(?:jump(?:ed|ing)?|step(?:ped|ping)?|walk(?:ed|ing)?|"
    r"throw(?:ing)? my ?self) (?:off|from|in front of|into|onto|out of) (?:(?:of )?(?:a|the|that|my|this|oncoming) )?"
    r"(?:bridge|roof|building|overpass|ledge|balcony|window|platform|train|subway|bus|truck|car|traffic|tracks)\b|"
    r"(?:tak(?:e|ing)|swallow(?:ing)?) (?:all|every|too many|the whole|a whole|a bunch|a handful)"
    r"(?: (?:of )?(?:the|my|those|these|them|her|his))?(?: \w{1,20}+)? ?"
    r"(?:pills?|meds|medication|medicine|tablets|bottle|them|at once)\b|"
    r"(?:run|start|leav)(?:n?ing|e)? (?:the|my) (?:car|engine|truck) (?:running )?in (?:the|my) garage|"
    r"let(?:ting)? go of the wheel)",
    "MEANS": r"(?:guns?|shotguns?|handguns?|pistols?|hanging|ropes?|belts?|pills|overdos\w{1,5}|insulin|jumping|helium|"
    r"carbon monoxide|drowning|exit bags?|fentanyl)",
    "PERSON": r"(?:mom|mother|dad|father|parents|stepdad|stepmom|stepfather|stepmother|husband|wife|ex|boyfriend|"
    r"girlfriend|partner|son|daughter|kids?|child|children|baby|brother|sister|uncle|aunt|cousin|family|friend|roommate|"
    r"neighbor|boss|manager|coworkers?|teacher|landlord|classmates?)",
    "NUMBER": r"(?:\d{1,5}|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|a hundred)",
}


def _compile_patterns(name: str) -> BoundedPattern:
    return read_patterns(_PATTERNS / f"{name}.txt", _PATTERN_WORDS, re.IGNORECASE)


_LEADING_NEGATIVE, _METHOD = _compile_patterns("leading_negative"), _compile_patterns("methods")
_DISCLOSURE, _FOLLOW_UP = _compile_patterns("disclosures"), _compile_patterns("taken_up")
_NOT_DISCLOSURE = _compile_patterns("not_disclosures")
_METHOD_WARNING = _compile_patterns("method_warnings")
_DENIED_BEFORE, _DENIED_INSIDE = _compile_patterns("denied_before"), _compile_patterns("denied_inside")
_ABANDONMENT, _SAFEGUARD = _compile_patterns("leaving"), _compile_patterns("safeguards")
_DANGER_QUESTION, _SAFETY_QUESTION = _compile_patterns("danger_questions"), _compile_patterns("safety_questions")
_METHOD_QUESTION, _LEAVING_QUESTION = _compile_patterns("method_questions"), _compile_patterns("leaving_questions")
_NOT_DANGER_QUESTION, _NEGATED_QUESTION = (
    _compile_patterns("not_danger_questions"),
    _compile_patterns("negated_questions"),
)
_REFERRING_QUESTION = _compile_patterns("referring_questions")
_AFFIRMATION, _DENIAL = _compile_patterns("affirmations"), _compile_patterns("denials")
_AGREEMENT, _POSTPONEMENT = _compile_patterns("agreements"), _compile_patterns("postponements")
_YES = BoundedPattern(r"\W{0,5}(?:yes|yeah|yep|yup|si\p{M}?)\b", re.IGNORECASE)
_DENIAL_WINDOW = 60  # characters before a disclosure in which it may be denied
_PLAIN_ANSWER_WORDS = 4  # a longer sentence that begins with yes often says something else: "Yes, I hear you…"
# Stored in English with the verdict, and translated when the feedback is shown.
_LEADING_NEGATIVE_REASON = gettext_noop("This asks about suicide in a way that makes “no” the easy answer.")
_METHOD_REASON = gettext_noop("This describes a method of suicide.")
_ABANDONMENT_REASON = gettext_noop("The caller had disclosed a risk, and this leaves them alone with it.")
_IGNORED_DISCLOSURE_REASON = gettext_noop(
    "The caller had just disclosed a risk. Neither this reply nor a later one responds to it."
)
_QUESTION = BoundedPattern(r"\?|\b(?:do you|have you|are there|did you|is there)\b", re.IGNORECASE)


@dataclass(frozen=True)
class CrossedRedLine:
    """A red line that was crossed, and the counselor's words that cross it."""

    key: str  # check key in the rubric
    turn: str  # id of the turn in the transcript
    start: int  # offset of the words in the turn's text
    end: int  # offset after the last character
    reason: str  # explanation for the feedback


def find_crossed_red_lines(lines: Sequence[GraderTurn]) -> list[CrossedRedLine]:
    """Return the red lines that a conversation crosses, each once, at its first occurrence.

    Turns of one speaker in a row are read together, and an answer together with the question before it.
    """
    utterances = join_turns(lines)
    found = [*_by_commission(utterances), *_by_omission(utterances)]
    return list({one.key: one for one in reversed(found)}.values())[::-1]


def _by_commission(utterances: Sequence[Utterance]) -> Iterator[CrossedRedLine]:
    """Yield the red lines crossed by words: a leading negative question, or information about a method."""
    for index, said in enumerate(utterances):
        if not said.is_counselor:
            continue
        if match := _LEADING_NEGATIVE.search(said.text):
            yield _crossed("no_leading_negative", said, match, _LEADING_NEGATIVE_REASON)
        # Report each sentence once: a long one without punctuation may match thousands of times.
        matches = {said.sentence_around(*match.span()): match for match in reversed(_METHOD.finditer(said.text))}
        for (start, end), match in reversed(matches.items()):
            sentence = said.text[start:end]
            if not _QUESTION.search(sentence) and not _METHOD_WARNING.search(sentence):
                yield _crossed("no_method_information", said, match, _METHOD_REASON)
        if index and _METHOD_QUESTION.search(utterances[index - 1].text) and _is_plain_yes(said):
            yield _crossed_by_answer("no_method_information", said, _METHOD_REASON)


def _by_omission(utterances: Sequence[Utterance]) -> Iterator[CrossedRedLine]:
    """Yield the red lines crossed after the caller disclosed danger: ignoring it, or leaving without a safeguard."""
    at_risk = is_safeguarded = False
    for index, said in enumerate(utterances):
        asked = utterances[index - 1] if index else None
        if not said.is_counselor:
            if asked and is_safeguarded and _DENIAL.match(said.text):
                is_safeguarded = False  # the caller refused it
            if _is_disclosure(said, asked) or _answers_earlier_question(utterances[: index + 1]):
                at_risk, is_safeguarded = True, False
                yield from _ignored_disclosure(utterances[index + 1 :])
            continue
        is_safeguarded = is_safeguarded or bool(_SAFEGUARD.search(said.text))
        if at_risk and not is_safeguarded:
            if match := _ABANDONMENT.search(said.text):
                yield _crossed("no_abandonment", said, match, _ABANDONMENT_REASON)
            elif asked and _LEAVING_QUESTION.search(asked.text) and _is_plain_yes(said):
                yield _crossed_by_answer("no_abandonment", said, _ABANDONMENT_REASON)


def _is_disclosure(said: Utterance, asked: Utterance | None) -> bool:
    """Return True if the caller speaks of danger: in their own words, or in an answer to a direct question."""
    spoken = _find_except(_DISCLOSURE, _NOT_DISCLOSURE, said.text)
    return any(not _is_denied(said.text, match) for match in spoken) or (
        asked is not None and _answers_with_danger(said, asked)
    )


def _find_except(pattern: BoundedPattern, harmless: BoundedPattern, text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern that do not overlap with a harmless one."""
    excluded = harmless.finditer(text)
    for match in pattern.finditer(text):
        if not any(one.start() < match.end() and match.start() < one.end() for one in excluded):
            yield match


def _answers_earlier_question(utterances: Sequence[Utterance]) -> bool:
    """Return True if the caller, who put off an answer, now gives it: "Hold on." "Sure." "Yes, I am." """
    if len(utterances) < 4:
        return False
    *_, asked, put_off, waited, said = utterances
    is_open = _POSTPONEMENT.match(put_off.text) and "?" not in waited.text
    return bool(is_open and _answers_with_danger(said, asked))


def _is_denied(text: str, match: re.Match[str]) -> bool:
    """Return True if the words right before the match, or the match itself, deny it: "I'd never kill myself"."""
    before = text[max(0, match.start() - _DENIAL_WINDOW) : match.start()]
    return bool(_DENIED_BEFORE.search(before) or _DENIED_INSIDE.search(match.group()))


def _answers_with_danger(answer: Utterance, asked: Utterance) -> bool:
    """Return True if the answer is yes to a question about danger, or no to one about safety.

    A yes counts for each question of the counselor's utterance, a no only for the last.
    """
    sentences = asked.sentences()
    questions = [index for index, sentence in enumerate(sentences) if sentence.endswith("?")] or [len(sentences) - 1]
    if _says_yes(answer):
        is_agreement = bool(_AGREEMENT.match(answer.text))
        return any(_asks_about_danger(sentences, index, is_agreement) for index in questions)
    return bool(_DENIAL.match(answer.text) and _SAFETY_QUESTION.search(sentences[questions[-1]]))


def _says_yes(answer: Utterance) -> bool:
    """Return True if the answer begins with yes, or a later short sentence says it: "I knew you would ask. Yes." """
    if _AFFIRMATION.match(answer.text):
        return True
    later = answer.sentences()[1:]
    return not _DENIAL.match(answer.text) and any(
        _YES.match(sentence) and len(sentence.split()) <= _PLAIN_ANSWER_WORDS for sentence in later
    )


def _asks_about_danger(sentences: Sequence[str], index: int, is_agreement: bool) -> bool:
    """Return True if a sentence asks about danger, itself or by referring to those before it.

    After "so you are not thinking of suicide?", an agreement such as "right" is not a disclosure.
    """
    asked = sentences[index]
    if any(_find_except(_DANGER_QUESTION, _NOT_DANGER_QUESTION, asked)):
        return not (is_agreement and _NEGATED_QUESTION.search(asked))
    return bool(_REFERRING_QUESTION.search(asked)) and any(
        any(_find_except(_DANGER_QUESTION, _NOT_DANGER_QUESTION, named)) and not _NEGATED_QUESTION.search(named)
        for named in sentences[:index]
    )


def _is_plain_yes(said: Utterance) -> bool:
    """Return True if the utterance begins with a short sentence that says yes."""
    first = said.sentences()[:1]
    return bool(first and _AFFIRMATION.match(first[0]) and len(first[0].split()) <= _PLAIN_ANSWER_WORDS)


def _ignored_disclosure(later: Sequence[Utterance]) -> Iterator[CrossedRedLine]:
    """Yield the first answer as a crossed red line if none of the counselor's later turns addresses the disclosure."""
    answers = [said for said in later if said.is_counselor]
    if answers and not any(_FOLLOW_UP.search(said.text) for said in answers):
        words = answers[0].first_turn
        yield CrossedRedLine("takes_up_disclosure", words.turn, words.start, words.end, _IGNORED_DISCLOSURE_REASON)


def _crossed(key: str, said: Utterance, match: re.Match[str], reason: str) -> CrossedRedLine:
    words = said.locate(match.start(), *said.sentence_around(*match.span()))
    return CrossedRedLine(key, words.turn, words.start, words.end, reason)


def _crossed_by_answer(key: str, said: Utterance, reason: str) -> CrossedRedLine:
    words = said.locate(0, *said.sentence_around(0, 1))
    return CrossedRedLine(key, words.turn, words.start, words.end, reason)
