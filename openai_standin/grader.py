"""The rule-based grader: it finds the counselor's own words for each check. A keyword is not judgement, and says so."""

import re
from dataclasses import dataclass, field
from itertools import chain

import orjson

from .json_types import JSON, JSONValue, as_object, as_text, objects, texts
from .text_search import rank, words

SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
HEADING = re.compile(r"^[ \t#]*(?:section\s+)?(\d+(?:\.\d+)*)[.)]?[ \t]+\S", re.IGNORECASE | re.MULTILINE)
CONDITION = re.compile(r"^(?:if|when|where)\b([^,]*),", re.IGNORECASE)
LECTURE = re.compile(
    r"\b(you (?:should|must|need to|have to)|why don't you|calm down|cheer up|just (?:try|think|relax|stop))\b",
    re.IGNORECASE,
)
SHORT = 4
SHORT_LETTERS = 40
UNHEARD = "[simulated transcript"


@dataclass(frozen=True)
class Rule:
    """A check that speaks of `about` is met by a counselor's sentence that matches `evidence`; `why` it helps."""

    about: re.Pattern[str]
    evidence: re.Pattern[str]
    why: str


def _rule(about: str, evidence: str, why: str) -> Rule:
    return Rule(re.compile(about, re.IGNORECASE), re.compile(evidence, re.IGNORECASE), why)


# The first one that fits: from what is asked for in particular to what is asked for in general.
RULES = (
    _rule(
        r"how (strong|often)|since when",
        r"how (strong|often|long)|since when|come and go",
        "How strong and how old a thought is says how near it is.",
    ),
    _rule(
        r"a plan or an intent|about desire, plan",
        r"\b(a plan|how you would|how would you|planned|when would)\b",
        "A plan that is spoken of can be talked about.",
    ),
    _rule(
        r"what is within reach|earlier attempts",
        r"\b(within reach|in the house|with you right now|tried before|drunk|been drinking|taken anything)\b",
        "What is near in a bad moment decides much.",
    ),
    _rule(
        r"held the caller back|keeps them going|held back",
        r"\b(kept you|held you back|holds you back|keeps you going|keep going|what stops you)\b",
        "What has held so far may hold tonight.",
    ),
    _rule(
        r"out of reach|keeps it away",
        r"\b(out of reach|lock\w* (it|them) away|give (it|them) to|keep (it|them) for you)\b",
        "A little distance to the means saves lives.",
    ),
    _rule(
        r"suicid|self-harm|kill|direct(ly)? ask",
        r"suicid|kill\w* yourself|want\w* to die|end\w* your life|hurt\w* yourself",
        "Asking plainly shows that the hardest thing may be said here.",
    ),
    _rule(
        r"open(-| )?(ended)? ?question|open question",
        r"\b(what|how|tell me|could you say more)\b",
        "An open question leaves the caller room to tell it in their own way.",
    ),
    _rule(
        r"reflect|validat|empath|feeling|listen",
        r"\b(sounds? \w+|that must|it must|must (be|feel|have)|i hear|i can hear|makes sense|i'm (so |really )?sorry)",
        "Being understood before anything is suggested lets a caller go on.",
    ),
    _rule(
        r"safe|plan|danger|risk|within reach",
        r"\b(safe|plan|within reach|in the house|danger|until morning)\b",
        "It brings the next hours into view, together with the caller.",
    ),
    _rule(
        r"clos|end(s|ing)? (the|by)|follow|next step|summ(ar|ing)|resource|referral",
        r"\b(call (us|back|again|this line)|next step|follow up|we agreed|take care|any ?time|tomorrow)\b",
        "The caller knows what happens next, and that the line stays open.",
    ),
    _rule(
        r"introduc|greet|says who they are|open(s|ing)? the (call|chat)",
        r"\b(my name|hello|hi|hey|good (morning|afternoon|evening)|you've reached|glad you)\b",
        "The caller knows at once that a person is there.",
    ),
)


@dataclass(frozen=True)
class Evidence:
    turn: str
    text: str

    def as_json(self) -> JSON:
        return {"turn": self.turn, "text": self.text}


@dataclass(frozen=True)
class Task:
    turns: list[JSON]
    checks: list[JSON]
    found: list[JSON] = field(default_factory=list)  # passages that were searched for before

    @property
    def counselor(self) -> list[JSON]:
        """The turns that can be understood: what was spoken stands here as a placeholder only."""
        return [
            turn
            for turn in self.turns
            if turn.get("speaker") == "counselor" and not as_text(turn.get("text")).startswith(UNHEARD)
        ]


def is_grading(schema: JSON) -> bool:
    return "criteria" in as_object(schema.get("properties"))


def read_task(parts: list[str]) -> Task:
    """The transcript and the checks, from whichever input texts hold them as JSON."""
    found = parts_of(parts)
    turns = next((objects(value["turns"]) for value in found if "turns" in value), [])
    checks = next((objects(value["criteria"]) for value in found if "criteria" in value), [])
    passages: list[JSON] = [{"text": text} for value in found for text in texts(value.get("found"))]
    return Task(turns, checks, passages)


def parts_of(parts: list[str]) -> list[JSON]:
    """The objects that stand as JSON in texts."""
    return [value for part in parts if (value := _object_in(part))]


def _object_in(part: str) -> JSON:
    start, end = part.find("{"), part.rfind("}")
    try:
        return as_object(orjson.loads(part[start : end + 1])) if start >= 0 else {}
    except orjson.JSONDecodeError:
        return {}


def grade(task: Task, passages: list[JSON]) -> JSON:
    """Everything our schema asks for; `schemas.fit` brings it into the asked shape."""
    results = [_judge(check, task, passages) for check in task.checks]
    met = [result for result in results if result["verdict"] == "met"]
    return {
        "criteria": list[JSONValue](results),
        "rationale": _rationale(len(met), results, task),
        "went_well": list[JSONValue](_strengths(met)),
        "improvements": list[JSONValue](_improvements(task)),
        "learning_objective": _objective(results, task),
        "reflection_questions": [
            "Where did the caller open up, and what had you just said?",
            "Which moment would you like to have again, and what would you say?",
        ],
        "flags": [],
    }


def _judge(check: JSON, task: Task, passages: list[JSON]) -> JSON:
    wanted = as_text(check.get("check")) or as_text(check.get("key")).replace("_", " ")
    if check.get("red_line"):
        return _keep_line(check)
    evidence = _find_evidence(wanted, task)
    verdict = "met" if evidence else "not_met" if _applies(wanted, task) else "not_applicable"
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


def _keep_line(check: JSON) -> JSON:
    """No keyword shows that a line was crossed: that takes judgement."""
    reason = "Nothing was found that crosses this line. (Simulated grading by keywords.)"
    return {"key": as_text(check.get("key")), "verdict": "met", "reason": reason, "quotes": [], "citations": []}


def _find_evidence(wanted: str, task: Task) -> list[Evidence]:
    sentences = [
        Evidence(as_text(turn.get("id")), sentence)
        for turn in task.counselor
        for sentence in _sentences(as_text(turn.get("text")))
    ]
    fitting = next((rule for rule in RULES if rule.about.search(wanted)), None)
    if fitting:
        found = [e for e in sentences if fitting.evidence.search(e.text)]
    else:
        found = [e for e in sentences if len(words(e.text) & words(wanted)) >= min(2, len(words(wanted)))]
    return found[:2]


def _sentences(text: str) -> list[str]:
    """Pieces of the text exactly as they stand in it: a quote must be found again."""
    return [piece for match in SENTENCE.finditer(text) if (piece := match.group().strip())]


def _applies(wanted: str, task: Task) -> bool:
    condition = CONDITION.match(wanted)
    if condition is None:
        return True
    heard = words(" ".join(as_text(turn.get("text")) for turn in task.turns))
    return bool((words(condition.group(1)) - {"caller", "counselor"}) & heard)


def _citations(wanted: str, passages: list[JSON]) -> list[JSON]:
    """The sentence of the found procedures that is closest to the check, under its heading's number."""
    numbered = list(chain.from_iterable(_numbered_sentences(as_text(passage.get("text"))) for passage in passages))
    best = rank(wanted, [words(sentence) for _, sentence in numbered])
    return [{"section": section, "text": sentence} for section, sentence in (numbered[index] for _, index in best[:1])]


def _numbered_sentences(text: str) -> list[tuple[str, str]]:
    headings = [(match.start(), match.group(1)) for match in HEADING.finditer(text)]
    found = []
    for match in SENTENCE.finditer(text):
        above = [number for start, number in headings if start <= match.end()]
        sentence = match.group().strip()
        if above and len(sentence.split()) >= SHORT and not HEADING.match(sentence):
            found.append((above[-1], sentence))
    return found


def _rationale(met: int, results: list[JSON], task: Task) -> str:
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
        {"turn": quote["turn"], "quote": quote["text"], "why": _why(as_text(quote["text"]))} for quote in distinct[:3]
    ]


def _why(quote: str) -> str:
    return next((rule.why for rule in RULES if rule.evidence.search(quote)), "It speaks to what was asked for.")


def _improvements(task: Task) -> list[JSON]:
    weak = [improvement for turn in task.counselor if (improvement := _improvement(turn))]
    if not weak and task.counselor:
        last = task.counselor[-1]
        goal, why = "Stay with the feeling a moment longer", "A reflection first makes any question easier."
        wording = "That sounds like a lot to carry. What is it like for you right now?"
        weak = [_better(last, as_text(last.get("text")), goal, wording, why)]
    return weak[:3]


def _improvement(turn: JSON) -> JSON | None:
    text = as_text(turn.get("text"))
    lecture = next((sentence for sentence in _sentences(text) if LECTURE.search(sentence)), None)
    if lecture:
        why = "Advice before understanding can feel like a lecture."
        wording = "It sounds like this has been weighing on you. What has been the hardest part today?"
        return _better(turn, lecture, "Explore before advising", wording, why)
    if 0 < len(text.split()) < SHORT and len(text) < SHORT_LETTERS:
        why = "A very short answer leaves the caller alone with it."
        wording = "I'm here, and I'm listening. Would you tell me a little more about that?"
        return _better(turn, text, "Invite the caller to say more", wording, why)
    return None


def _better(turn: JSON, quote: str, goal: str, wording: str, why: str) -> JSON:
    effect = "It leaves the caller less room to go on. (Simulated: nobody measured it.)"
    place: JSON = {"turn": as_text(turn.get("id")), "quote": quote}
    return place | {"goal": goal, "effect": effect, "better_wording": wording, "why": why}


def _objective(results: list[JSON], task: Task) -> str:
    check = _first_missed(results, task)
    return f"In the next session, practise this: {check}" if check else "Keep asking openly and reflecting feelings."


def _first_missed(results: list[JSON], task: Task) -> str:
    missed = {as_text(result["key"]) for result in results if result["verdict"] == "not_met"}
    return next((as_text(check.get("check")) for check in task.checks if as_text(check.get("key")) in missed), "")
