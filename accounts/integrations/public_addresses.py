"""IP addresses that a URL entered by a person may lead to."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Networks that some or all versions of Python consider global: those reserved for network services, those reserved for
# documentation, and those whose addresses embed another address that would need its own check.
_REFUSED_NETWORKS = [
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments, such as port control and TURN relays
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # relays from IPv4 to 6to4
        "192.175.48.0/24",  # AS112
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 for local use
        "2001::/23",  # protocol assignments, such as Teredo, port control, and TURN relays
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local
    )
]


def is_public(address: str) -> bool:
    """Return True if an IP address belongs to a host on the internet and cannot map to an internal one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_unicast(found) and not any(found in network for network in _REFUSED_NETWORKS)


def _is_unicast(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_unspecified or address.is_reserved)


def is_private_literal(host: str) -> bool:
    """Return True if a host is written as an IP address that is not public."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return not is_public(host)
