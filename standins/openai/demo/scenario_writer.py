"""Rule-based scenario writer that finds a complaint's topic by keywords and repeats none of its sentences."""

import re
from dataclasses import dataclass

import orjson

from ..http.json_types import JSON, JSONValue, as_object, as_text, texts
from ..search.text_search import rank, search_terms
from .callers import CALLERS
from .scenario_topics import GRIEVANCES, TOPICS, WORN_OUT, Grievance, ScenarioTopic

DRAFT_FIELDS = {"title", "caller", "checks", "sections"}
MAX_SKILLS = 5
MAX_SECTIONS_PER_QUERY = 2
OLDER_CALLER_AGE = 60
HEADING = re.compile(r"^[ \t#]*(?:[Ss]ection\s+)?(\d+(?:\.\d+)*)[.)]?[ \t]+([A-Z][^\n]*)$", re.MULTILINE)
SIMULATED_NOTICE = "Simulated draft, written by keywords."
MODE_WORDS = {
    "phone": {"calls": "calls", "call": "call", "leave": "hang up"},
    "chat": {"calls": "writes", "call": "write", "leave": "stop answering"},
}
# For complaints that mention every scripted caller's name.
OTHER_NAMES = ("Robin", "Marit", "Callum", "Ines", "Teo", "Noor")
GUARDEDNESS = {
    "beginner": "One sentence that shows you were heard is enough for you to go on.",
    "intermediate": "You need to be asked; what is not asked for, you keep.",
    "advanced": "You test whoever answers: twice you change the subject when it gets close.",
    "expert": "You answer the first questions with questions, resist any ending, and give way to patience only.",
}
KEEP_NAME = re.compile(r"\bkeep the (?:first )?name\b", re.IGNORECASE)
REQUESTED_NAME = re.compile(r"\b(?i:call|name) (?:her|him|them|the caller) ([A-Z][a-z]+)")
# Sentences that the supervisor's instructions add to the opening state. Other instructions are passed on unchanged.
MOODS = (
    (r"\b(?:angr|furious|irritat|hostile)", "At first you are angry, and the anger is for whoever answers."),
    (r"\b(?:quiet|withdrawn|silent|monosyllab)", "At first you answer in single words and leave long pauses."),
    (r"\b(?:cry|tearful|sobb|weep)", "You have been crying, and it comes back while you talk."),
    (r"\b(?:talkative|rambl|tangent|long-winded)", "You go off into side stories and do not notice it."),
    (r"\b(?:suspicious|distrust|mistrust|guarded)", "You do not trust this, and you ask who else is listening."),
    (r"\b(?:hurr|rush|in a rush|little time)", "You say that you have only a few minutes."),
)
COMMON_NAMES = (
    "aaron adam alan alice amanda amy andrew angela ann anna anthony arthur barbara ben beth betty brad brenda brian "
    "carl carlos carol carmen catherine charles chris claire daniel dana david deborah denise diana diane donald donna "
    "dorothy edward elaine elena elizabeth ellen emily emma eric erin evelyn frances frank george gloria hannah harold "
    "helen henry ian irene jack james jane janet jason jean jeff jennifer jessica jim joan john jose joseph joyce juan "
    "judith jules julia karen kate kathleen keith kevin kim laura leon linda lisa lucy luis marcus margaret maria "
    "mark martha martin mary matthew megan melissa michael michelle miguel mike nancy nina nora olivia oscar pamela "
    "patricia patrick paul paula peter philip priya rachel raymond rebecca richard rita robert roger ronald rosa rose "
    "ruth ryan sam samuel sandra sara sarah scott sharon shirley simon sofia stephen steven susan teresa thomas tina "
    "todd tom tony tyler vanessa victor victoria vincent virginia walter wayne william yolanda zoe"
)
FIRST_NAMES = frozenset(COMMON_NAMES.split())
CAPITALIZED_WORD = re.compile(r"\b[A-Z][a-z]+\b")
INTRODUCED_NAME = re.compile(r"\b(?:named|name is|name was|name's|Mrs?\.?|Ms\.?)\s+([A-Z][a-z]+)\b")


@dataclass(frozen=True)
class DraftingTask:
    """Requested draft and the complaint it is based on."""

    source: str
    instructions: str
    mode: str
    difficulty: str
    skills: list[str]

    @property
    def topic(self) -> ScenarioTopic:
        """Topic with the most keywords in the complaint; the more serious one in a tie."""
        counted = [(len(topic.keywords.findall(self.source)), topic) for topic in TOPICS]
        most, topic = max(counted, key=lambda pair: pair[0])
        return topic if most else WORN_OUT

    @property
    def grievance(self) -> Grievance | None:
        counted = [(len(one.keywords.findall(self.source)), one) for one in GRIEVANCES]
        most, grievance = max(counted, key=lambda pair: pair[0])
        return grievance if most else None

    @property
    def queries(self) -> list[str]:
        """Search queries for the procedures."""
        return [self.topic.query, *([self.grievance.query] if self.grievance else [])]


def is_draft_schema(schema: JSON) -> bool:
    return as_object(schema.get("properties")).keys() >= DRAFT_FIELDS


def read_drafting_task(parts: list[str]) -> DraftingTask:
    """Return the requested settings and the quoted complaint from whichever input texts hold them as JSON."""
    found = [_parse_object(part) for part in parts]
    wanted = next((as_object(value["wanted"]) for value in found if "wanted" in value), {})
    source = next((as_text(value["quoted_material"]) for value in found if "quoted_material" in value), "")
    return DraftingTask(
        source=source,
        instructions=as_text(wanted.get("instructions")),
        mode="chat" if wanted.get("mode") == "chat" else "phone",
        difficulty=as_text(wanted.get("difficulty")),
        skills=texts(wanted.get("skills")),
    )


def _parse_object(part: str) -> JSON:
    try:
        return as_object(orjson.loads(part))
    except orjson.JSONDecodeError:
        return {}


def write_draft(task: DraftingTask, passages: list[JSON]) -> JSON:
    """Return a draft with every field of the product's schema; `fit_to_schema` adapts it to the requested one."""
    topic, grievance, kept = task.topic, task.grievance, find_kept_name(task)
    title = grievance.title if grievance else topic.title
    spoken = {"someone": kept or "Someone"} | MODE_WORDS[task.mode]
    described = [topic.description, *([grievance.description] if grievance else [])]
    caller = {part: text.format(**spoken) for part, text in _caller(task).items()}
    return {
        "title": f"{title} ({kept})" if kept else title,
        "description": " ".join([*described, SIMULATED_NOTICE]).format(**spoken),
        "caller": {"who": _caller_identity(task), **caller},
        "checks": [*topic.checks, *(grievance.checks if grievance else ())],
        "skills": list[JSONValue](_skills(task)),
        "sections": list[JSONValue](_sections(task, passages)),
    }


def _caller(task: DraftingTask) -> dict[str, str]:
    """Return the parts of the caller's prompt except the caller's identity."""
    topic, grievance = task.topic, task.grievance
    shuts_down_at = (
        grievance.shuts_down_at if grievance else "being hurried, or being given advice before you were heard"
    )
    return {
        "opening_state": " ".join(
            [topic.opening_state, *([grievance.opening_state] if grievance else []), *_moods(task)]
        ),
        "says_readily": topic.says_readily,
        "withholds": topic.withholds,
        "opens_or_shuts": f"What opens you: {topic.opens_up_to}. What shuts you: {shuts_down_at}. {_guardedness(task)}",
        "ends_well": topic.good_ending,
        "ends_badly": topic.bad_ending,
    }


def _guardedness(task: DraftingTask) -> str:
    return GUARDEDNESS.get(task.difficulty, GUARDEDNESS["intermediate"])


def _caller_identity(task: DraftingTask) -> str:
    topic, grievance = task.topic, task.grievance
    sentences = [
        f"You are {_caller_name(task)}, {_caller_age(task)}.",
        topic.who,
        *([grievance.who] if grievance else []),
    ]
    # These are added after formatting, so that braces in them stay as they are.
    return " ".join([*sentences, *(f"Play it this way: {request}." for request in _unrecognized_requests(task))])


def _moods(task: DraftingTask) -> list[str]:
    return [sentence for pattern, sentence in MOODS if re.search(pattern, task.instructions, re.IGNORECASE)]


def _unrecognized_requests(task: DraftingTask) -> list[str]:
    """Return the sentences of the instructions that match no known pattern."""
    known = [KEEP_NAME, REQUESTED_NAME, *(re.compile(pattern, re.IGNORECASE) for pattern, _ in MOODS)]
    requests = [request.strip() for request in re.split(r"[.!;\n]+", task.instructions)]
    return [request for request in requests if request and not any(pattern.search(request) for pattern in known)]


def find_kept_name(task: DraftingTask) -> str:
    """Return the source's first given name if the instructions say to keep it, so tests can trigger name checks."""
    if not KEEP_NAME.search(task.instructions):
        return ""
    known = [
        (found.start(), found[0]) for found in CAPITALIZED_WORD.finditer(task.source) if found[0].lower() in FIRST_NAMES
    ]
    introduced = [(found.start(1), found[1]) for found in INTRODUCED_NAME.finditer(task.source)]
    return min(known or introduced, default=(0, ""))[1]


def _caller_name(task: DraftingTask) -> str:
    """Return the kept or requested name, else a scripted caller's name that the source does not contain.

    A draft named after a scripted caller is then played by that caller.
    """
    if kept := find_kept_name(task):
        return kept
    if requested := REQUESTED_NAME.search(task.instructions):
        return requested[1]
    scripted = [caller.name.capitalize() for caller in CALLERS if caller.mode == task.mode]
    if task.topic.age >= OLDER_CALLER_AGE:
        scripted.reverse()
    taken = {word.lower() for word in re.findall(r"\w+", task.source)}
    return next((name for name in (*scripted, *OTHER_NAMES) if name.lower() not in taken), "Sunniva")


def _caller_age(task: DraftingTask) -> int:
    """Return the topic's age, raised until it differs from every number in the source."""
    taken = {int(number) for number in re.findall(r"\d{1,4}", task.source)}
    return next(age for age in range(task.topic.age, 10_000) if age not in taken)


def _skills(task: DraftingTask) -> list[str]:
    """Return the fitting skills among those offered, else those that share a word with the topic, else the first."""
    first, rest = task.topic.skills[:2], task.topic.skills[2:]
    fitting = [*first, *(task.grievance.skills if task.grievance else ()), *rest]
    offered = {skill.casefold(): skill for skill in task.skills}
    chosen = [offered[skill.casefold()] for skill in dict.fromkeys(fitting) if skill.casefold() in offered]
    if chosen:
        return chosen[:MAX_SKILLS]
    near = rank(" ".join([*fitting, *task.queries]), [search_terms(skill) for skill in task.skills])
    return [task.skills[index] for _, index in near[:MAX_SKILLS]] or task.skills[:1]


def _sections(task: DraftingTask, passages: list[JSON]) -> list[JSON]:
    """Return the headings of the found procedures that concern the topic or the earlier grievance."""
    reasons = [(task.topic.query, task.topic.about)]
    if task.grievance:
        reasons.insert(0, (task.grievance.query, task.grievance.about))
    found = [match.groups() for passage in passages for match in HEADING.finditer(as_text(passage.get("text")))]
    headings = list(dict.fromkeys(found))
    chosen: dict[str, JSON] = {}
    for query, about in reasons:
        for _, index in rank(query, [search_terms(title) for _, title in headings])[:MAX_SECTIONS_PER_QUERY]:
            number, title = headings[index]
            why = f"It bears on {about}."
            chosen.setdefault(number, {"number": number, "title": _first_clause(title), "why": why})
    return list(chosen.values())


def _first_clause(line: str) -> str:
    """Return a heading unchanged, or the beginning of a numbered paragraph."""
    return re.split(r"[.:;,?]\s", line, maxsplit=1)[0].rstrip(" .")[:120]
