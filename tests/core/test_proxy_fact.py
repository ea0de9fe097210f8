"""The endpoint of a proxy URL, which is shown to people: never a part of the password."""

from __future__ import annotations

import pytest

from service.core.facts.proxy import endpoint_of


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("", ""),
        ("http://squid.example.com:3128", "squid.example.com:3128"),
        ("https://Squid.example.com/", "squid.example.com:443"),
        ("http://squid.example.com", "squid.example.com:80"),
        ("http://user:secret@squid.example.com:3128/path", "squid.example.com:3128"),
        ("http://user:se/cr#et?@squid.example.com:3128", "squid.example.com:3128"),
        ("user:se/cret@squid.example.com:3128", "squid.example.com:3128"),
        ("squid.example.com:3128", "squid.example.com:3128"),
    ],
)
def test_the_endpoint(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint
