"""Servers of our own for tests, from the programs of this machine, on a port and in a folder that nobody else uses."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
import redis

START_LIMIT = 30.0  # seconds

# Where programs live that are often not in PATH.
ELSEWHERE = {
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
OTHER_NAMES = {"chromium": ["chromium-browser", "google-chrome", "google-chrome-stable"]}

# Ends the server when our end of its standard input closes, which the kernel does even if we are killed.
LIFELINE = '"$@" & cat >/dev/null; kill -INT $!; wait $!; rm -rf "$FOLDER"'


def find(program: str) -> Path | None:
    """A server or tool of this machine, in PATH or where it is usually installed; the newest of several."""
    for name in [program, *OTHER_NAMES.get(program, [])]:
        in_path = shutil.which(name)
        if in_path:
            return Path(in_path)
    elsewhere = [Path(found) for pattern in ELSEWHERE.get(program, []) for found in glob.glob(pattern)]
    return max(elsewhere, key=_version, default=None)


def missing(program: str) -> str:
    """Why a test that needs this program cannot run; nothing when it can."""
    return "" if find(program) else f"{program} is not installed"


def require(program: str) -> Path:
    """The program's path. Without it the test is skipped, or fails where REQUIRE_SERVICES=1 promises everything."""
    path = find(program)
    if path:
        return path
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{missing(program)}, and REQUIRE_SERVICES=1")
    pytest.skip(missing(program))


@contextmanager
def private_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as this context."""
    program = find("postgres")
    assert program, missing("postgres")
    with _folder() as folder:
        port = _free_port()
        data = folder / "data"
        # In PATH may stand a link; initdb stands beside what it points at.
        initdb = program.resolve().with_name("initdb")
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        user, group = _servant()
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
        }
        server = [str(program), "-D", str(data), "-p", str(port)]
        server += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with _running(server, folder, lambda: psycopg.connect(url).close()):
            yield url


@contextmanager
def private_redis() -> Iterator[str]:
    """The URL of a Redis server that lives as long as this context."""
    program = find("redis-server")
    assert program, missing("redis-server")
    with _folder() as folder:
        port = _free_port()
        server = [str(program), "--port", str(port), "--bind", "127.0.0.1"]
        server += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        url = f"redis://127.0.0.1:{port}/0"
        with _running(server, folder, lambda: _ping(url)):
            yield url


@contextmanager
def private_s3() -> Iterator[str]:
    """The address of an S3 server that lives as long as this context. It checks no signatures."""
    with _folder() as folder:
        port = _free_port()
        server = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        # As who we are: another user may not be allowed to read our Python.
        with _running(server, folder, lambda: _greet(port), _ourselves()):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(
    command: list[str], folder: Path, look: Callable[[], None], servant: tuple[int | None, int | None] | None = None
) -> Iterator[None]:
    log = folder / "log"
    user, group = servant or _servant()
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", LIFELINE, "server", *command],
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
        _wait_until(look, log)
        yield
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(START_LIMIT)


def _wait_until(look: Callable[[], None], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            look()
            return
        except (psycopg.OperationalError, redis.RedisError, OSError):
            if time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start:\n{log.read_text()}") from None
            time.sleep(0.05)


@contextmanager
def _folder() -> Iterator[Path]:
    # Directly in /tmp: another user must get in, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="steadyline-server-", dir="/tmp"))
    try:
        user, group = _servant()
        if user is not None:
            shutil.chown(folder, user, group)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _servant() -> tuple[int, int] | tuple[None, None]:
    """User and group that run the servers when we are root, which PostgreSQL refuses to be."""
    if os.getuid() != 0:
        return None, None
    known = {account.pw_name: account for account in pwd.getpwall()}
    account = known.get("postgres") or known["nobody"]
    return account.pw_uid, account.pw_gid


def _ourselves() -> tuple[None, None]:
    return None, None


def _greet(port: int) -> None:
    with urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=START_LIMIT):
        pass


def _ping(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in "".join(c if c.isdigit() else " " for c in str(path)).split())
