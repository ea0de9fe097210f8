"""The endpoint of a proxy URL, which is shown to people: never a part of the password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("HTTPS://squid.example.com", "squid.example.com:443"),
        ("http://[fd00::1]:3128", "[fd00::1]:3128"),
        ("http://squid.example.com:31[28", "squid.example.com:80"),
        ("https://squid]", "squid]:443"),
    ],
)
def test_the_endpoint(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint


NEAR_URLS = st.lists(
    st.sampled_from(["http", "https", "://", "//", "user", ":", "@", "[", "]", "/", "3128", "é"])
).map("".join)


@given(NEAR_URLS, NEAR_URLS)
def test_any_text_has_an_endpoint_and_none_shows_the_password(head: str, tail: str) -> None:
    endpoint_of(head)
    assert "s3cret" not in endpoint_of(f"{head}user:s3cret{tail}@squid.example.com:3128")
