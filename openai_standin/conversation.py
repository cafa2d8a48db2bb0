"""What a scripted caller says next. A pure function of the conversation so far: the same talk, the same answer."""

import re
from dataclasses import dataclass

from .callers import Caller, choose_caller, digest, line_of

WORD_FOR_WORD = re.compile(r"««(.+?)»»", re.DOTALL)
SIMULATED = "[simulated transcript"


@dataclass(frozen=True)
class Turn:
    speaker: str
    """`caller` or `counselor`."""
    text: str
    spoken: bool = False
    """Audio that nobody here can understand."""


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(alternatives) + r")\b", re.IGNORECASE)


START_AGAIN = _pattern("start (?:it )?(?:again|over)", "restart", "from the (?:beginning|top|start)", "begin again")
HARDER = _pattern("harder", "more (?:difficult|challenging)")
# The first that fits decides; what fits none is answered with the story.
REACTIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "asked_about_suicide",
        _pattern(
            r"suicid\w*",
            r"kill\w* (?:yourself|you)",
            r"end\w* (?:your life|it all|things)",
            "want(?:ing)? to die",
            r"hurt\w* yourself",
            "not (?:want to )?be(?:ing)? here",
            "take your (?:own )?life",
        ),
    ),
    (
        "goodbye",
        _pattern("good ?bye", "bye", "take care", "good ?night", "thank(?:s| you) for (?:calling|reaching out)"),
    ),
    (
        "lectured",
        _pattern(
            "you (?:should|must|need to|have to|ought to)",
            "why don't you",
            "calm down",
            "cheer up",
            "at least you",
            "just (?:try|think|relax|go|stop)",
            "bright side",
        ),
    ),
    (
        "validated",
        _pattern(
            "sounds? (?:like|so|really|very|hard)",
            "(?:that|it|this) must",
            "must (?:be|feel|have)",
            "i(?: can)? hear",
            "makes sense",
            "i'm (?:so |really )?(?:sorry|glad)",
            "i understand",
            "thank you for (?:telling|sharing|trusting)",
        ),
    ),
    (
        "greeted",
        _pattern("hello", "hi", "hey", "my name(?: is|'s)", "good (?:morning|afternoon|evening)", "you've reached"),
    ),
)
LONG_LECTURE = 70


def next_line(instructions: str, turns: list[Turn], mode: str | None = None) -> str:
    """The caller's next words."""
    caller = choose_caller(instructions, [turn.text for turn in turns if turn.speaker == "caller"], mode)
    turns = since_restart(turns)
    said = [line for turn in turns if turn.speaker == "caller" and (line := line_of(caller, turn.text))]
    last = turns[-1] if turns else None
    if last is None or START_AGAIN.search(last.text):
        return opening_line(caller, instructions, said)
    return _pick(_wanted(caller, last, said), caller.story, said)


def opening_line(caller: Caller, seed: str, said: list[str]) -> str:
    choices = [line for line in caller.opening if line not in said] or list(caller.opening)
    return choices[digest(seed) % len(choices)]


def since_restart(turns: list[Turn]) -> list[Turn]:
    """The talk since the last request to start again, which itself counts as long as nobody has answered it."""
    for index in range(len(turns) - 2, -1, -1):
        if turns[index].speaker == "counselor" and START_AGAIN.search(turns[index].text):
            return turns[index + 1 :]
    return turns


def reaction_to(turn: Turn) -> str:
    """Which group of lines answers this turn."""
    text = turn.text.strip()
    if turn.spoken or text.startswith(SIMULATED):
        return "story"
    if not re.search(r"\w", text):
        return "silence"
    if HARDER.search(text):
        return "guarded"
    for name, pattern in REACTIONS:
        if pattern.search(text):
            return name
    return "lectured" if len(text.split()) > LONG_LECTURE else "story"


def _wanted(caller: Caller, last: Turn, said: list[str]) -> tuple[str, ...]:
    reaction = reaction_to(last)
    # A caller who was asked to be harder stays on guard: every second answer gives nothing away.
    on_guard = bool(said) and any(line in caller.guarded for line in said) and said[-1] not in caller.guarded
    if on_guard and reaction in ("story", "validated", "greeted"):
        return caller.guarded
    groups: dict[str, tuple[str, ...]] = {
        "greeted": caller.greeted,
        "asked_about_suicide": caller.asked_about_suicide,
        "validated": caller.validated,
        "lectured": caller.lectured,
        "silence": caller.silence,
        "goodbye": caller.goodbye,
        "guarded": caller.guarded,
    }
    return groups.get(reaction, caller.story)


def _pick(wanted: tuple[str, ...], story: tuple[str, ...], said: list[str]) -> str:
    """The first fitting line that is still unsaid, else the one said longest ago; never the last one again."""
    for line in (*wanted, *story):
        if line not in said:
            return line
    repeatable = [line for line in (*wanted, *story) if line != said[-1]]
    return min(repeatable, key=lambda line: len(said) - 1 - said[::-1].index(line))


def word_for_word(instructions: str) -> str | None:
    """The line that the instructions quote between «« and »», to be said exactly."""
    found = WORD_FOR_WORD.search(instructions)
    return found.group(1).strip() if found else None
