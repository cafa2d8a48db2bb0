"""A door: it lets a socket in or says why not, and hands what comes to the call. Audio does not pass the dispatcher."""

import asyncio
import logging
from contextlib import ExitStack, suppress
from functools import partial

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from training.models import EndReason as SessionEnd
from training.models import Session
from training.services.lines import let_go, put_down
from voicegateway import openai_voice
from voicegateway.admission import (
    Admitted,
    Refused,
    admit,
    check_origin,
    is_held_still,
    open_with,
    ready_greeting,
    ticket_among,
)
from voicegateway.briefing import EndReason, Limits, Outcome
from voicegateway.call import Call
from voicegateway.database import at_last, in_database
from voicegateway.door import deny
from voicegateway.hints import hint
from voicegateway.ports import Continued, Unrecorded
from voicegateway.protocol import SHORT_WAY, CallProtocol
from voicegateway.switchboard import Full, Switchboard
from voicegateway.turns import SessionTurns
from voicegateway.wire import SUBPROTOCOL, BadWire, Ended, encode_message

logger = logging.getLogger(__name__)

# The line may come back: the session stays open for another socket, and ends when none comes.
STAYS_OPEN = {EndReason.LINE_LOST, EndReason.SHUTDOWN, EndReason.REPLACED, EndReason.LOGGED_OUT}
FAILURES = {EndReason.CALLER_LOST, EndReason.CALLER_INAUDIBLE, EndReason.FAILED}
CLOSE_CODES = {EndReason.SHUTDOWN: 1012, EndReason.LOGGED_OUT: 4001, EndReason.REPLACED: 4002}
GREETING_POLL = 0.5  # seconds
LET_GO_POLL = 0.05
GOODBYE = 1.0  # seconds that a page may take to read the last message


class CallConsumer(AsyncWebsocketConsumer):
    """One socket of one call. Handlers never wait for the database or for OpenAI."""

    # None: Channels would refuse every call while the channel layer is away.
    channel_layer_alias = ""

    def __init__(self, switchboard: Switchboard) -> None:
        super().__init__()
        self.switchboard = switchboard
        self.call: Call | None = None
        self.task: asyncio.Task[None] | None = None
        self.refusing: asyncio.Future[None] | None = None
        self.short_way: CallProtocol | None = None
        self.place = ExitStack()

    async def __call__(self, scope, receive, send):
        """However the socket comes to its end, the call does, with everything saved.

        Channels makes a task and a thread hop for every message it dispatches; a call's frames have no time for that.
        """
        self.scope, self.base_send, self.channel_layer = scope, send, None
        try:
            with suppress(StopConsumer):
                while True:
                    message = await receive()
                    if message["type"] == "websocket.receive":
                        await self.websocket_receive(message)
                    elif message["type"] == "websocket.connect":
                        await self.websocket_connect(message)
                    else:
                        break
        finally:
            if self.call and self.task:
                self.call.stop(EndReason.LINE_LOST)
                await self.task
            self.place.close()

    # Letting in

    async def connect(self):
        try:
            self.place.enter_context(self.switchboard.place())
            admitted = await self._admit()
        except (Full, Refused) as refused:
            self.place.close()
            logger.info("Refused: %s", refused.reason)
            await deny(self.scope, self.base_send, refused.reason)
            return
        self.call = self._call_for(admitted)
        self.task = asyncio.create_task(self._hold(admitted, self.call))
        await self.accept(SUBPROTOCOL)
        if SHORT_WAY in self.scope["extensions"]:
            self.short_way = self.scope["extensions"][SHORT_WAY]
            self._take_sound_from(self.short_way, self.call)

    async def _admit(self) -> Admitted:
        check_origin(dict(self.scope["headers"]))
        ticket = ticket_among(self.scope["subprotocols"])
        spent = await in_database(open_with)(self.scope["url_route"]["kwargs"]["pk"], ticket)
        if spent.displaces is not None and await in_database(is_held_still)(spent):
            await self._ask_to_let_go(spent)
        return await in_database(admit)(spent, self.scope["query_string"])

    async def _ask_to_let_go(self, spent) -> None:
        """Whoever holds the line saves what was said and leaves; who does not answer in time is displaced as it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.TAKE_OVER_WAIT):
                with suppress(Exception):  # whatever a channel layer that is away raises
                    await hint("call.let_go", spent.session_id, epoch=spent.displaces)
                # The other end may be another process: only the database tells.
                while await in_database(is_held_still)(spent):  # noqa: ASYNC110
                    await asyncio.sleep(LET_GO_POLL)

    def _call_for(self, admitted: Admitted) -> Call:
        def saved(turn):
            call.saved(turn)

        call = Call(
            admitted.briefing,
            dial=partial(openai_voice.connect, self.switchboard.openai, admitted.briefing.model),
            player=Browser(self),
            turns=SessionTurns(self.switchboard.writer, admitted.session.pk, admitted.epoch, saved),
            recorder=Continued(admitted.spool or Unrecorded(), admitted.begins_at),
            limits=call_limits(),
        )
        return call

    # While it lasts

    async def websocket_receive(self, message):
        if self.call is None:
            return
        try:
            data = message.get("bytes")
            if data is not None:
                self.call.hear(data)
            else:
                self.call.receive(message["text"])
        except BadWire as bad:
            await self._refuse(self.call, bad)

    def _take_sound_from(self, short_way, call: Call) -> None:
        """What comes there is no task of ours: whatever has to wait is left to one."""

        def hear(data: bytes) -> None:
            try:
                call.hear(data)
            except BadWire as bad:
                self.refusing = asyncio.ensure_future(self._refuse(call, bad))

        short_way.set_sink(hear)

    async def _refuse(self, call: Call, bad: BadWire) -> None:
        logger.info("Closed: %s", bad.reason, extra={"session_id": call.log_fields["session_id"]})
        with suppress(OSError, RuntimeError):
            await self.close(bad.close_code, bad.reason)
        call.stop(EndReason.LINE_LOST)

    async def _hold(self, admitted: Admitted, call: Call) -> None:
        greeting = asyncio.create_task(self._await_greeting(admitted, call))
        try:
            with self.switchboard.holding(admitted.held, call, admitted.recorded):
                outcome = await call.run()
                greeting.cancel()
                await self._save(admitted, outcome)
        finally:
            await self._say_goodbye(call.conversation.outcome)
            await asyncio.gather(greeting, return_exceptions=True)

    async def _await_greeting(self, admitted: Admitted, call: Call) -> None:
        """The worker may still be writing the caller's first line when the call begins."""
        greeting = admitted.briefing.greeting
        while greeting is None:
            await asyncio.sleep(GREETING_POLL)
            greeting = await at_last(ready_greeting)(admitted.session.pk)
        if greeting:
            call.set_greeting(greeting)

    # Afterwards

    async def _save(self, admitted: Admitted, outcome: Outcome) -> None:
        """First what was said, then that it is over, then that this gateway needs the line no longer."""
        session, epoch, reason = admitted.session, admitted.epoch, outcome.reason
        if admitted.spool:
            admitted.spool.close()
        await self.switchboard.writer.flush(session.pk)
        if reason not in STAYS_OPEN:
            status = Session.Status.FAILED if reason in FAILURES else Session.Status.COMPLETED
            facts = (outcome.not_gradable, outcome.detail)
            await at_last(put_down)(session, epoch, SessionEnd(reason), status, *facts)
        elif await at_last(let_go)(session.pk, epoch):
            self.switchboard.lapse_later(session.pk, epoch)
        self.switchboard.finish_soon()

    async def _say_goodbye(self, outcome: Outcome) -> None:
        code = outcome.close_code or CLOSE_CODES.get(outcome.reason, 1000)
        try:
            async with asyncio.timeout(GOODBYE):
                await self.send(text_data=encode_message(Ended(outcome.reason)))
                await self.close(code)
        except TimeoutError:
            if self.short_way:
                self.short_way.give_up(code)
        except (OSError, RuntimeError):
            logger.info("The browser was gone already")


class Browser:
    """The consumer's socket, as the call sees it."""

    def __init__(self, consumer: CallConsumer) -> None:
        self.consumer = consumer
        self.send = consumer.base_send

    async def send_text(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        short_way = self.consumer.short_way
        if short_way is None or not short_way.send_sound(data):
            await self.send({"type": "websocket.send", "bytes": data})


def call_limits() -> Limits:
    return Limits(
        longest_call=settings.CALL_LIMIT,
        idle_warn=settings.IDLE_WARN_AFTER,
        idle_end=settings.IDLE_END_AFTER,
        frames_lost=settings.FRAMES_LOST_AFTER,
        response_lost=settings.RESPONSE_LOST_AFTER,
        rollover_after=settings.UPSTREAM_ROLLOVER_AFTER,
    )
