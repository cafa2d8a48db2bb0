"""Memory growth of a simulated one-hour call: `python -m benchmarks.calls.long_call_memory`.

The real conversation and recorder receive 50 frames a second. Each side takes one turn every 12 s.
"""

import json
import re
import tempfile
from pathlib import Path

from benchmarks.calls.report import LongCallFigures
from recordings.audio.spool import SpoolWriter
from tests.voicegateway.fakes import ConversationHarness
from voicegateway.conversation.call_config import Limits

MINUTES = 60
CALLER_SECONDS, COUNSELOR_SECONDS = 6, 6  # length of one turn of each side
CALLER_TEXT = "I do not know what else to tell you, it has been like this for weeks and nobody asks. "


def memory_kb() -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return float(found[1]) if found else 0.0


class DiscardingHarness(ConversationHarness):
    """Harness that discards everything the call sends, so that only the call's own memory counts."""

    def collect(self) -> None:
        super().collect()
        self.sent.clear()
        self.browser_messages.clear()
        self.turns.clear()
        self.sent_audio = b""


def play_exchange(harness: DiscardingHarness, number: int, previous: str | None) -> str:
    user, caller, response = f"user_{number}", f"caller_{number}", f"resp_{number}"
    harness.counselor_says(user, previous, "That sounds hard. What happened then?", ms=1000 * COUNSELOR_SECONDS)
    harness.responses_open = 0
    harness.response(response)
    harness.item(response, caller, user)
    harness.text(response, caller, CALLER_TEXT * 2)
    for second in range(CALLER_SECONDS):
        harness.audio(response, caller, 1000)
        harness.microphone(1000, loud=False)
        harness.wait(0.1)
        harness.now -= 0.1
        harness.played(number, 1000 * second)
    harness.audio_done(response, caller)
    harness.text_done(response, caller, CALLER_TEXT * 2)
    harness.response_done(response)
    harness.played(number, 1000 * CALLER_SECONDS, final=True)
    return caller


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as folder:
        harness = DiscardingHarness(Limits(max_duration=2.0 * 60 * MINUTES))
        spool = SpoolWriter(Path(folder) / "1", lambda: harness.now, 0.0)
        harness.conversation.counselor.recorder = harness.conversation.caller.recorder = spool
        previous: str | None = None
        memory_by_minute: dict[str, float] = {}
        for number in range(1, 60 * MINUTES // (CALLER_SECONDS + COUNSELOR_SECONDS) + 1):
            previous = play_exchange(harness, number, previous)
            minute = number * (CALLER_SECONDS + COUNSELOR_SECONDS) / 60
            if minute in {5, 30, 60}:
                memory_by_minute[str(int(minute))] = memory_kb()
        spool.close()
        assert harness.conversation.end_reason is None
        recorded = sum(file.stat().st_size for file in (Path(folder) / "1").iterdir())
    result: LongCallFigures = {"kb_at_minute": memory_by_minute, "turns": 2 * number, "recorded_mb": recorded / 1e6}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
