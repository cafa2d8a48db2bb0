"""Publication of turns: first to the database, then to the page."""

from collections import deque
from collections.abc import Iterable

from training.transcript import TurnSnapshot
from voicegateway.conversation.call_config import Limits
from voicegateway.conversation.send_queue import SendQueue
from voicegateway.conversation.transcript import Transcript, turn_message


class TurnPublisher:
    """Publisher of a transcript's revisions.

    It announces turns in revision order, because a returning page reports only its last revision. A final turn waits
    for its save, so that a finished turn on the page is never lost.
    """

    def __init__(self, send_queue: SendQueue, transcript: Transcript, limits: Limits) -> None:
        self.send_queue = send_queue
        self.transcript = transcript
        self.limits = limits
        self.unannounced: deque[tuple[TurnSnapshot, float]] = deque()  # with the times they were published
        self.saved_revisions: dict[str, int] = {}  # latest saved revision of each item
        self.browser_revision: int | None = None  # latest revision that the page has; None until its hello
        self.is_closed = False  # the call is over, so no turn waits for its save

    def publish(self, now: float) -> None:
        """Queue the transcript's new revisions to be saved and announced."""
        for turn in self.transcript.unpublished:
            self.send_queue.unsaved_turns.append(turn)
            self.unannounced.append((turn, now))
        self.transcript.unpublished.clear()
        self._announce(now)

    def confirm_saved(self, turn: TurnSnapshot, now: float) -> None:
        self.saved_revisions[turn.item] = turn.revision
        self._announce(now)

    def close(self, now: float) -> None:
        """Publish and announce everything, because the call is over."""
        self.is_closed = True
        self.publish(now)

    def send_missed(self, history: Iterable[TurnSnapshot]) -> None:
        """Send the page the turns of earlier epochs that it does not have."""
        for turn in history:
            if turn.revision > (self.browser_revision or 0):
                self.send_queue.add_message(turn_message(turn))

    def _announce(self, now: float) -> None:
        while self.unannounced and self._may_announce(*self.unannounced[0], now):
            turn, _ = self.unannounced.popleft()
            entry = self.transcript.get(turn.item)
            is_current = entry is not None and entry.turn.revision == turn.revision
            # The live text may be ahead of the revision.
            self.send_queue.add_message(turn_message(entry.turn if entry and is_current else turn))

    def _may_announce(self, turn: TurnSnapshot, since: float, now: float) -> bool:
        is_saved = self.saved_revisions.get(turn.item, 0) >= turn.revision
        return not turn.is_final or is_saved or self.is_closed or now - since >= self.limits.save_timeout
