"""One call under test, with the counselor's page on one side and OpenAI on the other."""

from typing import Any

from .expectations import expect, wait_for
from .product import ProductProcess
from .scripted_openai import ScriptedConnection, ScriptedOpenAI
from .simulated_page import SimulatedPage

TranscriptLine = tuple[str, str, bool]


class ScriptedCall:
    def __init__(self, product: ProductProcess, upstream: ScriptedOpenAI) -> None:
        self.product = product
        self.upstream = upstream
        self.page = SimulatedPage()
        self.session_id = ""
        self.connection: ScriptedConnection

    async def open_call(self) -> None:
        """Open a new call. OpenAI has not sent anything yet."""
        body = {"type": "free_practice", "mode": "phone"}
        self.session_id = (await self.product.call_api("POST", "/sessions/", body))["id"]
        ticket = await self.product.call_api("POST", f"/sessions/{self.session_id}/ticket/", {})
        await self.page.open_call(ticket["url"], self.product.address, ticket["ticket"])

    async def start_call(self, expires_in: float | None = None) -> ScriptedConnection:
        """Open a call and wait until both ends are ready."""
        await self.open_call()
        self.connection = await self.upstream.wait_for_connection(1)
        await self.connection.confirm_session(expires_in)
        await self.page.wait_for_message("ready")
        return self.connection

    async def start_with_greeting(self, words: str = "Crisis line, good evening.") -> ScriptedConnection:
        """Start a call, type the counselor's greeting, and wait until the product asks for a response."""
        connection = await self.start_call()
        await self.page.send_message(type="say", text=words)
        await connection.wait_for_event("response.create")
        return connection

    async def start_with_caller_speaking(
        self, ms: int = 6000, words: str = "one two three four five six seven eight nine ten"
    ) -> ScriptedConnection:
        """Start a call and leave the caller in the middle of a long response that is already fully generated."""
        connection = await self.start_with_greeting()
        await connection.send_whole_response("resp_1", "caller_1", self.typed_item_id(1), words, ms)
        await self.page.wait_for_sound(600)
        return connection

    def typed_item_id(self, number: int) -> str:
        """Return the id of the n-th conversation item that the product created from typed text, counted from 1."""
        item: Any = self.connection.events_of_type("conversation.item.create")[number - 1]["item"]
        return str(item["id"])

    async def speak_for(self, ms: int) -> int:
        """Speak for `ms`. Return how much audio, in ms, upstream had received when the speech began."""
        since = self.connection.received_audio_ms
        self.page.is_speaking = True
        await self.page.wait_for_microphone(ms)
        self.page.is_speaking = False
        return since

    async def accept_reconnect(self, number: int = 2) -> ScriptedConnection:
        """Wait for the given connection, confirm its session, and return it."""
        connection = await self.upstream.wait_for_connection(number)
        self.connection = connection
        await connection.confirm_session()
        return connection

    async def hang_up(self) -> list[TranscriptLine]:
        """End the call and return its transcript."""
        await self.page.send_message(type="hang_up")
        ended = await self.page.wait_for_message("ended")
        expect(ended["reason"] == "hung_up", f"hanging up ends the call as hung_up, not {ended['reason']}")
        return await self.transcript()

    async def transcript(self) -> list[TranscriptLine]:
        turns = (await self.fetch_session())["transcript"]
        return [(turn["role"], turn["text"], turn["interrupted"]) for turn in turns]

    async def fetch_session(self) -> dict[str, Any]:
        return await self.product.call_api("GET", f"/sessions/{self.session_id}/")

    async def expect_ended(self, reason: str, status: str) -> dict[str, Any]:
        ended = await self.page.wait_for_message("ended")
        expect(ended["reason"] == reason, f"the page receives the reason {reason}, not {ended['reason']}")
        await wait_for(lambda: self.page.close_code, "the socket is closed")
        stored = await self.fetch_session()
        expect(
            (stored["status"], stored["end_reason"]) == (status, reason),
            f"the session is stored as {status}/{reason}, not {stored['status']}/{stored['end_reason']}",
        )
        return stored

    def expect_transcript(self, lines: list[TranscriptLine], *expected: tuple[str, str]) -> None:
        spoken = [(role, text) for role, text, _ in lines]
        expect(spoken == list(expected), f"the transcript is {list(expected)}, not {spoken}")

    async def expect_answer(
        self, connection: ScriptedConnection, response: str = "resp_9", item: str = "caller_9"
    ) -> None:
        """Check that the call still works: the next question gets a response."""
        before = len(connection.events_of_type("response.create"))
        await self.page.send_message(type="say", text="Are you there?")
        await connection.wait_for_event("response.create", before + 1)
        await connection.send_whole_response(response, item, None, "I am here.", 200)
        await self.page.wait_for_turn("I am here.")

    async def close(self) -> None:
        await self.page.close()
        if self.session_id:
            await self.product.call_api("POST", f"/sessions/{self.session_id}/end/")
        self.upstream.reset()
