"""Choice of a scripted caller's next line, a pure function of the conversation so far."""

import re
from dataclasses import dataclass

from .callers import ScriptedCaller, choose_caller, find_scripted_line, stable_hash

QUOTED_LINE = re.compile(r"««(.+?)»»", re.DOTALL)
SIMULATED_TRANSCRIPT_PREFIX = "[simulated transcript"


@dataclass(frozen=True)
class DialogueTurn:
    speaker: str
    """`caller` or `counselor`."""
    text: str
    is_audio_only: bool = False
    """Speech without text, which the stand-in cannot understand."""


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(alternatives) + r")\b", re.IGNORECASE)


RESTART_REQUEST = _any_of("start (?:it )?(?:again|over)", "restart", "from the (?:beginning|top|start)", "begin again")
HARDER_REQUEST = _any_of("harder", "more (?:difficult|challenging)")
# The first match decides; a turn that matches none gets the next line of the story.
REACTIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "asked_about_suicide",
        _any_of(
            r"suicid\w*",
            r"kill\w{0,20}+ (?:yourself|you)",
            r"end\w* (?:your life|it all|things)",
            "want(?:ing)? to die",
            r"hurt\w* yourself",
            "not (?:want to )?be(?:ing)? here",
            "take your (?:own )?life",
        ),
    ),
    (
        "goodbye",
        _any_of("good ?bye", "bye", "take care", "good ?night", "thank(?:s| you) for (?:calling|reaching out)"),
    ),
    (
        "lectured",
        _any_of(
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
        _any_of(
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
        _any_of("hello", "hi", "hey", "my name(?: is|'s)", "good (?:morning|afternoon|evening)", "you've reached"),
    ),
)
LECTURE_WORDS = 70  # a longer turn counts as a lecture


def next_line(instructions: str, turns: list[DialogueTurn], mode: str | None = None) -> str:
    """Return the caller's next line."""
    caller = choose_caller(instructions, [turn.text for turn in turns if turn.speaker == "caller"], mode)
    turns = turns_since_restart(turns)
    spoken_lines = [
        line for turn in turns if turn.speaker == "caller" and (line := find_scripted_line(caller, turn.text))
    ]
    last = turns[-1] if turns else None
    if last is None or RESTART_REQUEST.search(last.text):
        return opening_line(caller, instructions, spoken_lines)
    return _pick_line(_candidate_lines(caller, last, spoken_lines), caller.story, spoken_lines)


def opening_line(caller: ScriptedCaller, seed: str, spoken_lines: list[str]) -> str:
    choices = [line for line in caller.opening if line not in spoken_lines] or list(caller.opening)
    return choices[stable_hash(seed) % len(choices)]


def turns_since_restart(turns: list[DialogueTurn]) -> list[DialogueTurn]:
    """Return the turns after the last request to start over, ignoring a request that is not yet answered."""
    for index in range(len(turns) - 2, -1, -1):
        if turns[index].speaker == "counselor" and RESTART_REQUEST.search(turns[index].text):
            return turns[index + 1 :]
    return turns


def classify_turn(turn: DialogueTurn) -> str:
    """Return the name of the group of lines that answers this turn."""
    text = turn.text.strip()
    if turn.is_audio_only or text.startswith(SIMULATED_TRANSCRIPT_PREFIX):
        return "story"
    if not re.search(r"\w", text):
        return "silence"
    if HARDER_REQUEST.search(text):
        return "guarded"
    for name, pattern in REACTIONS:
        if pattern.search(text):
            return name
    return "lectured" if len(text.split()) > LECTURE_WORDS else "story"


def _candidate_lines(caller: ScriptedCaller, last: DialogueTurn, spoken_lines: list[str]) -> tuple[str, ...]:
    reaction = classify_turn(last)
    # A caller that was asked to be harder stays guarded: every second answer reveals nothing.
    on_guard = (
        bool(spoken_lines)
        and any(line in caller.guarded for line in spoken_lines)
        and spoken_lines[-1] not in caller.guarded
    )
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


def _pick_line(wanted: tuple[str, ...], story: tuple[str, ...], spoken_lines: list[str]) -> str:
    """Return the first unused line, or else the one used longest ago, but never the last line again."""
    for line in (*wanted, *story):
        if line not in spoken_lines:
            return line
    repeatable = [line for line in (*wanted, *story) if line != spoken_lines[-1]]
    return min(repeatable, key=lambda line: len(spoken_lines) - 1 - spoken_lines[::-1].index(line))


def quoted_line(instructions: str) -> str | None:
    """Return the line that the instructions quote between «« and »» for exact repetition, or None."""
    found = QUOTED_LINE.search(instructions)
    return found.group(1).strip() if found else None
