import json

import pytest
from openai import APIConnectionError, APITimeoutError, InternalServerError, OpenAI, RateLimitError

from standins.openai import faults
from standins.openai.http.errors import ApiError

MODEL = "gpt-5.6"


def ask(client, fault=None, **options):
    headers = {"X-Standin-Fault": fault} if fault else {}
    return client.responses.create(model=MODEL, input="Hello", extra_headers=headers, **options)


def test_rate_limit_says_when_to_come_back(client):
    with pytest.raises(RateLimitError) as limited:
        ask(client, "status=429;retry_after=7")

    assert limited.value.response.headers["retry-after"] == "7"
    assert limited.value.code == "rate_limit_exceeded"


def test_quota_error_has_its_own_code(client):
    with pytest.raises(RateLimitError) as limited:
        ask(client, json.dumps({"status": 429, "code": "insufficient_quota"}))

    assert limited.value.code == "insufficient_quota"


def test_server_error(client):
    with pytest.raises(InternalServerError):
        ask(client, "status=503")


def test_dropped_connection(client):
    with pytest.raises(APIConnectionError):
        ask(client, "drop")


def test_answer_that_breaks_off(client):
    with pytest.raises(APIConnectionError):
        ask(client, "drop_after=20")


def test_delay_runs_into_the_clients_timeout(client):
    with pytest.raises(APITimeoutError):
        ask(client, "delay=5", timeout=0.2)


def test_refusal_is_a_part_of_its_own(client):
    response = ask(client, "refusal")

    (part,) = response.output[0].content
    assert (part.type, response.output_text) == ("refusal", "")


def test_refusal_is_streamed(client):
    with client.responses.stream(model=MODEL, input="Hello", extra_headers={"X-Standin-Fault": "refusal"}) as stream:
        kinds = [event.type for event in stream]

    assert "response.refusal.delta" in kinds
    assert kinds[-1] == "response.completed"


def test_stream_that_breaks_off(client):
    with (
        pytest.raises(APIConnectionError),
        client.responses.create(
            model=MODEL, input="Hello", stream=True, extra_headers={"X-Standin-Fault": "drop_after=4000"}
        ) as stream,
    ):
        list(stream)


def test_invalid_json_is_not_json(client):
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    wanted = {"format": {"type": "json_schema", "name": "empty", "strict": True, "schema": schema}}

    response = ask(client, "invalid_json", text=wanted)

    with pytest.raises(json.JSONDecodeError):
        json.loads(response.output_text)


def test_incomplete_answer(client):
    response = ask(client, "incomplete")

    assert response.status == "incomplete"


def test_failing_index(client):
    store = client.vector_stores.create()
    file = client.files.create(file=("a.txt", b"Words."), purpose="assistants")

    attached = client.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id, poll_interval_ms=20, extra_headers={"X-Standin-Fault": "failed"}
    )

    assert attached.status == "failed"


def test_process_wide_fault_strikes_so_often_and_no_more(client, standin):
    standin.add_fault("POST /v1/responses", {"status": 500}, times=2)

    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(ask(client).status)
        except InternalServerError:
            outcomes.append("failed")

    assert outcomes == ["failed", "failed", "completed"]


def test_process_wide_fault_can_wait_for_a_word(client, standin):
    standin.add_fault("POST /v1/responses", {"status": 500}, contains="pineapple")

    assert ask(client).status == "completed"
    with pytest.raises(InternalServerError):
        client.responses.create(model=MODEL, input="A pineapple")


def test_sdk_retries_and_the_ledger_counts_the_tries(standin):
    standin.add_fault("POST /v1/responses", {"status": 429, "retry_after": 0}, times=1)

    with OpenAI(api_key="sk-test", base_url=standin.base_url, max_retries=1) as client:
        response = ask(client)

    entries = standin.logged_requests("http", "/v1/responses")
    assert response.status == "completed"
    assert [entry["status"] for entry in entries] == [429, 200]
    assert [entry["body"]["input"] for entry in entries] == ["Hello", "Hello"]


def test_ledger_shows_no_key(client, standin):
    ask(client)

    (entry,) = standin.logged_requests("http")
    assert entry["headers"]["authorization"] == "Bearer ..."


def test_short_form_of_a_fault():
    assert faults.parse_fault("status=429; retry_after=1.5; drop") == {"status": 429, "retry_after": 1.5, "drop": True}


def test_misspelt_fault_is_refused():
    with pytest.raises(ApiError, match="Unknown fault: dorp"):
        faults.parse_fault("dorp")
