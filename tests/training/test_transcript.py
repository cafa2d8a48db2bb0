from dataclasses import asdict, dataclass, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fixtures import write_turns
from training.api.serializers import TurnSerializer
from training.models import TranscriptTurn
from training.services.turns import REPLACED_FIELDS, record_turns
from training.transcript import SpeakerRole, TurnSnapshot, TurnSource, in_spoken_order, public_turn

ROW_FIELDS = {"id", "organization", "session", "epoch", "created_at"}  # of the row, not of the turn
SNAPSHOT = TurnSnapshot(
    revision=7,
    item="item_2",
    after="item_1",
    role=SpeakerRole.CALLER,
    text_generated="I'm not even sure why I called.",
    text_heard="I'm not even sure",
    is_final=False,
    start_ms=1200,
    end_ms=2400,
    source=TurnSource.TYPED,
    is_interrupted=True,
)
EARLIER_STATE = TurnSnapshot(
    revision=6,
    item="item_2",
    after="item_0",
    role=SpeakerRole.COUNSELOR,
    text_generated="I'm not",
    text_heard="I'm",
    is_final=True,
    start_ms=1100,
    end_ms=1150,
)


@dataclass(frozen=True)
class FakeTurn:
    item: str
    after: str = ""
    epoch: int = 0
    revision: int = 0


def ordered_items(*turns: FakeTurn) -> str:
    return "".join(turn.item for turn in in_spoken_order(turns))


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([], ""),
        ([FakeTurn("b", "a", revision=1), FakeTurn("a", revision=9)], "ab"),
        ([FakeTurn("c", "b"), FakeTurn("a"), FakeTurn("b", "a")], "abc"),
        # Two turns after the same one: the lower revision comes first, and each is followed by its own successors.
        (
            [
                FakeTurn("a"),
                FakeTurn("c", "a", revision=3),
                FakeTurn("b", "a", revision=2),
                FakeTurn("d", "b", revision=4),
            ],
            "abdc",
        ),
        # The preceding item was deleted upstream: the turn is placed by its revision.
        ([FakeTurn("a", revision=1), FakeTurn("c", "gone", revision=3), FakeTurn("b", "a", revision=2)], "abc"),
        # A later gateway (a higher epoch) starts a chain of its own.
        ([FakeTurn("x", "", epoch=2, revision=1), FakeTurn("a", epoch=1, revision=5), FakeTurn("b", "a", 1, 6)], "abx"),
    ],
)
def test_in_spoken_order_follows_the_chain(turns, expected):
    assert ordered_items(*turns) == expected


chains = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2)), max_size=12, unique_by=lambda pair: pair[0]
).flatmap(
    lambda pairs: st.tuples(
        *(
            st.builds(FakeTurn, st.just(f"i{n}"), st.integers(-2, 13).map(lambda a: f"i{a}" if a >= 0 else ""),
                      st.just(epoch), st.just(n))
            for n, epoch in pairs
        )
    )
)  # fmt: skip


@given(chains, st.randoms(use_true_random=False))
def test_in_spoken_order_does_not_depend_on_arrival(turns, random):
    shuffled = list(turns)
    random.shuffle(shuffled)

    ordered = in_spoken_order(shuffled)

    assert ordered == in_spoken_order(turns)
    assert sorted(turn.item for turn in ordered) == sorted(turn.item for turn in turns)


@given(st.lists(st.integers(0, 3), max_size=15), st.randoms(use_true_random=False))
def test_in_spoken_order_ignores_revisions_within_a_chain(epochs, random):
    revisions = list(range(len(epochs)))
    random.shuffle(revisions)
    chain = [
        FakeTurn(f"i{n}", f"i{n - 1}" if n else "", epoch, revision)
        for n, (epoch, revision) in enumerate(zip(epochs, revisions, strict=True))
    ]
    shuffled = list(chain)
    random.shuffle(shuffled)

    assert in_spoken_order(shuffled) == chain


def test_snapshot_has_every_field_of_the_model_except_row_fields():
    columns = {column.name for column in TranscriptTurn._meta.concrete_fields}

    assert columns - ROW_FIELDS == {field.name for field in fields(TurnSnapshot)}
    assert set(REPLACED_FIELDS) == columns - ROW_FIELDS - {"item"} | {"epoch"}
    assert set(TranscriptTurn.Role.values) == {role.value for role in SpeakerRole}
    assert set(TranscriptTurn.Source.values) == {source.value for source in TurnSource}


@pytest.mark.parametrize("after", [None, "item_1"])
def test_snapshot_round_trips_through_the_database(call, after):
    snapshot = replace(SNAPSHOT, after=after)

    record_turns({call.pk: [TranscriptTurn.from_snapshot(snapshot, epoch=3)]})

    saved = call.turns.get()
    assert saved.to_snapshot() == snapshot
    assert (saved.epoch, saved.after) == (3, after or "")


def test_later_snapshot_replaces_every_field_except_the_item(call):
    record_turns({call.pk: [TranscriptTurn.from_snapshot(EARLIER_STATE, epoch=1)]})

    record_turns({call.pk: [TranscriptTurn.from_snapshot(SNAPSHOT, epoch=2)]})

    earlier, later = asdict(EARLIER_STATE), asdict(SNAPSHOT)
    assert [name for name in later if later[name] == earlier[name]] == ["item"]
    saved = call.turns.get()
    assert (saved.to_snapshot(), saved.epoch) == (SNAPSHOT, 2)


def test_public_turn_shows_the_text_that_was_heard():
    assert public_turn(SNAPSHOT) == {
        "revision": 7,
        "item": "item_2",
        "after": "item_1",
        "role": "caller",
        "text": "I'm not even sure",
        "final": False,
        "source": "typed",
        "interrupted": True,
        "start_ms": 1200,
        "end_ms": 2400,
    }


def test_api_shows_the_public_turn_and_its_id(chat):
    turns = write_turns(chat, "hi", "hello")

    data = [TurnSerializer(turn).data for turn in turns]

    assert data == [{"id": str(turn.pk)} | public_turn(turn.to_snapshot()) for turn in turns]
    assert list(data[0]) == list(TurnSerializer().fields)
    assert [turn["after"] for turn in data] == [None, turns[0].item]


def test_chat_turn_has_no_time(chat):
    [turn] = write_turns(chat, "hi")

    snapshot = turn.to_snapshot()

    assert (snapshot.start_ms, snapshot.end_ms, snapshot.source) == (None, None, TurnSource.TYPED)
