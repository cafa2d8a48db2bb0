"""A conversation on real sockets: the tasks that carry it, and their end."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Protocol

import orjson

from voicegateway.briefing import Briefing, EndReason, Limits
from voicegateway.conversation import Conversation
from voicegateway.ports import Player, Recorder, TurnSink, Voice, VoiceUnavailable
from voicegateway.wire import Frame, decode_frame, decode_message, encode_message

logger = logging.getLogger(__name__)

TICK = 0.1


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
        voice: Voice,
        player: Player,
        turns: TurnSink,
        recorder: Recorder,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.voice = voice
        self.player = player
        self.turns = turns
        self.clock = clock or MonotonicClock()
        self.conversation = Conversation(briefing, recorder, limits)
        self.log_fields = {"session_id": briefing.session_id}
        self.upstream_due = asyncio.Event()
        self.browser_due = asyncio.Event()
        self.browser_served = asyncio.Event()
        self.over = asyncio.Event()
        self.conversation.begin(self.clock.now())
        self._pass_on()

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

    def end(self, reason: EndReason) -> None:
        """End the call in good order; `run` returns when the last words are known."""
        self.conversation.end(reason, self.clock.now())
        self._pass_on()

    def stop(self, reason: EndReason) -> None:
        """End the call at once, with what is known."""
        self.conversation.stop(reason, self.clock.now())
        self._pass_on()

    # The call itself

    async def run(self) -> EndReason:
        """Converse until someone hangs up, a watchdog fires or this task is cancelled."""
        tasks = [
            asyncio.create_task(self._carry(work))
            for work in (self._read_upstream(), self._write_upstream(), self._write_browser(), self._tick())
        ]
        try:
            await self.over.wait()
            await self._farewell()
        finally:
            self.stop(EndReason.SHUTDOWN)  # only a cancelled call has not ended by now
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._hang_up_on_upstream()
        return self.conversation.ended or EndReason.FAILED

    async def _hang_up_on_upstream(self) -> None:
        """Whatever the closing runs into, the call is over and is to be saved."""
        try:
            await self.voice.close()
        except Exception:
            logger.exception("Upstream was not closed", extra=self.log_fields)

    def _pass_on(self) -> None:
        """Wake whoever has something to do after an input."""
        box = self.conversation.box
        for turn in box.turns:
            self.turns.put(turn)
        box.turns.clear()
        if box.up:
            self.upstream_due.set()
        if box.down:
            self.browser_served.clear()
            self.browser_due.set()
        if self.conversation.ended is not None:
            self.over.set()

    async def _carry(self, work: Coroutine[None, None, None]) -> None:
        """Run one of the call's tasks. Whatever goes wrong in it ends the call, with everything saved."""
        try:
            await work
        except VoiceUnavailable as loss:
            self.conversation.upstream_lost(loss.code, self.clock.now())
            self._pass_on()
        except Exception:
            logger.exception("Call failed", extra=self.log_fields)
            self.stop(EndReason.FAILED)

    async def _read_upstream(self) -> None:
        while True:
            data = await self.voice.receive()
            try:
                event = orjson.loads(data)
            except ValueError:
                logger.warning("Upstream sent what is not JSON", extra=self.log_fields)
                continue
            self.conversation.upstream(event, self.clock.now())
            self._pass_on()

    async def _write_upstream(self) -> None:
        while True:
            self.upstream_due.clear()
            while (event := self.conversation.box.next_up()) is not None:
                await self.voice.send(event if isinstance(event, bytes) else orjson.dumps(event))
            await self.upstream_due.wait()

    async def _write_browser(self) -> None:
        try:
            while True:
                self.browser_due.clear()
                await self._send_down()
                self.browser_served.set()
                await self.browser_due.wait()
        except (OSError, RuntimeError):  # what servers raise for a socket that is gone
            logger.info("The browser is gone", extra=self.log_fields)
            self.stop(EndReason.LINE_LOST)
            self.browser_served.set()

    async def _send_down(self) -> None:
        box = self.conversation.box
        while (message := box.first_down()) is not None:
            if isinstance(message, Frame):
                await self.player.send_bytes(message.encode())
            else:
                await self.player.send_text(encode_message(message))
            box.sent_down()

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK)
            self.conversation.tick(self.clock.now())
            self._pass_on()

    async def _farewell(self) -> None:
        try:
            async with asyncio.timeout(self.conversation.limits.farewell):
                await self.browser_served.wait()
        except TimeoutError:
            logger.info("The browser did not read the end of the call", extra=self.log_fields)
