from training.transcript import SpeakerRole
from voicegateway.conversation.call_config import Limits
from voicegateway.conversation.send_queue import SendQueue
from voicegateway.conversation.transcript import Transcript
from voicegateway.conversation.turn_publisher import TurnPublisher


class Scene:
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
    scene = Scene()
    scene.revise("item_1")
    scene.publisher.publish(10.0)
    scene.revise("item_2")

    scene.publisher.publish(10.0)
    scene.publisher.publish(10.0)

    assert scene.unsaved == [("item_1", 1), ("item_2", 2)]


def test_turn_that_is_not_final_is_announced_at_once():
    scene = Scene()
    scene.revise("item_1", "Hel", is_final=False)

    scene.publisher.publish(10.0)

    assert scene.announced == [("item_1", 1, "Hel")]


def test_final_turn_is_announced_once_it_is_saved():
    scene = Scene()
    scene.revise("item_1", "Hello.")
    scene.publisher.publish(10.0)
    before = scene.announced

    scene.publisher.confirm_saved(scene.queue.unsaved_turns[0], 10.1)

    assert (before, scene.announced) == ([], [("item_1", 1, "Hello.")])


def test_save_of_an_earlier_revision_does_not_announce_a_later_one():
    scene = Scene()
    scene.revise("item_1", "Hel", is_final=False)
    scene.publisher.publish(10.0)
    scene.revise("item_1", "Hello.")
    scene.publisher.publish(10.0)

    scene.publisher.confirm_saved(scene.queue.unsaved_turns[0], 10.1)

    assert scene.announced == [("item_1", 1, "Hel")]


def test_final_turn_waits_no_longer_than_the_save_timeout():
    scene = Scene()
    scene.revise("item_1")
    scene.publisher.publish(10.0)

    scene.publisher.publish(10.9)
    early = scene.announced
    scene.publisher.publish(11.0)

    assert (early, scene.announced) == ([], [("item_1", 1, "")])


def test_turns_are_announced_in_revision_order():
    scene = Scene()
    scene.revise("item_1", "Unsaved.")
    scene.revise("item_2", "Saved.")
    scene.publisher.publish(10.0)

    scene.publisher.confirm_saved(scene.queue.unsaved_turns[1], 10.1)
    early = scene.announced
    scene.publisher.confirm_saved(scene.queue.unsaved_turns[0], 10.2)

    assert (early, scene.announced) == ([], [("item_1", 1, "Unsaved."), ("item_2", 2, "Saved.")])


def test_announced_turn_has_the_latest_text():
    scene = Scene()
    scene.revise("item_1", "Final.")
    scene.revise("item_2", "Hel", is_final=False)
    scene.publisher.publish(10.0)

    scene.transcript.get("item_2").update(text_heard="Hello, is")
    scene.publisher.confirm_saved(scene.queue.unsaved_turns[0], 10.1)

    assert scene.announced[-1] == ("item_2", 2, "Hello, is")


def test_close_announces_unsaved_turns():
    scene = Scene()
    scene.revise("item_1")
    scene.publisher.publish(10.0)
    scene.revise("item_2")

    scene.publisher.close(10.1)

    assert [item for item, _, _ in scene.announced] == ["item_1", "item_2"]
    assert scene.unsaved == [("item_1", 1), ("item_2", 2)]


def test_returning_page_is_sent_only_missed_turns():
    scene = Scene()
    for number in (1, 2, 3):
        scene.revise(f"item_{number}")
    scene.publisher.browser_revision = 1

    scene.publisher.send_missed(list(scene.transcript.turns()))

    assert [item for item, _, _ in scene.announced] == ["item_2", "item_3"]
