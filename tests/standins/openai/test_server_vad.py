import pytest

from standins.openai.realtime.server_vad import InputBuffer, ServerVad, SpeechEdge

from .realtime_client import silence, speech


def detect_edges(pcm, *, frame_ms=100, **options):
    vad = ServerVad(**{"threshold": 0.5, "prefix_ms": 300, "silence_ms": 500, "starts_at_ms": 0} | options)
    size = frame_ms * 48
    return [edge for start in range(0, len(pcm), size) for edge in vad.detect(pcm[start : start + size])]


@pytest.mark.parametrize("frame_ms", [7, 20, 100, 5000])
def test_speech_edges_do_not_depend_on_the_frame_size(frame_ms):
    edges = detect_edges(silence(1000) + speech(800) + silence(1000), frame_ms=frame_ms)

    assert edges == [SpeechEdge(True, 700), SpeechEdge(False, 2300)]


def test_click_is_not_detected_as_speech():
    assert detect_edges(silence(500) + speech(40) + silence(500)) == []


def test_short_pause_does_not_end_a_turn():
    edges = detect_edges(speech(500) + silence(300) + speech(500) + silence(600))

    assert edges == [SpeechEdge(True, 0), SpeechEdge(False, 1800)]


def test_threshold_sets_the_level_of_speech():
    quiet = speech(500, loudness=0.02)

    assert detect_edges(quiet, threshold=0.3) != []
    assert detect_edges(quiet, threshold=0.9) == []


def test_prefix_padding_never_overlaps_the_previous_turn():
    edges = detect_edges(speech(400) + silence(520) + speech(400), prefix_ms=1000)

    assert [edge.at_ms for edge in edges] == [0, 900, 900]


def test_take_returns_audio_between_two_times_and_discards_it():
    buffer = InputBuffer()
    buffer.append(silence(100) + speech(100))

    taken = buffer.take(100, 150)

    assert taken == speech(100)[: 50 * 48]
    assert (buffer.starts_at_ms, buffer.ends_at_ms) == (150, 200)
