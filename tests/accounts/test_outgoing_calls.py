"""Addresses that webhooks may reach, what their owners are told, and deadlines for whole exchanges."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from accounts.integrations.public_addresses import is_public
from accounts.integrations.webhook_sender import WebhookMessage, WebhookNotSentError, send_message
from ai.deadlines import Deadline
from tests.support.fixtures import client_of
from tests.support.raw_receiver import RawReceiver

real_getaddrinfo = socket.getaddrinfo
MESSAGE = WebhookMessage("1", 0, b"{}")
SECRET = "whsec_eA=="

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:80b::200e"]
INTERNAL = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.0.0.9",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "::ffff:0:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1%eth0",
    "fec0::1",
    "2001:1::1",
    "2001:20::1",
    "2001:db8::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "ff02::1",
    "ff0e::1",
    "not an address",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_refused(address):
    assert not is_public(address)


@pytest.fixture
def receivers() -> Iterator[list[RawReceiver]]:
    started: list[RawReceiver] = []
    yield started
    for receiver in started:
        receiver.close()


def failure_of(url: str, may_be_private: bool = True, timeout: float = 1.0) -> str:
    with pytest.raises(WebhookNotSentError) as caught:
        send_message(url, SECRET, MESSAGE, may_be_private=may_be_private, timeout=timeout)
    return str(caught.value)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n"], ids=["status", "headers"])
def test_dripping_receiver_is_cut_off_at_the_deadline(receivers, first):
    receivers.append(RawReceiver(first, b"a"))

    failure = failure_of(f"http://127.0.0.1:{receivers[0].port}/")

    assert failure.startswith("No public address responded")
    assert receivers[0].ended.wait(60)


def test_dripping_tls_handshake_is_cut_off_at_the_deadline(receivers):
    # The header of a long handshake record, whose content then comes one byte at a time.
    receivers.append(RawReceiver(b"\x16\x03\x03\x40\x00", b"\x00"))

    failure_of(f"https://127.0.0.1:{receivers[0].port}/")

    assert receivers[0].ended.wait(60)


def test_failures_do_not_tell_what_listens(receivers, monkeypatch):
    receivers += [RawReceiver(b"SSH-2.0-OpenSSH_9.2\r\n"), RawReceiver(b"")]
    monkeypatch.setattr(
        socket, "getaddrinfo", lookup({"inside.example": ["10.0.0.1"], "mixed.example": ["1.1.1.1", "::1"]})
    )

    failures = {
        failure_of(f"http://127.0.0.1:{receivers[0].port}/"),  # a banner
        failure_of(f"http://127.0.0.1:{receivers[1].port}/"),  # silence
        failure_of("http://127.0.0.1:9/"),  # a closed port
        failure_of("https://unknown.example/", may_be_private=False),
        failure_of("https://inside.example/", may_be_private=False),
        failure_of("https://mixed.example/", may_be_private=False),
        failure_of("https://127.0.0.1/", may_be_private=False),
        failure_of("https://[64:ff9b::7f00:1]/", may_be_private=False),
        failure_of("http://0x7f000001/", may_be_private=False),
        failure_of("https://1.1.1.1:6379/", may_be_private=False),
    }

    assert len(failures) == 1


def lookup(names: dict[str, list[str]]):
    """Return a `getaddrinfo` that knows only these names and plain addresses."""

    def getaddrinfo(host, port, *args, **options):
        if host in names:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in names[host]]
        if host.endswith(".example"):
            raise socket.gaierror("unknown")
        return real_getaddrinfo(host, port, *args, **options)

    return getaddrinfo


def test_connection_uses_the_address_that_was_checked(receivers, monkeypatch, settings):
    """A name that leads to another address at the second lookup is asked for only once."""
    receivers.append(RawReceiver(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"))
    settings.WEBHOOK_PORTS = [receivers[0].port]
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    asked = []

    def getaddrinfo(host, port, *args, **options):
        if host == "rebinding.example":
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0)[0], port))]
        return lookup({})(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("accounts.integrations.webhook_sender.is_public", lambda address: address == "127.0.0.1")

    status = send_message(
        f"http://rebinding.example:{receivers[0].port}/", SECRET, MESSAGE, may_be_private=False, timeout=60
    )

    assert (status, asked) == (204, ["rebinding.example"])


def test_redirect_is_not_followed(receivers):
    receivers.append(RawReceiver(b""))
    target = f"http://127.0.0.1:{receivers[0].port}/"
    receivers.append(RawReceiver(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()))

    status = send_message(f"http://127.0.0.1:{receivers[1].port}/", SECRET, MESSAGE, may_be_private=True, timeout=60)

    assert (status, receivers[0].connections) == (302, 0)


def test_late_resolver_is_not_waited_for(monkeypatch):
    is_released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: is_released.wait(30) and [])

    with pytest.raises(TimeoutError):
        Deadline(0.05).resolve("slow.example", 443)

    is_released.set()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://example.org:22/", "Webhooks can use only these ports: 443."),
        ("https://example.org:99999/", "Enter an https:// URL."),
        ("https://10.0.0.1/", "Webhooks are sent only to public addresses."),
        ("https://[2002:7f00:1::]/", "Webhooks are sent only to public addresses."),
        ("https:///path", "Enter an https:// URL."),
        ("http://example.org/", "Enter an https:// URL."),
    ],
)
def test_webhook_to_refused_port_or_address_is_rejected(admin, url, problem):
    body = json.dumps({"url": url, "events": ["evaluation.ready"]})

    response = client_of(admin).post("/api/webhooks/", body, content_type="application/json")

    assert (response.status_code, response.json()["fields"]["url"]) == (400, [problem])


def test_webhook_to_configured_port_is_accepted(admin, settings):
    settings.WEBHOOK_PORTS = [443, 8443]
    body = json.dumps({"url": "https://example.org:8443/hook", "events": ["evaluation.ready"]})

    response = client_of(admin).post("/api/webhooks/", body, content_type="application/json")

    assert response.status_code == 201
