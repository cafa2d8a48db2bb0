"""The scripted callers and all their lines, which also ship as audio (see `render_lines`)."""

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ScriptedCaller:
    name: str
    mode: str
    espeak_voice: str
    """Voice name for espeak-ng, so that each caller keeps one voice."""
    opening: tuple[str, ...]
    greeted: tuple[str, ...]
    story: tuple[str, ...]
    asked_about_suicide: tuple[str, ...]
    validated: tuple[str, ...]
    lectured: tuple[str, ...]
    silence: tuple[str, ...]
    goodbye: tuple[str, ...]
    guarded: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        spoken_lines = (self.opening, self.greeted, self.story, self.asked_about_suicide, self.validated, self.lectured)
        return tuple(line for group in (*spoken_lines, self.silence, self.goodbye, self.guarded) for line in group)


DANA = ScriptedCaller(
    name="dana",
    mode="phone",
    espeak_voice="en-us+f3",
    opening=(
        "Hi. I didn't know if anyone would pick up. I'm not even sure why I called.",
        "Hello? Sorry. I nearly hung up. I don't really know how to do this.",
    ),
    greeted=("Okay. I'm Dana. It's just been a really bad couple of weeks.",),
    story=(
        "I lost my job on the first, and last night my husband went to stay with his brother.",
        "I haven't really slept. I lie there and add up everything I've done wrong.",
        "My daughter asked why I was crying and I said it was the onions. There weren't any onions.",
        "I keep thinking they'd all breathe easier if I wasn't in the way.",
    ),
    asked_about_suicide=(
        "Yes. I've thought about not being here. I haven't done anything. I'm scared of how often it comes.",
    ),
    validated=(
        "Thank you. You're the first person who hasn't told me to cheer up.",
        "Yeah. That's it exactly. I didn't think it would make sense to anybody.",
    ),
    lectured=("I know. Everyone tells me what I should do. I just can't make myself do it.",),
    silence=("Are you still there? It went quiet and I got nervous.",),
    goodbye=("Okay. Thank you for staying on with me. I think I can call my sister now.",),
    guarded=(
        "Honestly, I don't see what good talking does. You'll hang up and I'll still be here.",
        "You sound like you're reading that off a card.",
    ),
)

WALTER = ScriptedCaller(
    name="walter",
    mode="phone",
    espeak_voice="en-us+m3",
    opening=(
        "Good evening. My name's Walter. I'm not in any trouble, I just wanted to hear somebody's voice.",
        "Yes, hello. I found this number on the fridge. My wife put it there, years ago.",
    ),
    greeted=("That's kind of you. I don't talk to many people these days.",),
    story=(
        "Ruth passed in the spring. Forty-four years. I still make two cups of coffee.",
        "The house is so quiet that I leave the radio on, just so somebody's talking.",
        "My son calls on Sundays. I tell him I'm fine. I don't want him worrying.",
        "Some evenings I can't think of one reason to see the next morning.",
    ),
    asked_about_suicide=("Well. You ask straight, I'll give you that. Yes, I think about it. Most nights, lately.",),
    validated=(
        "It is lonely. I haven't said that word out loud before now.",
        "You're listening. I can tell. That helps more than you'd think.",
    ),
    lectured=("I've joined the clubs and I've taken the walks. It doesn't fill the chair across the table.",),
    silence=("Hello? I thought I'd lost you there.",),
    goodbye=("All right, then. I'll try again tomorrow. Thank you for your time, truly.",),
    guarded=(
        "I don't think you can know what this is like, not from where you're sitting.",
        "I'd rather not get into that with a stranger.",
    ),
)

JULES = ScriptedCaller(
    name="jules",
    mode="chat",
    espeak_voice="en-us+f5",
    opening=(
        "hi. is this a real person?",
        "hey. sorry if this is dumb, i didn't want to say it out loud",
    ),
    greeted=("ok. i'm jules. i can only type because my roommate is asleep",),
    story=(
        "i failed two midterms and my parents think i'm doing great",
        "i haven't gone to class since monday. i just stay in bed and scroll",
        "my best friend stopped answering me and i don't know what i did",
        "it feels like everyone would be fine if i just wasn't around",
    ),
    asked_about_suicide=(
        "yeah. i think about it sometimes. it's like a thought that won't leave. i haven't told anyone",
    ),
    validated=(
        "that's actually what it feels like. how did you know",
        "thanks. i'm kind of crying now but in an ok way",
    ),
    lectured=("ok but you sound like my mom. i already know i should",),
    silence=("hello? are you still typing?",),
    goodbye=("ok. i'm gonna text my cousin like we said. thank you for being nice to me",),
    guarded=(
        "idk. this is probably pointless anyway",
        "whatever. you're just going to tell me to call someone else",
    ),
)

# The caller of the two-minute warm-up call, which is only small talk.
THEO = ScriptedCaller(
    name="theo",
    mode="warm-up",
    espeak_voice="en-us+m7",
    opening=("Hi, this is Theo. I'm fine, I'm only calling so you can try out the line. How do I sound?",),
    greeted=("Good to meet you. You come through nice and clear.",),
    story=(
        "It's a bright morning here. I had pancakes, and the dog got the last one.",
        "His name is Biscuit. You can talk right over me, by the way. That's what this call is for.",
        "Try the mute button once, if you like. I'll wait.",
        "You could also type a sentence. I hear it as if you had said it.",
        "I think you're ready. Have a good first call.",
    ),
    asked_about_suicide=("No, I'm fine, thank you. It was good to hear you ask so plainly.",),
    validated=("That's kind of you to say.",),
    lectured=("Good idea. I'll remember that.",),
    silence=("Take your time. A bit of quiet is fine.",),
    goodbye=("Bye now. It was nice talking with you.",),
    guarded=("I'm not much good at being difficult. Better save that for the next caller.",),
)

CALLERS = (DANA, WALTER, JULES)
ALL_CALLERS = (*CALLERS, THEO)


def choose_caller(instructions: str, spoken_lines: list[str], mode: str | None = None) -> ScriptedCaller:
    """Return the caller for these instructions, always the same one.

    A caller who has already spoken continues. Otherwise, if the instructions name exactly one caller, it is that one.
    If not, a hash of the instructions picks a caller for the mode.
    """
    for caller in ALL_CALLERS:
        if any(find_scripted_line(caller, text) for text in spoken_lines):
            return caller
    named = [caller for caller in ALL_CALLERS if re.search(rf"\b{caller.name}\b", instructions, re.IGNORECASE)]
    if len(named) == 1:
        return named[0]
    fitting = [caller for caller in CALLERS if caller.mode == (mode or find_mode(instructions))] or list(CALLERS)
    return fitting[stable_hash(instructions) % len(fitting)]


def find_mode(instructions: str) -> str | None:
    lowered = instructions.lower()
    named = [mode for mode in ("phone", "chat") if mode in lowered]
    return named[0] if len(named) == 1 else None


def find_scripted_line(caller: ScriptedCaller, text: str) -> str | None:
    """Return the scripted line that matches `text`, which an interruption may have cut short, or None."""
    heard = text.strip().rstrip(".…- ")
    return next((line for line in caller.lines if line.startswith(heard)), None) if len(heard) >= 4 else None


def stable_hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
