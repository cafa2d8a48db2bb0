import asyncio
import json

import httpx2
import openai
import pytest

from ai import AIUnavailableError, build_async_client, build_client, clients, translate_openai_errors
from tests.support.fixtures import *  # noqa: F403


def status_error(status: int, code: str | None = None, **headers: str) -> openai.APIStatusError:
    request = httpx2.Request("POST", "http://127.0.0.1/v1/responses")
    content = json.dumps({"error": {"message": "no", "code": code}})
    response = httpx2.Response(status, request=request, headers=headers, content=content)
    kind = openai.NotFoundError if status == 404 else openai.APIStatusError
    return kind("no", response=response, body={"code": code})


def translated_error(error: Exception) -> AIUnavailableError:
    with pytest.raises(AIUnavailableError) as caught, translate_openai_errors():
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "invalid_value", False),
        (401, "invalid_api_key", False),
        (403, None, False),
        (408, None, True),
        (409, None, True),
        (413, None, False),
        (429, "rate_limit_exceeded", True),
        (429, "insufficient_quota", False),
        (500, None, True),
        (503, None, True),
    ],
)
def test_translated_error_has_code_and_retryable(status, code, retryable):
    error = translated_error(status_error(status, code))

    assert (error.code, error.retryable, error.missing) == (code or f"http_{status}", retryable, False)


def test_translated_not_found_error_is_missing():
    error = translated_error(status_error(404))

    assert (error.missing, error.retryable) == (True, False)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2", 2.0), ("0.5", 0.5), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("", None), ("soon", None)]
    + [("Wed, 21 Oct 2099 07:28:00 GMT", 3600.0), ("Wed, 99 Oct 2099 07:28:00 GMT", None)]
    + [("inf", 3600.0), ("nan", None), ("-1", None)],
)
def test_retry_after_is_parsed(header, seconds):
    assert translated_error(status_error(429, None, **{"retry-after": header})).retry_after == seconds


def test_connection_errors_are_retryable():
    request = httpx2.Request("POST", "http://127.0.0.1/")

    assert translated_error(openai.APITimeoutError(request)).code == "timeout"
    assert translated_error(openai.APIConnectionError(request=request)).code == "unreachable"
    assert translated_error(openai.APIConnectionError(request=request)).retryable is True


def test_other_errors_are_not_translated():
    with pytest.raises(KeyError), translate_openai_errors():
        raise KeyError("ours")


def test_clients_use_settings_and_one_retry_layer(settings):
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = "http://127.0.0.1:1/v1", "sk-of-settings"

    client, async_client = build_client(7.0), build_async_client(5.0, max_retries=0)

    assert str(client.base_url) == "http://127.0.0.1:1/v1/"
    assert client.api_key == async_client.api_key == "sk-of-settings"
    assert (client.timeout, client.max_retries) == (7.0, 2)
    assert (async_client.timeout, async_client.max_retries) == (5.0, 0)


def test_refused_connection_is_unreachable(settings):
    client = build_client(2.0, max_retries=0)

    with pytest.raises(AIUnavailableError) as caught, translate_openai_errors():
        client.models.list()

    assert (caught.value.code, caught.value.retryable) == ("unreachable", True)


@pytest.mark.parametrize("fault", [{"drop_after": 700}, {"drop_after": 0}, {"drop": True}])
def test_broken_stream_raises_ai_unavailable_error(standin, fault):
    standin.add_fault("POST /v1/responses", fault, times=None)

    async def read() -> None:
        with translate_openai_errors():
            async with build_async_client(5.0, max_retries=0) as client:
                stream = await client.responses.create(model="m", input="hi", stream=True)
                async for _ in stream:
                    pass

    with pytest.raises(AIUnavailableError) as caught:
        asyncio.run(read())

    assert caught.value.retryable is True


@pytest.mark.parametrize(
    ("url", "location", "is_followed"),
    [
        ("https://api.example/v1/x", "/v2/x", True),
        ("https://api.example/v1/x", "https://api.example:443/v2/x", True),
        ("http://api.example/v1/x", "https://api.example/v1/x", True),
        ("http://api.example:8080/v1/x", "http://api.example:8080/y", True),
        ("http://api.example:8080/v1/x", "https://api.example/v1/x", False),
        ("https://api.example/v1/x", "http://api.example/v1/x", False),
        ("https://api.example/v1/x", "https://api.example.evil/v1/x", False),
        ("https://api.example/v1/x", "//other.example/v1/x", False),
        ("https://api.example/v1/x", "http://[", False),
    ],
)
def test_redirects_stay_on_the_origin(url, location, is_followed):
    assert clients._is_same_origin(httpx2.URL(url), location) is is_followed
