"""Injected faults, set by the header X-Standin-Fault, by `?fault=`, or process-wide for the next matching calls.

A fault is an object with the keys below, or the short form `status=429;retry_after=1;drop`.

HTTP:
- delay: seconds before the answer
- drop: close the connection without an answer
- drop_after: cut the answer off after this many bytes
- status: answer with this status code; message, code, param, and retry_after set its details
- refusal: true, or the text of the refusal
- invalid_json: answer with broken JSON
- incomplete: answer with half of the text
- obedient: grade like a grader that follows instructions in the graded text
- failed: indexing of a file fails
- lag: seconds that a file's indexing takes
- expired: report a vector store as expired
- nothing: return no search results

Realtime:
- delay: seconds before the first event
- status: reject the handshake with this status code
- close (code), drop, silence, error (code): take effect at the time set by the next keys, by default at once
- at_event: take effect at the n-th event sent, counting only events of type at_type if given
- after: take effect after this many seconds
- answer_delay: seconds before a spoken answer begins
- response_failed: every response fails with this code
- transcript: "never", "failed", or seconds of delay
- expire_after: seconds until the session expires
"""

import asyncio
import math
from dataclasses import dataclass
from itertools import count

import orjson

from .http.asgi_types import Message, Send
from .http.errors import ApiError, bad_request
from .http.json_types import JSON, JSONValue, as_number, as_object, as_text

STATUS_ERRORS = {
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


class ConnectionDroppedError(Exception):
    """Request to cut the connection without sending another byte."""


def parse_fault(text: str) -> JSON:
    """Return the fault that a header or a query parameter describes. Raise ApiError if it is invalid."""
    if text.lstrip().startswith("{"):
        try:
            return validate_fault(as_object(orjson.loads(text)))
        except orjson.JSONDecodeError as error:
            raise bad_request(f"The fault is not valid JSON: {error}") from error
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return validate_fault({name.strip(): _parse_value(value.strip()) for name, _, value in pairs})


def validate_fault(fault: JSON) -> JSON:
    if unknown := set(fault) - KEYS:
        raise bad_request(f"Unknown fault: {', '.join(sorted(unknown))}")
    return fault


def _parse_value(text: str) -> JSONValue:
    if not text:
        return True
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


@dataclass
class FaultRule:
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
    """Process-wide fault rules, each used up after `times` matching calls."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []
        self.ids = count(1)

    def add(self, body: JSON) -> FaultRule:
        fault = validate_fault(as_object(body.get("fault")))
        times = body.get("times", 1)
        if not as_text(body.get("match")) or not fault or not (times is None or isinstance(times, int)):
            raise bad_request("A fault needs 'match' (e.g. 'POST /v1/responses' or 'realtime'), 'fault' and 'times'.")
        rule = FaultRule(next(self.ids), as_text(body.get("match")), as_text(body.get("contains")), fault, times)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def take(self, call: str, body: str = "") -> JSON:
        """Return the fault of the first rule that matches this call and count it as used, or an empty object."""
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


async def apply_fault(fault: JSON) -> None:
    """Apply the faults that take effect before an HTTP answer is prepared. Raise ConnectionDroppedError or ApiError."""
    await asyncio.sleep(as_number(fault.get("delay"), 0))
    if fault.get("drop"):
        raise ConnectionDroppedError
    if status := int(as_number(fault.get("status"), 0)):
        raise fault_as_error(status, fault)


def truncate_sends(send: Send, fault: JSON) -> Send:
    """Wrap `send` so that it passes `drop_after` bytes of the answer and then raises ConnectionDroppedError."""
    left = as_number(fault.get("drop_after"), math.inf)

    async def sender(message: Message) -> None:
        nonlocal left
        body = message.get("body", b"")
        if len(body) <= left:
            left -= len(body)
            await send(message)
            return
        await send({"type": "http.response.body", "body": body[: int(left)], "more_body": True})
        raise ConnectionDroppedError

    return sender


def fault_as_error(status: int, fault: JSON) -> ApiError:
    message, kind, code = STATUS_ERRORS.get(status, (f"The stand-in was asked to answer {status}.", "api_error", None))
    headers = {"retry-after": str(fault["retry_after"])} if "retry_after" in fault else {}
    return ApiError(
        status,
        as_text(fault.get("message")) or message,
        kind=kind,
        param=as_text(fault.get("param")) or None,
        code=as_text(fault.get("code")) or code,
        headers=headers,
    )
