import json

import pytest
from openai import AuthenticationError, BadRequestError, NotFoundError, OpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from standins.openai.demo.callers import JULES

from .sdk_type_validation import stream_event_problems, type_problems

MODEL = "gpt-5.6"
CALLER = "You are a caller in a chat."


class Note(BaseModel):
    title: str
    minutes: int
    tags: list[str]


def strict_format(schema, name="note"):
    return {"format": {"type": "json_schema", "name": name, "strict": True, "schema": schema}}


def chat(*lines):
    """Return alternating messages, the last of them from the counselor."""
    roles = ["user", "assistant"] if len(lines) % 2 else ["assistant", "user"]
    return [{"role": roles[index % 2], "content": line} for index, line in enumerate(lines)]


def test_response_matches_the_sdks_type(client):
    raw = client.responses.with_raw_response.create(
        model=MODEL,
        instructions=CALLER,
        input="Hello",
        metadata={"session": "1"},
        store=False,
        prompt_cache_key="k",
    )

    assert type_problems(Response, json.loads(raw.http_response.content)) == []
    response = raw.parse()
    assert (response.status, response.metadata) == ("completed", {"session": "1"})
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_same_request_gets_the_same_answer(client):
    first = client.responses.create(model=MODEL, instructions=CALLER, input=chat("Hello"))
    second = client.responses.create(model=MODEL, instructions=CALLER, input=chat("Hello"))

    assert first.output_text == second.output_text == "ok. i'm jules. i can only type because my roommate is asleep"


def test_input_may_consist_of_message_parts(client):
    parts = [{"type": "input_text", "text": "Are you thinking about suicide?"}]

    response = client.responses.create(
        model=MODEL, instructions=CALLER, input=[{"type": "message", "role": "user", "content": parts}]
    )

    assert response.output_text.startswith("yeah. i think about it sometimes.")


def test_opening_line_is_a_scripted_opening(client):
    response = client.responses.create(
        model=MODEL, instructions=f"{CALLER} Write your opening line.", input="The chat begins."
    )

    assert response.output_text in JULES.opening


def test_quoted_line_is_returned_verbatim(client):
    response = client.responses.create(model=MODEL, instructions="Say ««I am here.»»", input="Hello")

    assert response.output_text == "I am here."


def test_stored_response_can_be_read_and_deleted(client):
    created = client.responses.create(model=MODEL, input="Hello")

    assert client.responses.retrieve(created.id).output_text == created.output_text
    client.responses.delete(created.id)
    with pytest.raises(NotFoundError):
        client.responses.retrieve(created.id)


def test_unstored_response_is_not_found(client):
    created = client.responses.create(model=MODEL, input="Hello", store=False)

    with pytest.raises(NotFoundError):
        client.responses.retrieve(created.id)


def test_response_matches_a_strict_schema(client):
    parsed = client.responses.parse(model=MODEL, input="Make a note.", text_format=Note)

    assert parsed.output_parsed == Note(title="A caller who cannot sleep", minutes=15, tags=["A simulated tag."])


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            "'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False},
            "Missing 'a'.",
        ),
        ({"type": "array", "items": {"type": "string"}}, "got 'type: \"array\"'."),
    ],
)
def test_schema_that_is_not_strict_is_refused(client, schema, why):
    with pytest.raises(BadRequestError) as refused:
        client.responses.create(model=MODEL, input="Hello", text=strict_format(schema))

    assert refused.value.code == "invalid_json_schema"
    assert refused.value.param == "text.format.schema"
    assert refused.value.body["message"].endswith(why)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "Hello"}, "model"),
        ({"model": MODEL}, "input"),
        ({"model": MODEL, "input": "Hello", "nonsense": 1}, "nonsense"),
        ({"model": MODEL, "input": "Hello", "max_output_tokens": 5}, "max_output_tokens"),
        ({"model": MODEL, "input": [{"role": "caller", "content": "Hello"}]}, "input[0].role"),
        (
            {"model": MODEL, "input": [{"role": "assistant", "content": [{"type": "input_text", "text": "Hello"}]}]},
            "input[0].content[0].type",
        ),
    ],
)
def test_invalid_request_is_refused_with_its_parameter(client, body, param):
    with pytest.raises(BadRequestError) as refused:
        client.post("/responses", cast_to=object, body=body)

    assert refused.value.param == param


def test_missing_and_wrong_key_are_refused(standin):
    with (
        OpenAI(api_key="sk-invalid", base_url=standin.base_url) as wrong,
        pytest.raises(AuthenticationError) as refused,
    ):
        wrong.responses.create(model=MODEL, input="Hello")
    no_key = {"Authorization": ""}
    with (
        OpenAI(api_key="x", base_url=standin.base_url, default_headers=no_key) as none,
        pytest.raises(AuthenticationError),
    ):
        none.models.list()

    assert refused.value.code == "invalid_api_key"


def test_token_limit_truncates_the_response(client):
    response = client.responses.create(
        model=MODEL, instructions="««" + "word " * 100 + "»»", input="Hello", max_output_tokens=16
    )

    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert len(response.output_text) == 64


def streamed(client, **request):
    """Return the events of a stream after strictly validating them."""
    with client.responses.with_streaming_response.create(model=MODEL, stream=True, **request) as response:
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert [problem for event in events for problem in stream_event_problems(event)] == []
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def test_stream_follows_the_documented_sequence(client):
    events = streamed(client, instructions=CALLER, input="Hello")

    assert list(dict.fromkeys(event["type"] for event in events)) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert "".join(deltas) == events[-1]["response"]["output"][0]["content"][0]["text"]
    assert len(deltas) > 5


def test_stream_of_a_search_includes_its_steps(client, procedures):
    tool = {"type": "file_search", "vector_store_ids": [procedures]}

    events = streamed(client, input="Which safety questions?", tools=[tool], include=["file_search_call.results"])

    assert [event["type"] for event in events][2:7] == [
        "response.output_item.added",
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed",
        "response.output_item.done",
    ]


async def test_async_client_streams_a_response(async_client):
    async with async_client.responses.stream(model=MODEL, instructions=CALLER, input="Hello") as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()

    assert kinds[-1] == "response.completed"
    assert final.output_text == "ok. i'm jules. i can only type because my roommate is asleep"


def test_file_search_returns_results_only_if_included(client, procedures):
    tool = {"type": "file_search", "vector_store_ids": [procedures], "max_num_results": 1}
    request = {"model": MODEL, "input": "How do I ask about suicide?", "tools": [tool]}

    with_results = client.responses.create(**request, include=["file_search_call.results"])
    without = client.responses.create(**request)

    (found,) = with_results.output[0].results
    assert "Ask about suicide directly" in found.text
    assert 0 < found.score <= 1
    assert without.output[0].results is None


def test_file_search_in_an_unknown_store_is_not_found(client):
    tool = {"type": "file_search", "vector_store_ids": ["vs_unknown"]}

    with pytest.raises(NotFoundError, match="Vector store with id"):
        client.responses.create(model=MODEL, input="Hello", tools=[tool])


def test_models_are_listed(client):
    names = [model.id for model in client.models.list()]

    assert "gpt-realtime-2.1" in names
    assert client.models.retrieve(names[0]).id == names[0]
