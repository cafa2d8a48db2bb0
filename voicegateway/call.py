"""A conversation on real sockets: the tasks that carry it, and their end."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Protocol

import orjson

from voicegateway.begun import Failed, Rest, begun
from voicegateway.briefing import Briefing, EndReason, Limits, Outcome, Turn
from voicegateway.conversation import Conversation
from voicegateway.ports import Dial, Player, Recorder, TurnSink, Voice, VoiceUnavailable
from voicegateway.wire import Frame, Notice, decode_frame, decode_message, encode_message

logger = logging.getLogger(__name__)

TICK = 0.2
SPARE_AGAIN = 30.0  # seconds until a failed attempt to replace a connection in time is repeated


class Clock(Protocol):
    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Call:
    """Holds both sockets of a call. Nothing else writes to them, and no task of it outlives `run`."""

    def __init__(
        self,
        briefing: Briefing,
        dial: Dial,
        player: Player,
        turns: TurnSink,
        recorder: Recorder,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.dial = dial
        self.player = player
        self.turns = turns
        self.clock = clock or MonotonicClock()
        self.conversation = Conversation(briefing, recorder, self.clock.now(), limits)
        self.log_fields = {"session_id": briefing.session_id}
        # Whatever can be sent without waiting is sent at once; the rest of what cannot, a task waits for.
        self.voice: Voice | None = None
        self.rest_up: Rest | Failed | None = None
        self.rest_down: Rest | Failed | None = None
        self.is_sending_down = False
        self.upstream_due = asyncio.Event()
        self.upstream_over = asyncio.Event()
        self.browser_due = asyncio.Event()
        self.browser_served = asyncio.Event()
        self.over = asyncio.Event()
        self.spare: asyncio.Future[Voice] | None = None
        self.spare_from = 0.0
        self.closing: set[asyncio.Task[None]] = set()

    # What the consumer tells, without ever waiting

    def hear(self, data: bytes) -> None:
        """Take a binary message. Raises `BadFrame`: then close the socket with its code and reason."""
        self.conversation.hear(decode_frame(data), self.clock.now())
        self._pass_on()

    def receive(self, text: str) -> None:
        """Take a text message. Raises `BadMessage`."""
        self.conversation.browser(decode_message(text), self.clock.now())
        self._pass_on()

    def set_greeting(self, text: str) -> None:
        self.conversation.set_greeting(text)
        self._pass_on()

    def saved(self, turn: Turn) -> None:
        """A turn is in the database: the page may be told of it."""
        self.conversation.saved(turn)
        self._pass_on()

    def notify(self, code: str) -> None:
        """Show a notice on the page."""
        self.conversation.box.tell(Notice(code))
        self._pass_on()

    def end(self, reason: EndReason) -> None:
        """End the call in good order; `run` returns when the last words are known."""
        self.conversation.end(reason, self.clock.now())
        self._pass_on()

    def stop(self, reason: EndReason) -> None:
        """End the call at once, with what is known."""
        self.conversation.stop(reason, self.clock.now())
        self._pass_on()

    # The call itself

    async def run(self) -> Outcome:
        """Converse until someone hangs up, a watchdog fires or this task is cancelled."""
        tasks = [
            asyncio.create_task(self._carry(work))
            for work in (self._keep_upstream(), self._write_browser(), self._tick())
        ]
        try:
            await self.over.wait()
            await self._farewell()
        finally:
            self.stop(EndReason.SHUTDOWN)  # only a cancelled call has not ended by now
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._drop_spare()
            await asyncio.gather(*self.closing)
        return self.conversation.outcome

    def _pass_on(self) -> None:
        """Send and save what an input has led to."""
        box = self.conversation.box
        if box.turns:
            for turn in box.turns:
                self.turns.put(turn)
            box.turns.clear()
        if box.up:
            self._send_up()
        if not box.is_connected:
            self.upstream_over.set()
        if box.down:
            self._send_down()
        if self.conversation.ended is not None:
            self.over.set()

    async def _carry(self, work: Coroutine[None, None, None]) -> None:
        """Run one of the call's tasks. Whatever goes wrong in it ends the call, with everything saved."""
        try:
            await work
        except Exception:
            self._fail()

    def _fail(self) -> None:
        logger.exception("Call failed", extra=self.log_fields)
        self.stop(EndReason.FAILED)

    # Upstream

    async def _keep_upstream(self) -> None:
        """One connection after another. Whether a broken one is worth another try, the conversation decides."""
        while self.conversation.ended is None:
            wait = self.conversation.line.dial_at - self.clock.now()
            if wait > 0:
                await self.clock.sleep(wait)
            try:
                voice = await self._connect()
                await self._talk_over(voice)
            except VoiceUnavailable as loss:
                self.conversation.upstream_lost(loss.code, loss.retryable, self.clock.now())
                self._pass_on()

    async def _connect(self) -> Voice:
        """The connection that was opened to replace an old one, or a new one."""
        spare, self.spare = self.spare, None
        return await (spare if spare is not None else self.dial())

    async def _talk_over(self, voice: Voice) -> None:
        """Until the connection breaks, which raises, or the conversation wants another one."""
        self.conversation.connected(self.clock.now())
        self.upstream_over.clear()
        self.voice = voice
        self._pass_on()
        work = (voice.listen(self._hear_upstream), self._write(), self.upstream_over.wait())
        ends = [asyncio.ensure_future(end) for end in work]
        try:
            ended, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ended:
                end.result()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            self.voice = None
            if self.rest_up:
                self.rest_up.close()
            self.rest_up = None
            self._close(voice)

    def _hear_upstream(self, data: bytes) -> None:
        """Called where the connection reads, so whatever goes wrong must end the call and not the reading."""
        try:
            event = orjson.loads(data)
        except ValueError:
            logger.warning("Upstream sent what is not JSON", extra=self.log_fields)
            return
        try:
            self.conversation.upstream(event, self.clock.now())
            self._pass_on()
        except Exception:
            self._fail()

    def _send_up(self) -> None:
        box = self.conversation.box
        while self.voice and not self.rest_up and (event := box.next_up()) is not None:
            self.rest_up = begun(self.voice.send(event if isinstance(event, bytes) else orjson.dumps(event)))
        if self.rest_up:
            self.upstream_due.set()

    async def _write(self) -> None:
        while True:
            self.upstream_due.clear()
            while self.rest_up:
                await self.rest_up
                self.rest_up = None
                self._send_up()
            await self.upstream_due.wait()

    def _close(self, voice: Voice) -> None:
        """In the background: an end that does not answer must not keep the next one waiting."""
        task = asyncio.create_task(self._hang_up_on(voice))
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)

    async def _hang_up_on(self, voice: Voice) -> None:
        """Whatever the closing runs into, the call goes on, or is over and is to be saved."""
        try:
            await voice.close()
        except Exception:
            logger.exception("Upstream was not closed", extra=self.log_fields)

    def _look_after_spare(self) -> None:
        """Before a connection gets too old, open the next one beside it; change over when nobody is speaking."""
        conversation, now = self.conversation, self.clock.now()
        if not conversation.line.is_old(now):
            return
        if self.spare is None and now >= self.spare_from:
            self.spare = asyncio.ensure_future(self.dial())
        if self.spare is None or not self.spare.done():
            return
        if self.spare.exception() is not None:
            logger.warning("The caller's connection cannot be replaced yet", extra=self.log_fields)
            self.spare, self.spare_from = None, now + SPARE_AGAIN
        elif conversation.is_quiet:
            conversation.line.dial_at = now
            self.upstream_over.set()

    def _drop_spare(self) -> None:
        spare, self.spare = self.spare, None
        if spare is None:
            return
        spare.cancel()
        if spare.done() and not spare.cancelled() and spare.exception() is None:
            self._close(spare.result())

    # The browser, and time

    def _send_down(self) -> None:
        box = self.conversation.box
        if self.is_sending_down:  # what is sent may be answered at once
            return
        self.is_sending_down = True
        while not self.rest_down and (message := box.first_down()) is not None:
            if isinstance(message, Frame):
                self.rest_down = begun(self.player.send_bytes(message.encode()))
            else:
                self.rest_down = begun(self.player.send_text(encode_message(message)))
            if not self.rest_down:
                box.sent_down()
        self.is_sending_down = False
        if self.rest_down:
            self.browser_served.clear()
            self.browser_due.set()
        else:
            self.browser_served.set()

    async def _write_browser(self) -> None:
        try:
            while True:
                self.browser_due.clear()
                while self.rest_down:
                    await self.rest_down
                    self.rest_down = None
                    self.conversation.box.sent_down()
                    self._send_down()
                await self.browser_due.wait()
        except (OSError, RuntimeError):  # what servers raise for a socket that is gone
            logger.info("The browser is gone", extra=self.log_fields)
            self.stop(EndReason.LINE_LOST)
            self.browser_served.set()

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK)
            self.conversation.tick(self.clock.now())
            self._look_after_spare()
            self._pass_on()

    async def _farewell(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.conversation.limits.farewell):
                await self.browser_served.wait()
                return
        logger.info("The browser did not read the end of the call", extra=self.log_fields)
