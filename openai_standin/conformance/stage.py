"""Where a script plays: one call, with its page on one side and OpenAI's end on the other."""

from typing import Any

from .expectation import expect, wait_for
from .page import Page
from .product import Product
from .upstream import Connection, Upstream

Line = tuple[str, str, bool]


class Stage:
    def __init__(self, product: Product, upstream: Upstream) -> None:
        self.product = product
        self.upstream = upstream
        self.page = Page()
        self.session = ""
        self.line: Connection

    async def dial(self) -> None:
        """A new call; OpenAI's end has not said a word yet."""
        body = {"type": "free_practice", "mode": "phone"}
        self.session = (await self.product.api("POST", "/sessions/", body))["id"]
        ticket = await self.product.api("POST", f"/sessions/{self.session}/ticket/", {})
        await self.page.dial(ticket["url"], self.product.address, ticket["ticket"])

    async def begin(self, expires_in: float | None = None) -> Connection:
        """A call in which both ends are ready."""
        await self.dial()
        self.line = await self.upstream.connection(1)
        await self.line.greet(expires_in)
        await self.page.wait_for("ready")
        return self.line

    async def answered(self, words: str = "Crisis line, good evening.") -> Connection:
        """The counselor has typed a greeting, and an answer has been asked for."""
        line = await self.begin()
        await self.page.say(type="say", text=words)
        await line.wait_for("response.create")
        return line

    async def speaking(
        self, ms: int = 6000, words: str = "one two three four five six seven eight nine ten"
    ) -> Connection:
        """The caller is in the middle of a long answer, all of which has been generated."""
        line = await self.answered()
        await line.speaks("resp_1", "caller_1", self.typed_item(1), words, ms)
        await self.page.wait_for_sound(600)
        return line

    def typed_item(self, number: int) -> str:
        """The id of the n-th item that the product made of something typed."""
        item: Any = self.line.of("conversation.item.create")[number - 1]["item"]
        return str(item["id"])

    async def speak_up(self, ms: int) -> int:
        """The counselor says something for so long; where on upstream's clock it began."""
        since = self.line.heard_ms
        self.page.speaks = True
        await self.page.microphone(ms)
        self.page.speaks = False
        return since

    async def back_again(self, number: int = 2) -> Connection:
        """The next connection, once it is configured."""
        line = await self.upstream.connection(number)
        self.line = line
        await line.greet()
        return line

    async def hang_up(self) -> list[Line]:
        """End the call and return its transcript."""
        await self.page.say(type="hang_up")
        ended = await self.page.wait_for("ended")
        expect(ended["reason"] == "hung_up", f"hanging up ends the call as hung_up, not {ended['reason']}")
        return await self.transcript()

    async def transcript(self) -> list[Line]:
        turns = (await self.stored())["transcript"]
        return [(turn["role"], turn["text"], turn["interrupted"]) for turn in turns]

    async def stored(self) -> dict[str, Any]:
        return await self.product.api("GET", f"/sessions/{self.session}/")

    async def ended_as(self, reason: str, status: str, seconds: float = 12.0) -> dict[str, Any]:
        ended = await self.page.wait_for("ended", seconds=seconds)
        expect(ended["reason"] == reason, f"the page is told {reason}, not {ended['reason']}")
        await wait_for(lambda: self.page.close_code, "the socket is closed")
        stored = await self.stored()
        expect(
            (stored["status"], stored["end_reason"]) == (status, reason),
            f"stored as {status}/{reason}, not {stored['status']}/{stored['end_reason']}",
        )
        return stored

    def expect_lines(self, lines: list[Line], *wanted: tuple[str, str]) -> None:
        said = [(role, text) for role, text, _ in lines]
        expect(said == list(wanted), f"the transcript is {list(wanted)}, not {said}")

    async def still_works(self, line: Connection, response: str = "resp_9", item: str = "caller_9") -> None:
        """Whatever has happened: a question is still answered."""
        before = len(line.of("response.create"))
        await self.page.say(type="say", text="Are you there?")
        await line.wait_for("response.create", before + 1)
        await line.speaks(response, item, None, "I am here.", 200)
        await self.page.wait_for_turn("I am here.")

    async def leave(self) -> None:
        await self.page.close()
        if self.session:
            await self.product.api("POST", f"/sessions/{self.session}/end/")
        self.upstream.forget()
