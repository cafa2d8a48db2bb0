import signal
import socket
import subprocess
import sys

from .standin_process import ROOT, StandinProcess


def test_process_exits_when_its_standard_input_closes():
    standin = StandinProcess()

    standin.process.stdin.close()

    assert standin.process.wait(60) == 0
    standin.stop()


def test_process_exits_on_sigterm_with_an_open_connection():
    with StandinProcess() as standin, socket.create_connection(("127.0.0.1", int(standin.root_url.rpartition(":")[2]))):
        standin.process.send_signal(signal.SIGTERM)

        assert standin.process.wait(60) in {0, -signal.SIGTERM}


def test_port_in_use_is_reported_in_one_line():
    with StandinProcess() as standin:
        port = standin.root_url.rpartition(":")[2]
        command = [sys.executable, "-m", "standins.openai", "--port", port]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert second.returncode == 1
    assert second.stderr == f"standins.openai cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_health_returns_ok(standin):
    assert standin.request("GET", "/health") == {"status": "ok"}
