"""Property tests of event orders: valid orders give the same transcript, and no turn changes its place."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.prove_run import IS_PROVE_RUN
from tests.voicegateway.fakes import ConversationHarness, chain_turns
from training.transcript import SpeakerRole
from voicegateway.conversation.transcript import Transcript
from voicegateway.upstream.server_events import ROOT_ITEM

RUNS = 10_000 if IS_PROVE_RUN else 150


@dataclass
class EventStep:
    name: str
    do: tuple  # method of the harness and its arguments
    after: list[str] = field(default_factory=list)  # names of the steps that must come first


@dataclass
class SpokenExchange:
    """An utterance of the counselor and the caller's answer in one or two items."""

    number: int
    words: str | None  # transcript of the counselor's words, or None if transcription fails
    parts: int  # items in the caller's answer
    is_doubled: bool  # the commit and the transcript of the counselor's item arrive twice

    @property
    def counselor_item(self) -> str:
        return f"user_{self.number}"

    def items(self) -> list[str]:
        return [f"caller_{self.number}_{part}" for part in range(self.parts)]

    def expected(self) -> list[tuple[str, str]]:
        heard = self.words or "[inaudible]"
        return [("counselor", heard), *[("caller", f"Part {item} is over.") for item in self.items()]]


def exchange_steps(exchange: SpokenExchange, previous: str | None, prerequisites: list[str]) -> Iterator[EventStep]:
    """Yield the steps of an exchange.

    Speech arrives before the response to it. Transcripts and item positions may arrive at any time.
    """
    n, counselor_item = exchange.number, exchange.counselor_item
    yield EventStep(f"began_{n}", ("speech_started", counselor_item), prerequisites)
    yield EventStep(f"spoke_{n}", ("microphone", 620), [f"began_{n}"])
    yield EventStep(f"stopped_{n}", ("speech_stopped", counselor_item), [f"spoke_{n}"])
    committed = {"item_id": counselor_item, "previous_item_id": previous}
    yield EventStep(f"committed_{n}", ("upstream", "input_audio_buffer.committed", committed), [f"stopped_{n}"])
    yield EventStep(f"placed_{n}", ("added", counselor_item, previous, "user"), [f"stopped_{n}"])
    kind = "conversation.item.input_audio_transcription"
    words = (
        {"item_id": counselor_item, "transcript": exchange.words}
        if exchange.words
        else {"item_id": counselor_item, "error": {}}
    )
    kind += ".completed" if exchange.words else ".failed"
    yield EventStep(f"words_{n}", ("upstream", kind, words), [f"committed_{n}"])
    if exchange.is_doubled:
        yield EventStep(f"again_{n}", ("upstream", "input_audio_buffer.committed", committed), [f"committed_{n}"])
        yield EventStep(f"words_again_{n}", ("upstream", kind, words), [f"words_{n}"])
    yield from reply_steps(exchange)


def reply_steps(exchange: SpokenExchange) -> Iterator[EventStep]:
    n, response = exchange.number, f"resp_{exchange.number}"
    yield EventStep(f"created_{n}", ("response", response), [f"committed_{n}"])
    finished, follows, previous_audio = [], exchange.counselor_item, f"created_{n}"
    for item in exchange.items():
        text = f"Part {item} is over."
        message = {"response_id": response, "item": {"id": item, "type": "message"}}
        yield EventStep(f"item_{item}", ("upstream", "response.output_item.added", message), [f"created_{n}"])
        yield EventStep(f"placed_{item}", ("added", item, follows, "assistant"), [f"created_{n}"])
        yield EventStep(f"text_{item}", ("text", response, item, text[:8]), [f"item_{item}"])
        yield EventStep(f"more_{item}", ("text", response, item, text[8:]), [f"text_{item}"])
        yield EventStep(f"text_done_{item}", ("text_done", response, item, text), [f"more_{item}"])
        yield EventStep(f"sound_{item}", ("audio", response, item, 300), [f"item_{item}", previous_audio])
        yield EventStep(f"sound_done_{item}", ("audio_done", response, item), [f"sound_{item}"])
        finished += [f"sound_done_{item}", f"text_done_{item}"]
        follows, previous_audio = item, f"sound_{item}"
    yield EventStep(f"done_{n}", ("response_done", response), finished)
    yield EventStep(f"heard_{n}", ("play_items", exchange.parts), [f"done_{n}"])


@st.composite
def event_orders(draw: st.DrawFn) -> tuple[list[SpokenExchange], list[EventStep]]:
    exchanges = [
        SpokenExchange(
            number,
            draw(st.sampled_from([f"Words {number}.", f"Words {number}.", None])),
            parts=draw(st.integers(1, 2)),
            is_doubled=draw(st.booleans()),
        )
        for number in range(draw(st.integers(2, 4)))
    ]
    waiting: list[EventStep] = []
    previous, prerequisites = None, []
    for exchange in exchanges:
        waiting += exchange_steps(exchange, previous, prerequisites)
        previous, prerequisites = exchange.items()[-1], [f"heard_{exchange.number}"]
    done: list[EventStep] = []
    names: set[str] = set()
    while waiting:
        step = draw(st.sampled_from([step for step in waiting if names.issuperset(step.after)]))
        waiting.remove(step)
        done.append(step)
        names.add(step.name)
    return exchanges, done


class ListeningHarness(ConversationHarness):
    """A conversation whose player can report items as played to the end."""

    def __init__(self) -> None:
        super().__init__(greeting="")
        self.items_heard = 0

    def play_items(self, parts: int) -> None:
        for _ in range(parts):
            self.items_heard += 1
            self.played(self.items_heard, 300, final=True)


@given(event_orders())
@settings(deadline=None, max_examples=RUNS)
def test_every_valid_event_order_keeps_turns_in_place(conversation):
    exchanges, order = conversation
    harness = ListeningHarness()
    seen: list[list[str]] = []

    for step in order:
        method, *arguments = step.do
        if method == "upstream":
            harness.upstream(arguments[0], **arguments[1])
        else:
            getattr(harness, method)(*arguments)
        seen.append([turn.item for turn in chain_turns(harness.turns)])

    final = [turn.item for turn in harness.transcript]
    assert harness.lines == [line for exchange in exchanges for line in exchange.expected()]
    assert len(set(final)) == len(final)
    for items in seen:
        assert [item for item in final if item in items] == items
    assert [turn.revision for turn in harness.turns] == list(range(1, len(harness.turns) + 1))
    assert len(harness.sent_of_type("response.create")) == len(exchanges)


@given(st.permutations(range(12)))
@settings(deadline=None, max_examples=RUNS)
def test_item_order_does_not_depend_on_announcement_order(order):
    transcript = Transcript((), 0)

    for number in order:
        previous = f"item_{number - 1}" if number else ROOT_ITEM
        transcript.revise(transcript.place(f"item_{number}", SpeakerRole.CALLER, previous))

    assert [turn.item for turn in transcript.turns()] == [f"item_{number}" for number in range(12)]


@given(st.lists(st.tuples(st.integers(0, 7), st.one_of(st.none(), st.just(-1), st.integers(0, 9))), max_size=25))
@settings(deadline=None, max_examples=RUNS)
def test_contradictory_predecessors_neither_lose_nor_duplicate_turns(claims):
    transcript = Transcript((), 0)
    names = set()

    for number, previous in claims:
        follows = ROOT_ITEM if previous == -1 else None if previous is None else f"item_{previous}"
        names.add(f"item_{number}")
        transcript.revise(transcript.place(f"item_{number}", SpeakerRole.CALLER, follows))

    shown = [turn.item for turn in transcript.turns()]
    assert sorted(shown) == sorted(names)
    assert [turn.after for turn in transcript.turns()] == [None, *shown[:-1]][: len(shown)]


def test_late_placed_answer_precedes_later_turns():
    transcript = Transcript((), 0)
    for item, previous in (("question", ROOT_ITEM), ("typed", None), ("answer", "question")):
        transcript.revise(transcript.place(item, SpeakerRole.CALLER, previous))

    assert [turn.item for turn in transcript.turns()] == ["question", "answer", "typed"]


def test_items_of_a_new_session_follow_earlier_turns():
    transcript = Transcript((), 0)
    for number, previous in enumerate([ROOT_ITEM, "item_0", "item_1"]):
        transcript.revise(transcript.place(f"item_{number}", SpeakerRole.CALLER, previous))

    transcript.begin_session()
    for item, previous in (("first", ROOT_ITEM), ("late", "item_1"), ("typed", None), ("second", "first")):
        transcript.revise(transcript.place(item, SpeakerRole.CALLER, previous))

    order = [turn.item for turn in transcript.turns()]
    assert order[:3] == ["item_0", "item_1", "item_2"]
    assert order.index("first") < order.index("second")
    assert len(order) == 7


@pytest.mark.parametrize("number", [1, 2000])
def test_unannounced_items_are_bounded(number):
    transcript = Transcript((), 0)

    for index in range(number):
        transcript.place(f"item_{index}", SpeakerRole.CALLER, f"nobody_{index}")

    assert len([entry for entry in transcript.chain if not entry.is_announced]) <= 1000
