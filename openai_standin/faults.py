"""Misbehaviour on request: by the header X-Standin-Fault, by `?fault=`, or process-wide for the next matching calls.

A fault is an object (see docs of each key below) or the short form `status=429;retry_after=1;drop`.

HTTP:      delay s · drop (no answer at all) · drop_after n (the answer breaks off after n bytes) · status code,
           with message, code, param, retry_after · refusal (true or its text) · invalid_json · incomplete ·
           obedient (a grader that obeys its material) · failed (a file's indexing ends
           failed) · lag s (of a file's indexing) · expired (a vector store) · nothing (a search finds it)
Realtime:  delay s (before the first event) · status code (the handshake is refused) · and, when the moment comes:
           close code · drop · silence · error code.
           The moment: at_event n (the n-th event sent; of the kind at_type, if given) or after s; default: at once.
           answer_delay s · response_failed code · transcript never|failed|s · expire_after s
"""

import asyncio
import math
from dataclasses import dataclass
from itertools import count

import orjson

from .asgi_types import Message, Send
from .errors import ApiError, bad_request
from .json_types import JSON, JSONValue, as_number, as_object, as_text

STATUS_WORDS = {
    429: ("Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    503: ("The server is currently overloaded with other requests.", "service_unavailable_error", None),
}
HTTP_KEYS = (
    "delay drop drop_after status message code param retry_after refusal invalid_json incomplete failed obedient "
    "lag expired nothing"
)
REALTIME_KEYS = "close silence error at_event at_type after answer_delay response_failed transcript expire_after"
KEYS = frozenset(f"{HTTP_KEYS} {REALTIME_KEYS}".split())


class Dropped(Exception):
    """The connection is to be cut without another byte."""


def parse(text: str) -> JSON:
    """A fault from a header's or a query's text."""
    if text.lstrip().startswith("{"):
        try:
            return checked(as_object(orjson.loads(text)))
        except orjson.JSONDecodeError as error:
            raise bad_request(f"Not a fault: {error}") from error
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return checked({name.strip(): _value(value.strip()) for name, _, value in pairs})


def checked(fault: JSON) -> JSON:
    if strange := set(fault) - KEYS:
        raise bad_request(f"Unknown fault: {', '.join(sorted(strange))}")
    return fault


def _value(text: str) -> JSONValue:
    if not text:
        return True
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


@dataclass
class Rule:
    id: int
    match: str
    contains: str
    fault: JSON
    times: int | None

    def as_json(self) -> JSON:
        return {
            "id": self.id,
            "match": self.match,
            "contains": self.contains,
            "fault": self.fault,
            "times": self.times,
        }


class Faults:
    """Process-wide faults, each used up after `times` matching calls."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.ids = count(1)

    def add(self, body: JSON) -> Rule:
        fault = checked(as_object(body.get("fault")))
        times = body.get("times", 1)
        if not as_text(body.get("match")) or not fault or not (times is None or isinstance(times, int)):
            raise bad_request("A fault needs 'match' (e.g. 'POST /v1/responses' or 'realtime'), 'fault' and 'times'.")
        rule = Rule(next(self.ids), as_text(body.get("match")), as_text(body.get("contains")), fault, times)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def take(self, call: str, body: str = "") -> JSON:
        """The first rule that fits this call, counted as used."""
        for rule in self.rules:
            if call.startswith(rule.match) and rule.contains in body:
                if rule.times is not None:
                    rule.times -= 1
                    if rule.times <= 0:
                        self.rules.remove(rule)
                return rule.fault
        return {}

    def as_json(self) -> JSON:
        return {"faults": [rule.as_json() for rule in self.rules]}


async def suffer(fault: JSON) -> None:
    """Play the faults that come before an HTTP answer is even thought of."""
    await asyncio.sleep(as_number(fault.get("delay"), 0))
    if fault.get("drop"):
        raise Dropped
    if status := int(as_number(fault.get("status"), 0)):
        raise refusal_of(status, fault)


def breaking_off(send: Send, fault: JSON) -> Send:
    """A sender that lets `drop_after` bytes of the answer through and then cuts the connection."""
    left = as_number(fault.get("drop_after"), math.inf)

    async def sender(message: Message) -> None:
        nonlocal left
        body = message.get("body", b"")
        if len(body) <= left:
            left -= len(body)
            await send(message)
            return
        await send({"type": "http.response.body", "body": body[: int(left)], "more_body": True})
        raise Dropped

    return sender


def refusal_of(status: int, fault: JSON) -> ApiError:
    message, kind, code = STATUS_WORDS.get(status, (f"The stand-in was asked to answer {status}.", "api_error", None))
    headers = {"retry-after": str(fault["retry_after"])} if "retry_after" in fault else {}
    return ApiError(
        status,
        as_text(fault.get("message")) or message,
        kind=kind,
        param=as_text(fault.get("param")) or None,
        code=as_text(fault.get("code")) or code,
        headers=headers,
    )
