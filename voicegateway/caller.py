"""The caller's side: asking for speech, playing it, and knowing what of it was heard."""

from collections.abc import Mapping

from voicegateway.briefing import INAUDIBLE, Limits, Role
from voicegateway.events import Event
from voicegateway.items import CallerItem, Hearing
from voicegateway.outbox import SAMPLES_PER_MS, Outbox
from voicegateway.playout import Playout
from voicegateway.ports import Recorder
from voicegateway.responses import Responses
from voicegateway.transcript import Transcript, message_about
from voicegateway.wire import Flush, Frame, Pause, Played, Resume


class Caller:
    def __init__(self, box: Outbox, recorder: Recorder, transcript: Transcript, limits: Limits) -> None:
        self.box = box
        self.recorder = recorder
        self.transcript = transcript
        self.limits = limits
        self.playout = Playout(limits)
        self.responses = Responses()
        self.items: dict[str, CallerItem] = {}
        self.settled: set[str] = set()
        self.has_been_heard = False
        self.audible_response = ""  # the latest of which more than silence has come
        self.pause_told = False
        self.flushed: CallerItem | None = None
        self.flushed_at = 0.0

    @property
    def has_the_floor(self) -> bool:
        """Is the caller speaking, or about to?"""
        return bool(self.responses.is_wanted or self.responses.is_speaking or self.playout.unheard)

    @property
    def is_nearly_done(self) -> bool:
        speaking_on = self.responses.is_wanted or self.responses.is_speaking
        return not speaking_on and self.playout.seconds_left < self.limits.nearly_done

    # What upstream sends

    def response_created(self, event: Event) -> None:
        self._ask(self.responses.created(event.part("response").id("id"), self.box.now))

    def output_item_added(self, event: Event) -> None:
        added = event.part("item")
        self.responses.heard_of(event.id("response_id"), self.box.now)
        if added.maybe_text("type") == "message":
            self._item(added.id("id"), event)

    def audio_delta(self, event: Event) -> None:
        item = self._item_of(event)
        if item is not None and not item.all_sound:
            item.content_index = event.count("content_index")
            self.playout.receive(item, event.sound("delta"))
            if item.is_audible:
                self.audible_response = item.response

    def audio_done(self, event: Event) -> None:
        item = self._item_of(event)
        if item is not None:
            item.all_sound = True
            self._settle(item)

    def text_delta(self, event: Event) -> None:
        item = self._item_of(event)
        if item is not None and not item.all_text:
            item.text += event.text("delta")

    def text_done(self, event: Event) -> None:
        item = self._item_of(event)
        if item is not None:
            item.text, item.all_text = event.text("transcript"), True
            self._settle(item)

    def response_done(self, event: Event) -> bool:
        """Return whether it was one that the counselor was to hear."""
        response = event.part("response").id("id")
        was_ours = self.responses.done(response)
        for item in [item for item in self.items.values() if item.response == response]:
            item.all_sound = item.all_text = True
            if item.hearing is Hearing.CUT or not item.number:
                self._end_hearing(item)
            self._settle(item)
        return was_ours

    def _item_of(self, event: Event) -> CallerItem | None:
        return self._item(event.id("item_id"), event)

    def _item(self, item_id: str, event: Event) -> CallerItem | None:
        """The item an event is about; None when nothing about it can matter any more."""
        response = event.id("response_id")
        self.responses.heard_of(response, self.box.now)
        if item_id in self.settled or (item_id not in self.items and response in self.responses.over):
            return None
        if item_id not in self.items:
            hearing = Hearing.CUT if response in self.responses.dropped else Hearing.UNDER_WAY
            self.items[item_id] = CallerItem(item_id, response, hearing=hearing)
        return self.items[item_id]

    # What the player is sent, and says

    def send_due(self) -> None:
        for due in self.playout.due(self.box.now):
            if isinstance(due, Frame):
                self.recorder.speak(due.item, due.index, due.pcm)
            self.box.tell(due)

    def hold(self) -> None:
        """Halt at once; whether to stop is decided later."""
        self.playout.held = True
        if self.playout.is_audible and not self.pause_told:
            self.pause_told = True
            self.box.tell(Pause())

    def go_on(self) -> None:
        self.playout.held = False
        if self.pause_told:
            self.pause_told = False
            self.box.tell(Resume())

    def played(self, report: Played) -> None:
        item = self.playout.report(report, self.box.now)
        if item is None:
            return
        if item.start_ms is None and item.played:
            item.start_ms = max(0, self.recorder.position() - item.played) // SAMPLES_PER_MS
        if report.final and item is self.flushed:
            self.finish_cut()
            return
        is_last = report.final and item.end_told
        self.recorder.played(item.number, item.played, item.played_at, is_last)
        if is_last:
            self.playout.finish(item)
            self._end_hearing(item)
        else:
            self._show_growing(item)

    def _show_growing(self, item: CallerItem) -> None:
        """Show what is heard while it is heard; only the turn's beginning and end are saved."""
        heard = item.text_heard()
        if not heard or self.box.now - item.grown_at < self.limits.growing_text_every:
            return
        entry = self.transcript.place(item.id, Role.CALLER)
        if heard == entry.text_heard:
            return
        item.grown_at = self.box.now
        entry.text_heard = heard
        if entry.shown:
            self.box.tell(message_about(entry.turn()))
            return
        self.has_been_heard = True
        entry.start_ms = item.start_ms or 0
        self.transcript.save(entry)

    # Being interrupted

    def cut(self) -> None:
        """Stop speaking. What was heard is known when the player has answered, or has not for too long."""
        self._ask(self.responses.cancel())
        self.playout.held = True
        if self.flushed is not None:
            return
        self.flushed, self.flushed_at = self.playout.current, self.box.now
        if self.flushed is None:
            self.finish_cut()
        else:
            self.box.tell(Flush(self.flushed.number))

    @property
    def is_being_cut(self) -> bool:
        return self.flushed is not None

    def tick(self) -> None:
        if self.flushed is not None and self.box.now - self.flushed_at >= self.limits.flush_answer:
            self.finish_cut()

    def finish_cut(self) -> None:
        unheard = self.playout.clear()
        for item in [item for item in unheard if item.sent]:
            self.recorder.played(item.number, item.played, item.played_at, True)
        for item in [item for item in self.items.values() if item.hearing is Hearing.UNDER_WAY]:
            self._end_hearing(item)
        self.flushed = None
        self.go_on()

    def _end_hearing(self, item: CallerItem) -> None:
        """Nothing more of this item will be heard: upstream must remember as much as the counselor does."""
        if item.was_heard_whole and item.is_audible:
            item.hearing = Hearing.TO_THE_END
        else:
            item.hearing = Hearing.CUT
            self._take_back(item)
        self._settle(item)

    def _take_back(self, item: CallerItem) -> None:
        if item.deleted or item.truncated:
            return
        if item.played_ms and item.is_audible:
            item.truncated = True
            where = {"item_id": item.id, "content_index": item.content_index, "audio_end_ms": item.played_ms}
            self._ask({"type": "conversation.item.truncate", **where})
        else:
            item.deleted = True
            self._ask({"type": "conversation.item.delete", "item_id": item.id})

    def _settle(self, item: CallerItem) -> None:
        """A turn is final when no more of it will be heard and all its text is known."""
        if item.hearing is Hearing.UNDER_WAY or not (item.all_sound and item.all_text):
            return
        if item.hearing is Hearing.CUT:
            self._take_back(item)  # cut before there was anything to take back
        self._finish(item)

    def _finish(self, item: CallerItem) -> None:
        if self.items.pop(item.id, None) is None:
            return
        self.settled.add(item.id)
        entry = self.transcript.place(item.id, Role.CALLER)
        heard = item.text_heard()
        if item.hearing is Hearing.TO_THE_END:
            heard = heard or INAUDIBLE
        elif entry.shown:
            heard = heard or item.text.partition(" ")[0]
        if not heard or item.deleted:
            return
        self.has_been_heard = True
        entry.text_generated, entry.text_heard = item.text, heard
        entry.start_ms = item.start_ms or 0
        entry.end_ms = entry.start_ms + item.played_ms
        entry.final, entry.interrupted = True, item.hearing is Hearing.CUT
        self.transcript.save(entry)

    def close(self) -> None:
        """The call is over: what has been heard until now is all that was."""
        self.cut()
        self.finish_cut()
        self._finish_all()

    # When the connection is another one

    def lose_session(self) -> None:
        """No more will come of anything under way: it ends with what was heard, as when it is interrupted."""
        self.cut()
        for item in self.items.values():
            item.is_broken_off = not (item.all_sound and item.all_text)
            item.all_sound = item.all_text = True
        if not self.is_being_cut:
            self._finish_all()
        self.responses.begin_session()

    def begin_session(self) -> None:
        """Whatever was cut has been heard to the end by now: the new connection is told so much and no more."""
        if self.is_being_cut:
            self.finish_cut()
        self._finish_all()

    def _finish_all(self) -> None:
        for item in list(self.items.values()):
            self._finish(item)

    def _ask(self, event: Mapping[str, object] | None) -> None:
        if event is not None:
            self.box.ask(event)
