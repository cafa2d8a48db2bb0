"""Script that adds a one-hour call with its recording to a demo.

It runs in the demo's `manage shell`. COUNSELOR is the email address of the counselor.
"""

import math
import os
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from recordings.audio.wav_header import wav_header
from recordings.models import Recording, recording_key
from training.models import Session, TranscriptTurn

SAMPLE_RATE, MINUTES, TURN = 24_000, 60, 12  # samples per second, minutes of the call, seconds between turns

counselor = User.objects.get(email=os.environ["COUNSELOR"])
now = timezone.now()
session = Session.objects.create(
    organization=counselor.organization,
    counselor=counselor,
    kind="free_practice",
    mode="phone",
    status="completed",
    end_reason="hung_up",
    started_at=now - timedelta(minutes=MINUTES),
    ended_at=now,
)
TranscriptTurn.objects.bulk_create(
    TranscriptTurn(
        organization=counselor.organization,
        session=session,
        role="caller" if number % 2 else "counselor",
        text_generated=f"This is turn {number}.",
        text_heard=f"This is turn {number}.",
        item=f"item-{number}",
        after=f"item-{number - 1}" if number else "",
        start_ms=1000 * TURN * number,
        # Every tenth turn is followed by a long silence.
        end_ms=1000 * TURN * number + (6000 if number % 10 == 0 else 11_000),
        source="spoken",
        revision=number + 1,
    )
    for number in range(MINUTES * 60 // TURN)
)
frames = MINUTES * 60 * SAMPLE_RATE
recording = Recording(session=session, organization=counselor.organization, state="completed")
recording.file.name = recording_key(recording, "long.wav")
path = Path(settings.MEDIA_ROOT) / recording.file.name
path.parent.mkdir(parents=True)
with path.open("wb") as file:  # a sparse file of silence, which takes no disk space
    file.write(wav_header(frames, 2, SAMPLE_RATE))
    file.truncate(44 + 4 * frames)
recording.size, recording.sha256, recording.duration_ms = 44 + 4 * frames, "0" * 64, MINUTES * 60_000
recording.peaks = [[round(abs(math.sin(at / 7 + side)), 3) for at in range(1200)] for side in (0, 2)]
recording.save()
print("session", session.pk)
