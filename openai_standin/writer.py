"""The rule-based writer of scenarios: it finds a complaint's topic by keywords and retells none of its sentences."""

import re
from dataclasses import dataclass

import orjson

from .callers import CALLERS
from .json_types import JSON, JSONValue, as_object, as_text, texts
from .text_search import rank, words
from .topics import GRIEVANCES, TOPICS, WORN_OUT, Grievance, Topic

ASKED = {"title", "caller", "checks", "sections"}
MOST_SKILLS = 5
SECTIONS_FOR_EACH = 2
OLD = 60
HEADING = re.compile(r"^[ \t#]*(?:[Ss]ection\s+)?(\d+(?:\.\d+)*)[.)]?[ \t]+([A-Z][^\n]*)$", re.MULTILINE)
SIMULATED = "Simulated draft, written by keywords."
MODE_WORDS = {
    "phone": {"calls": "calls", "call": "call", "leave": "hang up"},
    "chat": {"calls": "writes", "call": "write", "leave": "stop answering"},
}
# For a source that names every scripted caller.
OTHER_NAMES = ("Robin", "Marit", "Callum", "Ines", "Teo", "Noor")
GUARD = {
    "beginner": "One sentence that shows you were heard is enough for you to go on.",
    "intermediate": "You need to be asked; what is not asked for, you keep.",
    "advanced": "You test whoever answers: twice you change the subject when it gets close.",
    "expert": "You answer the first questions with questions, resist any ending, and give way to patience only.",
}
KEEP_NAME = re.compile(r"\bkeep the (?:first )?name\b", re.IGNORECASE)
WISHED_NAME = re.compile(r"\b(?i:call|name) (?:her|him|them|the caller) ([A-Z][a-z]+)")
# What the supervisor's wishes add to the opening state; a wish that none of them knows is passed on as it is.
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
CAPITALISED = re.compile(r"\b[A-Z][a-z]+\b")
INTRODUCED = re.compile(r"\b(?:named|name is|name was|name's|Mrs?\.?|Ms\.?)\s+([A-Z][a-z]+)\b")


@dataclass(frozen=True)
class Order:
    """What is asked for, and the complaint it is drawn from."""

    source: str
    instructions: str
    mode: str
    difficulty: str
    skills: list[str]

    @property
    def topic(self) -> Topic:
        """The trouble that most words of the complaint speak of; the graver one where they are even."""
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
        """What is looked for in the procedures."""
        return [self.topic.query, *([self.grievance.query] if self.grievance else [])]


def is_drafting(schema: JSON) -> bool:
    return as_object(schema.get("properties")).keys() >= ASKED


def read_order(parts: list[str]) -> Order:
    """The wishes and the quoted complaint, from whichever input texts hold them as JSON."""
    found = [_object(part) for part in parts]
    wanted = next((as_object(value["wanted"]) for value in found if "wanted" in value), {})
    source = next((as_text(value["quoted_material"]) for value in found if "quoted_material" in value), "")
    return Order(
        source=source,
        instructions=as_text(wanted.get("instructions")),
        mode="chat" if wanted.get("mode") == "chat" else "phone",
        difficulty=as_text(wanted.get("difficulty")),
        skills=texts(wanted.get("skills")),
    )


def _object(part: str) -> JSON:
    try:
        return as_object(orjson.loads(part))
    except orjson.JSONDecodeError:
        return {}


def write(order: Order, passages: list[JSON]) -> JSON:
    """Everything our schema asks for; `schemas.fit` brings it into the asked shape."""
    topic, grievance, kept = order.topic, order.grievance, kept_name(order)
    title = grievance.title if grievance else topic.title
    spoken = {"someone": kept or "Someone"} | MODE_WORDS[order.mode]
    described = [topic.description, *([grievance.description] if grievance else [])]
    caller = {part: text.format(**spoken) for part, text in _caller(order).items()}
    return {
        "title": f"{title} ({kept})" if kept else title,
        "description": " ".join([*described, SIMULATED]).format(**spoken),
        "caller": {"who": _who(order), **caller},
        "checks": [*topic.checks, *(grievance.checks if grievance else ())],
        "skills": list[JSONValue](_skills(order)),
        "sections": list[JSONValue](_sections(order, passages)),
    }


def _caller(order: Order) -> dict[str, str]:
    """The parts of the caller's prompt, all but who it is."""
    topic, grievance = order.topic, order.grievance
    shuts = grievance.shuts if grievance else "being hurried, or being given advice before you were heard"
    return {
        "opening_state": " ".join([topic.state, *([grievance.state] if grievance else []), *_moods(order)]),
        "says_readily": topic.readily,
        "withholds": topic.withheld,
        "opens_or_shuts": f"What opens you: {topic.opens}. What shuts you: {shuts}. {_guard(order)}",
        "ends_well": topic.well,
        "ends_badly": topic.badly,
    }


def _guard(order: Order) -> str:
    return GUARD.get(order.difficulty, GUARD["intermediate"])


def _who(order: Order) -> str:
    topic, grievance = order.topic, order.grievance
    sentences = [f"You are {_name(order)}, {_age(order)}.", topic.who, *([grievance.who] if grievance else [])]
    # A wish is nobody's template: braces in it stay as they are.
    return " ".join([*sentences, *(f"Play it this way: {wish}." for wish in _other_wishes(order))])


def _moods(order: Order) -> list[str]:
    return [sentence for pattern, sentence in MOODS if re.search(pattern, order.instructions, re.IGNORECASE)]


def _other_wishes(order: Order) -> list[str]:
    """The wishes that nothing here understands, sentence by sentence."""
    known = [KEEP_NAME, WISHED_NAME, *(re.compile(pattern, re.IGNORECASE) for pattern, _ in MOODS)]
    wishes = [wish.strip() for wish in re.split(r"[.!;\n]+", order.instructions)]
    return [wish for wish in wishes if wish and not any(pattern.search(wish) for pattern in known)]


def kept_name(order: Order) -> str:
    """The first first name of the source, when the supervisor asks to keep it: something to be found by a check."""
    if not KEEP_NAME.search(order.instructions):
        return ""
    known = [
        (found.start(), found[0]) for found in CAPITALISED.finditer(order.source) if found[0].lower() in FIRST_NAMES
    ]
    introduced = [(found.start(1), found[1]) for found in INTRODUCED.finditer(order.source)]
    return min(known or introduced, default=(0, ""))[1]


def _name(order: Order) -> str:
    """The name kept or wished for; else a scripted caller's, who then plays the part, unless the source has it."""
    if kept := kept_name(order):
        return kept
    if wished := WISHED_NAME.search(order.instructions):
        return wished[1]
    scripted = [caller.name.capitalize() for caller in CALLERS if caller.mode == order.mode]
    if order.topic.age >= OLD:
        scripted.reverse()
    taken = {word.lower() for word in re.findall(r"\w+", order.source)}
    return next((name for name in (*scripted, *OTHER_NAMES) if name.lower() not in taken), "Sunniva")


def _age(order: Order) -> int:
    """Never an age, or any other number, that stands in the source."""
    taken = {int(number) for number in re.findall(r"\d{1,4}", order.source)}
    return next(age for age in range(order.topic.age, 10_000) if age not in taken)


def _skills(order: Order) -> list[str]:
    """The fitting ones of those offered; without any, whichever shares a word with the topic, else the first."""
    first, rest = order.topic.skills[:2], order.topic.skills[2:]
    fitting = [*first, *(order.grievance.skills if order.grievance else ()), *rest]
    offered = {skill.casefold(): skill for skill in order.skills}
    chosen = [offered[skill.casefold()] for skill in dict.fromkeys(fitting) if skill.casefold() in offered]
    if chosen:
        return chosen[:MOST_SKILLS]
    near = rank(" ".join([*fitting, *order.queries]), [words(skill) for skill in order.skills])
    return [order.skills[index] for _, index in near[:MOST_SKILLS]] or order.skills[:1]


def _sections(order: Order, passages: list[JSON]) -> list[JSON]:
    """The headings of the found procedures that speak of the topic or of what went wrong before."""
    reasons = [(order.topic.query, order.topic.about)]
    if order.grievance:
        reasons.insert(0, (order.grievance.query, order.grievance.about))
    found = [match.groups() for passage in passages for match in HEADING.finditer(as_text(passage.get("text")))]
    headings = list(dict.fromkeys(found))
    chosen: dict[str, JSON] = {}
    for query, about in reasons:
        for _, index in rank(query, [words(title) for _, title in headings])[:SECTIONS_FOR_EACH]:
            number, title = headings[index]
            why = f"It bears on {about}."
            chosen.setdefault(number, {"number": number, "title": _first_clause(title), "why": why})
    return list(chosen.values())


def _first_clause(line: str) -> str:
    """A heading as it stands, or the beginning of a numbered paragraph."""
    return re.split(r"[.:;,?]\s", line, maxsplit=1)[0].rstrip(" .")[:120]
