from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.transcript import in_spoken_order


@dataclass(frozen=True)
class FakeTurn:
    item: str
    after: str = ""
    epoch: int = 0
    revision: int = 0


def order(*turns: FakeTurn) -> str:
    return "".join(turn.item for turn in in_spoken_order(turns))


@pytest.mark.parametrize(
    ("turns", "spoken"),
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
def test_turns_stand_in_the_order_they_were_spoken(turns, spoken):
    assert order(*turns) == spoken


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
def test_any_arrival_gives_the_same_transcript_and_loses_nobody(turns, random):
    shuffled = list(turns)
    random.shuffle(shuffled)

    ordered = in_spoken_order(shuffled)

    assert ordered == in_spoken_order(turns)
    assert sorted(turn.item for turn in ordered) == sorted(turn.item for turn in turns)


@given(st.lists(st.integers(0, 3), max_size=15), st.randoms(use_true_random=False))
def test_a_chain_is_followed_whatever_its_revisions_say(epochs, random):
    revisions = list(range(len(epochs)))
    random.shuffle(revisions)
    chain = [
        FakeTurn(f"i{n}", f"i{n - 1}" if n else "", epoch, revision)
        for n, (epoch, revision) in enumerate(zip(epochs, revisions, strict=True))
    ]
    arrived = list(chain)
    random.shuffle(arrived)

    assert in_spoken_order(arrived) == chain
