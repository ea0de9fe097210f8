"""What MTC really does with a value of stunnel_tcp_proxy, row by row, and as properties."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.outcome import Severity
from service.core.values import gourl
from service.core.values.stunnel import (
    Reading,
    ValueUse,
    build_url,
    encode,
    named_proxies,
    read,
    shown,
)

# value, what becomes of it, endpoint, user name, password, codes of the remarks
ROWS = [
    ("", ValueUse.UNSET, "", "", "", []),
    (None, ValueUse.UNSET, "", "", "", []),
    # Any scheme is taken, none is heeded.
    ("http://user:pass@10.0.0.1:3128", ValueUse.USED, "10.0.0.1:3128", "user", "pass", []),
    ("HTTP://proxy.example.com:3128", ValueUse.USED, "proxy.example.com:3128", "", "", []),
    ("http://proxy.example.com.:3128", ValueUse.USED, "proxy.example.com.:3128", "", "", []),
    ("http://proxy.example.com:3128/", ValueUse.USED, "proxy.example.com:3128", "", "", []),
    ("https://proxy.example.com:3128", ValueUse.USED, "proxy.example.com:3128", "", "", ["scheme"]),
    ("//proxy:3128", ValueUse.USED, "proxy:3128", "", "", ["scheme"]),
    ("tcp://h:1080", ValueUse.USED, "h:1080", "", "", ["scheme"]),
    ("socks5://h:1080", ValueUse.USED, "h:1080", "", "", ["scheme"]),
    ("ftp://h:1", ValueUse.USED, "h:1", "", "", ["scheme"]),
    # No host for Go: no error, no proxy.
    ("proxy.example.com:3128", ValueUse.IGNORED, "", "", "", ["no-host"]),
    ("user:pass@host:3128", ValueUse.IGNORED, "", "", "", ["no-host"]),
    ("proxy.example.com", ValueUse.IGNORED, "", "", "", ["no-host"]),
    ("http:host:3128", ValueUse.IGNORED, "", "", "", ["no-host"]),
    ("http:///host:3128", ValueUse.IGNORED, "", "", "", ["no-host"]),
    ("http://", ValueUse.IGNORED, "", "", "", ["no-host"]),
    ("None", ValueUse.IGNORED, "", "", "", ["no-host"]),
    ("*", ValueUse.IGNORED, "", "", "", ["no-host"]),
    (" ", ValueUse.IGNORED, "", "", "", ["no-host"]),
    # What Go refuses.
    ("10.0.0.1:3128", ValueUse.REFUSED, "", "", "", ["parse"]),
    (" http://h:3128", ValueUse.REFUSED, "", "", "", ["parse"]),
    ("http://h:abc", ValueUse.REFUSED, "", "", "", ["parse"]),
    ("http://h:3128 ", ValueUse.REFUSED, "", "", "", ["parse"]),
    ("http://h:3128\n", ValueUse.REFUSED, "", "", "", ["rewritten", "parse"]),
    ("http://h:3128\n\nX: y", ValueUse.REFUSED, "", "", "", ["rewritten", "parse"]),
    ("http://h%2Eexample:3128", ValueUse.REFUSED, "", "", "", ["parse"]),
    (":3128", ValueUse.REFUSED, "", "", "", ["parse"]),
    # No port that stunnel can use.
    ("http://host", ValueUse.BROKEN, "host", "", "", ["no-port"]),
    ("http://127.0.0.1", ValueUse.BROKEN, "127.0.0.1", "", "", ["loopback", "no-port"]),
    ("http://host:", ValueUse.BROKEN, "host", "", "", ["no-port"]),
    ("http://h:99999", ValueUse.BROKEN, "h:99999", "", "", ["port-range"]),
    ("http://h:0", ValueUse.BROKEN, "h", "", "", ["port-range"]),
    ("http://h:65535", ValueUse.USED, "h:65535", "", "", []),
    ("http://h:65536", ValueUse.BROKEN, "h:65536", "", "", ["port-range"]),
    # No host that stunnel can use.
    ("http://:3128", ValueUse.BROKEN, ":3128", "", "", ["no-host-name"]),
    ("http://256.1.1.1:3128", ValueUse.BROKEN, "256.1.1.1:3128", "", "", ["ipv4"]),
    ("http://h_under:3128", ValueUse.USED, "h_under:3128", "", "", ["underscore"]),
    ("http://-h:3128", ValueUse.BROKEN, "-h:3128", "", "", ["host"]),
    ("http://a..b:3128", ValueUse.BROKEN, "a..b:3128", "", "", ["host"]),
    ("http://prüfung:3128", ValueUse.BROKEN, "prüfung:3128", "", "", ["host"]),
    ("http://localhost:3128", ValueUse.USED, "localhost:3128", "", "", ["loopback"]),
    ("http://[fd00::1]:3128", ValueUse.BROKEN, "[fd00::1]:3128", "", "", ["ipv6"]),
    ("http://[fd00::1]", ValueUse.BROKEN, "[fd00::1]", "", "", ["ipv6", "no-port"]),
    ("http://fd00::1:3128", ValueUse.USED, "fd00::1:3128", "", "", ["ipv6"]),
    # User information: raw characters that Go takes, and those that it does not.
    ("http://u:p@x@h:3128", ValueUse.USED, "h:3128", "u", "p@x", []),
    ("http://u:a:!$&'()*+,;=~._-@h:3128", ValueUse.USED, "h:3128", "u", "a:!$&'()*+,;=~._-", []),
    ("http://u:p%40%23%2F@h:3128", ValueUse.USED, "h:3128", "u", "p@#/", []),
    *(
        (f"http://u:p{c}w@h:3128", ValueUse.REFUSED, "", "", "", ["parse"])
        for c in "#/? <>^{}|[]`é"
    ),
    ("http://u:p%w@h:3128", ValueUse.REFUSED, "", "", "", ["parse"]),
    ("http://u:12#w@h:3128", ValueUse.BROKEN, "", "", "", ["cut-short"]),
    ("http://u:12/w@h:3128", ValueUse.BROKEN, "", "", "", ["cut-short"]),
    ("http://u:12?w@h:3128", ValueUse.BROKEN, "", "", "", ["cut-short"]),
    # The operator's template, before Go sees anything.
    ('http://u:p"w@h:3128', ValueUse.BROKEN, "", "", "", ["template"]),
    ("http://u:p\\sw@h:3128", ValueUse.BROKEN, "", "", "", ["template"]),
    ("http://u:pw@h:3128\\", ValueUse.BROKEN, "", "", "", ["template"]),
    ("http://u:{{pw}}@h:3128", ValueUse.BROKEN, "", "", "", ["template"]),
    ("http://u:p\\x40w@h:3128", ValueUse.USED, "h:3128", "u", "p@w", ["rewritten"]),
    # What stunnel does with the credentials.
    ("http://u@h:3128", ValueUse.BROKEN, "h:3128", "u", "", ["no-auth"]),
    ("http://u:@h:3128", ValueUse.BROKEN, "h:3128", "u", "", ["no-auth"]),
    ("http://:p@h:3128", ValueUse.BROKEN, "h:3128", "", "p", ["no-auth"]),
    ("http://@h:3128", ValueUse.USED, "h:3128", "", "", []),
    ("http://u:p%0Aw@h:3128", ValueUse.BROKEN, "h:3128", "u", "p\nw", ["line-break"]),
    ("http://u:p%0Dw@h:3128", ValueUse.BROKEN, "h:3128", "u", "p\rw", ["line-break"]),
    ("http://u:%20pw@h:3128", ValueUse.BROKEN, "h:3128", "u", " pw", ["trimmed"]),
    ("http://u%3Ax:pw@h:3128", ValueUse.BROKEN, "h:3128", "u:x", "pw", ["colon-in-user"]),
    ("http://u:p%FFw@h:3128", ValueUse.BROKEN, "h:3128", "u", "p\udcffw", ["not-utf-8"]),
    ("http://u:p%C3%A9@h:3128", ValueUse.USED, "h:3128", "u", "pé", ["not-ascii"]),
    # The rest of the URL, and more than one of them.
    ("http://h:3128/p?q#f", ValueUse.USED, "h:3128", "", "", ["rest-ignored"]),
    ("http://a:1,http://b:2", ValueUse.BROKEN, "a:1,http", "", "",
     ["several", "rest-ignored", "host", "no-port"]),
    ("http://a:1 http://b:2", ValueUse.REFUSED, "", "", "", ["several", "parse"]),
    # No text at all.
    (3128, ValueUse.IGNORED, "", "", "", ["type"]),
    (True, ValueUse.IGNORED, "", "", "", ["type"]),
    (["http://h:3128"], ValueUse.IGNORED, "", "", "", ["type"]),
    ({"host": "h"}, ValueUse.IGNORED, "", "", "", ["type"]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "use", "endpoint", "user", "password", "codes"), ROWS)
def test_what_becomes_of_a_value(
    value: object, use: ValueUse, endpoint: str, user: str, password: str, codes: list[str]
) -> None:
    reading = read(value)
    got = (reading.use, reading.endpoint, reading.username, reading.password)
    assert got == (use, endpoint, user, password)
    assert [remark.code for remark in reading.remarks] == codes
    broken = use in (ValueUse.IGNORED, ValueUse.REFUSED, ValueUse.BROKEN)
    assert bool(reading.blockers) == broken


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("proxy.example.com:3128", "http://proxy.example.com:3128"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("user:pass@host:3128", "http://user:pass@host:3128"),
        ("https://host:3128", "http://host:3128"),
        ("http:host:3128", "http://host:3128"),
        ("http:///host:3128", "http://host:3128"),
        (" http://host:3128\n", "http://host:3128"),
        ("'http://host:3128'", "http://host:3128"),
        ("http://u:a#b/c?d e@f@host:3128", "http://u:a%23b%2Fc%3Fd%20e%40f@host:3128"),
        ('http://u:a"b\\c@host:3128', "http://u:a%22b%5Cc@host:3128"),
        ("http://u:100%@host:3128", "http://u:100%25@host:3128"),
        ("http://u:a%23b@host:3128/x", "http://u:a%23b@host:3128"),
        ("http://host:3128/x", "http://host:3128"),
        # Nobody can know the port, the password, or which of two is meant.
        ("http://host", ""),
        ("http://u@host:3128", ""),
        ("http://a:1,http://b:2", ""),
        ("http://[fd00::1]:3128", ""),
        ("http://host:99999", ""),
        ("http://host:3128", ""),
    ],
)
def test_a_url_that_works_is_suggested(value: str, suggestion: str) -> None:
    assert read(value).suggestion == suggestion


def test_no_text_shows_a_password() -> None:
    secret = "hunter2"
    for value in (
        f"http://user:{secret}@h:3128",
        f"user:{secret}@h:3128",
        f"http://user:{secret}#x@h:3128",
        f"http://user:{secret} x@h:3128",
        f'http://user:{secret}"@h:3128',
        f"http://user:12#{secret}@h:3128",
        f"https://user:{secret}%zz@h",
        f"http://{secret}:@h:abc",
    ):
        reading = read(value)
        told = [remark.message for remark in reading.remarks]
        assert secret not in " ".join([*told, reading.shown, shown(value), repr(reading)]), value


def test_the_proxies_that_a_value_names() -> None:
    assert named_proxies("http://a:1") == ("http://a:1",)
    assert named_proxies("http://a:1, http://b:2") == ("http://a:1", "http://b:2")
    assert named_proxies("http://a:1;b:2") == ("http://a:1", "b:2")
    assert named_proxies("http://u:p,w@a:1") == ("http://u:p,w@a:1",)
    assert named_proxies("http://u:p;1:2@a:1") == ("http://u:p;1:2@a:1",)
    assert named_proxies(None) == ()


HOSTS = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True) | (
    st.ip_addresses(v=4).map(str)
)
PORTS = st.integers(1, 65535)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)
PASSWORDS = WORDS.filter(lambda text: text == text.strip(" \t\v\f"))
USERS = PASSWORDS.filter(lambda text: ":" not in text)


@given(HOSTS, PORTS, USERS, PASSWORDS)
@settings(max_examples=300)
def test_a_built_url_gives_back_its_parts(host: str, port: int, user: str, password: str) -> None:
    url = build_url(host, port, user, password)
    reading = read(url)
    assert url.isascii()
    assert (reading.use, reading.host, reading.port) == (ValueUse.USED, host, port)
    assert (reading.username, reading.password) == (user, password)
    assert {item.severity for item in reading.remarks} <= {Severity.WARNING}


@given(HOSTS, PORTS)
def test_a_built_url_without_credentials(host: str, port: int) -> None:
    assert build_url(host, port) == f"http://{host}:{port}"
    assert not read(build_url(host, port)).authenticates


@pytest.mark.parametrize(
    ("host", "port", "user", "password"),
    [
        ("", 3128, "", ""),
        ("h", 0, "", ""),
        ("h", 70000, "", ""),
        ("h", -1, "", ""),
        ("[::1]", 3128, "", ""),
        ("fd00::zz", 3128, "", ""),
        ("http://h", 3128, "", ""),
        ("h/x", 3128, "", ""),
        ("u@h", 3128, "", ""),
        ("h\n", 3128, "", ""),
        ("h", 3128, "u", ""),
        ("h", 3128, "", "p"),
        ("h", 3128, "u:v", "p"),
        ("h", 3128, "u", "p\r\nX: y"),
        ("h", 3128, "u", "p\0"),
        ("h", 3128, "u ", "p"),
    ],
)
def test_parts_that_no_url_can_carry(host: str, port: int, user: str, password: str) -> None:
    with pytest.raises(ValueError) as caught:
        build_url(host, port, user, password)
    assert "X: y" not in str(caught.value)


@given(st.text(max_size=40))
def test_reading_never_fails(text: str) -> None:
    for value in (text, f"http://{text}", f"http://u:{text}@h:3128"):
        reading = read(value)
        assert isinstance(reading, Reading)
        if reading.suggestion:
            assert read(reading.suggestion).usable


NEAR_URLS = st.lists(
    st.sampled_from(
        [
            *'ab:/@?#[]%.-_ \\"é\t\udcff',
            "http://",
            "//",
            "user:pass@",
            "%41",
            "%zz",
            "host",
            ":3128",
        ]
    ),
    max_size=10,
).map("".join)


@given(NEAR_URLS)
@settings(max_examples=1000)
def test_a_url_is_read_or_refused_and_neither_shows_its_password(text: str) -> None:
    try:
        told = repr(gourl.parse(text))
    except gourl.GoUrlError as error:
        told = str(error).replace("password", "")
    assert "pass" not in told


@given(st.text())
def test_what_is_percent_encoded_is_decoded_to_itself(text: str) -> None:
    assert gourl.unescape(encode(text)) == text
    assert encode(text).isascii()


@given(st.sampled_from(["", "http://", "http://user:pass@"]), NEAR_URLS)
@settings(max_examples=1000)
def test_a_usable_value_built_anew_means_the_same(head: str, tail: str) -> None:
    reading = read(f"{head}{tail}")
    if not reading.usable:
        return
    url = build_url(reading.host, reading.port, reading.username, reading.password)
    again = read(url)
    assert (again.use, again.endpoint, again.username, again.password) == (
        ValueUse.USED,
        reading.endpoint,
        reading.username,
        reading.password,
    )
    assert shown(url) == shown(f"{head}{tail}")


@given(HOSTS, PORTS, USERS, PASSWORDS, PASSWORDS)
def test_what_is_shown_tells_nothing_of_the_password(
    host: str, port: int, user: str, one: str, other: str
) -> None:
    first, second = (build_url(host, port, user, password) for password in (one, other))
    assert shown(first) == shown(second)
    assert read(first).shown == read(second).shown


PROBE = """
package main
import ("bufio"; "encoding/json"; "net/url"; "os")
func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var raw string
		json.Unmarshal(in.Bytes(), &raw)
		u, err := url.Parse(raw)
		if err != nil { out.Encode(nil); continue }
		answer := map[string]any{"scheme": u.Scheme, "host": []byte(u.Host)}
		if u.User != nil {
			answer["username"] = []byte(u.User.Username())
			if p, set := u.User.Password(); set { answer["password"] = []byte(p) }
		}
		out.Encode(answer)
	}
}
"""
ATOMS = [
    *"abz09:/@?#[]%.-_~!$&'()*+,;=<>\"\\ ^{}|`é\t\n", "http://", "https:", "//", "%41", "%2F",
    "%zz", "%C3%A9", "::1", "fd00::1", "[::1]", ":3128", "host", "user", "%0A", "1.2.3.4",
]  # fmt: skip


@pytest.fixture(scope="module")
def real_go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        pytest.skip("Go is not installed")
    folder = tmp_path_factory.mktemp("probe")
    (folder / "go.mod").write_text("module probe\n\ngo 1.24\n", "utf-8")
    (folder / "main.go").write_text(PROBE, "utf-8")
    built = subprocess.run([go, "build", "-o", "probe", "."], cwd=folder, capture_output=True)
    if built.returncode:
        pytest.skip("Go cannot build here")
    return folder / "probe"


@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_go_reads_urls_as_modelled(real_go: Path, data: st.DataObject) -> None:
    """The real net/url of a `go 1.24` module, over fragments that trouble URL parsers."""
    parts = st.lists(st.sampled_from(ATOMS), max_size=9).map("".join)
    texts = data.draw(st.lists(parts, min_size=20, max_size=60))
    values = [head + text for text in texts for head in ("", "http://", "http://u:p@")]
    stdin = "".join(json.dumps(value) + "\n" for value in values)
    ran = subprocess.run([real_go], input=stdin, capture_output=True, text=True, check=True)
    answers = [_answer(json.loads(line)) for line in ran.stdout.splitlines()]
    assert dict(zip(values, map(_modelled, values), strict=True)) == dict(
        zip(values, answers, strict=True)
    )


def _answer(answer: dict[str, str] | None) -> tuple[str | bytes | None, ...] | None:
    if answer is None:
        return None
    fields = (answer.get(name) for name in ("host", "username", "password"))
    return answer["scheme"], *(None if f is None else base64.b64decode(f) for f in fields)


def _modelled(value: str) -> tuple[str | bytes | None, ...] | None:
    try:
        url = gourl.parse(value)
    except gourl.GoUrlError:
        return None
    fields = (url.host, url.username, url.password)
    raw = (None if f is None else f.encode("utf-8", "surrogateescape") for f in fields)
    return url.scheme, *raw


def test_a_suggestion_shows_no_part_of_a_password_as_user_name() -> None:
    assert read("mover/s3@cret:x@h.example.com:3128").shown == ""


def test_the_encoded_password_means_nothing_to_a_shell() -> None:
    url = build_url("h", 1, "u", "a$b`c!d&e;f(g)*'\"")
    assert not set(url) & set("$`!&;()*'\" ")
    assert read(url).password == "a$b`c!d&e;f(g)*'\""
