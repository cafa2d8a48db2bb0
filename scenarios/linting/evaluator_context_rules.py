"""Rules that find weak criteria in an evaluator context, split the way the evaluator splits it."""

import re
from collections.abc import Iterator
from itertools import combinations

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.criteria_parser import MAX_CRITERION_LENGTH, parse_evaluator_context
from scenarios.linting.passages import (
    NOWHERE,
    LintFinding,
    TextPassage,
    compile_any,
    split_sentences,
    trim_passage,
    word_set,
)


def lint_evaluator_context(evaluator_context: str, mode: str) -> Iterator[LintFinding]:
    parsed, whole = parse_evaluator_context(evaluator_context), trim_passage(evaluator_context, 0)
    if not parsed.points:
        yield "no_criteria", NOWHERE
        return
    is_prose = not parsed.is_list and len(parsed.points) == 1 and len(split_sentences(whole.text)) > 1
    if is_prose:
        yield "not_a_list", whole
    criteria = [TextPassage(point.passage.text[:MAX_CRITERION_LENGTH], point.passage.start) for point in parsed.points]
    for criterion in criteria:
        if _is_vague(criterion.text):
            yield "vague_criterion", criterion
        if not is_prose and _has_two_checks(criterion.text):
            yield "split_criterion", criterion
        yield from _find_unobservable(criterion, mode)
    yield from _find_repeated(criteria)
    yield from (("doubled_criterion", passage) for passage in parsed.repeated)
    if parsed.first_ignored is not None:
        yield "too_many_criteria", trim_passage(evaluator_context[parsed.first_ignored :], parsed.first_ignored)


_STOP_WORDS = word_set(
    "a an the and or of to in on at for with by from as is are be been being it its this that these those their his "
    "her he she they them him all any some each every into than so such if does do not no can could may might will"
)
_SUBJECTS = word_set(
    "counselor counsellor trainee caller client member call chat conversation situation scenario person"
)
_VAGUE_WORDS = word_set(
    "good well great nice better best appropriate appropriately proper properly effective effectively correct "
    "correctly adequate adequately suitable suitably right efficient efficiently efficiency professional "
    "professionally patient professionalism empathy empathic empathetic empathetically empathise empathize compassion "
    "compassionate kind calm compassionately caring warm warmth warmly rapport support supportive supportively "
    "helpful helpfully sensitive sensitively respect respectful respectfully active actively attentive attentively "
    "clear clearly careful carefully genuine patience understanding nonjudgmental nonjudgemental seamless "
    "seamlessness smoothly skilled skillfully handle handles listen listens listening"
)
_FILLER_WORDS = word_set(
    "show shows showing demonstrate demonstrates display displays express expresses use uses using have has having "
    "maintain maintains provide provides give gives offer offers manage manages respond responds conduct conducts deal "
    "deals perform performs act acts behave behaves communicate communicates communication build builds establish "
    "establishes skill skills care job manner way attitude approach tone style language response responses questions "
    "quality very always throughout overall during toward towards make makes keep keeps remain remains stay stays "
    "treat treats talk talks speak speaks ask asks apply applies interpersonal"
)


def _content_words(text: str) -> list[str]:
    words = re.findall(r"[a-z0-9]+", text.lower().replace("non-", "non").replace("’", "'").replace("'s ", " "))
    return [word for word in words if word not in _STOP_WORDS and word not in _SUBJECTS]


def _is_vague(criterion: str) -> bool:
    words = set(_content_words(criterion))
    return not words.isdisjoint(_VAGUE_WORDS) and words <= _VAGUE_WORDS | _FILLER_WORDS


_MODIFIERS = word_set(
    "directly clearly explicitly appropriately correctly carefully openly gently thought thoughts ideation about "
    "whether when needed also then again any current currently one never"
)
_SUFFIX = BoundedPattern(r"(?:ations?|ational|ingly|edly|ings?|ed|ies|ely|es|ly|al|s|e)$")
_NEGATED = compile_any(r"\b(?:not|no|never|avoids?|without)\b|n['’]t\b")


def _stem(word: str) -> str:
    stem = _SUFFIX.sub("", word)
    stem = stem if len(stem) >= 3 else word.removesuffix("s")
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem


def _find_repeated(criteria: list[TextPassage]) -> Iterator[LintFinding]:
    """Yield the later one of any two criteria that share nearly all words."""
    stems = [
        {_stem(word) for word in _content_words(criterion.text) if word not in _MODIFIERS} for criterion in criteria
    ]
    negated = [bool(_NEGATED.search(criterion.text)) for criterion in criteria]
    repeated = {
        later
        for earlier, later in combinations(range(len(criteria)), 2)
        if negated[earlier] == negated[later]
        and min(len(stems[earlier]), len(stems[later])) >= 2
        and len(stems[earlier] & stems[later]) >= 0.75 * len(stems[earlier] | stems[later])
    }
    return (("doubled_criterion", criteria[index]) for index in repeated)


_ACT_VERBS = word_set(
    "ask assess agree validate reflect explain confirm provide refer explore build identify recognize recognise tell "
    "invite acknowledge develop complete consult follow encourage summarize summarise close offer give keep let say "
    "greet introduce help discuss mention remind gather obtain collect avoid select determine connect address thank"
)
# "Recognizes … and validates …" is one check: only the response shows the recognition. The added verbs are not in
# _ACT_VERBS, because after "and" they may be nouns.
_FIRST_ACT_VERBS = _ACT_VERBS - word_set("recognize recognise identify") | word_set("name put sum work speak listen")


def _third_person(acts: frozenset[str]) -> frozenset[str]:
    return frozenset(act + ("es" if act.endswith("s") else "s") for act in acts)


_VERB_FORMS = (
    (_FIRST_ACT_VERBS, _ACT_VERBS),
    (_third_person(_FIRST_ACT_VERBS), _third_person(_ACT_VERBS)),
)  # "Ask …", "Asks …"
_JOINT = BoundedPattern(r"(?:,? and(?: then| also)?|[;.]|, then)\s+(?:\w+ly )?(\w+)\b", re.IGNORECASE)


def _has_two_checks(criterion: str) -> bool:
    """Return True if there are two acts, each with an object: "Asks about a plan and agrees on whom to call"."""
    words = [word for word in _content_words(criterion) if not word.endswith("ly")]
    acts = next((acts for first, acts in _VERB_FORMS if words and words[0] in first), frozenset[str]())
    joints = (joint for joint in _JOINT.finditer(criterion) if joint[1].lower() in acts)
    return any(
        len(_content_words(criterion[: joint.start()])) >= 2 and len(_content_words(criterion[joint.end() :])) >= 2
        for joint in joints
    )


_UNOBSERVABLE = {
    "unseen_mind": compile_any(
        r"^(?:the )?(?:counsell?or |trainee )?(?:genuinely |really |truly )?(?:feels|thinks|believes|understands|knows|"
        r"wants|intends|cares|(?:is|feels|be) (?:comfortable|confident|aware|interested))\b",
        r"\b(?:counsell?or|trainee) (?:feels|thinks|believes|is comfortable|is confident)\b",
    ),
    "unseen_body": compile_any(
        r"\bbody language\b|\beye contact\b|\bfacial\b|\bposture\b|\bgestures?\b|\bnods?\b|\bsmiles?\b"
    ),
    "unseen_record": compile_any(
        r"\b(?:writes|takes|makes|keeps|enters|adds|completes) (?:\w+ ){0,3}notes?\b",
        r"\b(?:fills|completes|files|adds|enters|submits) (?:\w+ ){1,4}(?:forms?|reports?|paperwork|records?)\b",
        r"(?:^|\band |, |\bthen |\bcounsell?or |\btrainee |ly )documents?\b(?! (?:that|to bring|from|which))",
        r"(?<!ask for )(?<!asks for )\bdocumentation\b",
        r"\b(?:enters|records|logs|charts|notes|puts|writes) [^.\n]{0,60}\bin(?:to)? the (?:record|chart|file|log|"
        r"system|database|crm|ehr|form|case notes)\b",
    ),
}
_AUDIBLE = (
    r"\btone of voice\b|\bvocal\b|\bintonation\b|\bpitch\b|\bspeaks? (?:slowly|softly|calmly|quietly|gently|warmly)\b",
    r"\b(?:calm|warm|soft|steady|quiet|gentle|soothing|friendly|loud|even|low|her|his|their) voice\b",
    r"\bsounds? (?:calm|warm|friendly|interested|kind|confident|patient|professional|caring|sincere|empathetic)\b",
)
_UNOBSERVABLE_BY_MODE = {
    "phone": compile_any(*_AUDIBLE, r"\btone\b"),
    "chat": compile_any(*_AUDIBLE, r"\bsilen(?:ces?|t)\b|\bpauses?\b|\bout loud\b|\bbackground noise\b"),
}


def _find_unobservable(criterion: TextPassage, mode: str) -> Iterator[LintFinding]:
    medium = "chat" if mode == "chat" else "phone"
    for key, pattern in (*_UNOBSERVABLE.items(), (f"unseen_{medium}", _UNOBSERVABLE_BY_MODE[medium])):
        if found := pattern.search(criterion.text):
            yield key, trim_passage(found[0], criterion.start + found.start())
