"""Channels consumer of a call's socket: admission, message delivery, and cleanup.

Audio bypasses Channels' dispatcher.
"""

import asyncio
import logging
from contextlib import ExitStack, suppress
from functools import partial
from uuid import UUID

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from training.models import EndReason as SessionEnd
from training.models import Session
from training.services.call_leases import finish_call, release_call
from voicegateway.browser.deny import deny_handshake
from voicegateway.browser.protocol import SUBPROTOCOL, BrowserProtocolError, Ended, encode_message
from voicegateway.browser.uvicorn_protocol import FAST_PATH, CallWebSocketProtocol
from voicegateway.conversation.call import Call
from voicegateway.conversation.call_config import CallEndReason, CallOutcome, Limits
from voicegateway.conversation.ports import NullRecorder, OffsetRecorder
from voicegateway.process.admission import (
    AdmissionRefusedError,
    AdmittedCall,
    admit_call,
    check_handshake,
    greeting_if_ready,
    is_still_held,
    redeem_ticket,
    ticket_from_subprotocols,
)
from voicegateway.process.call_registry import CallRegistry, CapacityError
from voicegateway.process.database_executor import database_to_async, retry_until_available
from voicegateway.process.pubsub import publish
from voicegateway.process.turn_writer import SessionTurnSink
from voicegateway.upstream import openai_realtime

logger = logging.getLogger(__name__)

# The counselor may reconnect: the session stays open for another socket and ends if none arrives.
RESUMABLE_END_REASONS = {
    CallEndReason.LINE_LOST,
    CallEndReason.SHUTDOWN,
    CallEndReason.REPLACED,
    CallEndReason.LOGGED_OUT,
}
FAILURE_END_REASONS = {CallEndReason.CALLER_LOST, CallEndReason.CALLER_INAUDIBLE, CallEndReason.FAILED}
CLOSE_CODES = {CallEndReason.SHUTDOWN: 1012, CallEndReason.LOGGED_OUT: 4001, CallEndReason.REPLACED: 4002}
MIN_DURATION = 1.0  # seconds of a warm-up that is resumed after its end
GREETING_POLL = 0.5  # seconds between checks for the prepared greeting
HANDOVER_POLL = 0.05  # seconds between checks for the release of the call
CLOSE_TIMEOUT = 1.0  # seconds that a page may take to read the last message
# Reason set by `voicegateway.conversation`, which does not import Django. It is stored as is and translated when shown.
gettext_noop("The caller could not be heard.")


class CallConsumer(AsyncWebsocketConsumer):
    """One socket of one call. Its receive handlers never wait for the database or for OpenAI."""

    # No channel layer: with one, Channels would refuse every call while the layer is unavailable.
    channel_layer_alias = ""

    def __init__(self, call_registry: CallRegistry) -> None:
        super().__init__()
        self.call_registry = call_registry
        self.call: Call | None = None
        self.task: asyncio.Task[None] | None = None
        self.violation_task: asyncio.Future[None] | None = None
        self.fast_path: CallWebSocketProtocol | None = None
        self.slot = ExitStack()

    async def __call__(self, scope, receive, send):
        """Serve the socket until it disconnects, then end the call with everything saved.

        Channels creates a task and a thread hop for every message it dispatches, which is too slow for audio frames.
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
                self.call.end_now(CallEndReason.LINE_LOST)
                await self.task
            self.slot.close()

    # Admission

    async def connect(self):
        session_id, presented = self.scope["url_route"]["kwargs"]["pk"], self.call_registry.presented_tickets
        try:
            # Check what needs no database first: a stranger's sockets must not take the slots of real counselors.
            ticket = check_handshake(self.scope, session_id, presented)
            self.slot.enter_context(self.call_registry.reserve_slot())
            presented.add(ticket)
            admitted = await self._admit(session_id)
        except (CapacityError, AdmissionRefusedError) as error:
            self.slot.close()
            logger.info("Refused: %s", error.reason)
            await deny_handshake(self.scope, self.base_send, error.reason)
            return
        self.call = self._build_call(admitted)
        self.task = asyncio.create_task(self._run_call(admitted, self.call))
        await self.accept(SUBPROTOCOL)
        if FAST_PATH in self.scope["extensions"]:
            self.fast_path = self.scope["extensions"][FAST_PATH]
            self._attach_fast_path(self.fast_path, self.call)

    async def _admit(self, session_id: UUID) -> AdmittedCall:
        secret = ticket_from_subprotocols(self.scope["subprotocols"])
        ticket = await database_to_async(redeem_ticket)(session_id, secret)
        if ticket.displaces is not None and await database_to_async(is_still_held)(ticket):
            await self._request_handover(ticket)
        return await database_to_async(admit_call)(ticket, self.scope["query_string"], self.call_registry.spools.buffer)

    async def _request_handover(self, ticket) -> None:
        """Ask the current holder to save its turns and release the call, and wait up to `TAKE_OVER_WAIT` seconds.

        A holder that does not release the call in time is displaced anyway.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.TAKE_OVER_WAIT):
                with suppress(Exception):  # an unavailable channel layer can raise anything
                    await publish("call.let_go", ticket.session_id, epoch=ticket.displaces)
                # The holder may be in another process, so only the database shows the release: there is no event.
                while await database_to_async(is_still_held)(ticket):  # noqa: ASYNC110
                    await asyncio.sleep(HANDOVER_POLL)

    def _build_call(self, admitted: AdmittedCall) -> Call:
        def saved(turn):
            call.confirm_saved(turn)

        call = Call(
            admitted.config,
            connect=partial(openai_realtime.connect, self.call_registry.openai, admitted.config.model),
            browser=ConsumerSocket(self),
            turn_sink=SessionTurnSink(self.call_registry.writer, admitted.session.pk, admitted.epoch, saved),
            recorder=OffsetRecorder(admitted.spool or NullRecorder(), admitted.start_sample),
            limits=call_limits(admitted.session),
        )
        return call

    # Running

    async def websocket_receive(self, message):
        if self.call is None:
            return
        try:
            data = message.get("bytes")
            if data is not None:
                self.call.receive_audio(data)
            else:
                self.call.receive_text(message["text"])
        except BrowserProtocolError as error:
            await self._close_for_violation(self.call, error)

    def _attach_fast_path(self, fast_path, call: Call) -> None:
        """Deliver binary frames straight from the server's read callback to the call.

        The callback is not a task and cannot wait, so a protocol violation is handled in a new task.
        """

        def receive(data: bytes) -> None:
            try:
                call.receive_audio(data)
            except BrowserProtocolError as error:
                self.violation_task = asyncio.ensure_future(self._close_for_violation(call, error))

        fast_path.set_sink(receive, on_flood=call.end_for_flood)

    async def _close_for_violation(self, call: Call, error: BrowserProtocolError) -> None:
        logger.info("Closed: %s", error.reason, extra={"session_id": call.log_fields["session_id"]})
        with suppress(OSError, RuntimeError):
            await self.close(error.close_code, error.reason)
        call.end_now(CallEndReason.LINE_LOST)

    async def _run_call(self, admitted: AdmittedCall, call: Call) -> None:
        greeting = asyncio.create_task(self._poll_greeting(admitted, call))
        try:
            with self.call_registry.register(admitted.lease, call, admitted.recording):
                outcome = await call.run()
                greeting.cancel()
                await self._finish_call(admitted, outcome)
        finally:
            await self._send_ended(call.conversation.outcome)
            await asyncio.gather(greeting, return_exceptions=True)

    async def _poll_greeting(self, admitted: AdmittedCall, call: Call) -> None:
        """Give the call its greeting once a worker has prepared it. The call may begin earlier."""
        greeting = admitted.config.greeting
        while greeting is None:
            await asyncio.sleep(GREETING_POLL)
            greeting = await retry_until_available(greeting_if_ready)(admitted.session.pk)
        if greeting:
            call.set_greeting(greeting)

    # Cleanup

    async def _finish_call(self, admitted: AdmittedCall, outcome: CallOutcome) -> None:
        """Save the turns, then end the session or release the call, and request the recording's upload.

        The order matters: an ended session must already have all of its turns.
        """
        session, epoch, reason = admitted.session, admitted.epoch, outcome.reason
        if admitted.spool:
            admitted.spool.close()
        await self.call_registry.writer.flush(session.pk)
        if reason not in RESUMABLE_END_REASONS:
            status = Session.Status.FAILED if reason in FAILURE_END_REASONS else Session.Status.COMPLETED
            details = (outcome.not_gradable_reason, outcome.detail)
            await retry_until_available(finish_call)(session, epoch, SessionEnd(reason), status, *details)
        elif await retry_until_available(release_call)(session.pk, epoch):
            self.call_registry.schedule_expiry(session.pk, epoch)
        self.call_registry.request_upload()

    async def _send_ended(self, outcome: CallOutcome) -> None:
        code = outcome.close_code or CLOSE_CODES.get(outcome.reason, 1000)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.send(text_data=encode_message(Ended(outcome.reason)))
                await self.close(code)
        except TimeoutError:
            if self.fast_path:
                self.fast_path.force_close(code)
        except (OSError, RuntimeError):
            logger.info("The browser had already disconnected")


class ConsumerSocket:
    """Adapter from the consumer to the call's `BrowserSocket` interface."""

    def __init__(self, consumer: CallConsumer) -> None:
        self.consumer = consumer
        self.send = consumer.base_send

    async def send_text(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self.send({"type": "websocket.send", "bytes": data})

    def send_bytes_at_once(self, data: bytes) -> bool:
        fast_path = self.consumer.fast_path
        try:
            return fast_path is not None and fast_path.send_audio(data)
        except (OSError, RuntimeError):
            return False


def _longest_duration(session: Session) -> float:
    """Return the seconds that a call may still last. A warm-up's time goes on while its line is lost."""
    if not session.is_warm_up:
        return settings.CALL_LIMIT
    elapsed = (timezone.now() - session.started_at).total_seconds()
    return max(settings.WARM_UP_LIMIT - elapsed, MIN_DURATION)


def call_limits(session: Session) -> Limits:
    """Build the limits of a call from settings. Unlisted limits keep their defaults."""
    return Limits(
        max_duration=_longest_duration(session),
        idle_warn_after=settings.IDLE_WARN_AFTER,
        idle_end_after=settings.IDLE_END_AFTER,
        frames_lost_after=settings.FRAMES_LOST_AFTER,
        response_lost_after=settings.RESPONSE_LOST_AFTER,
        rollover_after=settings.UPSTREAM_ROLLOVER_AFTER,
        typed_turns_per_minute=settings.TYPED_TURNS_PER_MINUTE,
        typed_words_per_minute=settings.TYPED_WORDS_PER_MINUTE,
    )
