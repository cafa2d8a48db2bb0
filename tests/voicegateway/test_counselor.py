from voicegateway.conversation.counselor import RecentAudio
from voicegateway.conversation.send_queue import MicrophoneChunk


def chunk(position: int) -> MicrophoneChunk:
    return MicrophoneChunk(b"{}", samples=480, position=position, is_audible=True)


def test_recent_audio_drops_the_oldest_chunks_beyond_its_bound():
    recent = RecentAudio()

    for number in range(5):
        recent.add(chunk(480 * number), max_samples=960)

    assert [kept.position for kept in recent.chunks] == [1440, 1920]
    assert (recent.samples, recent.start) == (960, 1440)


def test_recent_audio_shrinks_once_its_bound_does():
    recent = RecentAudio()
    for number in range(5):
        recent.add(chunk(480 * number), max_samples=9600)

    recent.add(chunk(2400), max_samples=480)

    assert [kept.position for kept in recent.chunks] == [2400]


def test_empty_recent_audio_has_no_start():
    assert RecentAudio().start is None
