"""A door: it lets a socket in or says why not, and hands what comes to the call. Audio does not pass the dispatcher."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from training.models import EndReason as SessionEnd
from training.models import Session
from training.services.sessions import beat, let_go, put_down
from voicegateway import openai_voice
from voicegateway.admission import Admitted, Refused, admit, check_origin, ready_greeting, ticket_among
from voicegateway.briefing import EndReason, Limits
from voicegateway.call import Call
from voicegateway.database import at_last, in_database
from voicegateway.door import deny
from voicegateway.groups import hint_of_the_end
from voicegateway.ports import Continued, Unrecorded
from voicegateway.switchboard import Switchboard
from voicegateway.turns import SessionTurns
from voicegateway.wire import SUBPROTOCOL, BadWire, Ended, encode_message

logger = logging.getLogger(__name__)

# The line may come back: the session stays open for another socket, and the sweep ends it if none comes.
STAYS_OPEN = {EndReason.LINE_LOST, EndReason.SHUTDOWN}
FAILURES = {EndReason.CALLER_LOST, EndReason.FAILED}
GREETING_POLL = 0.5  # seconds


class CallConsumer(AsyncWebsocketConsumer):
    """One socket of one call. Handlers never wait for the database or for OpenAI."""

    # None: Channels would refuse every call while the channel layer is away.
    channel_layer_alias = ""

    def __init__(self, switchboard: Switchboard) -> None:
        super().__init__()
        self.switchboard = switchboard
        self.call: Call | None = None
        self.task: asyncio.Task[None] | None = None

    async def __call__(self, scope, receive, send):
        """However the socket comes to its end, the call does, with everything saved."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.call and self.task:
                self.call.stop(EndReason.LINE_LOST)
                await self.task

    async def dispatch(self, message):
        """Channels makes a thread hop before every message it dispatches; a call's frames have no time for that."""
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    # Letting in

    async def connect(self):
        try:
            admitted = await self._admit()
        except Refused as refused:
            logger.info("Refused: %s", refused.reason)
            await deny(self.scope, self.base_send, refused.reason)
            return
        self.call = self._call_for(admitted)
        self.task = asyncio.create_task(self._hold(admitted, self.call))
        await self.accept(SUBPROTOCOL)

    async def _admit(self) -> Admitted:
        check_origin(dict(self.scope["headers"]))
        ticket = ticket_among(self.scope["subprotocols"])
        if self.switchboard.writer.is_behind:
            raise Refused("overloaded")
        return await in_database(admit)(self.scope["url_route"]["kwargs"]["pk"], ticket, self.scope["query_string"])

    def _call_for(self, admitted: Admitted) -> Call:
        if admitted.spool:
            self.switchboard.spools.add(admitted.spool)
        call = Call(
            admitted.briefing,
            dial=partial(openai_voice.connect, self.switchboard.openai, admitted.briefing.model),
            player=Browser(self),
            turns=SessionTurns(
                self.switchboard.writer, admitted.session.pk, admitted.epoch, lambda turn: call.saved(turn)
            ),
            recorder=Continued(admitted.spool or Unrecorded(), admitted.begins_at),
            limits=Limits(longest_call=settings.CALL_LIMIT),
        )
        return call

    # While it lasts

    async def receive(self, text_data=None, bytes_data=None):
        if self.call is None:
            return
        try:
            if bytes_data is not None:
                self.call.hear(bytes_data)
            else:
                self.call.receive(text_data)
        except BadWire as bad:
            logger.info("Closed: %s", bad.reason, extra={"session_id": self.call.log_fields["session_id"]})
            await self.close(bad.close_code, bad.reason)
            self.call.stop(EndReason.LINE_LOST)

    async def _hold(self, admitted: Admitted, call: Call) -> None:
        attendants = [
            asyncio.create_task(work)
            for work in (self._listen(admitted, call), self._beat(admitted, call), self._await_greeting(admitted, call))
        ]
        try:
            reason = (await call.run()).reason
        finally:
            for attendant in attendants:
                attendant.cancel()
        try:
            await self._save(admitted, reason)
        finally:
            await self._say_goodbye(reason)
            await asyncio.gather(*attendants, return_exceptions=True)

    async def _listen(self, admitted: Admitted, call: Call) -> None:
        """End at once on a hint. Where the channel layer is away, the heartbeat finds out a little later."""
        try:
            await hint_of_the_end(admitted.session.pk)
        except Exception as error:
            logger.warning("No hints: %s", type(error).__name__, extra={"session_id": admitted.session.pk})
        else:
            call.end(EndReason.ENDED_ELSEWHERE)

    async def _beat(self, admitted: Admitted, call: Call) -> None:
        """Say that we hold the call, and notice when it is not ours any more, whatever became of the hint."""
        while True:
            await asyncio.sleep(settings.HEARTBEAT_EVERY)
            try:
                if not await in_database(beat)(admitted.session.pk, admitted.epoch):
                    call.end(EndReason.ENDED_ELSEWHERE)
            except Exception:
                logger.exception("No heartbeat", extra={"session_id": admitted.session.pk})

    async def _await_greeting(self, admitted: Admitted, call: Call) -> None:
        """The worker may still be writing the caller's first line when the call begins."""
        greeting = admitted.briefing.greeting
        while greeting is None:
            await asyncio.sleep(GREETING_POLL)
            greeting = await at_last(ready_greeting)(admitted.session.pk)
        if greeting:
            call.set_greeting(greeting)

    # Afterwards

    async def _save(self, admitted: Admitted, reason: EndReason) -> None:
        """First what was said, then that it is over, then that this gateway needs the line no longer."""
        if admitted.spool:
            admitted.spool.close()
            self.switchboard.spools.discard(admitted.spool)
        await self.switchboard.writer.flush(admitted.session.pk)
        if reason not in STAYS_OPEN:
            status = Session.Status.FAILED if reason in FAILURES else Session.Status.COMPLETED
            await at_last(put_down)(admitted.session, admitted.epoch, SessionEnd(reason), status)
        else:
            await at_last(let_go)(admitted.session.pk, admitted.epoch)
        self.switchboard.finish_soon()

    async def _say_goodbye(self, reason: EndReason) -> None:
        # The browser may be gone already.
        with suppress(OSError, RuntimeError):
            await self.send(text_data=encode_message(Ended(reason)))
            await self.close(1012 if reason is EndReason.SHUTDOWN else 1000)


class Browser:
    """The consumer, as the call sees it."""

    def __init__(self, consumer: CallConsumer) -> None:
        self.consumer = consumer

    async def send_text(self, text: str) -> None:
        await self.consumer.send(text_data=text)

    async def send_bytes(self, data: bytes) -> None:
        await self.consumer.send(bytes_data=data)
