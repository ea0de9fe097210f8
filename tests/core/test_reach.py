"""What an error says of the way to a service."""

from __future__ import annotations

import pytest

from service.core.evidence import Role
from service.core.facts.reach import heard, reach, reach_through_proxy
from service.core.migration import Probe
from service.kinds.ref import Origin, Pointer


@pytest.mark.parametrize(
    ("message", "status", "direct", "proxied"),
    [
        ("dial tcp 10.0.0.1:443: i/o timeout", None, False, False),
        ("proxyconnect tcp: dial tcp: lookup squid: no such host", None, False, False),
        ("x509: certificate signed by unknown authority", None, True, None),
        ("TCP is open, TLS fails: handshake", None, True, None),
        ("Unauthorized", None, True, True),
        ('Get "https://api.a.b:6443/api?timeout=5s": x509: unknown authority', None, True, None),
        ("AccessDenied: Access Denied status code: 403", None, True, None),
        ("", 401, True, True),
        ("", 403, True, None),
        ("", 404, True, True),
        ("", 407, None, None),
        ("", 502, None, None),
        ("the plan is not ready", None, None, None),
    ],
)
def test_an_answer_proves_the_port_open_except_where_a_proxy_may_have_given_it(
    message: str, status: int | None, direct: bool | None, proxied: bool | None
) -> None:
    assert heard(message, status, proxied=False) is direct
    assert heard(message, status, proxied=True) is proxied


def probe(**more: object) -> Probe:
    pointer = Pointer(Origin("test"), "/0", "")
    return Probe(Role.SOURCE, "cluster", "api", pointer=pointer, **more)  # type: ignore[arg-type]


def test_a_probe_past_the_proxy_tells_nothing_of_the_way_through_it() -> None:
    past, through = probe(open=True, proxy=False), probe(open=True, proxy=True)
    assert reach_through_proxy([past]).open is None
    assert reach_through_proxy([through]).open is True
    assert reach([through]).open is None
    assert reach([past]).open is True


def test_an_answer_that_may_be_the_proxys_own_leaves_the_target_unknown() -> None:
    for status in (403, 407, 502, 503, 504):
        assert reach_through_proxy([probe(open=False, http_status=status)]).open is None, status
    assert reach_through_proxy([probe(open=False, http_status=401)]).open is True
    assert reach([probe(open=False, http_status=403)]).open is True
    assert reach([probe(open=False, detail="no answer within 5 s")]).open is False
