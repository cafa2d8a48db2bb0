"""Rule-based grader that looks for keywords in the counselor's words and labels its results as simulated."""

import re
from dataclasses import dataclass, field
from itertools import chain

import orjson

from ..http.json_types import JSON, JSONValue, as_object, as_text, objects, texts
from ..search.text_search import rank, search_terms

SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
HEADING = re.compile(r"^[ \t#]*(?:section\s+)?(\d+(?:\.\d+)*)[.)]?[ \t]+\S", re.IGNORECASE | re.MULTILINE)
CONDITIONAL_CHECK = re.compile(r"^(?:if|when|where)\b([^,]*),", re.IGNORECASE)
LECTURING = re.compile(
    r"\b(you (?:should|must|need to|have to)|why don't you|calm down|cheer up|just (?:try|think|relax|stop))\b",
    re.IGNORECASE,
)
SHORT_WORDS = 4
SHORT_CHARACTERS = 40
UNTRANSCRIBED_PREFIX = "[simulated transcript"


@dataclass(frozen=True)
class GradingRule:
    """Rule for checks that match `check_pattern`: a counselor's sentence that matches `evidence_pattern` meets them.

    `benefit` says why meeting the check helps the caller.
    """

    check_pattern: re.Pattern[str]
    evidence_pattern: re.Pattern[str]
    benefit: str


def _grading_rule(about: str, evidence: str, why: str) -> GradingRule:
    return GradingRule(re.compile(about, re.IGNORECASE), re.compile(evidence, re.IGNORECASE), why)


# The first match decides, so specific rules come before general ones.
GRADING_RULES = (
    _grading_rule(
        r"how (strong|often)|since when",
        r"how (strong|often|long)|since when|come and go",
        "How strong and how old a thought is says how near it is.",
    ),
    _grading_rule(
        r"a plan or an intent|about desire, plan",
        r"\b(a plan|how you would|how would you|planned|when would)\b",
        "A plan that is spoken of can be talked about.",
    ),
    _grading_rule(
        r"what is within reach|earlier attempts",
        r"\b(within reach|in the house|with you right now|tried before|drunk|been drinking|taken anything)\b",
        "What is near in a bad moment decides much.",
    ),
    _grading_rule(
        r"held the caller back|keeps them going|held back",
        r"\b(kept you|held you back|holds you back|keeps you going|keep going|what stops you)\b",
        "What has held so far may hold tonight.",
    ),
    _grading_rule(
        r"out of reach|keeps it away",
        r"\b(out of reach|lock\w* (it|them) away|give (it|them) to|keep (it|them) for you)\b",
        "A little distance to the means saves lives.",
    ),
    _grading_rule(
        r"suicid|self-harm|kill|direct(ly)? ask",
        r"suicid|kill\w{0,20}+ yourself|want\w{0,20}+ to die|end\w{0,20}+ your life|hurt\w{0,20}+ yourself",
        "Asking plainly shows that the hardest thing may be said here.",
    ),
    _grading_rule(
        r"open(-| )?(ended)? ?question|open question",
        r"\b(what|how|tell me|could you say more)\b",
        "An open question leaves the caller room to tell it in their own way.",
    ),
    _grading_rule(
        r"reflect|validat|empath|feeling|listen",
        r"\b(sounds? \w+|that must|it must|must (be|feel|have)|i hear|i can hear|makes sense|i'm (so |really )?sorry)",
        "Being understood before anything is suggested lets a caller go on.",
    ),
    _grading_rule(
        r"safe|plan|danger|risk|within reach",
        r"\b(safe|plan|within reach|in the house|danger|until morning)\b",
        "It brings the next hours into view, together with the caller.",
    ),
    _grading_rule(
        r"clos|end(s|ing)? (the|by)|follow|next step|summ(ar|ing)|resource|referral",
        r"\b(call (us|back|again|this line)|next step|follow up|we agreed|take care|any ?time|tomorrow)\b",
        "The caller knows what happens next, and that the line stays open.",
    ),
    _grading_rule(
        r"introduc|greet|says who they are|open(s|ing)? the (call|chat)",
        r"\b(my name|hello|hi|hey|good (morning|afternoon|evening)|you've reached|glad you)\b",
        "The caller knows at once that a person is there.",
    ),
)


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
        "rationale": _rationale(len(met), results, task),
        "went_well": list[JSONValue](_strengths(met)),
        "improvements": list[JSONValue](_improvements(task)),
        "learning_objective": _learning_objective(results, task),
        "reflection_questions": [
            "Where did the caller open up, and what had you just said?",
            "Which moment would you like to have again, and what would you say?",
        ],
        "flags": [],
    }


def _grade_check(check: JSON, task: GradingTask, passages: list[JSON]) -> JSON:
    wanted = as_text(check.get("check")) or as_text(check.get("key")).replace("_", " ")
    if check.get("red_line"):
        return _grade_red_line(check)
    evidence = _find_evidence(wanted, task)
    verdict = "met" if evidence else "not_met" if _is_applicable(wanted, task) else "not_applicable"
    reasons = {
        "met": "The counselor's words match what this check asks for.",
        "not_met": "Nothing the counselor said matches what this check asks for.",
        "not_applicable": "What this check depends on did not come up.",
    }
    return {
        "key": as_text(check.get("key")),
        "verdict": verdict,
        "reason": f"{reasons[verdict]} (Simulated grading by keywords.)",
        "quotes": [found.as_json() for found in evidence],
        "citations": list[JSONValue](_citations(wanted, passages)),
    }


def _grade_red_line(check: JSON) -> JSON:
    """Return `met`: no keyword can show that a red line was crossed."""
    reason = "Nothing was found that crosses this line. (Simulated grading by keywords.)"
    return {"key": as_text(check.get("key")), "verdict": "met", "reason": reason, "quotes": [], "citations": []}


def _find_evidence(wanted: str, task: GradingTask) -> list[QuotedSentence]:
    sentences = [
        QuotedSentence(as_text(turn.get("id")), sentence)
        for turn in task.counselor_turns
        for sentence in _sentences(as_text(turn.get("text")))
    ]
    fitting = next((rule for rule in GRADING_RULES if rule.check_pattern.search(wanted)), None)
    if fitting:
        found = [e for e in sentences if fitting.evidence_pattern.search(e.text)]
    else:
        found = [
            e
            for e in sentences
            if len(search_terms(e.text) & search_terms(wanted)) >= min(2, len(search_terms(wanted)))
        ]
    return found[:2]


def _sentences(text: str) -> list[str]:
    """Return the sentences verbatim, so that quotes can be found in the text."""
    return [piece for match in SENTENCE.finditer(text) if (piece := match.group().strip())]


def _is_applicable(wanted: str, task: GradingTask) -> bool:
    condition = CONDITIONAL_CHECK.match(wanted)
    if condition is None:
        return True
    heard = search_terms(" ".join(as_text(turn.get("text")) for turn in task.turns))
    return bool((search_terms(condition.group(1)) - {"caller", "counselor"}) & heard)


def _citations(wanted: str, passages: list[JSON]) -> list[JSON]:
    """Return the sentence of the found procedures closest to the check, with the number of its heading."""
    numbered = list(chain.from_iterable(_numbered_sentences(as_text(passage.get("text"))) for passage in passages))
    best = rank(wanted, [search_terms(sentence) for _, sentence in numbered])
    return [{"section": section, "text": sentence} for section, sentence in (numbered[index] for _, index in best[:1])]


def _numbered_sentences(text: str) -> list[tuple[str, str]]:
    headings = [(match.start(), match.group(1)) for match in HEADING.finditer(text)]
    found = []
    for match in SENTENCE.finditer(text):
        above = [number for start, number in headings if start <= match.end()]
        sentence = match.group().strip()
        if above and len(sentence.split()) >= SHORT_WORDS and not HEADING.match(sentence):
            found.append((above[-1], sentence))
    return found


def _rationale(met: int, results: list[JSON], task: GradingTask) -> str:
    counted = [result for result in results if result["verdict"] != "not_applicable"]
    missed = _first_missed(results, task)
    return " ".join(
        [
            f"{met} of {len(counted)} checks were met.",
            *([f"First to look at: {missed}"] if missed else []),
            "This is a simulated grading: it looks for words, not for meaning, and it cannot hear what was spoken.",
        ]
    )


def _strengths(met: list[JSON]) -> list[JSON]:
    quotes = [quote for result in met for quote in objects(result["quotes"])[:1]]
    distinct = list({as_text(quote["text"]): quote for quote in quotes}.values())
    return [
        {"turn": quote["turn"], "quote": quote["text"], "why": _strength_reason(as_text(quote["text"]))}
        for quote in distinct[:3]
    ]


def _strength_reason(quote: str) -> str:
    return next(
        (rule.benefit for rule in GRADING_RULES if rule.evidence_pattern.search(quote)),
        "It speaks to what was asked for.",
    )


def _improvements(task: GradingTask) -> list[JSON]:
    weak = [improvement for turn in task.counselor_turns if (improvement := _improvement(turn))]
    if not weak and task.counselor_turns:
        last = task.counselor_turns[-1]
        goal, why = "Stay with the feeling a moment longer", "A reflection first makes any question easier."
        wording = "That sounds like a lot to carry. What is it like for you right now?"
        weak = [_suggestion(last, as_text(last.get("text")), goal, wording, why)]
    return weak[:3]


def _improvement(turn: JSON) -> JSON | None:
    text = as_text(turn.get("text"))
    lecture = next((sentence for sentence in _sentences(text) if LECTURING.search(sentence)), None)
    if lecture:
        why = "Advice before understanding can feel like a lecture."
        wording = "It sounds like this has been weighing on you. What has been the hardest part today?"
        return _suggestion(turn, lecture, "Explore before advising", wording, why)
    if 0 < len(text.split()) < SHORT_WORDS and len(text) < SHORT_CHARACTERS:
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
    return f"In the next session, practice this: {check}" if check else "Keep asking openly and reflecting feelings."


def _first_missed(results: list[JSON], task: GradingTask) -> str:
    missed = {as_text(result["key"]) for result in results if result["verdict"] == "not_met"}
    return next((as_text(check.get("check")) for check in task.checks if as_text(check.get("key")) in missed), "")
