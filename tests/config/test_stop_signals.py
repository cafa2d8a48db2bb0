"""Signals that stop the demo, sent by another process as Ctrl-C in a terminal is."""

import signal
import subprocess
import sys

import pytest

from config.launcher.demo import StopSignals

SIGNALS = 1000  # setting a threading.Event in the handler blocked forever before the last one
SENDER = """
import os, random, sys, time
for line in sys.stdin:
    due = time.perf_counter() + random.random() * 0.0004
    while time.perf_counter() < due:
        pass
    os.kill(os.getppid(), int(sys.argv[1]))
"""


@pytest.fixture
def restored_handler():
    handler = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, handler)


def test_wait_without_a_signal_returns_false(restored_handler):
    assert StopSignals([signal.SIGUSR1]).wait(0.001) is False


def test_signal_at_any_moment_of_the_wait_is_received(restored_handler):
    received = 0
    with subprocess.Popen(
        [sys.executable, "-c", SENDER, str(int(signal.SIGUSR1))], stdin=subprocess.PIPE, text=True
    ) as sender:
        for _ in range(SIGNALS):
            stop_signals = StopSignals([signal.SIGUSR1])
            print("send", file=sender.stdin, flush=True)
            while not stop_signals.wait(0):
                pass
            received += 1

    assert received == SIGNALS
