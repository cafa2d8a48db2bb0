"""Requests with an invalid `Content-Type`, through the whole ASGI application."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from config.asgi import build_application
from config.http_request import is_text_charset
from tests.support.asgi import AsgiExchange

FORM = b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\na@example.org\r\n--x--\r\n'


def send(path: str, content_type: str, query: bytes = b"q=%e4", method: str = "GET") -> AsgiExchange:
    exchange = AsgiExchange([FORM], path, headers=[(b"content-type", content_type.encode())], method=method)
    exchange.scope["query_string"] = query

    async def receive() -> Any:
        return await (exchange.receive() if exchange.left else asyncio.Event().wait())

    async_to_sync(build_application())(exchange.scope, receive, exchange.send)
    return exchange


@pytest.mark.parametrize("charset", ["rot13", "base64", "hex", "idna", "undefined", "punycode", "zip", "no-such"])
def test_invalid_charset_is_ignored(transactional_db, charset):
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        content_type = f"{kind}; charset={charset}"

        assert send("/account/login/", content_type).status == 200
        assert send("/account/login/", content_type, method="POST").status in {200, 403}
        refused = send("/api/cohorts/", content_type, method="POST")
        assert (refused.status, json.loads(refused.body)["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(
    "content_type", ["text/plain; x*=idna''%e4", "text/plain; x*=no-such''%e4", "; ;=;", "/;charset"]
)
def test_malformed_content_type_is_ignored(transactional_db, content_type):
    assert send("/account/login/", content_type).status == 200


def test_too_many_parameters_are_a_bad_request(transactional_db):
    for content_type in ("text/plain", "text/plain; charset=utf-8"):
        assert send("/api/library/", content_type, b"&".join([b"a=1"] * 1001)).status in {400, 401}
        assert send("/account/login/", content_type, b"&".join([b"a=1"] * 1001)).status in {200, 400}


@pytest.mark.parametrize(
    ("charset", "is_text"),
    [("utf-8", True), ("latin-1", True), ("windows-1252", True), ("UTF-16", True), ("hex", False)],
)
def test_text_charsets_are_recognized(charset, is_text):
    assert is_text_charset(charset) is is_text
