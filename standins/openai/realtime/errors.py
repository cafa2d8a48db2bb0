"""Errors of the realtime server. The session stays open after all errors except fatal ones."""

from ..http.json_types import JSON


class EventError(Exception):
    def __init__(self, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.param = message, code, param

    def as_event(self, client_event_id: str | None) -> JSON:
        return error_event(self.message, self.code, self.param, client_event_id)


def error_event(message: str, code: str, param: str | None = None, client_event_id: str | None = None) -> JSON:
    kind = "server_error" if code == "server_error" else "invalid_request_error"
    error: JSON = {"type": kind, "code": code, "message": message, "param": param, "event_id": client_event_id}
    return {"type": "error", "error": error}


def missing_parameter(param: str) -> EventError:
    return EventError(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)


def unknown_parameter(param: str) -> EventError:
    return EventError(f"Unknown parameter: '{param}'.", "unknown_parameter", param)


def invalid_value(param: str, why: str) -> EventError:
    return EventError(f"Invalid '{param}': {why}.", "invalid_value", param)
