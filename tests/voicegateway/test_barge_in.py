import pytest

from tests.voicegateway.fakes import MS
from voicegateway.conversation.barge_in import BargeIn, is_interruption
from voicegateway.conversation.call_config import Limits


class FakeCaller:
    """Speaking caller that records the actions it receives."""

    def __init__(self, has_floor: bool = True, is_being_interrupted: bool = False, is_finishing: bool = False) -> None:
        self.has_floor = has_floor
        self.is_being_interrupted = is_being_interrupted
        self.is_finishing = is_finishing
        self.actions: list[str] = []

    def pause(self) -> None:
        self.actions.append("pause")

    def resume(self) -> None:
        self.actions.append("resume")

    def interrupt(self) -> None:
        self.actions.append("interrupt")


def speak(barge_in: BargeIn, *stretches: tuple[int, bool]) -> None:
    """Pass stretches of voiced or quiet frames, in milliseconds."""
    for ms, is_voiced in stretches:
        for _ in range(ms // 20):
            barge_in.add_frame(20 * MS, is_voiced)


def test_caller_pauses_as_soon_as_the_counselor_speaks():
    caller = FakeCaller()

    BargeIn(caller, Limits()).start_overlap()

    assert caller.actions == ["pause"]


@pytest.mark.parametrize("state", [{"has_floor": False}, {"is_being_interrupted": True}])
def test_speech_that_interrupts_no_one_is_not_an_overlap(state):
    caller = FakeCaller(**state)
    barge_in = BargeIn(caller, Limits())

    barge_in.start_overlap()
    speak(barge_in, (2000, True))
    barge_in.finish_overlap("item_1")

    assert (caller.actions, barge_in.backchannels) == ([], set())


@pytest.mark.parametrize(("ms", "actions"), [(580, ["pause"]), (600, ["pause", "interrupt"])])
def test_continuous_speech_interrupts_after_the_minimum_length(ms, actions):
    caller = FakeCaller()
    barge_in = BargeIn(caller, Limits(barge_in_min_speech_ms=600))
    barge_in.start_overlap()

    speak(barge_in, (ms, True))

    assert caller.actions == actions


def test_short_sounds_with_pauses_never_interrupt():
    caller = FakeCaller()
    barge_in = BargeIn(caller, Limits(barge_in_min_speech_ms=600, resume_after_quiet_ms=300))
    barge_in.start_overlap()

    speak(barge_in, *[(400, True), (300, False)] * 3)

    assert caller.actions == ["pause", "resume", "pause", "resume", "pause", "resume"]


@pytest.mark.parametrize(("is_finishing", "kind"), [(False, "backchannels"), (True, "late_answers")])
def test_short_overlap_is_a_backchannel_except_during_the_callers_last_words(is_finishing, kind):
    caller = FakeCaller(is_finishing=is_finishing)
    barge_in = BargeIn(caller, Limits())
    barge_in.start_overlap()
    speak(barge_in, (200, True))

    barge_in.finish_overlap("item_1")

    assert {name for name in ("backchannels", "late_answers") if "item_1" in getattr(barge_in, name)} == {kind}
    assert (caller.actions[-1], barge_in.overlap) == ("resume", None)


def test_item_of_a_barge_in_is_neither_backchannel_nor_late_answer():
    barge_in = BargeIn(FakeCaller(), Limits())
    barge_in.start_overlap()
    speak(barge_in, (1000, True))

    barge_in.finish_overlap("item_1")

    assert (barge_in.backchannels, barge_in.late_answers) == (set(), set())


def test_forgotten_overlap_has_no_effect():
    caller = FakeCaller()
    barge_in = BargeIn(caller, Limits())
    barge_in.start_overlap()

    barge_in.forget_overlap()
    speak(barge_in, (1000, True))
    barge_in.finish_overlap("item_1")

    assert (caller.actions, barge_in.backchannels) == (["pause"], set())


@pytest.mark.parametrize(("text", "is_turn"), [("Wait!", True), ("Really?", True), ("Mm-hm.", False)])
def test_backchannel_with_interrupting_words_is_promoted_once(text, is_turn):
    barge_in = BargeIn(FakeCaller(), Limits())
    barge_in.start_overlap()
    barge_in.finish_overlap("item_1")

    promoted = [barge_in.promote_backchannel("item_1", text) for _ in range(2)]

    assert promoted == [is_turn, False]
    assert barge_in.backchannels == (set() if is_turn else {"item_1"})


def test_promote_backchannel_ignores_the_item_of_a_turn():
    assert not BargeIn(FakeCaller(), Limits()).promote_backchannel("item_1", "Wait!")


@pytest.mark.parametrize(
    ("text", "interrupts"),
    [("wait", True), ("Stop it.", True), ("ok?", True), ("I know", False), ("notice", False), ("", False)],
)
def test_is_interruption_depends_on_the_words(text, interrupts):
    assert is_interruption(text) is interrupts
