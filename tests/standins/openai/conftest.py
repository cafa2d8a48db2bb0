import pytest
from openai import AsyncOpenAI, OpenAI

from .standin_process import StandinProcess

FAST_OPTIONS = ["--answer-delay=0.05", "--transcript-delay=0.4", "--delta-pause=0.001", "--audio-speed=25"]


@pytest.fixture(scope="session")
def standin_process():
    with StandinProcess(*FAST_OPTIONS) as process:
        yield process


@pytest.fixture
def standin(standin_process):
    """Return the stand-in with an empty request log and no faults."""
    standin_process.clear_request_log()
    standin_process.clear_faults()
    return standin_process


@pytest.fixture
def client(standin):
    with OpenAI(api_key="sk-test", base_url=standin.base_url, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
async def async_client(standin):
    async with AsyncOpenAI(api_key="sk-test", base_url=standin.base_url, max_retries=0, timeout=60) as client:
        yield client


PROCEDURES = """Procedures of a sample line

3. Opening the call
Introduce yourself by your first name and welcome the caller.

4.2 Suicide inquiry
Ask about suicide directly and without judgement in every call.

4.3 Safety planning
Agree with the caller on people to call tonight and on a safer place.
"""


@pytest.fixture
def procedures(client):
    """Return the id of a vector store with a small procedure document."""
    store = client.vector_stores.create(name="procedures")
    file = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("procedures.md", PROCEDURES.encode()), poll_interval_ms=20
    )
    assert file.status == "completed"
    return store.id
