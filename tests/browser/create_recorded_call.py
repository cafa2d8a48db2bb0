"""Script that gives a call of the demo's history a silent recording and a typed line, and prints the session's id.

It runs in the demo's `manage shell`.
"""

import io
import wave

from django.core.files.base import ContentFile

from recordings.models import Recording
from training.models import Session, TranscriptTurn

SAMPLE_RATE = 8000  # samples per second

practiced = Session.objects.filter(counselor__email="counselor@example.org", mode="phone", recording=None)
session = practiced.filter(evaluations__status="completed").latest("started_at")
turns = session.transcript()
TranscriptTurn.objects.filter(pk=next(turn.pk for turn in turns if turn.is_by_counselor)).update(source="typed")
duration = max(turn.end_ms or 0 for turn in turns) + 500
audio = io.BytesIO()
with wave.open(audio, "wb") as file:
    file.setnchannels(2)
    file.setsampwidth(2)
    file.setframerate(SAMPLE_RATE)
    file.writeframes(bytes(4 * SAMPLE_RATE * duration // 1000))
recording = Recording(
    session=session,
    organization=session.organization,
    state="completed",
    duration_ms=duration,
    size=len(audio.getvalue()),
    sha256="0" * 64,
    peaks=[[0.4] * 200, [0.6] * 200],
)
recording.file.save("call.wav", ContentFile(audio.getvalue()))
print("session", session.pk)
