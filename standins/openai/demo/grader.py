"""Rule-based grader that looks for keywords in the counselor's words and labels its results as simulated."""

import re
from dataclasses import dataclass, field
from itertools import chain

import orjson

from ..http.json_types import JSON, JSONValue, as_object, as_text, objects, texts
from ..search.text_search import rank, search_terms
from .grading_rules import CONDITIONS, LEADING, LECTURING, YES, rule_for, says

SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
HEADING = re.compile(r"^[ \t#]*(?:section\s+)?(\d+(?:\.\d+)*)[.)]?[ \t]+\S", re.IGNORECASE | re.MULTILINE)
CONDITIONAL_CHECK = re.compile(r"^(?:if|when|where)\b([^,]*),", re.IGNORECASE)
SHORT_WORDS = 4
SHORT_CHARACTERS = 40
MIN_SHARED_TERMS = 2  # words that a check and a sentence of the procedures must share for a citation
MIN_SHARED_PART = 0.25  # of the words of the shorter of both
# Words of nearly every check and every procedure, which say nothing about what either is about.
COMMON_TERMS = search_terms("caller counselor says asks call line time conversation procedures account situation does")
PROCEDURES_CHECK = re.compile(r"\bprocedures? says?\b", re.IGNORECASE)
UNTRANSCRIBED_PREFIX = "[simulated transcript"


@dataclass(frozen=True)
class QuotedSentence:
    turn: str
    text: str

    def as_json(self) -> JSON:
        return {"turn": self.turn, "text": self.text}


@dataclass(frozen=True)
class GradingTask:
    turns: list[JSON]
    checks: list[JSON]
    found_passages: list[JSON] = field(default_factory=list)  # passages of earlier searches, given with the input

    @property
    def counselor_turns(self) -> list[JSON]:
        """Counselor turns with readable text. Spoken turns are only placeholders here and are left out."""
        return [
            turn
            for turn in self.turns
            if turn.get("speaker") == "counselor" and not as_text(turn.get("text")).startswith(UNTRANSCRIBED_PREFIX)
        ]


def is_grading_schema(schema: JSON) -> bool:
    return "criteria" in as_object(schema.get("properties"))


def read_grading_task(parts: list[str]) -> GradingTask:
    """Return the transcript and the checks from whichever input texts hold them as JSON."""
    found = parse_json_parts(parts)
    turns = next((objects(value["turns"]) for value in found if "turns" in value), [])
    checks = next((objects(value["criteria"]) for value in found if "criteria" in value), [])
    passages: list[JSON] = [{"text": text} for value in found for text in texts(value.get("found"))]
    return GradingTask(turns, checks, passages)


def parse_json_parts(parts: list[str]) -> list[JSON]:
    """Return the JSON objects found in the texts, at most one per text."""
    return [value for part in parts if (value := _parse_object(part))]


def _parse_object(part: str) -> JSON:
    start, end = part.find("{"), part.rfind("}")
    try:
        return as_object(orjson.loads(part[start : end + 1])) if start >= 0 else {}
    except orjson.JSONDecodeError:
        return {}


def grade(task: GradingTask, passages: list[JSON]) -> JSON:
    """Return a grade with every field of the product's schema; `fit_to_schema` adapts it to the requested one."""
    results = [_grade_check(check, task, passages) for check in task.checks]
    met = [result for result in results if result["verdict"] == "met"]
    return {
        "criteria": list[JSONValue](results),
        "rationale": _rationale(results),
        "went_well": list[JSONValue](_strengths(results, task)),
        "improvements": list[JSONValue](_improvements(task, met)),
        "learning_objective": _learning_objective(results, task),
        "reflection_questions": [
            "Where did the caller open up, and what had you just said?",
            "Which moment would you like to have again, and what would you say?",
        ],
        "flags": [],
    }


def _grade_check(check: JSON, task: GradingTask, passages: list[JSON]) -> JSON:
    wanted = _text_of(check)
    if check.get("red_line"):
        return _grade_red_line(check)
    citations = _citations(wanted, task, passages)
    evidence = _find_evidence(wanted, task, citations)
    rule = rule_for(wanted)
    if rule and rule.is_forbidden:
        verdict = "not_met" if evidence else "met"
    else:
        verdict = "met" if evidence else "not_met" if _is_applicable(wanted, task, citations) else "not_applicable"
    return {
        "key": as_text(check.get("key")),
        "verdict": verdict,
        "reason": f"{_reason(verdict, bool(evidence))} (Simulated grading by keywords.)",
        "quotes": [found.as_json() for found in evidence],
        "citations": list[JSONValue](citations if verdict != "not_applicable" else []),
    }


def _text_of(check: JSON) -> str:
    return as_text(check.get("check")) or as_text(check.get("key")).replace("_", " ")


def _reason(verdict: str, has_evidence: bool) -> str:
    if verdict == "not_applicable":
        return "What this check depends on did not come up."
    if verdict == "met":
        words = "The counselor's words match what this check asks for."
        return words if has_evidence else "Nothing the counselor said goes against this check."
    words = "The counselor's words go against this check."
    return words if has_evidence else "Nothing the counselor said matches what this check asks for."


def _grade_red_line(check: JSON) -> JSON:
    """Return `met`: no keyword can show that a red line was crossed."""
    reason = "Nothing was found that crosses this line. (Simulated grading by keywords.)"
    return {"key": as_text(check.get("key")), "verdict": "met", "reason": reason, "quotes": [], "citations": []}


def _find_evidence(wanted: str, task: GradingTask, citations: list[JSON]) -> list[QuotedSentence]:
    """Return the counselor's sentences that meet the check, or that break one of leaving something undone."""
    rule = rule_for(wanted)
    if rule and rule.is_forbidden:
        turns = [(as_text(turn.get("id")), as_text(turn.get("text"))) for turn in task.counselor_turns]
        found = [(turn, text, match) for turn, text in turns if (match := rule.evidence_pattern.search(text))]
        return [QuotedSentence(turn, _sentences_around(text, *match.span())) for turn, text, match in found[:2]]
    # A lecture or a leading question meets nothing, whatever words it holds.
    sentences = [e for e in _spoken(task) if not LECTURING.search(e.text) and not LEADING.match(e.text)]
    if PROCEDURES_CHECK.search(wanted):
        asked = [search_terms(as_text(citation["text"])) - COMMON_TERMS for citation in citations]
        return [e for e in sentences if any(_shares_enough(e.text, terms) for terms in asked)][:2]
    if rule:
        return [e for e in sentences if says(rule, e.text)][:2]
    terms = search_terms(wanted)
    return [e for e in sentences if len(search_terms(e.text) & terms) >= min(2, len(terms))][:2]


def _shares_enough(sentence: str, terms: set[str]) -> bool:
    return len(search_terms(sentence) & terms) >= MIN_SHARED_TERMS


def _spoken(task: GradingTask) -> list[QuotedSentence]:
    """Return the counselor's sentences."""
    return [
        QuotedSentence(as_text(turn.get("id")), piece)
        for turn in task.counselor_turns
        for piece in _sentences(as_text(turn.get("text")))
    ]


def _sentences(text: str) -> list[str]:
    """Return the sentences verbatim, so that quotes can be found in the text."""
    return [piece for match in SENTENCE.finditer(text) if (piece := match.group().strip())]


def _sentences_around(text: str, start: int, end: int) -> str:
    """Return the sentences that contain the characters from `start` up to `end`."""
    spans = [match.span() for match in SENTENCE.finditer(text)]
    first = max((begin for begin, _ in spans if begin <= start), default=0)
    last = min((until for _, until in spans if until >= end), default=len(text))
    return text[first:last].strip()


def _is_applicable(wanted: str, task: GradingTask, citations: list[JSON]) -> bool:
    """Return whether the condition of a check came up in the caller's words, or in a question that they said yes to."""
    if PROCEDURES_CHECK.search(wanted):
        return bool(citations)
    condition = CONDITIONAL_CHECK.match(wanted)
    if condition is None:
        return True
    heard = _callers_words(task)
    for about, came_up in CONDITIONS:
        if about.search(condition.group(1)):
            return bool(came_up.search(heard))
    return bool((search_terms(condition.group(1)) - COMMON_TERMS) & search_terms(heard))


def _callers_words(task: GradingTask) -> str:
    """Return what the caller said, and the questions that they answered with yes."""
    said = []
    before = ""
    for turn in task.turns:
        text = as_text(turn.get("text"))
        if turn.get("speaker") == "caller":
            said += [before, text] if "?" in before and YES.match(text) else [text]
            before = ""
        else:
            before += " " + text.replace("yourself", "myself")
    return " ".join(said)


def _citations(wanted: str, task: GradingTask, passages: list[JSON]) -> list[JSON]:
    """Return the sentence of the found procedures that belongs to the check, with the number of its heading.

    Return nothing if none shares enough words that are not in every check. The check on the procedures themselves
    names no subject: there, the caller's words decide.
    """
    about = _callers_words(task) if PROCEDURES_CHECK.search(wanted) else wanted
    numbered = list(chain.from_iterable(_numbered_sentences(as_text(passage.get("text"))) for passage in passages))
    terms = search_terms(about) - COMMON_TERMS
    sentences = [search_terms(sentence) - COMMON_TERMS for _, sentence in numbered]
    for _, index in rank(about, sentences):
        shared, fewest = len(sentences[index] & terms), min(len(sentences[index]), len(terms))
        if shared >= min(MIN_SHARED_TERMS, fewest) and shared >= MIN_SHARED_PART * fewest:
            return [{"section": numbered[index][0], "text": numbered[index][1]}]
    return []


def _numbered_sentences(text: str) -> list[tuple[str, str]]:
    headings = [(match.start(), match.group(1)) for match in HEADING.finditer(text)]
    found = []
    for match in SENTENCE.finditer(text):
        above = [number for start, number in headings if start <= match.end()]
        sentence = match.group().strip()
        if above and len(sentence.split()) >= SHORT_WORDS and not HEADING.match(sentence):
            found.append((above[-1], sentence))
    return found


def _rationale(results: list[JSON]) -> str:
    """Return the summary. It has no counts: the product counts the verdicts that it could prove."""
    counted = [result for result in results if result["verdict"] != "not_applicable"]
    grasp = (
        "Part of what this scenario asks for" if any(one["verdict"] == "not_met" for one in counted) else "All of it"
    )
    return (
        f"{grasp} was found in the counselor's words. "
        "This is a simulated grading: it looks for words, not for meaning, and it cannot hear what was spoken."
    )


def _strengths(results: list[JSON], task: GradingTask) -> list[JSON]:
    """Return praise for quotes that met one check and broke no other, each with its check's reason."""
    texts_by_key = {as_text(check.get("key")): _text_of(check) for check in task.checks}
    broken = [quote for one in results if one["verdict"] == "not_met" for quote in objects(one["quotes"])]
    praised: dict[str, JSON] = {}
    for result in results:
        rule = rule_for(texts_by_key.get(as_text(result["key"]), ""))
        why = rule.benefit if rule else "It speaks to what was asked for."
        for quote in objects(result["quotes"])[:1] if result["verdict"] == "met" else []:
            words = as_text(quote["text"])
            if not any(quote["turn"] == one["turn"] and words in as_text(one["text"]) for one in broken):
                praised.setdefault(words, {"turn": quote["turn"], "quote": words, "why": why})
    return list(praised.values())[:3]


def _improvements(task: GradingTask, met: list[JSON]) -> list[JSON]:
    """Return advice on words that met no check: what is praised in one place is not corrected in another."""
    praised = {as_text(quote["turn"]) for result in met for quote in objects(result["quotes"])}
    weak = [improvement for turn in task.counselor_turns if (improvement := _improvement(turn, praised))]
    quoted = {as_text(quote["text"]) for result in met for quote in objects(result["quotes"])}
    plain = [said for said in _spoken(task) if said.text not in quoted]
    if not weak and plain:
        goal, why = "Stay with the feeling a moment longer", "A reflection first makes any question easier."
        wording = "That sounds like a lot to carry. What is it like for you right now?"
        weak = [_suggestion({"id": plain[-1].turn}, plain[-1].text, goal, wording, why)]
    return weak[:3]


def _improvement(turn: JSON, praised: set[str]) -> JSON | None:
    text = as_text(turn.get("text"))
    lecture = next((sentence for sentence in _sentences(text) if LECTURING.search(sentence)), None)
    if lecture:
        why = "Advice before understanding can feel like a lecture."
        wording = "It sounds like this has been weighing on you. What has been the hardest part today?"
        return _suggestion(turn, lecture, "Explore before advising", wording, why)
    is_short = 0 < len(text.split()) < SHORT_WORDS and len(text) < SHORT_CHARACTERS
    if is_short and as_text(turn.get("id")) not in praised:
        why = "A very short answer leaves the caller alone with it."
        wording = "I'm here, and I'm listening. Would you tell me a little more about that?"
        return _suggestion(turn, text, "Invite the caller to say more", wording, why)
    return None


def _suggestion(turn: JSON, quote: str, goal: str, wording: str, why: str) -> JSON:
    effect = "It leaves the caller less room to go on. (Simulated: nobody measured it.)"
    place: JSON = {"turn": as_text(turn.get("id")), "quote": quote}
    return place | {"goal": goal, "effect": effect, "better_wording": wording, "why": why}


def _learning_objective(results: list[JSON], task: GradingTask) -> str:
    check = _first_missed(results, task)
    return f"In the next session, practice this: {check}" if check else "Do the same again in the next session."


def _first_missed(results: list[JSON], task: GradingTask) -> str:
    """Return the weightiest check that was missed; empty if none was."""
    missed = {as_text(result["key"]) for result in results if result["verdict"] == "not_met"}
    checks = [check for check in task.checks if as_text(check.get("key")) in missed]
    return as_text(max(checks, key=_weight_of).get("check")) if checks else ""


def _weight_of(check: JSON) -> int:
    weight = check.get("weight")
    return weight if isinstance(weight, int) else 1
