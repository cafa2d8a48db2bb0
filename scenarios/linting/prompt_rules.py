"""Rules that find weaknesses in a caller's prompt."""

import re
from collections.abc import Iterator

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.passages import (
    NOWHERE,
    LintFinding,
    TextPassage,
    compile_any,
    split_sentences,
    trim_passage,
    word_set,
)

_MAX_FINDINGS = 20  # of one kind, because nobody reads more

_COUNSELOR = r"(?:trainee counsell?or|counsell?or|trainee)s?"
_YOU_ARE = r"\byou(?: are|['’]re)"
_NAME = r"(?-i:[A-Z][a-z]+)"


def lint_prompt(prompt: str, evaluator_context: str) -> Iterator[LintFinding]:
    yield from _find_missing(prompt)
    yield from _find_two_speakers(prompt)
    sentences = split_sentences(prompt)
    addressing = [sentence for sentence in sentences if _TO_COUNSELOR.search(sentence.text)]
    leaking = [sentence for sentence in sentences if _tells_what_is_graded(sentence.text)]
    copied = _find_copied(
        [sentence for sentence in sentences if not _tells_what_is_graded(sentence.text)], evaluator_context
    )
    for key, found in (("talks_to_counselor", addressing), ("leaks_grading", leaking), ("copied_grading", copied)):
        for sentence in found[:_MAX_FINDINGS]:
            yield key, sentence


_PERSONA = compile_any(
    _YOU_ARE + rf" (?!the caller\b|a caller\b|calling\b)(?:an?|the|one|named|called|in your|\d+|{_NAME})\b",
    rf"\b(?:i am|i['’]m) (?:an?|the|\d+|{_NAME})\b",
    rf"\b(?:caller|client|member|texter)(?: is| \(|, )(?:an?|the|in|called|named|aged?|\d+|{_NAME})\b",
    r"\b(?:role|persona|character|name|age|caller profile) ?:",
    r"\b(?:your|my|caller['’]s) (?:\w+ )?(?:name|age) is\b",
    r"\bplay(?:ing)? (?:an?|the)\b",
    r"\baged? \d|\b\d+[- ]years?[- ]old\b",
)
_STATE = compile_any(
    r"\bat first\b|\bto begin with\b|\b(?:begin|start|open)(?:s|ning|ing)?\b|\bfirst (?:words?|line|sentence)\b",
    r"\bwhen (?:the|your) (?:call|chat|conversation)\b|\baffect\b|\bemotion|\bmood\b|\bfeel(?:s|ings?)?\b|\btone\b",
    r"\b(?:anxi|afraid|fear|scare|fright|panic|terrif|anger|angr|furious|upset|griev|grief|hurt|hopeless|despair)",
    r"\b(?:lonel|asham|guilt|embarrass|overwhelm|exhaust|tired|calm|nervous|worr|tearful|crying|frustrat|irrita)",
    r"\b(?:distress|desperat|depress|reliev|hesita|withdrawn|agitat|confus|cautious|guarded|suspicious|polite)",
    r"\b(?:cheerful|friendly|resent|devastat|shock|hostile|impatient|timid|whisper|shout|bitter)",
    r"\b(?:numb|enraged|in a rage|sad|in tears|cry|sob|sobbing|shaky|shaking|shy|tense)\b",
)
_ENGLISH = word_set("the a an and or you your are is to of in i my not when if")


def _find_missing(prompt: str) -> Iterator[LintFinding]:
    if not _is_english(prompt):
        return  # these patterns are English and would find nothing in another language
    if not _PERSONA.search(prompt):
        yield "no_persona", NOWHERE
    if not _STATE.search(prompt):
        yield "no_opening_state", NOWHERE


def _is_english(text: str) -> bool:
    """Return True if the text looks English or is too short to tell."""
    words = re.findall(r"\w+", text.lower())
    return len(words) < 20 or sum(word in _ENGLISH for word in words) >= len(words) / 20


_SPOKEN = BoundedPattern(
    r"^[ \t]*(?:[-*•][ \t]+)?(?:\*\*)?(?:(caller|client|member|texter)|counsell?or|trainee|helper|operator|therapist)"
    r"(?:\*\*)?:(?:\*\*)?[ \t]*\S.*",
    re.IGNORECASE | re.MULTILINE,
)
_TWO_PEOPLE = compile_any(
    r"\bplay(?:s|ing)? (?:both|two)\b|\bboth (?:voices|callers|speakers|roles)\b|\btwo callers\b",
    rf"\byou also (?:play|speak for|answer for)\b|{_YOU_ARE} both {_NAME} and {_NAME}",
    rf"{_YOU_ARE} also {_NAME},? (?:\(|\d|(?:an?|the|her|his|their|aged)\b)",
    rf"{_YOU_ARE} also (?:her|his|their|the caller['’]s) \w+,? {_NAME}",
)
_PERSON = BoundedPattern(r"\b[Yy]ou(?: are|['’]re) ([A-Z][a-z]+)(?:,|\.| \()")
_HAND_OVER = compile_any(
    r"\btransfer|\bhand(?:s|ed|ing)? (?:the call |them |you )?over\b|\bhand-over\b|\bswitch(?:es)? to\b",
    r"\bput(?:s|ting)? (?:\w+ ){1,3}through\b|\bthen (?:you are|you become|become|switch|continue as|the caller)\b",
)


def _find_two_speakers(prompt: str) -> Iterator[LintFinding]:
    """Yield a script or a prompt for two people at once. A handover from one person to the next is allowed."""
    lines = list(_SPOKEN.finditer(prompt))
    changes = sum(bool(line[1]) != bool(next_line[1]) for line, next_line in zip(lines, lines[1:], strict=False))
    if changes >= 2:
        yield "two_speakers", trim_passage(prompt[lines[0].start() : lines[-1].end()], lines[0].start())
    elif not _HAND_OVER.search(prompt) and (both := _TWO_PEOPLE.search(prompt) or _find_second_person(prompt)):
        yield "two_speakers", trim_passage(both[0], both.start())


def _find_second_person(prompt: str) -> re.Match[str] | None:
    people = list(_PERSON.finditer(prompt))
    return next((person for person in people if person[1] != people[0][1]), None)


_LINE_START = r"^[\s\-*•#>(\[]*"
_URGING = r"(?:(?:please|always|remember to|make sure (?:to|you)|be sure to|try to|you (?:should|must|need to)) ){0,3}"
_CARE = (
    r"(?:(?:assess|validat|reflect|paraphras|de-?escalat|screen|summari[sz]|build rapport|empathi[sz]|safety[- ]plan)"
    r"|(?:explore|ask about) (?:suicid|self-harm|safety|means|risk|thoughts of))"
)
_TO_COUNSELOR = compile_any(
    rf"{_LINE_START}{_COUNSELOR}\s?[:,]\s(?:please|you|your|remember|ask|listen|assess|use|make|be|do|don['’]t|try|start|"
    r"note|focus|keep|avoid|explore|validate|practi[cs]e|this is|in this)\b",
    rf"\b(?:instructions?|tips?|notes?|guidance|guidelines?|hints?|reminders?) (?:to|for) (?:the |our )?{_COUNSELOR}\b",
    rf"{_LINE_START}{_COUNSELOR} (?:instructions|tips|notes|guidance)\b",
    rf"\bas (?:the|our) {_COUNSELOR},? (?:you|your|please|remember|ask|make)\b|\bas a trainee(?: \w+)?,? you\b",
    rf"{_YOU_ARE} (?:the counsell?or|the trainee|a trainee counsell?or)\b",
    rf"{_LINE_START}{_URGING}(?:ask|assess|help|validate|calm|reassure|support|refer|greet|listen to|comfort|guide|"
    r"encourage|interview|thank) (?:the|your) caller\b",
    rf"\b(?:remember|make sure|be sure|don['’]t forget|do not forget) (?:to |that you |you ){_CARE}",
    rf"\byou (?:should|must|need to|have to) {_CARE}",
)
_GRADED = compile_any(
    r"\brubrics?\b|\bevaluator context\b|\bthe evaluator\b|\bgrading\b|\bscoring\b",
    r"\b(?:evaluation|success|assessment) criteri(?:a|on)\b|\b(?:learning|training) objectives?\b",
    r"\b(?:will|to|is|are|be|gets?) (?:graded|scored)\b|\b(?:is|are|be) (?:evaluated|assessed|marked) on\b",
    rf"\b{_COUNSELOR} (?:is|are|will be|gets?) (?:evaluated|assessed|marked|rated)\b",
    rf"\b(?:grade|score|rate|evaluate) (?:the|this|each) (?:{_COUNSELOR}|call|conversation|chat)\b",
    r"\baward(?:s|ed)? (?:\w+ ){0,2}(?:points?|marks?)\b|\b(?:points?|marks?) (?:for \w+ing|if|when)\b",
    r"\b(?:full|extra|bonus) (?:points|marks)\b|\bexpected (?:interventions?|LOC|level of care|skills?)\b",
    r"\b(?:ideal|correct|best) (?:counsell?or )?(?:responses?|interventions?)\b",
    r"\bskills? (?:being |to be )?(?:practi[cs]ed|assessed|evaluated|graded)\b",
)
_SHOULD = compile_any(
    rf"\b{_COUNSELOR} (?:should|must|ought to|needs? to|ha(?:s|ve) to|(?:is|are) (?:expected|supposed|required) to)\b"
)
_SAID_BY_CALLER = compile_any(
    r"\b(?:think|believe|feel|want|insist|demand|expect|say|complain|wish|hope|assume|tell|sure|convinced|argue)s?\b",
    r"\b(?:if|when|whenever|once|until|unless|before|after|while|because|whether|why|what|how)\s+(?:the |your |a )?$",
)


def _tells_what_is_graded(sentence: str) -> bool:
    should = _SHOULD.search(sentence)
    return bool(_GRADED.search(sentence) or (should and not _SAID_BY_CALLER.search(sentence[: should.start()])))


_RUN_LENGTH = 6  # words; shorter runs are shared by chance


def _word_runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[first : first + _RUN_LENGTH]) for first in range(len(words) - _RUN_LENGTH + 1)}


def _find_copied(sentences: list[TextPassage], evaluator_context: str) -> list[TextPassage]:
    """Return sentences that appear in full in the context or contain a full sentence of it."""
    prompt_runs, context_runs = (
        {run for sentence in sentences for run in _word_runs(sentence.text)},
        _word_runs(evaluator_context),
    )
    if prompt_runs.isdisjoint(context_runs):
        return []
    graded = [_word_runs(sentence.text) for sentence in split_sentences(evaluator_context)]
    copied = {run for runs in graded if runs <= prompt_runs for run in runs}
    return [
        sentence
        for sentence in sentences
        if (runs := _word_runs(sentence.text)) and (runs <= context_runs or not runs.isdisjoint(copied))
    ]
