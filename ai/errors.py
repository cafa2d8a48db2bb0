"""Errors of the server behind the base URL. Servers other than OpenAI's structure and word them in many ways."""

import re

from ai.json_types import JSONObject, JSONValue, as_object, as_objects, as_text, read_json

NO_ENDPOINT = "no_such_endpoint"  # our code for a request to a part of the API that the server lacks
# An error code in OpenAI's style. Other servers send numbers, sentences, or objects, which are not safe to log.
_CODE = re.compile(r"[A-Za-z][\w.-]{0,63}")
_MAX_MESSAGE = 2_000  # characters of an error message that are read
_FATAL_CODES = {"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"}
_VAGUE_CODE = re.compile(
    r"bad_?request|invalid_?request(?:_?error)?|invalid_argument|not_?found(?:_?error)?|internal_?(?:server_?)?error|"
    r"(?:api|server|upstream|provider)_?error|error|unknown(?:_error)?",
    re.IGNORECASE,
)
_NO_ENDPOINT_CODES = {"unknown_url", "invalid_url", "OperationNotSupported"}
# Parameters of ours that other servers reject, and the phrases of such a rejection.
_PARAMETERS = (
    "temperature|max_completion_tokens|max_output_tokens|max_tokens|response_format|json_schema|text\\.format|"
    "tool_choice|file_search|tools|include|store"
)
_NAMED_PARAMETER = re.compile(rf"\b(?:{_PARAMETERS})\b")
_REJECTION = re.compile(
    r"\b(?:unsupported|unknown|unrecogni[sz]ed|unexpected|deprecated|only the default|extra (?:inputs|fields))|"
    r"(?:\bnot|n't) (?:\w{1,12} ){0,2}(?:support|permit|allow|recogni[sz]|valid|accept)",
    re.IGNORECASE,
)
# (wording, our code, whether a retry can help), most specific first. The status of such a response says little: LiteLLM
# reports an invalid provider key as 500, and vLLM reports a text that is too long as 400.
_CODES_BY_WORDING = [
    (re.compile(wording, re.IGNORECASE), code, retryable)
    for wording, code, retryable in (
        (
            r"ContextWindowExceeded|maximum context length|prompt is too long|exceeds? the (?:model'?s )?"
            r"(?:available )?context|(?:input|prompt) (?:length|is too long).{0,40}exceed|exceed_context_size",
            "context_length_exceeded",
            False,
        ),
        (
            r"budget has been exceeded|ExceededBudget|insufficient_quota|exceeded your current quota|"
            r"insufficient credits|requires more credits",
            "insufficient_quota",
            False,
        ),
        (
            r"AuthenticationError|Authentication Error|Incorrect API key|Invalid API key|Invalid proxy server token|"
            r"No auth credentials|invalid subscription key|User not found",
            "invalid_api_key",
            False,
        ),
        (
            r"RateLimitError|rate limit (?:is |was )?(?:reached|exceeded)|rate-limited|too many requests",
            "rate_limit_exceeded",
            True,
        ),
        (
            r"ContentPolicyViolation|content management policy|content filter|ResponsibleAIPolicy|moderation",
            "refused",
            True,
        ),
        (r"litellm\.Timeout|APITimeoutError", "timeout", True),
        (
            r"model ['\"`]?[^\n]{1,100} (?:not found|does not exist)|is not a valid model|no such model|"
            r"model not found|deployment for this resource does not exist|No endpoints found for",
            "model_not_found",
            False,
        ),
        (
            r"invalid url|unknown (?:request )?url|no such endpoint|unexpected endpoint|^file not found\W*$|"
            r"resource not found|page not found|no route|cannot (?:post|get) |not implemented|method not allowed|"
            r"responses api (?:is )?(?:not|un)|(?:not|n't) support (?:the )?responses|^not found\W*$|^Error: 404",
            NO_ENDPOINT,
            False,
        ),
    )
]
_IS_RETRYABLE = {code: retryable for _, code, retryable in _CODES_BY_WORDING} | dict.fromkeys(_FATAL_CODES, False)


class AIUnavailableError(Exception):
    """Failure of a request to OpenAI.

    `code` is safe to log. `retryable` is True if a retry may help, and `retry_after` is the wait in seconds that OpenAI
    asked for. `missing` is True if the requested vector store or file no longer exists. `param` names the invalid
    request parameter. `status` is the HTTP status of the response.
    """

    def __init__(
        self,
        code: str,
        *,
        retryable: bool,
        missing: bool = False,
        retry_after: float | None = None,
        param: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.missing = missing
        self.retry_after = retry_after
        self.param = param
        self.status = status


def read_error(status: int, body: bytes | str, retry_after: float | None = None) -> AIUnavailableError:
    """Return our error for a response with this HTTP status and body, whatever the body is."""
    try:
        error = _find_error(read_json(body))
    except ValueError:  # a page, or a message as plain text
        text = body if isinstance(body, str) else body.decode(errors="replace")
        message, code, param, is_object = text.strip(), "", "", False
        message = "" if message.startswith("<") else message
    else:
        message, code, param = _join_messages(error), as_text(error.get("code")), as_text(error.get("param"))
        is_object = bool(error)
    code = _choose_code(status, code, message[:_MAX_MESSAGE], is_object)
    is_missing = status == 404 and code not in {NO_ENDPOINT, "model_not_found"}
    return AIUnavailableError(
        code or ("not_found" if is_missing else f"http_{status}"),
        retryable=_IS_RETRYABLE.get(code, status in {408, 409, 429} or status >= 500),
        missing=is_missing,
        retry_after=retry_after,
        param=_choose_parameter(param, message[:_MAX_MESSAGE]),
        status=status,
    )


def read_error_in_answer(answer: JSONObject) -> AIUnavailableError | None:
    """Return the error in an answer with status 200 or in an event of a stream, or None if there is none."""
    if not answer.get("error") and answer.get("object") != "error":
        return None
    error = _find_error(answer)
    code = _choose_code(200, as_text(error.get("code")), _join_messages(error)[:_MAX_MESSAGE], is_object=True)
    return AIUnavailableError(code or "failed", retryable=_IS_RETRYABLE.get(code, True))


def _choose_code(status: int, code: str, message: str, is_object: bool) -> str:
    """Return the server's own code, or else the code for its wording. Return "" if there is neither."""
    if code in _NO_ENDPOINT_CODES or status in {405, 501}:
        return NO_ENDPOINT
    if _CODE.fullmatch(code) and not _VAGUE_CODE.fullmatch(code):
        return code
    for wording, known, _ in _CODES_BY_WORDING:
        if wording.search(message):
            return known
    if status == 404 and not is_object:
        return NO_ENDPOINT
    return code if _CODE.fullmatch(code) and status != 404 else ""


def _choose_parameter(param: str, message: str) -> str | None:
    """Return the parameter that an error names in its own field, or else in the words of a rejection."""
    if _NAMED_PARAMETER.fullmatch(param):
        return param
    named = _NAMED_PARAMETER.search(message)
    return named[0] if named and _REJECTION.search(message) else param or None


def _find_error(value: JSONValue) -> JSONObject:
    """Return the object of an error body that holds the message, or an empty one."""
    if isinstance(value, list):  # some servers wrap the body in a list
        value = value[0] if value else None
    body = as_object(value)
    for name in ("error", "detail"):
        inner = body.get(name)
        if isinstance(inner, dict) and inner:
            return inner
        if inner and isinstance(inner, str | list):
            return {"message": inner, "code": body.get("code")}
    return body if body.keys() & {"message", "code", "msg"} else {}


def _join_messages(error: JSONObject) -> str:
    """Return the message of an error. Some servers send a list of messages, each with the path of the invalid field."""
    message = error.get("message") or error.get("msg")
    if isinstance(message, list):
        return "; ".join(f"{_join_path(one.get('loc'))}: {as_text(one.get('msg'))}" for one in as_objects(message))
    return as_text(message)


def _join_path(location: JSONValue) -> str:
    return ".".join(str(part) for part in location) if isinstance(location, list) else ""
