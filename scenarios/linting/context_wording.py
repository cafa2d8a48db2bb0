"""Wording that distinguishes a counselor's tasks from facts about the caller, in headings and in lines."""

from enum import Enum

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.passages import compile_any, word_set


class SectionKind(Enum):
    """Subject of a section."""

    CRITERIA = "criteria"  # what the counselor should do
    FACTS = "facts"  # about the caller and the situation
    MISTAKES = "mistakes"  # red flags and errors, which would count in the wrong direction as checks
    NOTES = "notes"  # for the evaluator


class Wording(Enum):
    """Subject of a line."""

    ACTION = "action"  # something the counselor does
    FACT = "fact"  # something about the caller
    UNCLEAR = "unclear"


_COUNSELOR = (
    r"(?:counsell?ors?|trainees?|learners?|clinicians?|responders?|volunteers?|call[- ]?takers?|crisis workers?)"
)
_CALLER = r"(?:callers?|clients?|members?|patients?|visitors?|texters?|chatters?|personas?|characters?)"
_PEOPLE = rf"(?:{_CALLER}|he|she|they)"

_NOTES = compile_any(
    r"\b(?:notes?|guidance|instructions?|information|advice) (?:for|to) (?:the |all )?"
    r"(?:evaluat|grad|assessor|supervis|review|rater|trainer|facilitat|instruct|author)",
    r"^(?:evaluator|grader|scoring|grading|internal|author|reviewer|trainer|facilitator|instructor|additional|"
    r"other|general)(?:['’]?s)? (?:notes?|guidance|guide|instructions?|information|scale)\b",
    r"^(?:notes?|remarks?|comments?|references?|sources?|disclaimers?)$",
    r"\bhow to (?:score|grade|rate)\b",
)
_MISTAKES = compile_any(
    r"\bred[- ]flags?\b|\bwarning signs?\b|\bpitfalls?\b|\b(?:common|typical|critical|serious) (?:mistakes?|errors?)\b",
    r"^(?:mistakes?|errors?|failures?)\b|\bautomatic(?:ally)? fail|\bsigns? of (?:poor|bad|weak)\b",
    r"\b(?:auto[- ]?)?fail(?:s|ed|ing)?(?: (?:criteria|conditions?|points?|if|when|behaviou?rs?|items?)\b|$)",
    r"^(?:0|zero|no|minus|negative) (?:points?|pts|credit)\b|\b(?:points? (?:off|lost)|lose points|deduct)",
    r"\bunacceptable\b|\bnot acceptable\b|\b(?:poor|weak|bad) (?:performance|practice|answers?|responses?|examples?)\b",
    r"\b(?:below|does not meet|did not meet|not meeting) (?:the )?(?:expectations?|standards?)\b|\bneeds improvement\b",
)
_FACTS_FOR_COUNSELOR = compile_any(
    rf"\b{_COUNSELOR} (?:knows?|is told|sees|receives|background)\b",
    rf"\b(?:information|background|briefing) (?:for|given to) (?:the )?{_COUNSELOR}\b",
)
_NAMES_COUNSELOR = compile_any(rf"\b{_COUNSELOR}\b")
_NAMES_CALLER = compile_any(rf"\b{_CALLER}\b")
_CALLER_SUBJECT = compile_any(
    rf"^(?:how|what|when|why|where|if|who)?(?: is| are)?\W*(?:the |this |your |our )?{_PEOPLE}\b"
)
_CALLER_OBJECT = compile_any(
    # The first verb is enough: a caller after a later one is also after the first.
    rf"^(?>.*?\b(?:assess|evaluat|support|engag|validat|help|ask|work|talk|listen|connect))\w*+.*\b{_CALLER}\b"
)
_STRONG_FACTS = compile_any(
    r"^about\b|\bback ?ground\b|\bpresenting\b|\bhistory\b(?! taking)|\bdemographics?\b|\bbiograph|\bbio\b|\bprofile\b",
    r"\b(?:loc|level of care|risk level|acuity)\b|\bprotective factors?\b|\brisk factors?\b|\bperspective\b",
)
_STRONG_CRITERIA = compile_any(
    r"\bshould\b|\bmust\b|\bcriteri|\bevaluat|\bassess|\brubric\b|\bcheck ?list\b|\b(?:look|listen)(?:ing)? for\b",
    r"\bgraded?\b|\bscored?\b|\bto (?:do|cover|include|demonstrate|observe)\b",
    r"\bdo(?:es)? not\b|\bdon['’]?t?['’]?ts?\b|\bavoid|^(?:never|always|refrain from)$|^no[- ]?nos?$",
)
_CRITERIA = compile_any(
    r"\bexpect|\bgoals?\b|\bobjectives?\b|\bskills?\b|\bcompetenc|\btasks?\b|\bsteps?\b|\brequire|\bperformance\b",
    r"\bbehaviou?rs?\b|\bactions?\b|\binterventions?\b|\bpoints?\b|\bneeds? to\b|\bideal\b|\bbest practices?\b",
    r"\bsuccess|\boutcomes?\b|\bdo['’]?s\b|\bmeasures?\b|\bstandards?\b|\btechniques?\b",
    r"\bresponsibilit|\bkey (?:moves|elements)\b",
)
_FACTS = compile_any(
    r"^(?:the )?(?:situation|circumstances|context|summary|overview|scenario|story|case|details|facts?|setting)\b",
    r"\bstressors?\b|\btriggers?\b|\bsymptoms?\b|\bdiagnos|\bmedications?\b|\baffect\b|\bmood\b|\bpersonality\b",
    r"\b(?:living|family|financial|work|life) situation\b|\b(?:supports|strengths|relationships?|family)$",
    r"\bsupport system$|\btimeline\b|\bdemeanor\b",
    r"^(?:risks?|risk information|current (?:state|risk|concerns?)|identity|name|age|location|opening line|concerns?)$",
    r"\bdisclos|\bwho is calling\b|\breason for (?:the )?call",
)
# Headings in Spanish, German, and French. The lines below them are not judged by their wording.
_FACTS_ELSEWHERE = compile_any(
    r"^(?:sobre|acerca de|datos|perfil|antecedentes|contexto|historia|motivo|quién)\b|\bllamante\b|\bquien llama\b",
    r"^(?:über|zur person|hintergrund|vorgeschichte|ausgangslage|angaben)\b|^(?:der |die )?anrufer(?:in)?$",
    r"^(?:à propos|contexte|antécédents|profil|motif)\b|^l['’]appelante?$",
)
_CRITERIA_ELSEWHERE = compile_any(
    r"\b(?:consejer[oa]s?|orientador(?:a|es)?|operador(?:a|es)?|voluntari[oa]s?|deben?|deber[ií]an?|hacer|evitar|"
    r"criterios|objetivos|metas|evaluar|evaluación|se espera|expectativas)\b",
    r"\b(?:berater(?:in|innen)?|soll(?:te|en)?|muss|müssen|kriterien|ziele|bewertung|bewertet|erwartung(?:en)?|"
    r"erwartet|vermeiden|nicht tun)\b",
    r"\b(?:conseill(?:er|ère|ers|ères)|écoutante?s?|intervenante?s?|doit|doivent|critères|objectifs|évaluer|évaluation|"
    r"attendus?|attentes|éviter|à faire)\b",
)
_NUMBERING = BoundedPattern(
    r"^(?:(?:section|part|step|phase)\s+)?(?:\d{1,3}|[ivx]{1,5}|[a-h])\s*[.):–-]+\s*|^(?:section|part)\s+\w+\s*[:–-]\s*"
)


def _normalize_heading(text: str) -> str:
    return _NUMBERING.sub("", text.lower().replace("’", "'").strip()).strip(" :.*_#-–")


def classify_heading(text: str) -> SectionKind | None:
    """Return the subject of the section under a heading, or None if the heading is not recognized."""
    heading = _normalize_heading(text)
    if _NOTES.search(heading):
        return SectionKind.NOTES
    if _MISTAKES.search(heading):
        return SectionKind.MISTAKES
    if _FACTS_FOR_COUNSELOR.search(heading) or _CALLER_SUBJECT.search(heading):
        return SectionKind.FACTS
    if _NAMES_COUNSELOR.search(heading):
        return SectionKind.CRITERIA
    if _NAMES_CALLER.search(heading) and not _STRONG_FACTS.search(heading):
        return SectionKind.CRITERIA if _CALLER_OBJECT.search(heading) else SectionKind.FACTS
    for kind, pattern in _HEADING_PATTERNS:
        if pattern.search(heading):
            return kind
    return None


_HEADING_PATTERNS = (
    (SectionKind.FACTS, _STRONG_FACTS),
    (SectionKind.CRITERIA, _STRONG_CRITERIA),
    (SectionKind.CRITERIA, _CRITERIA),
    (SectionKind.FACTS, _FACTS),
    (SectionKind.FACTS, _FACTS_ELSEWHERE),
    (SectionKind.CRITERIA, _CRITERIA_ELSEWHERE),
)
_NEGATIVE_HEADING = compile_any(
    r"\bavoid|\b(?:should|must|do|does) ?not\b|n['’]t\b|\bdon['’]?ts\b|\bnever\b|\bwhat not to\b|\brefrain\b|"
    r"\bno[- ]?nos?$|^(?:no (?:debe|deber[ií]a|hacer)|evitar|nicht|vermeiden|ne (?:pas|doit)|à éviter|éviter)\b"
)


def is_negative_heading(text: str) -> bool:
    """Return True for “Avoid” or “What the counselor should not do”. Its items mean the opposite without it."""
    return bool(_NEGATIVE_HEADING.search(text))


_ACT_VERBS = word_set(
    "ask assess agree validate reflect explain confirm provide refer explore build identify recognize recognise tell "
    "invite acknowledge develop complete consult follow encourage summarize summarise close offer give keep let say "
    "greet introduce help discuss mention remind gather obtain collect avoid select determine connect address thank "
    "name put sum work speak listen use make maintain demonstrate show express respond check clarify normalize "
    "normalise de-escalate deescalate redirect interrupt set end terminate open establish screen evaluate probe "
    "paraphrase empathize empathise wait allow allows remain stay create plan review link facilitate coordinate "
    "dispatch contact call transfer escalate document handle manage prioritize prioritise conduct ensure verify "
    "distinguish read repeat slow support teach guide focus attend match mirror respect inform describe educate "
    "engage approach begin start finish warn advise recommend suggest propose negotiate obtain safeguard remove "
    "secure reassure comfort understand convey communicate phrase seek request apply bring take hold leave state"
)
_PAST_OR_STATE = word_set(
    "lost lives lived reports reported denies denied drinks drank feels felt has had is was were are works worked "
    "wants wanted says said states struggles struggled misses missed fears worries worried sleeps slept stopped "
    "started broke moved experiences experienced suffers suffered divorced married single widowed separated "
    "unemployed employed recently currently previously attempted diagnosed prescribed owns owned grew became got "
    "went left lied hides hid believes believed thinks thought knows knew hears heard cries cried cut cuts hurts "
    "hurt uses used spent stays began woke caught found called"
)
_STATES = word_set("is are has feels thinks believes knows wants")
_FACT_LABELS = compile_any(
    r"^(?:age|name|gender|pronouns?|location|dob|date of birth|occupation|job|phone|zip|area code|address|"
    r"marital status|diagnos[ei]s|medications?|employment|ethnicity|housing|family|mood|affect|risk level|loc)\s*[:–-]",
    r"^\d{1,3}[- ]?(?:years?|yrs?|yo\b|y/o)",
    r"^no (?:current|prior|past|known|history|suicid\w*|si\b|hi\b|plan|intent|means|risk|access|weapons?|previous)\b",
    rf"^(?:the |this |our )?(?:{_PEOPLE}|his|her|their|its)(?:['’]s)?\b",
)
_POSSESSED = compile_any(
    r"\b(?:his|her|their) (?:\w+ )?(?:job|wife|husband|partner|spouse|mother|father|mom|dad|son|daughter|child|"
    r"children|brother|sister|family|boss|house|home|apartment|car|girlfriend|boyfriend|school|work|life|marriage|friends?)\b"
)
_OBLIGATION = compile_any(
    rf"\b{_COUNSELOR} (?:\w+ly )?(?:should|must|needs? to|has to|have to|is expected to|will|can)\b",
    rf"^(?:he|she|they) should\b|^(?:the |a )?{_CALLER} (?:is|are) (?:not |never )?(?:\w+ly )?"
    r"(?:asked|offered|given|informed|invited|encouraged|greeted|thanked|reassured|referred|validated|connected)\b",
    rf"^(?:the |a )?{_COUNSELOR}\b|^did (?:the )?{_COUNSELOR}\b",
    r"\b(?:should|must|needs? to|has to)(?: not| never| always| still)? be \w+",
    r"\b(?:is|are) (?:not|never|always) (?:\w+ed|given|made|done|told)\b",
    r"^(?:must|should|never|always|do not|don['’]t|does not|doesn['’]t|avoids?|without)\b",
    r"^(?:did|does|do|is|was|were|has|have|can|could) [^?]*\?$",
)
_AGED = compile_any(r"\b\d{1,3}[- ]years?[- ]old\b")
_FIRST_WORDS = BoundedPattern(r"[a-z'’-]+")


def _is_action_verb(word: str) -> bool:
    stems = {
        word,
        word.removesuffix("s"),
        word.removesuffix("es"),
        word.removesuffix("ing"),
        word.removesuffix("ing") + "e",
    }
    if word.endswith("ies"):
        stems.add(word[:-3] + "y")
    if word.endswith("ing") and len(word) > 6 and word[-4] == word[-5]:
        stems.add(word[:-4])
    return not stems.isdisjoint(_ACT_VERBS)


_PASSIVE = BoundedPattern(r"\b(?:is|are|was|were) (?:not )?(?:\w+ly )?(\w+)")
_IRREGULAR_PARTICIPLES = word_set("built made given kept told said set put shown spoken begun met taken held sought")


def _is_action_participle(word: str) -> bool:
    """Return True for “offered” in “A referral is offered.”"""
    stems = {word.removesuffix("ed"), word.removesuffix("d"), word[:-3] if word.endswith("ed") else ""}
    return word in _IRREGULAR_PARTICIPLES or (word.endswith("ed") and not stems.isdisjoint(_ACT_VERBS))


def describes_state(text: str) -> bool:
    """Return True for “Has two kids” or “Is calm”, which may describe the caller or the counselor."""
    words = _FIRST_WORDS.findall(text.lower())
    return bool(words) and words[0] in _STATES


def judge_line(text: str) -> Wording:
    """Classify the wording of a line: an action of the counselor, a fact about the caller, or neither."""
    lowered = text.lower().replace("’", "'").strip(" \"“”'*_-–•")
    if _OBLIGATION.search(lowered):
        return Wording.ACTION
    if _FACT_LABELS.search(lowered):
        return Wording.FACT
    words = [word for word in _FIRST_WORDS.findall(lowered)[:6] if not word.endswith("ly")]
    first = words[0] if words else ""
    if first in _PAST_OR_STATE - _STATES and not (_is_action_verb(first) and not _POSSESSED.search(lowered)):
        return Wording.FACT
    if _is_action_verb(first):
        return Wording.ACTION
    if any(_is_action_participle(found[1]) for found in _PASSIVE.finditer(lowered)):
        return Wording.ACTION
    # “Marco lost his job”, “Wife left in May”. “Is” may also be about the counselor: “The tone is calm.”
    is_past = any(word in _PAST_OR_STATE - {"is", "are"} for word in words[1:3])
    if is_past or _POSSESSED.search(lowered) or _AGED.search(lowered):
        return Wording.FACT
    return Wording.UNCLEAR


_HEADING_START = compile_any(
    rf"^(?:what|how) (?:the |a )?{_COUNSELOR}\b",
    rf"^(?:the )?{_COUNSELOR}(?:'s|s')? (?:goals?|tasks?|actions?|expectations?|skills?|behaviou?rs?|objectives?|"
    r"competenc(?:y|ies)|responsibilit(?:y|ies)|dut(?:y|ies)|roles?|steps?|interventions?|performance|criteria|"
    r"check ?list|rubric|standards?|outcomes?|techniques?)$",
    rf"^(?:the )?{_COUNSELOR} (?:should|must|will|needs to|is expected to)"
    r"(?: do| demonstrate| cover| include| be able to)?$",
)


def is_heading_phrase(text: str) -> bool:
    """Return True if a short line reads like a heading: it names a known subject and is not itself an action."""
    heading = _normalize_heading(text)
    if not heading or len(heading.split()) > 9 or text.rstrip()[-1:] in ".!?;," or classify_heading(text) is None:
        return False
    if _HEADING_START.search(heading):
        return True
    words = heading.split()
    return (
        judge_line(heading) is Wording.UNCLEAR
        or _CALLER_SUBJECT.search(heading) is not None
        and (words[0] in {"how", "what", "who", "when"} or len(words) <= 3)
        or (words[0] in {"must", "should", "avoid", "don'ts", "don't"} and len(words) <= 2)
    )


_GENERIC_WORDS = word_set(
    "duty duties responsibility responsibilities role roles standards "
    "what to assess evaluate evaluated evaluation expected expectations goals goal objectives objective criteria "
    "grading scoring must should do does dos don'ts not avoid skills skill primary key main core for the of this call "
    "chat conversation session counselor counsellor trainee actions action behaviors behaviours behavior behaviour "
    "performance success learning points point checklist rubric tasks task look listen be being practiced practised "
    "steps required requirements desired ideal outcomes outcome interventions and in competencies measures a an is "
    "are will needs have has how it assessed graded scored demonstrate demonstrated cover covered include included"
)


def is_generic_heading(text: str) -> bool:
    """Return True for “Goals” or “What to assess”, and False for “Suicide risk assessment”, which may be a check."""
    return set(_normalize_heading(text).split()) <= _GENERIC_WORDS


def is_clearly_not_criteria(text: str) -> bool:
    """Return True for “About the caller” or “Red flags”, and False for “Risk” or “Family”, which may be a topic."""
    heading = _normalize_heading(text)
    patterns = (_NOTES, _MISTAKES, _STRONG_FACTS, _FACTS_ELSEWHERE, _CALLER_SUBJECT, _FACTS_FOR_COUNSELOR)
    return any(pattern.search(heading) for pattern in patterns)


def addresses_counselor(text: str) -> bool:
    """Return True if a line explicitly says that the counselor should do something, under any heading."""
    return bool(_COUNSELOR_DUTY.search(text))


_COUNSELOR_DUTY = compile_any(
    rf"\b{_COUNSELOR} (?:\w+ly )?(?:should|must|needs? to|has to|have to|is expected to|are expected to)\b"
)


def starts_with_action(text: str) -> bool:
    words = _FIRST_WORDS.findall(text.lower())
    return bool(words) and _is_action_verb(words[0])


_LABEL = BoundedPattern(r"([A-Za-z][\w /&'’()-]{1,60}):\s+(?=\S)")


def starts_with_label(text: str) -> bool:
    """Return True for “Avoid: minimizing” or “Situation: laid off”, whose label names a known subject."""
    label = _LABEL.match(text)
    return label is not None and len(label[1].split()) <= 4 and classify_heading(label[1]) is not None
