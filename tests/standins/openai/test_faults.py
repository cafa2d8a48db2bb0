import json

import pytest
from openai import APIConnectionError, APITimeoutError, InternalServerError, OpenAI, RateLimitError

from standins.openai import faults
from standins.openai.http.errors import ApiError

MODEL = "gpt-5.6"


def create_response(client, fault=None, **options):
    headers = {"X-Standin-Fault": fault} if fault else {}
    return client.responses.create(model=MODEL, input="Hello", extra_headers=headers, **options)


def test_rate_limit_carries_its_retry_after(client):
    with pytest.raises(RateLimitError) as limited:
        create_response(client, "status=429;retry_after=7")

    assert limited.value.response.headers["retry-after"] == "7"
    assert limited.value.code == "rate_limit_exceeded"


def test_quota_error_has_its_own_code(client):
    with pytest.raises(RateLimitError) as limited:
        create_response(client, json.dumps({"status": 429, "code": "insufficient_quota"}))

    assert limited.value.code == "insufficient_quota"


def test_status_fault_raises_a_server_error(client):
    with pytest.raises(InternalServerError):
        create_response(client, "status=503")


def test_drop_fault_closes_the_connection(client):
    with pytest.raises(APIConnectionError):
        create_response(client, "drop")


def test_drop_after_fault_cuts_the_answer_off(client):
    with pytest.raises(APIConnectionError):
        create_response(client, "drop_after=20")


def test_delay_fault_exceeds_the_clients_timeout(client):
    with pytest.raises(APITimeoutError):
        create_response(client, "delay=5", timeout=0.2)


def test_refusal_fault_returns_a_refusal_part(client):
    response = create_response(client, "refusal")

    (part,) = response.output[0].content
    assert (part.type, response.output_text) == ("refusal", "")


def test_refusal_is_streamed(client):
    with client.responses.stream(model=MODEL, input="Hello", extra_headers={"X-Standin-Fault": "refusal"}) as stream:
        kinds = [event.type for event in stream]

    assert "response.refusal.delta" in kinds
    assert kinds[-1] == "response.completed"


def test_drop_after_fault_cuts_a_stream_off(client):
    with (
        pytest.raises(APIConnectionError),
        client.responses.create(
            model=MODEL, input="Hello", stream=True, extra_headers={"X-Standin-Fault": "drop_after=4000"}
        ) as stream,
    ):
        list(stream)


def test_invalid_json_fault_returns_broken_json(client):
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    wanted = {"format": {"type": "json_schema", "name": "empty", "strict": True, "schema": schema}}

    response = create_response(client, "invalid_json", text=wanted)

    with pytest.raises(json.JSONDecodeError):
        json.loads(response.output_text)


def test_incomplete_fault_returns_an_incomplete_response(client):
    response = create_response(client, "incomplete")

    assert response.status == "incomplete"


def test_failed_fault_fails_the_indexing(client):
    store = client.vector_stores.create()
    file = client.files.create(file=("a.txt", b"Words."), purpose="assistants")

    attached = client.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id, poll_interval_ms=20, extra_headers={"X-Standin-Fault": "failed"}
    )

    assert attached.status == "failed"


def test_process_wide_fault_applies_the_given_number_of_times(client, standin):
    standin.add_fault("POST /v1/responses", {"status": 500}, times=2)

    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(create_response(client).status)
        except InternalServerError:
            outcomes.append("failed")

    assert outcomes == ["failed", "failed", "completed"]


def test_process_wide_fault_applies_only_to_bodies_containing_the_text(client, standin):
    standin.add_fault("POST /v1/responses", {"status": 500}, contains="pineapple")

    assert create_response(client).status == "completed"
    with pytest.raises(InternalServerError):
        client.responses.create(model=MODEL, input="A pineapple")


def test_request_log_counts_the_sdks_retries(standin):
    standin.add_fault("POST /v1/responses", {"status": 429, "retry_after": 0}, times=1)

    with OpenAI(api_key="sk-test", base_url=standin.base_url, max_retries=1) as client:
        response = create_response(client)

    entries = standin.logged_requests("http", "/v1/responses")
    assert response.status == "completed"
    assert [entry["status"] for entry in entries] == [429, 200]
    assert [entry["body"]["input"] for entry in entries] == ["Hello", "Hello"]


def test_request_log_redacts_the_api_key(client, standin):
    create_response(client)

    (entry,) = standin.logged_requests("http")
    assert entry["headers"]["authorization"] == "Bearer ..."


def test_parse_fault_reads_the_short_form():
    assert faults.parse_fault("status=429; retry_after=1.5; drop") == {"status": 429, "retry_after": 1.5, "drop": True}


def test_parse_fault_refuses_an_unknown_key():
    with pytest.raises(ApiError, match="Unknown fault: dorp"):
        faults.parse_fault("dorp")
