import asyncio
import threading
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import OperationalError
from django.http import HttpResponse, HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.module_loading import import_string
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.web import waiting
from accounts.web.waiting import follow_final_response, respond_when_done, waiting_middleware


class Result:
    """A result that appears after a number of looks. An exception in `looks` is raised."""

    def __init__(self, *looks: Any) -> None:
        self.looks = list(looks)
        self.threads: set[str] = set()

    def is_done(self) -> bool:
        self.threads.add(threading.current_thread().name)
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return look

    def respond(self, is_done: bool) -> HttpResponse:
        return HttpResponse("done" if is_done else "pending", status=200 if is_done else 202)


class Slot:
    """A place in the limits of a server."""

    def __init__(self, may_wait: bool) -> None:
        self.may_wait = may_wait
        self.log: list[str] = []
        self.started = asyncio.Event()

    def start_waiting(self) -> bool:
        self.log.append("start")
        self.started.set()
        return self.may_wait

    def stop_waiting(self) -> None:
        self.log.append("stop")


@pytest.fixture(autouse=True)
def wait_briefly(monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.001)


async def request(result: Result, seconds: float = 30.0, slot: Slot | None = None) -> HttpResponseBase:
    async def view(request: Any) -> HttpResponse:
        return respond_when_done(result.is_done, result.respond, seconds)

    sent = AsyncRequestFactory().get("/")
    sent.scope["request_slot"] = slot
    response: HttpResponseBase = await waiting_middleware(view)(sent)
    return response


def content(response: Any) -> tuple[int, bytes]:
    return response.status_code, response.content


async def test_finished_result_is_answered_at_once():
    assert content(await request(Result(True))) == (200, b"done")


async def test_result_that_appears_replaces_the_response():
    assert content(await request(Result(False, False, True))) == (200, b"done")


async def test_response_stays_when_the_time_is_over():
    assert content(await request(Result(False), seconds=0.005)) == (202, b"pending")


async def test_client_that_does_not_wait_is_answered_at_once():
    result = Result(False, AssertionError("looked again"))

    assert content(await request(result, seconds=0)) == (202, b"pending")


async def test_wait_goes_on_while_the_database_is_unavailable():
    assert content(await request(Result(False, OperationalError(), True))) == (200, b"done")


async def test_wait_ends_when_the_row_is_deleted():
    assert content(await request(Result(False, ObjectDoesNotExist()))) == (202, b"pending")


async def test_many_waits_look_through_two_threads():
    result = Result(*[False] * 100, True)

    responses = await asyncio.gather(*(request(result) for _ in range(50)))

    assert [content(response) for response in responses] == [(200, b"done")] * 50
    looking = {name for name in result.threads if name.startswith("waits")}
    assert len(looking) <= 2 and looking


@pytest.mark.parametrize(
    ("may_wait", "answer", "log"),
    [(True, (200, b"done"), ["start", "stop"]), (False, (202, b"pending"), ["start"])],
)
async def test_wait_takes_a_place_of_its_own(may_wait, answer, log):
    slot = Slot(may_wait)

    response = await request(Result(False, True), slot=slot)

    assert (content(response), slot.log) == (answer, log)


async def test_client_that_leaves_frees_its_place():
    slot = Slot(True)
    task = asyncio.create_task(request(Result(False), slot=slot))
    await slot.started.wait()

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert slot.log == ["start", "stop"]


async def test_followers_get_the_final_response():
    followed: list[HttpResponse] = []

    async def view(request: Any) -> HttpResponse:
        result = Result(False, True)
        response = respond_when_done(result.is_done, result.respond, 30.0)
        follow_final_response(response, followed.append)
        return response

    response = await waiting_middleware(view)(AsyncRequestFactory().get("/"))

    assert (followed, content(response)) == ([response], (200, b"done"))


async def test_final_response_of_the_api_is_rendered_like_the_first():
    def respond(is_done: bool) -> Response:
        return Response({"done": is_done})

    async def view(request: Any) -> Response:
        result = Result(False, True)
        response = respond_when_done(result.is_done, respond, 30.0)
        response.accepted_renderer, response.accepted_media_type = JSONRenderer(), "application/json"
        response.renderer_context = {}  # type: ignore[attr-defined]
        response["Allow"] = "GET"
        response.render()
        return response

    response = await waiting_middleware(view)(AsyncRequestFactory().get("/"))

    assert (content(response), response["Allow"]) == ((200, b'{"done":true}'), "GET")


def test_synchronous_handler_waits_in_its_thread():
    result = Result(False, False, True)

    def view(request: Any) -> HttpResponse:
        return respond_when_done(result.is_done, result.respond, 30.0)

    assert content(waiting_middleware(view)(RequestFactory().get("/"))) == (200, b"done")


def test_no_middleware_of_the_site_blocks_a_thread_while_a_request_waits(settings):
    """A middleware that cannot run asynchronously would keep its thread during the wait of an inner one."""
    synchronous = []
    for name in settings.MIDDLEWARE:
        middleware = import_string(name)
        if not getattr(middleware, "async_capable", False):
            synchronous.append(name)

    assert synchronous == []


def test_waiting_is_the_innermost_middleware(settings):
    assert settings.MIDDLEWARE[-1] == "accounts.web.waiting.waiting_middleware"
