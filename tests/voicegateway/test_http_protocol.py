import pytest

from voicegateway.browser.http_protocol import HalfOpenConnections, network_of


class FakeTransport:
    def __init__(self) -> None:
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


def add_connections(half_open: HalfOpenConnections, count: int, address: str, per_address: int) -> list[FakeTransport]:
    added = [FakeTransport() for _ in range(count)]
    for transport in added:
        half_open.add(transport, address, per_address)
    return added


def test_oldest_connection_of_an_address_is_dropped_beyond_its_bound():
    half_open = HalfOpenConnections()
    other = add_connections(half_open, 1, "192.0.2.9", per_address=3)

    added = add_connections(half_open, 5, "192.0.2.1", per_address=3)

    assert [transport.is_aborted for transport in added] == [True, True, False, False, False]
    assert (other[0].is_aborted, len(half_open)) == (False, 4)


def test_oldest_connection_of_all_is_dropped_beyond_the_total():
    half_open = HalfOpenConnections(at_once=3)

    added = [add_connections(half_open, 1, f"192.0.2.{number}", per_address=3)[0] for number in range(5)]

    assert [transport.is_aborted for transport in added] == [True, True, False, False, False]


def test_connection_whose_request_arrived_no_longer_counts():
    half_open = HalfOpenConnections()
    added = add_connections(half_open, 3, "192.0.2.1", per_address=3)

    for transport in added:
        half_open.discard(transport)
        half_open.discard(transport)
    more = add_connections(half_open, 3, "192.0.2.1", per_address=3)

    assert [transport.is_aborted for transport in added + more] == [False] * 6
    assert len(half_open) == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:0db8:0001:0002"),
        ("2001:db8:1:2:bbbb::9", "2001:0db8:0001:0002"),
        ("", ""),
    ],
)
def test_addresses_of_one_subscriber_are_one_network(address, network):
    assert network_of(address) == network
