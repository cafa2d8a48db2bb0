"""Conversations of public realtime clients, replayed from the messages that the clients sent."""

import pytest

from .replayed_conversation import NAMES, Replay


@pytest.mark.parametrize("name", NAMES)
async def test_conversation_of_a_public_client_succeeds(async_client, name):
    """Every server event fits the SDK's types, which `Replay` checks."""
    replay = Replay(name)

    await replay.run(async_client)

    assert [event["error"] for event in replay.events if event["type"] == "error"] == []
    assert replay.responses() == replay.header["responses"]
