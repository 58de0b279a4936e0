from ipaddress import ip_address

import pytest
from starlette.requests import Request

from stream_app.serving.collector.clients import Clients, rate_place


def request_from(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "client": (peer, 1) if peer else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", (), "198.51.100.7"),
        (
            "198.51.100.7",
            ("203.0.113.5",),
            "198.51.100.7",
        ),  # not a proxy of ours: its word counts for nothing
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.5",), "203.0.113.5"),
        ("10.0.0.1", ("192.0.2.66, 203.0.113.5",), "203.0.113.5"),  # what the client itself wrote comes first
        ("10.0.0.1", ("203.0.113.5, 10.0.0.2",), "203.0.113.5"),
        ("10.0.0.1", ("203.0.113.5", "10.0.0.2"), "203.0.113.5"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.1"),
        ("::ffff:10.0.0.1", ("2001:db8::5",), "2001:db8::5"),
        ("10.0.0.1", ("203.0.113.5, nonsense",), None),
        ("testclient", (), None),
        (None, ("203.0.113.5",), None),
    ],
)
def test_the_last_address_that_no_proxy_of_ours_has_is_the_client(
    peer: str | None, forwarded: tuple[str, ...], expected: str | None
) -> None:
    address = Clients(["10.0.0.0/8"], []).address(request_from(peer, *forwarded))
    assert address == (ip_address(expected) if expected else None)


def test_rates_are_counted_by_ipv6_network() -> None:
    first, second = ip_address("2001:db8:0:1::1"), ip_address("2001:db8:0:1:ffff::2")
    assert rate_place(first) == rate_place(second) != rate_place(ip_address("2001:db8:0:2::1"))
    assert rate_place(ip_address("192.0.2.1")) != rate_place(ip_address("192.0.2.2"))
