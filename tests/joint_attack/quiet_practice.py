"""A counselor of a quiet organization who practices, and the times that this takes."""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.models import Evaluation
from tests.support.web_process import Answer, WebProcess
from training.models import TranscriptTurn

CSRF = "q" * 32
POLL_PAUSE = 0.2  # seconds
PATIENCE = 40.0  # seconds
MESSAGE = "Hello, my name is Sam. I'm glad you wrote. What makes going home so hard tonight?"


@dataclass
class Times:
    """Times in seconds by what was measured, in the order in which they were measured."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        self.seconds.setdefault(name, []).append(seconds)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ninetieth(self, name: str) -> float:
        """Return the 90th percentile."""
        return statistics.quantiles(self.seconds[name], n=10, method="inclusive")[8]

    def longest(self, name: str) -> float:
        return max(self.seconds[name])


class QuietPractice:
    """One counselor after another chats, asks for feedback, and looks at pages. Every response must be a success."""

    def __init__(self, web: WebProcess, logins: Sequence[str], scenario_id: object) -> None:
        self.web, self.logins, self.scenario_id = web, logins, scenario_id
        self.failures: list[str] = []
        self.sessions: list[str] = []
        self.begun: dict[str, float] = {}  # wall clock at which each session was begun
        self.asked: dict[str, float] = {}  # and its feedback asked for

    async def practice(self, rounds: int, times: Times) -> None:
        """Practice `rounds` times, and add the times of pages and replies. `read_stored_times` adds the others."""
        for _ in range(rounds):
            await self.practice_once(self.logins[len(self.sessions) % len(self.logins)], times)

    async def practice_until(self, over: asyncio.Event, times: Times) -> None:
        """Practice until the event has happened, and once more."""
        while not over.is_set():
            await self.practice(1, times)
        await self.practice(1, times)

    async def practice_once(self, login: str, times: Times) -> None:
        wanted = {"type": "free_practice", "mode": "chat", "scenario_id": str(self.scenario_id)}
        begun = time.time()
        session: str = (await self.post("/api/sessions/", login, wanted)).json["id"]
        self.begun[session] = begun
        self.sessions.append(session)
        await self.poll(f"/api/sessions/{session}/", login, lambda shown: bool(shown["transcript"]))
        await self.time_page("dashboard", "/", login, times)
        await self.time_reply(session, login, times)
        await self.time_page("dashboard", "/", login, times)
        self.asked[session] = time.time()
        await self.post(f"/api/sessions/{session}/evaluation/", login)
        await self.poll(f"/api/sessions/{session}/evaluation/", login, lambda shown: shown["status"] == "completed")
        await self.time_page("feedback page", f"/sessions/{session}/", login, times)

    async def time_page(self, name: str, path: str, login: str, times: Times) -> None:
        started = time.perf_counter()
        self.check(path, await self.web.get(path, login, Accept="text/html"))
        times.add(name, time.perf_counter() - started)

    async def time_reply(self, session: str, login: str, times: Times) -> None:
        started = time.perf_counter()
        await self.post(f"/api/sessions/{session}/messages/", login, {"content": MESSAGE})
        times.add("reply", time.perf_counter() - started)

    async def poll(self, path: str, login: str, is_done: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_done(self.check(path, await self.web.get(path, login)).json):
            assert time.monotonic() < deadline, f"{path} is not done after {PATIENCE:.0f} s"
            await asyncio.sleep(POLL_PAUSE)

    async def post(self, path: str, login: str, body: object = None) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"X-CSRFToken: {CSRF}"]
        lines += [f"Cookie: sessionid={login}; csrftoken={CSRF}", f"Content-Length: {len(data)}"]
        lines += ["Content-Type: application/json"] if data else []
        return self.check(path, await self.web.send("\r\n".join([*lines, "", ""]).encode() + data))

    def check(self, path: str, answer: Answer) -> Answer:
        if answer.status >= 400:
            self.failures.append(f"{path}: {answer.status} {answer.body[:200]!r}")
        assert answer.status < 400, self.failures[-1]
        return answer

    def read_stored_times(self, sessions: Sequence[str], times: Times) -> None:
        """Add the times from the beginning of each session to its first line, and from the request to the grade."""
        for session in sessions:
            first = TranscriptTurn.objects.filter(session=session).earliest("created_at")
            times.add("greeting", first.created_at.timestamp() - self.begun[session])
            graded = Evaluation.objects.graded().get(session=session).completed_at
            assert graded
            times.add("grade", graded.timestamp() - self.asked[session])
