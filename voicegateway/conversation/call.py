"""Call: a conversation connected to real sockets, with its tasks and their shutdown."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Protocol

import orjson

from training.transcript import TurnSnapshot
from voicegateway.browser.protocol import AudioFrame, Notice, decode_frame, decode_message, encode_message
from voicegateway.conversation.call_config import (
    CallConfig,
    CallEndReason,
    CallOutcome,
    Limits,
)
from voicegateway.conversation.conversation import Conversation
from voicegateway.conversation.eager_start import FailedCoroutine, SuspendedCoroutine, start_eagerly
from voicegateway.conversation.ports import (
    BrowserSocket,
    Connector,
    RealtimeConnection,
    Recorder,
    TurnSink,
    UpstreamUnavailableError,
)
from voicegateway.conversation.upstream_connections import UpstreamConnections

logger = logging.getLogger(__name__)

TICK_INTERVAL = 0.2  # seconds
LATE_TICK = 1.0  # seconds; a tick later than this means that the process was held up


class CallClock(Protocol):
    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Call:
    """Owner of a call's two sockets and the only writer to them. None of its tasks outlives `run`."""

    def __init__(
        self,
        config: CallConfig,
        connect: Connector,
        browser: BrowserSocket,
        turn_sink: TurnSink,
        recorder: Recorder,
        clock: CallClock | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.browser = browser
        self.turn_sink = turn_sink
        self.clock = clock or MonotonicClock()
        self.conversation = Conversation(config, recorder, self.clock.now(), limits)
        self.log_fields = {"session_id": config.session_id}
        self.upstream_connections = UpstreamConnections(connect, self.log_fields)
        # Sends start eagerly. If a send must wait, its remainder is kept here, and a writer task awaits it.
        self.upstream: RealtimeConnection | None = None
        self.pending_upstream_send: SuspendedCoroutine | FailedCoroutine | None = None
        self.pending_browser_send: SuspendedCoroutine | FailedCoroutine | None = None
        self.is_sending_to_browser = False
        self.upstream_send_due = asyncio.Event()
        self.upstream_closed = asyncio.Event()
        self.browser_send_due = asyncio.Event()
        self.browser_queue_empty = asyncio.Event()
        self.has_ended = asyncio.Event()

    # Input from the consumer. These methods never wait.

    def receive_audio(self, data: bytes) -> None:
        """Accept a binary message. Raise InvalidFrameError if it breaks the protocol or the rate limit.

        The consumer must then close the socket with the error's code and reason.
        """
        self.conversation.receive_audio(decode_frame(data), self.clock.now())
        self._flush()

    def receive_text(self, text: str) -> None:
        """Accept a text message. Raise InvalidMessageError if it breaks the protocol."""
        self.conversation.receive_message(decode_message(text), self.clock.now())
        self._flush()

    def end_for_flood(self) -> None:
        """End the call because its page sends more than a person could. Calling this again changes nothing."""
        self.conversation.end_for_flood(self.clock.now())
        self._flush()

    def set_greeting(self, text: str) -> None:
        self.conversation.set_greeting(text)
        self._flush()

    def confirm_saved(self, turn: TurnSnapshot) -> None:
        """Note that a turn is in the database, so that the page can be notified."""
        self.conversation.confirm_saved(turn)
        self._flush()

    def send_notice(self, code: str) -> None:
        """Show a notice on the page."""
        self.conversation.send_queue.add_message(Notice(code))
        self._flush()

    def end(self, reason: CallEndReason) -> None:
        """End the call gracefully: `run` returns once the last words are transcribed."""
        self.conversation.end(reason, self.clock.now())
        self._flush()

    def end_now(self, reason: CallEndReason) -> None:
        """End the call at once with the text known so far."""
        self.conversation.end_now(reason, self.clock.now())
        self._flush()

    # Running

    async def run(self) -> CallOutcome:
        """Run the call until a hang-up, a watchdog timeout, or cancellation of this task. Return the outcome."""
        tasks = [
            asyncio.create_task(self._supervise(work))
            for work in (self._maintain_upstream(), self._write_browser(), self._tick())
        ]
        try:
            await self.has_ended.wait()
            await self._drain_browser_queue()
        finally:
            self.end_now(CallEndReason.SHUTDOWN)  # only a cancelled call has not ended by now
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.upstream_connections.close_all()
        return self.conversation.outcome

    def _flush(self) -> None:
        """Send and save everything that the last input queued."""
        queue = self.conversation.send_queue
        if queue.unsaved_turns:
            for turn in queue.unsaved_turns:
                self.turn_sink.put(turn)
            queue.unsaved_turns.clear()
        if queue.upstream_queue:
            self._send_upstream()
        if not queue.is_connected:
            self.upstream_closed.set()
        if queue.browser_queue:
            self._send_to_browser()
        if self.conversation.end_reason is not None:
            self.has_ended.set()

    async def _supervise(self, work: Coroutine[None, None, None]) -> None:
        """Run one of the call's tasks. If it fails, end the call and save everything so far."""
        try:
            await work
        except Exception:
            self._fail()

    def _fail(self) -> None:
        logger.exception("Call failed", extra=self.log_fields)
        self.end_now(CallEndReason.FAILED)

    # Upstream

    async def _maintain_upstream(self) -> None:
        """Open and use one connection after another. The conversation decides whether to reconnect after a loss."""
        while self.conversation.end_reason is None:
            delay = self.conversation.connection.connect_at - self.clock.now()
            if delay > 0:
                await self.clock.sleep(delay)
            try:
                connection = await self.upstream_connections.open()
                await self._use_connection(connection)
            except UpstreamUnavailableError as loss:
                self.conversation.upstream_lost(loss.code, loss.retryable, self.clock.now())
                self._flush()

    async def _use_connection(self, connection: RealtimeConnection) -> None:
        """Use a connection until the conversation needs another one. Raise UpstreamUnavailableError if it breaks."""
        self.conversation.upstream_connected(self.clock.now())
        self.upstream_closed.clear()
        self.upstream = connection
        self._flush()
        work = (connection.listen(self._receive_event), self._write_upstream(), self.upstream_closed.wait())
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.upstream = None
            if self.pending_upstream_send:
                self.pending_upstream_send.close()
            self.pending_upstream_send = None
            self.upstream_connections.close_in_background(connection)

    def _receive_event(self, data: bytes) -> None:
        """Handle one upstream event.

        The connection's read callback calls this, so an error must end the call instead of propagating.
        """
        try:
            event = orjson.loads(data)
        except ValueError:
            logger.warning("Upstream sent invalid JSON", extra=self.log_fields)
            return
        try:
            self.conversation.receive_event(event, self.clock.now())
            self._flush()
        except Exception:
            self._fail()

    def _send_upstream(self) -> None:
        queue = self.conversation.send_queue
        while self.upstream and not self.pending_upstream_send and (event := queue.take_upstream_event()) is not None:
            data = event if isinstance(event, bytes) else orjson.dumps(event)
            if not self.upstream.send_at_once(data):
                self.pending_upstream_send = start_eagerly(self.upstream.send(data))
        if self.pending_upstream_send:
            self.upstream_send_due.set()

    async def _write_upstream(self) -> None:
        while True:
            self.upstream_send_due.clear()
            while self.pending_upstream_send:
                await self.pending_upstream_send
                self.pending_upstream_send = None
                self._send_upstream()
            await self.upstream_send_due.wait()

    def _roll_over_if_due(self) -> None:
        """Prepare a spare connection when a rollover is due, and switch to it in a quiet moment."""
        conversation, now = self.conversation, self.clock.now()
        if not conversation.connection.is_rollover_due(now):
            return
        if self.upstream_connections.prepare_spare(now) and conversation.is_quiet:
            conversation.connection.connect_at = now
            self.upstream_closed.set()

    # Browser and clock

    def _send_to_browser(self) -> None:
        queue = self.conversation.send_queue
        if self.is_sending_to_browser:  # a send can trigger an answer, which calls this method again
            return
        self.is_sending_to_browser = True
        while not self.pending_browser_send and (message := queue.next_browser_message()) is not None:
            if isinstance(message, AudioFrame):
                data = message.encode()
                if not self.browser.send_bytes_at_once(data):
                    self.pending_browser_send = start_eagerly(self.browser.send_bytes(data))
            else:
                self.pending_browser_send = start_eagerly(self.browser.send_text(encode_message(message)))
            if not self.pending_browser_send:
                queue.remove_browser_message()
        self.is_sending_to_browser = False
        if self.pending_browser_send:
            self.browser_queue_empty.clear()
            self.browser_send_due.set()
        else:
            self.browser_queue_empty.set()

    async def _write_browser(self) -> None:
        try:
            while True:
                self.browser_send_due.clear()
                while self.pending_browser_send:
                    await self.pending_browser_send
                    self.pending_browser_send = None
                    self.conversation.send_queue.remove_browser_message()
                    self._send_to_browser()
                await self.browser_send_due.wait()
        except (OSError, RuntimeError):  # raised by servers for a closed socket
            logger.info("The browser is gone", extra=self.log_fields)
            self.end_now(CallEndReason.LINE_LOST)
            self.browser_queue_empty.set()

    async def _tick(self) -> None:
        """Check timeouts a few times per second.

        If the process was held up, timeouts may have passed while the awaited messages are still unread on the sockets.
        The first late tick is skipped, so that they are read before anything counts as lost.
        """
        has_skipped = False
        while True:
            due_at = self.clock.now() + TICK_INTERVAL
            await self.clock.sleep(TICK_INTERVAL)
            has_skipped = not has_skipped and self.clock.now() - due_at > LATE_TICK
            if has_skipped:
                continue
            self.conversation.tick(self.clock.now())
            self._roll_over_if_due()
            self._flush()

    async def _drain_browser_queue(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.conversation.limits.closing_timeout):
                await self.browser_queue_empty.wait()
                return
        logger.info("The browser did not read the end of the call", extra=self.log_fields)
