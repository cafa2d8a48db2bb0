"""Caller's side of a conversation: responses, playback, and the text that was heard."""

from collections.abc import Mapping

from training.transcript import INAUDIBLE_TEXT, SpeakerRole
from voicegateway.browser.protocol import AudioFrame, Flush, Pause, Played, Resume
from voicegateway.conversation.call_config import Limits
from voicegateway.conversation.caller_item import CallerItem, PlaybackState
from voicegateway.conversation.playout import Playout
from voicegateway.conversation.ports import Recorder
from voicegateway.conversation.send_queue import SAMPLES_PER_MS, SendQueue
from voicegateway.conversation.transcript import Transcript, turn_message
from voicegateway.upstream.responses import ResponseTracker
from voicegateway.upstream.server_events import ServerEvent


class CallerSide:
    """Caller's half of a conversation."""

    def __init__(self, send_queue: SendQueue, recorder: Recorder, transcript: Transcript, limits: Limits) -> None:
        self.send_queue = send_queue
        self.recorder = recorder
        self.transcript = transcript
        self.limits = limits
        self.playout = Playout(limits)
        self.responses = ResponseTracker()
        self.items: dict[str, CallerItem] = {}  # unfinished items by id
        self.finished_items: set[str] = set()  # ids of finished items, whose late events are ignored
        self.has_been_heard = False
        self.audible_response = ""  # id of the latest response with audible sound
        self.is_pause_sent = False
        self.flushing_item: CallerItem | None = None  # item whose flush report is awaited
        self.flush_started_at = 0.0

    @property
    def has_floor(self) -> bool:
        """Return True while the caller is speaking or about to speak."""
        return bool(self.responses.is_requested or self.responses.is_speaking or self.playout.unheard)

    @property
    def is_finishing(self) -> bool:
        has_more_to_say = self.responses.is_requested or self.responses.is_speaking
        return not has_more_to_say and self.playout.seconds_left < self.limits.turn_end_margin

    # Events from upstream

    def response_created(self, event: ServerEvent) -> None:
        self._queue_event(self.responses.mark_created(event.section("response").id("id"), self.send_queue.now))

    def output_item_added(self, event: ServerEvent) -> None:
        added = event.section("item")
        self.responses.note_event(event.id("response_id"), self.send_queue.now)
        if added.optional_text("type") == "message":
            self._find_item(added.id("id"), event)

    def audio_delta(self, event: ServerEvent) -> None:
        item = self._item_for_event(event)
        if item is not None and not item.has_all_audio:
            item.content_index = event.count("content_index")
            self.playout.add_audio(item, event.audio("delta"))
            if item.is_audible:
                self.audible_response = item.response

    def audio_done(self, event: ServerEvent) -> None:
        item = self._item_for_event(event)
        if item is not None:
            item.has_all_audio = True
            self._finish_if_complete(item)

    def text_delta(self, event: ServerEvent) -> None:
        item = self._item_for_event(event)
        if item is not None and not item.has_all_text:
            item.add_text(event.text("delta"))

    def text_done(self, event: ServerEvent) -> None:
        item = self._item_for_event(event)
        if item is not None:
            item.finish_text(event.text("transcript"))
            self._finish_if_complete(item)

    def response_done(self, event: ServerEvent) -> bool:
        """Finish a response's items. Return True if the counselor was meant to hear the response."""
        response = event.section("response").id("id")
        was_ours = self.responses.mark_done(response)
        for item in [item for item in self.items.values() if item.response == response]:
            item.has_all_audio = True
            if not item.has_all_text:
                item.finish_text()
            if item.playback is PlaybackState.INTERRUPTED or not item.number:
                self._end_playback(item)
            self._finish_if_complete(item)
        return was_ours

    def _item_for_event(self, event: ServerEvent) -> CallerItem | None:
        return self._find_item(event.id("item_id"), event)

    def _find_item(self, item_id: str, event: ServerEvent) -> CallerItem | None:
        """Return the item of an event, creating it if necessary. Return None for a finished item or response."""
        response = event.id("response_id")
        self.responses.note_event(response, self.send_queue.now)
        if item_id in self.finished_items or (item_id not in self.items and response in self.responses.finished_ids):
            return None
        if item_id not in self.items:
            playback = (
                PlaybackState.INTERRUPTED if response in self.responses.cancelled_ids else PlaybackState.IN_PROGRESS
            )
            self.items[item_id] = CallerItem(item_id, response, playback=playback)
        return self.items[item_id]

    # Playback

    def send_due_audio(self) -> None:
        for due in self.playout.take_due(self.send_queue.now):
            if isinstance(due, AudioFrame):
                self.recorder.record_caller(due.item, due.index, due.pcm)
            self.send_queue.add_message(due)

    def pause(self) -> None:
        """Pause playback at once. The decision to interrupt comes later."""
        self.playout.is_paused = True
        if self.playout.is_audible and not self.is_pause_sent:
            self.is_pause_sent = True
            self.send_queue.add_message(Pause())

    def resume(self) -> None:
        self.playout.is_paused = False
        if self.is_pause_sent:
            self.is_pause_sent = False
            self.send_queue.add_message(Resume())

    def apply_playback_report(self, report: Played) -> None:
        item = self.playout.apply_report(report, self.send_queue.now)
        if item is None:
            return
        if item.start_ms is None and item.played:
            item.start_ms = max(0, self.recorder.position() - item.played) // SAMPLES_PER_MS
        if report.final and item is self.flushing_item:
            self.finish_interruption()
            return
        is_last = report.final and item.is_end_sent
        self.recorder.record_playback(item.number, item.played, item.played_at_mic_sample, is_last)
        if is_last:
            self.playout.remove(item)
            self._end_playback(item)
        else:
            self._publish_live_text(item)

    def _publish_live_text(self, item: CallerItem) -> None:
        """Update the page's text of a turn while it plays. Only the turn's first and final states are saved."""
        heard = item.text_heard()
        if not heard or self.send_queue.now - item.text_shown_at < self.limits.live_text_interval:
            return
        entry = self.transcript.place(item.id, SpeakerRole.CALLER)
        if heard == entry.turn.text_heard:
            return
        item.text_shown_at = self.send_queue.now
        entry.update(text_heard=heard)
        if entry.is_shown:
            self.send_queue.add_message(turn_message(entry.turn))
            return
        self.has_been_heard = True
        entry.update(start_ms=item.start_ms or 0)
        self.transcript.revise(entry)

    # Interruption

    def interrupt(self) -> None:
        """Stop speaking. The heard part is settled when the player reports it, or after `flush_timeout`."""
        self._queue_event(self.responses.cancel())
        self.playout.is_paused = True
        if self.flushing_item is not None:
            return
        self.flushing_item, self.flush_started_at = self.playout.current, self.send_queue.now
        if self.flushing_item is None:
            self.finish_interruption()
        else:
            self.send_queue.add_message(Flush(self.flushing_item.number))

    @property
    def is_being_interrupted(self) -> bool:
        return self.flushing_item is not None

    def check_flush_timeout(self) -> None:
        if self.flushing_item is not None and self.send_queue.now - self.flush_started_at >= self.limits.flush_timeout:
            self.finish_interruption()

    def finish_interruption(self) -> None:
        unheard = self.playout.clear()
        for item in [item for item in unheard if item.sent]:
            self.recorder.record_playback(item.number, item.played, item.played_at_mic_sample, True)
        for item in [item for item in self.items.values() if item.playback is PlaybackState.IN_PROGRESS]:
            self._end_playback(item)
        self.flushing_item = None
        self.resume()

    def _end_playback(self, item: CallerItem) -> None:
        """Close the playback of an item, and truncate it upstream to the part that the counselor heard."""
        if item.was_heard_completely and item.is_audible:
            item.playback = PlaybackState.COMPLETED
        else:
            item.playback = PlaybackState.INTERRUPTED
            self._truncate_upstream(item)
        self._finish_if_complete(item)

    def _truncate_upstream(self, item: CallerItem) -> None:
        if item.is_deleted or item.is_truncated:
            return
        if item.played_ms and item.is_audible:
            item.is_truncated = True
            position = {"item_id": item.id, "content_index": item.content_index, "audio_end_ms": item.played_ms}
            self._queue_event({"type": "conversation.item.truncate", **position})
        else:
            item.is_deleted = True
            self._queue_event({"type": "conversation.item.delete", "item_id": item.id})

    def _finish_if_complete(self, item: CallerItem) -> None:
        """Make the item a final turn once its playback has ended and its text is complete."""
        if item.playback is PlaybackState.IN_PROGRESS or not (item.has_all_audio and item.has_all_text):
            return
        if item.playback is PlaybackState.INTERRUPTED:
            self._truncate_upstream(item)  # at the time of the interruption it had no audio to truncate
        self._finish_item(item)

    def _finish_item(self, item: CallerItem) -> None:
        if self.items.pop(item.id, None) is None:
            return
        self.finished_items.add(item.id)
        entry = self.transcript.place(item.id, SpeakerRole.CALLER)
        heard = item.text_heard()
        if item.playback is PlaybackState.COMPLETED:
            heard = heard or INAUDIBLE_TEXT
        elif entry.is_shown:
            heard = heard or item.text.partition(" ")[0]
        if not heard or item.is_deleted:
            return
        self.has_been_heard = True
        start_ms = item.start_ms or 0
        entry.update(
            text_generated=item.text,
            text_heard=heard,
            start_ms=start_ms,
            end_ms=start_ms + item.played_ms,
            is_final=True,
            is_interrupted=item.playback is PlaybackState.INTERRUPTED,
        )
        self.transcript.revise(entry)

    def end(self) -> None:
        """Stop for the end of the call. Every item becomes final with the part heard so far."""
        self.interrupt()
        self.finish_interruption()
        self._finish_all()

    # Connection changes

    def end_session(self) -> None:
        """End every item under way with the part that was heard, as if interrupted: no more of it will arrive."""
        self.interrupt()
        for item in self.items.values():
            item.is_incomplete = not (item.has_all_audio and item.has_all_text)
            item.has_all_audio = item.has_all_text = True
        if not self.is_being_interrupted:
            self._finish_all()
        self.responses.begin_session()

    def begin_session(self) -> None:
        """Finish all items, so that the new connection's history holds exactly what was heard."""
        if self.is_being_interrupted:
            self.finish_interruption()
        self._finish_all()

    def _finish_all(self) -> None:
        for item in list(self.items.values()):
            self._finish_item(item)

    def _queue_event(self, event: Mapping[str, object] | None) -> None:
        if event is not None:
            self.send_queue.add_event(event)
