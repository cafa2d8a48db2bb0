"""Private servers for tests, from installed programs, each with its own port and folder."""

import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
import redis

START_LIMIT = 60.0  # seconds
PORTS = range(20_000, 32_000)

# Install locations that are often not in PATH.
OTHER_LOCATIONS = {
    "postgres": [
        "/usr/lib/postgresql/*/bin/postgres",
        "/usr/pgsql-*/bin/postgres",
        "/opt/homebrew/opt/postgresql*/bin/postgres",
        "/usr/local/opt/postgresql*/bin/postgres",
    ],
    "chromium": [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ],
}
# The headless shell renders pages like Chromium, but without windows: starting a page takes a third of the CPU time.
NAMES = {
    "chromium": [
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]
}

# Stops the server when this process closes its standard input, which the kernel does even after a kill -9.
WRAPPER_SCRIPT = '"$@" & cat >/dev/null; kill -INT $!; wait $!; rm -rf "$FOLDER"'


def find_program(program: str) -> Path | None:
    """Return the path of a program in PATH, or of the newest one in the usual locations, or None."""
    for name in NAMES.get(program, [program]):
        in_path = shutil.which(name)
        if in_path:
            return Path(in_path)
    elsewhere = [Path(found) for pattern in OTHER_LOCATIONS.get(program, []) for found in glob.glob(pattern)]
    return max(elsewhere, key=_version, default=None)


def missing_reason(program: str) -> str:
    """Return the reason why tests that need this program cannot run, or an empty string if they can."""
    return "" if find_program(program) else f"{program} is not installed"


def require_program(program: str) -> Path:
    """Return the program's path. Without it, skip the test, or fail it if REQUIRE_SERVICES=1."""
    path = find_program(program)
    if path:
        return path
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{missing_reason(program)}, and REQUIRE_SERVICES=1")
    pytest.skip(missing_reason(program))


@contextmanager
def private_postgres() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server that runs as long as this context."""
    program = find_program("postgres")
    assert program, missing_reason("postgres")
    with _server_folder() as folder:
        port = free_port()
        data = folder / "data"
        # The program in PATH may be a link; initdb is next to its target.
        initdb = program.resolve().with_name("initdb")
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        user, group = _server_account()
        subprocess.run(
            [str(initdb), "-D", str(data), *options],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            group=group,
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",  # it runs at unpredictable times, which would make query plans unpredictable
        }
        server = [str(program), "-D", str(data), "-p", str(port)]
        server += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with _running_server(server, folder, lambda: psycopg.connect(url).close()):
            yield url


@contextmanager
def private_redis() -> Iterator[str]:
    """Yield the URL of a Redis server that runs as long as this context."""
    program = find_program("redis-server")
    assert program, missing_reason("redis-server")
    with _server_folder() as folder:
        port = free_port()
        server = [str(program), "--port", str(port), "--bind", "127.0.0.1"]
        server += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        url = f"redis://127.0.0.1:{port}/0"
        with _running_server(server, folder, lambda: _check_redis(url)):
            yield url


@contextmanager
def private_s3() -> Iterator[str]:
    """Yield the URL of an S3 server that runs as long as this context. It checks no signatures."""
    with _server_folder() as folder:
        port = free_port()
        server = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        # Run as the current user: another user may not be allowed to read this Python installation.
        with _running_server(server, folder, lambda: _check_http(port), _current_account()):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def _running_server(
    command: list[str], folder: Path, check: Callable[[], None], account: tuple[int | None, int | None] | None = None
) -> Iterator[None]:
    log = folder / "log"
    user, group = account or _server_account()
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", WRAPPER_SCRIPT, "server", *command],
            cwd=folder,
            env=os.environ | {"FOLDER": str(folder)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=user,
            group=group,
        )
    try:
        _wait_until_ready(check, log)
        yield
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(START_LIMIT)


def _wait_until_ready(check: Callable[[], None], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            check()
            return
        except (psycopg.OperationalError, redis.RedisError, OSError):
            if time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start:\n{log.read_text()}") from None
            time.sleep(0.05)


@contextmanager
def _server_folder() -> Iterator[Path]:
    # Directly in /tmp, because the server's user must have access and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="steadyline-server-", dir="/tmp"))
    try:
        user, group = _server_account()
        if user is not None:
            shutil.chown(folder, user, group)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_account() -> tuple[int, int] | tuple[None, None]:
    """Return the user and group to run servers as: another user if this one is root, which PostgreSQL refuses."""
    if os.getuid() != 0:
        return None, None
    known = {account.pw_name: account for account in pwd.getpwall()}
    account = known.get("postgres") or known["nobody"]
    return account.pw_uid, account.pw_gid


def _current_account() -> tuple[None, None]:
    return None, None


def _check_http(port: int) -> None:
    with urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=START_LIMIT):
        pass


def _check_redis(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()


def free_port() -> int:
    """Return a free port for a server that cannot choose one itself.

    Outgoing connections use ports above this range, so they cannot take the port before the server listens.
    """
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]  # pytest-randomly gives every worker the same seed for `random`
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in "".join(c if c.isdigit() else " " for c in str(path)).split())
