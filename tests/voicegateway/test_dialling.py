import asyncio

import pytest

from tests.voicegateway.fakes import FakeVoice, settle
from voicegateway.dialling import Dialling
from voicegateway.ports import VoiceUnavailable


class Exchange:
    """Connects when told to, or never will."""

    def __init__(self) -> None:
        self.voice = FakeVoice()
        self.answered = asyncio.Event()
        self.error: VoiceUnavailable | None = None
        self.was_cancelled = False

    async def connect(self) -> FakeVoice:
        try:
            await self.answered.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        if self.error:
            raise self.error
        return self.voice

    def refuse(self) -> None:
        self.error = VoiceUnavailable(True, "unreachable")
        self.answered.set()


async def test_what_is_sent_while_dialling_goes_out_once_connected():
    exchange = Exchange()
    dialling = Dialling(exchange.connect())
    sending = asyncio.create_task(dialling.send(b'{"type": "session.update"}'))
    await settle()
    sent_before = list(exchange.voice.types)

    exchange.answered.set()
    await sending

    assert (sent_before, exchange.voice.types) == ([], ["session.update"])


async def test_receiving_waits_for_the_connection():
    exchange = Exchange()
    dialling = Dialling(exchange.connect())
    exchange.voice.emit("session.created")
    receiving = asyncio.create_task(dialling.receive())
    await settle()

    exchange.answered.set()

    assert b"session.created" in await receiving


async def test_a_failed_connection_fails_whoever_waits_and_whoever_comes_later():
    exchange = Exchange()
    dialling = Dialling(exchange.connect())
    waiting = asyncio.create_task(dialling.receive())
    await settle()

    exchange.refuse()

    for attempt in (waiting, dialling.send(b"{}"), dialling.receive()):
        with pytest.raises(VoiceUnavailable) as caught:
            await attempt
        assert caught.value.code == "unreachable"
    await dialling.close()


async def test_a_cancelled_reader_does_not_hang_up_on_the_writer():
    exchange = Exchange()
    dialling = Dialling(exchange.connect())
    receiving = asyncio.create_task(dialling.receive())
    await settle()
    receiving.cancel()
    await settle()

    exchange.answered.set()
    await dialling.send(b'{"type": "session.update"}')

    assert (exchange.was_cancelled, exchange.voice.types) == (False, ["session.update"])


async def test_closing_stops_dialling():
    exchange = Exchange()
    dialling = Dialling(exchange.connect())
    await settle()

    await dialling.close()

    assert exchange.was_cancelled


async def test_closing_hangs_up_a_connection():
    exchange = Exchange()
    exchange.answered.set()
    dialling = Dialling(exchange.connect())
    await dialling.send(b"{}")

    await dialling.close()

    assert not exchange.voice.is_open


async def test_closing_before_dialling_began_leaves_nothing_behind():
    exchange = Exchange()
    dialling = Dialling(exchange.connect())

    await dialling.close()

    assert exchange.voice.is_open
