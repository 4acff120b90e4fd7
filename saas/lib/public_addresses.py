"""Says which addresses belong to the public internet: the only ones that a store may send us to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

# Global unicast. What carries an IPv4 address inside (mapped, compatible, NAT64) is outside of it.
_UNICAST = ip_network("2000::/3")
# `is_global` differs between Python's versions here, or follows a registry that has no say in it.
_REFUSED = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # Teredo and other assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Say whether an address, as the resolver writes it, is a public one of a single host.

    >>> is_public("93.184.215.14"), is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    (True, True)
    >>> is_public("169.254.169.254"), is_public("::ffff:93.184.215.14"), is_public("fe80::1%eth0")
    (False, False, False)
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6 and parsed not in _UNICAST:
        return False
    if not parsed.is_global or parsed.is_multicast:
        return False
    return not any(parsed in network for network in _REFUSED)
