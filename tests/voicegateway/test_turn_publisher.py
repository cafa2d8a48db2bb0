from training.transcript import SpeakerRole
from voicegateway.conversation.call_config import Limits
from voicegateway.conversation.send_queue import SendQueue
from voicegateway.conversation.transcript import Transcript
from voicegateway.conversation.turn_publisher import TurnPublisher


class PublisherHarness:
    """A publisher with its transcript and send queue."""

    def __init__(self) -> None:
        self.queue = SendQueue(Limits())
        self.transcript = Transcript((), 0)
        self.publisher = TurnPublisher(self.queue, self.transcript, Limits(save_timeout=1.0))

    def revise(self, item: str, text: str = "", is_final: bool = True) -> None:
        entry = self.transcript.place(item, SpeakerRole.COUNSELOR)
        entry.update(text_heard=text, is_final=is_final)
        self.transcript.revise(entry)

    @property
    def unsaved(self) -> list[tuple[str, int]]:
        return [(turn.item, turn.revision) for turn in self.queue.unsaved_turns]

    @property
    def announced(self) -> list[tuple[str, int, str]]:
        return [(message.item, message.revision, message.text) for _, message in self.queue.browser_queue]


def test_every_revision_is_queued_to_be_saved_once():
    harness = PublisherHarness()
    harness.revise("item_1")
    harness.publisher.publish(10.0)
    harness.revise("item_2")

    harness.publisher.publish(10.0)
    harness.publisher.publish(10.0)

    assert harness.unsaved == [("item_1", 1), ("item_2", 2)]


def test_turn_that_is_not_final_is_announced_at_once():
    harness = PublisherHarness()
    harness.revise("item_1", "Hel", is_final=False)

    harness.publisher.publish(10.0)

    assert harness.announced == [("item_1", 1, "Hel")]


def test_final_turn_is_announced_once_it_is_saved():
    harness = PublisherHarness()
    harness.revise("item_1", "Hello.")
    harness.publisher.publish(10.0)
    before = harness.announced

    harness.publisher.confirm_saved(harness.queue.unsaved_turns[0], 10.1)

    assert (before, harness.announced) == ([], [("item_1", 1, "Hello.")])


def test_save_of_an_earlier_revision_does_not_announce_a_later_one():
    harness = PublisherHarness()
    harness.revise("item_1", "Hel", is_final=False)
    harness.publisher.publish(10.0)
    harness.revise("item_1", "Hello.")
    harness.publisher.publish(10.0)

    harness.publisher.confirm_saved(harness.queue.unsaved_turns[0], 10.1)

    assert harness.announced == [("item_1", 1, "Hel")]


def test_final_turn_waits_no_longer_than_the_save_timeout():
    harness = PublisherHarness()
    harness.revise("item_1")
    harness.publisher.publish(10.0)

    harness.publisher.publish(10.9)
    early = harness.announced
    harness.publisher.publish(11.0)

    assert (early, harness.announced) == ([], [("item_1", 1, "")])


def test_turns_are_announced_in_revision_order():
    harness = PublisherHarness()
    harness.revise("item_1", "Unsaved.")
    harness.revise("item_2", "Saved.")
    harness.publisher.publish(10.0)

    harness.publisher.confirm_saved(harness.queue.unsaved_turns[1], 10.1)
    early = harness.announced
    harness.publisher.confirm_saved(harness.queue.unsaved_turns[0], 10.2)

    assert (early, harness.announced) == ([], [("item_1", 1, "Unsaved."), ("item_2", 2, "Saved.")])


def test_announced_turn_has_the_latest_text():
    harness = PublisherHarness()
    harness.revise("item_1", "Final.")
    harness.revise("item_2", "Hel", is_final=False)
    harness.publisher.publish(10.0)

    harness.transcript.get("item_2").update(text_heard="Hello, is")
    harness.publisher.confirm_saved(harness.queue.unsaved_turns[0], 10.1)

    assert harness.announced[-1] == ("item_2", 2, "Hello, is")


def test_close_announces_unsaved_turns():
    harness = PublisherHarness()
    harness.revise("item_1")
    harness.publisher.publish(10.0)
    harness.revise("item_2")

    harness.publisher.close(10.1)

    assert [item for item, _, _ in harness.announced] == ["item_1", "item_2"]
    assert harness.unsaved == [("item_1", 1), ("item_2", 2)]


def test_returning_page_is_sent_only_missed_turns():
    harness = PublisherHarness()
    for number in (1, 2, 3):
        harness.revise(f"item_{number}")
    harness.publisher.browser_revision = 1

    harness.publisher.send_missed(list(harness.transcript.turns()))

    assert [item for item, _, _ in harness.announced] == ["item_2", "item_3"]
