"""In whatever order a server may send its events: the same transcript, and nothing ever changes places."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voicegateway.fakes import Scene, in_order
from voicegateway.briefing import Role
from voicegateway.events import ROOT
from voicegateway.transcript import Transcript

RUNS = 10_000 if os.environ.get("STEADYLINE_PROVE") else 150


@dataclass
class Step:
    name: str
    do: tuple
    after: list[str] = field(default_factory=list)


@dataclass
class Exchange:
    """The counselor says something and the caller answers, in one item or in two."""

    number: int
    words: str | None  # None: they cannot be transcribed
    parts: int
    is_doubled: bool  # every event about the counselor's item comes twice

    @property
    def said(self) -> str:
        return f"user_{self.number}"

    def items(self) -> list[str]:
        return [f"caller_{self.number}_{part}" for part in range(self.parts)]

    def expected(self) -> list[tuple[str, str]]:
        heard = self.words or "[inaudible]"
        return [("counselor", heard), *[("caller", f"Part {item} is over.") for item in self.items()]]


def steps_of(exchange: Exchange, previous: str | None, ready: list[str]) -> Iterator[Step]:
    """Speech comes in real time and a response follows it; transcripts and places come whenever they like."""
    n, said = exchange.number, exchange.said
    yield Step(f"began_{n}", ("speech_started", said), ready)
    yield Step(f"spoke_{n}", ("microphone", 620), [f"began_{n}"])
    yield Step(f"stopped_{n}", ("speech_stopped", said), [f"spoke_{n}"])
    committed = {"item_id": said, "previous_item_id": previous}
    yield Step(f"committed_{n}", ("upstream", "input_audio_buffer.committed", committed), [f"stopped_{n}"])
    yield Step(f"placed_{n}", ("added", said, previous, "user"), [f"stopped_{n}"])
    kind = "conversation.item.input_audio_transcription"
    words = {"item_id": said, "transcript": exchange.words} if exchange.words else {"item_id": said, "error": {}}
    kind += ".completed" if exchange.words else ".failed"
    yield Step(f"words_{n}", ("upstream", kind, words), [f"committed_{n}"])
    if exchange.is_doubled:
        yield Step(f"again_{n}", ("upstream", "input_audio_buffer.committed", committed), [f"committed_{n}"])
        yield Step(f"words_again_{n}", ("upstream", kind, words), [f"words_{n}"])
    yield from reply_to(exchange)


def reply_to(exchange: Exchange) -> Iterator[Step]:
    n, response = exchange.number, f"resp_{exchange.number}"
    yield Step(f"created_{n}", ("response", response), [f"committed_{n}"])
    over, follows, sounded = [], exchange.said, f"created_{n}"
    for item in exchange.items():
        text = f"Part {item} is over."
        message = {"response_id": response, "item": {"id": item, "type": "message"}}
        yield Step(f"item_{item}", ("upstream", "response.output_item.added", message), [f"created_{n}"])
        yield Step(f"placed_{item}", ("added", item, follows, "assistant"), [f"created_{n}"])
        yield Step(f"text_{item}", ("text", response, item, text[:8]), [f"item_{item}"])
        yield Step(f"more_{item}", ("text", response, item, text[8:]), [f"text_{item}"])
        yield Step(f"text_done_{item}", ("text_done", response, item, text), [f"more_{item}"])
        yield Step(f"sound_{item}", ("audio", response, item, 300), [f"item_{item}", sounded])
        yield Step(f"sound_done_{item}", ("audio_done", response, item), [f"sound_{item}"])
        over += [f"sound_done_{item}", f"text_done_{item}"]
        follows, sounded = item, f"sound_{item}"
    yield Step(f"done_{n}", ("response_done", response), over)
    yield Step(f"heard_{n}", ("hear_out", exchange.parts), [f"done_{n}"])


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Exchange], list[Step]]:
    exchanges = [
        Exchange(
            number,
            draw(st.sampled_from([f"Words {number}.", f"Words {number}.", None])),
            parts=draw(st.integers(1, 2)),
            is_doubled=draw(st.booleans()),
        )
        for number in range(draw(st.integers(2, 4)))
    ]
    waiting: list[Step] = []
    previous, ready = None, []
    for exchange in exchanges:
        waiting += steps_of(exchange, previous, ready)
        previous, ready = exchange.items()[-1], [f"heard_{exchange.number}"]
    done: list[Step] = []
    names: set[str] = set()
    while waiting:
        step = draw(st.sampled_from([step for step in waiting if names.issuperset(step.after)]))
        waiting.remove(step)
        done.append(step)
        names.add(step.name)
    return exchanges, done


class Listener(Scene):
    """A scene whose player plays everything to its end when told."""

    def __init__(self) -> None:
        super().__init__(greeting="")
        self.items_heard = 0

    def hear_out(self, parts: int) -> None:
        for _ in range(parts):
            self.items_heard += 1
            self.played(self.items_heard, 300, final=True)


@given(conversations())
@settings(deadline=None, max_examples=RUNS)
def test_every_legal_order_gives_the_same_transcript_and_no_turn_ever_changes_places(conversation):
    exchanges, order = conversation
    scene = Listener()
    seen: list[list[str]] = []

    for step in order:
        method, *arguments = step.do
        if method == "upstream":
            scene.upstream(arguments[0], **arguments[1])
        else:
            getattr(scene, method)(*arguments)
        seen.append([turn.item for turn in in_order(scene.turns)])

    final = [turn.item for turn in scene.transcript]
    assert scene.lines == [line for exchange in exchanges for line in exchange.expected()]
    assert len(set(final)) == len(final)
    for items in seen:
        assert [item for item in final if item in items] == items
    assert [turn.revision for turn in scene.turns] == list(range(1, len(scene.turns) + 1))
    assert len(scene.sent_of("response.create")) == len(exchanges)


@given(st.permutations(range(12)))
@settings(deadline=None, max_examples=RUNS)
def test_items_stand_in_the_order_of_their_chain_however_they_are_announced(order):
    transcript = Transcript((), 0)

    for number in order:
        previous = f"item_{number - 1}" if number else ROOT
        transcript.save(transcript.place(f"item_{number}", Role.CALLER, previous))

    assert [turn.item for turn in transcript.turns()] == [f"item_{number}" for number in range(12)]


@given(st.lists(st.tuples(st.integers(0, 7), st.one_of(st.none(), st.just(-1), st.integers(0, 9))), max_size=25))
@settings(deadline=None, max_examples=RUNS)
def test_an_upstream_that_contradicts_itself_loses_and_doubles_no_turn(claims):
    transcript = Transcript((), 0)
    names = set()

    for number, previous in claims:
        follows = ROOT if previous == -1 else None if previous is None else f"item_{previous}"
        names.add(f"item_{number}")
        transcript.save(transcript.place(f"item_{number}", Role.CALLER, follows))

    shown = [turn.item for turn in transcript.turns()]
    assert sorted(shown) == sorted(names)
    assert [turn.after for turn in transcript.turns()] == [None, *shown[:-1]][: len(shown)]


def test_a_later_session_comes_after_all_that_was_said_before():
    transcript = Transcript((), 0)
    for number, previous in enumerate([ROOT, "item_0", "item_1"]):
        transcript.save(transcript.place(f"item_{number}", Role.CALLER, previous))

    transcript.begin_session()
    for item, previous in (("first", ROOT), ("late", "item_1"), ("typed", None), ("second", "first")):
        transcript.save(transcript.place(item, Role.CALLER, previous))

    order = [turn.item for turn in transcript.turns()]
    assert order[:3] == ["item_0", "item_1", "item_2"]
    assert order.index("first") < order.index("second")
    assert len(order) == 7


@pytest.mark.parametrize("number", [1, 2000])
def test_items_that_nobody_ever_announces_are_bounded(number):
    transcript = Transcript((), 0)

    for index in range(number):
        transcript.place(f"item_{index}", Role.CALLER, f"nobody_{index}")

    assert len([entry for entry in transcript.chain if not entry.is_known]) <= 1000
