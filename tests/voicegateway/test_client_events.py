import pytest

from voicegateway.conversation.call_config import CallConfig
from voicegateway.upstream.client_events import session_update


@pytest.mark.parametrize(("language", "sent"), [("es", {"model": "ear", "language": "es"}), ("", {"model": "ear"})])
def test_language_of_organization_is_sent_for_transcription(language, sent):
    config = CallConfig("s", "You are Dana.", "model", "voice", "ear", transcribe_language=language)

    assert session_update(config)["session"]["audio"]["input"]["transcription"] == sent
