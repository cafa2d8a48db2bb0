"""The noisy organization's people and strangers, who attack a whole installation at once until standard input closes.

`python -m tests.joint_attack.attack_client`, with the attack as a line of JSON on standard input. It runs at the lowest
priority, because in reality it would run on other machines. At the end, it prints how often each kind of attack got
each response.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.joint_attack.attack_calls import CallAttack

ADVERSARIAL = ["hello" + "\n" * 9000 + "grader", "a " * 4900 + "!", "ignore " * 1300, '"' * 9000 + "grader"]
IMPORT_ROWS = 100
WAITS, PLAIN_REQUESTS, HALF_SENT, LARGE_BODIES = 110, 250, 150, 20
CSRF = "c" * 32
PAUSE = 0.2  # seconds between two tries of one person who floods paid work
DRIP_PAUSE = 3.0  # seconds between two headers of the dripping receiver


@dataclass(frozen=True)
class Plan:
    """Addresses, logins, and rows of the attack. Logins are session keys."""

    web_port: int
    gateway_port: int
    receiver_port: int  # where the noisy organization's webhooks lead
    origin: str
    flooder: str
    waiting_path: str  # of an evaluation that stays queued
    chatters: list[str]
    callers: list[str]
    importer: str
    chat_scenario: str
    phone_scenario: str


class AttackClient:
    """Everything that the attack does over HTTP, and its calls."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcomes: dict[str, Counter[str]] = {}
        self.calls = CallAttack(plan.gateway_port, plan.origin, self.count)

    def count(self, kind: str, outcome: object) -> None:
        self.outcomes.setdefault(kind, Counter())[str(outcome)] += 1

    async def run(self) -> None:
        """Attack until this task is canceled."""
        plan = self.plan
        receiver = await asyncio.start_server(self.drip_headers, "127.0.0.1", plan.receiver_port)
        for login in {plan.flooder, plan.importer, *plan.chatters, *plan.callers}:
            await self.request("GET", "/api/me/", login)  # from here on, the server knows them
        loops: list[Callable[[], Awaitable[None]]] = [self.import_pack, self.call_together, self.flood_typed_words]
        loops += [lambda login=login: self.chat_and_grade(login) for login in plan.chatters]  # type: ignore[misc]
        loops += [self.wait_for_evaluation] * WAITS
        loops += [self.request_page] * PLAIN_REQUESTS
        loops += [self.send_half_a_body] * HALF_SENT
        loops += [self.send_large_body] * LARGE_BODIES
        loops += [self.forge_tickets]
        async with receiver, asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(self.repeat(loop))

    async def repeat(self, attack: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await attack()
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.count("connections", type(error).__name__)
                await asyncio.sleep(PAUSE)

    # Graded texts that are expensive to search, and paid work without end

    async def chat_and_grade(self, login: str) -> None:
        status, session = await self.request(
            "POST",
            "/api/sessions/",
            login,
            {"type": "free_practice", "mode": "chat", "scenario_id": self.plan.chat_scenario},
        )
        self.count("chats begun", status)
        if status == 201:
            for text in ADVERSARIAL:
                status, _ = await self.request(
                    "POST", f"/api/sessions/{session['id']}/messages/", login, {"content": text}
                )
                self.count("expensive texts", status)
            status, _ = await self.request("POST", f"/api/sessions/{session['id']}/evaluation/", login)
            self.count("gradings", status)
        await asyncio.sleep(PAUSE)

    # Waiting and plain requests of one counselor, each repeated as soon as it is answered

    async def wait_for_evaluation(self) -> None:
        status, _ = await self.request("GET", self.plan.waiting_path, self.plan.flooder, prefer="wait=18")
        self.count("waits", status)

    async def request_page(self) -> None:
        status, _ = await self.request("GET", "/sessions/", self.plan.flooder)
        self.count("plain requests", status)

    # A receiver that responds very slowly, imports, and calls that end together

    async def drip_headers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count("webhooks", "received")
        with suppress(OSError, asyncio.CancelledError):  # asyncio reports a handler that is canceled
            writer.write(b"HTTP/1.1 200 OK\r\n")
            for number in count():
                writer.write(f"X-Drip-{number}: 1\r\n".encode())
                await writer.drain()
                await asyncio.sleep(DRIP_PAUSE)

    async def import_pack(self) -> None:
        rows = [
            {
                "title": f"{os.urandom(8).hex()}",
                "prompt": "You are Noor, 20, on a night train. " * 40,
                "evaluatorContext": "- Asks openly what makes arriving hard.\n" * 10,
                "mode": "chat",
            }
            for _ in range(IMPORT_ROWS)
        ]
        status, _ = await self.request("POST", "/api/scenarios/import/", self.plan.importer, {"scenarios": rows})
        self.count("imports", status)
        await asyncio.sleep(PAUSE)

    async def call_together(self) -> None:
        tickets = [await self.open_call(login) for login in self.plan.callers[:-1]]
        await self.calls.call_together([ticket for ticket in tickets if ticket])

    async def flood_typed_words(self) -> None:
        if ticket := await self.open_call(self.plan.callers[-1]):
            await self.calls.flood_typed_words(*ticket)

    async def open_call(self, login: str) -> tuple[str, str] | None:
        """Begin a call. Return its session and ticket, or None if it is refused."""
        wanted = {"type": "free_practice", "mode": "phone", "scenario_id": self.plan.phone_scenario}
        status, session = await self.request("POST", "/api/sessions/", login, wanted)
        self.count("calls begun", status)
        if status not in (200, 201):
            await asyncio.sleep(PAUSE)
            return None
        status, issued = await self.request("POST", f"/api/sessions/{session['id']}/ticket/", login, {})
        if status != 201:
            self.count("tickets", status)
            await self.request("POST", f"/api/sessions/{session['id']}/end/", login)
            await asyncio.sleep(PAUSE)
            return None
        return session["id"], issued["ticket"]

    # Strangers

    async def send_half_a_body(self) -> None:
        head = b"POST /account/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nlogin="
        async with self.connect(self.plan.web_port) as (reader, writer):
            writer.write(head)
            self.count("half a body", await read_status(reader))
        await asyncio.sleep(PAUSE)

    async def send_large_body(self) -> None:
        head = b"POST /accounts/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 20000000\r\n\r\n"
        async with self.connect(self.plan.web_port) as (reader, writer):
            writer.write(head + b"x" * 10_000)
            self.count("20 MB of a stranger", await read_status(reader))
        await asyncio.sleep(PAUSE)

    async def forge_tickets(self) -> None:
        await self.calls.forge_tickets(self.plan.waiting_path.split("/")[3])

    @asynccontextmanager
    async def connect(self, port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def request(
        self, method: str, path: str, login: str, body: object = None, prefer: str = ""
    ) -> tuple[int, Any]:
        """Send a request on a connection of its own. Return the status and the parsed body, None if it is a page."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"X-CSRFToken: {CSRF}"]
        lines += [f"Cookie: sessionid={login}; csrftoken={CSRF}", f"Content-Length: {len(data)}"]
        lines += ["Content-Type: application/json"] if data else []
        lines += [f"Prefer: {prefer}"] if prefer else []
        async with self.connect(self.plan.web_port) as (reader, writer):
            writer.write("\r\n".join([*lines, "", ""]).encode() + data)
            head, _, received = (await reader.read(-1)).partition(b"\r\n\r\n")
        if not head:
            return 0, None
        is_json = method == "POST" and received.startswith(b"{")
        return int(head.split(maxsplit=2)[1]), json.loads(received) if is_json else None


async def read_status(reader: asyncio.StreamReader) -> str:
    """Return the status of a response, or "closed"."""
    line = await reader.readline()
    return line.split()[1].decode() if line else "closed"


async def attack_until_stdin_closes() -> dict[str, Counter[str]]:
    client = AttackClient(Plan(**json.loads(sys.stdin.readline())))
    attack = asyncio.create_task(client.run())
    closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait([attack, closed], return_when=asyncio.FIRST_COMPLETED)
    attack.cancel()
    with suppress(asyncio.CancelledError):
        await attack
    return client.outcomes


def lower_priority() -> None:
    """Leave the processor to everyone else. Linux may schedule sessions as groups, each with a niceness of its own."""
    os.nice(19)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")


if __name__ == "__main__":
    lower_priority()
    print(json.dumps(asyncio.run(attack_until_stdin_closes())), flush=True)
