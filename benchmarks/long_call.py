"""An hour on the phone with time pressed together: does a call's memory grow? `python -m benchmarks.long_call`.

The conversation and its recording as they are, fed by hand: 50 frames a second, a turn of each side every 12 s.
"""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from recordings.spool import Spool
from tests.voicegateway.fakes import MS, Scene, pcm
from voicegateway.briefing import Limits

MINUTES = 60
SPEAKS, PAUSES = 6, 6  # seconds of the caller and of the counselor
LINE = "I do not know what else to tell you, it has been like this for weeks and nobody asks. "


def memory_kb() -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return float(found[1]) if found else 0.0


class Forgetful(Scene):
    """A scene that keeps nothing of what the call sends: only the call's own memory counts."""

    def collect(self) -> None:
        super().collect()
        self.sent.clear()
        self.told.clear()
        self.turns.clear()
        self.sound = b""


def one_turn(scene: Forgetful, number: int, previous: str | None) -> str:
    user, caller, response = f"user_{number}", f"caller_{number}", f"resp_{number}"
    scene.counselor_says(user, previous, "That sounds hard. What happened then?", ms=1000 * PAUSES)
    scene.responses_open = 0
    scene.response(response)
    scene.item(response, caller, user)
    scene.text(response, caller, LINE * 2)
    for second in range(SPEAKS):
        scene.audio(response, caller, 1000)
        scene.microphone(1000, loud=False)
        scene.wait(0.1)
        scene.now -= 0.1
        scene.played(number, 1000 * second)
    scene.audio_done(response, caller)
    scene.text_done(response, caller, LINE * 2)
    scene.response_done(response)
    scene.played(number, 1000 * SPEAKS, final=True)
    return caller


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as folder:
        scene = Forgetful(Limits(longest_call=2.0 * 60 * MINUTES))
        spool = Spool(Path(folder) / "1", lambda: scene.now, 0.0)
        scene.conversation.counselor.recorder = scene.conversation.caller.recorder = spool
        previous, seen = None, {}
        for number in range(1, 60 * MINUTES // (SPEAKS + PAUSES) + 1):
            previous = one_turn(scene, number, previous)
            minute = number * (SPEAKS + PAUSES) / 60
            if minute in {5, 30, 60}:
                seen[int(minute)] = memory_kb()
        spool.close()
        assert scene.conversation.ended is None and pcm(20) and MS
        recorded = sum(file.stat().st_size for file in (Path(folder) / "1").iterdir())
    result: dict[str, Any] = {"kb_at_minute": seen, "turns": 2 * number, "recorded_mb": recorded / 1e6}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
