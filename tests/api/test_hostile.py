"""Hostile input against the running service: an answer every time, and living, small workers.

Good is a 4xx problem that says what, where and what to do, or a report that lists the document
under ``problems``, or, for files that are merely odd, a report.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import socket
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from serving import Reply, Server
from test_bodies import END as FORM_END
from test_bodies import FORM, part

DATA = Path(__file__).parents[3] / "shared" / "data"
URL = "/v1/evaluations?role=source"
MIB = 1024 * 1024
MOST_MEMORY = 400 * MIB
BOMB = 512 * MIB
HANGS = 300
"""Seconds after which a request without an answer is taken to hang, on any machine."""


@pytest.fixture(scope="module")
def target(server: Server) -> Iterator[Server]:
    """The running service, which must come out of this module with the same workers, not grown."""
    before = server.workers()
    yield server
    assert server.workers() == before, "a worker died"
    assert server.peak_memory() < MOST_MEMORY, server.peak_memory()
    for line in server.log():
        assert line.get("status", 0) < 500, line
        assert line["level"] not in ("error", "critical"), line


def send(server: Server, body: bytes, media_type: str = "application/yaml") -> Reply:
    return server.request("POST", URL, body, {"Content-Type": media_type}, timeout=HANGS)


def check(reply: Reply) -> dict[str, Any]:
    """The answer is a problem with what, where and what to do, or a report; never a fault."""
    document: dict[str, Any] = reply.json
    if reply.status == 200:
        assert document["verdict"] != "ready"
        return document
    assert 400 <= reply.status < 500, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert document["request_id"] == reply.headers["x-request-id"]
    assert document["detail"]
    if reply.status != 405:
        assert document["errors"] or document["code"] in ("empty-body", "multipart-malformed")
    for error in document["errors"]:
        assert error["code"]
        assert error["detail"]
    return document


def codes(document: dict[str, Any]) -> set[str]:
    """What was found wrong, in a problem or in a report."""
    return {item["code"] for item in [*document.get("errors", ()), *document.get("problems", ())]}


def hostile_files() -> list[str]:
    listing = DATA / "FILES.tsv"
    if not listing.exists():
        return []
    with listing.open(newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return [
            row["path"]
            for row in rows
            if row["category"].startswith(("f-hostile", "f-odd")) and (DATA / row["path"]).exists()
        ]


@pytest.mark.skipif(not hostile_files(), reason="NOT HERE: ../shared/data/FILES.tsv")
def test_every_hostile_file_as_a_body_and_as_a_part(target: Server) -> None:
    for path in hostile_files():
        data = (DATA / path).read_bytes()
        if len(data) == 0:
            assert send(target, data).json["code"] == "empty-body", path
        else:
            check(send(target, data, "application/octet-stream"))
        form = part("source", data) + part("plan", data) + FORM_END
        check(target.request("POST", "/v1/evaluations", form, FORM))


def packed(names: list[tuple[str, bytes]], mode: str = "w:gz") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in names:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target.getvalue()


POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n"
NODE = "must-gather/cluster-scoped-resources/core/nodes/node.yaml"
NOISE = b"".join(b"# %s\n" % sha256(bytes([n])).hexdigest().encode() for n in range(250))
ARCHIVE = packed([(NODE, b"apiVersion: v1\nkind: Node\nmetadata: {name: n}\n" + NOISE)] * 3)


@pytest.mark.parametrize("share", [0.03, 0.3, 0.7, 0.8])
@pytest.mark.parametrize(
    "archive",
    [
        ARCHIVE,
        lzma.compress(gzip.decompress(ARCHIVE)),
        bz2.compress(gzip.decompress(ARCHIVE)),
        gzip.decompress(ARCHIVE),
    ],
    ids=["gz", "xz", "bz2", "tar"],
)
def test_a_truncated_archive(target: Server, archive: bytes, share: float) -> None:
    cut = archive[: int(len(archive) * share)]
    document = check(send(target, cut, "application/gzip"))
    assert codes(document), document


def test_a_truncated_zip(target: Server) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(NODE, POD * 1000)
    document = check(send(target, archive.getvalue()[:-30], "application/zip"))
    assert codes(document)


@pytest.mark.parametrize("media_type", ["application/json", "application/yaml", "application/zip",
                                        "application/gzip", "application/x-tar"])  # fmt: skip
def test_a_body_that_is_none_of_what_it_says(target: Server, media_type: str) -> None:
    document = check(send(target, b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20, media_type))
    assert codes(document)


def gzip_bomb(size: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(MIB)
    return b"".join(squeeze.compress(zeros) for _ in range(size // MIB)) + squeeze.flush()


def test_a_gzip_bomb(target: Server) -> None:
    document = check(send(target, gzip_bomb(BOMB), "application/gzip"))
    assert codes(document) == {"limit-compression-ratio"}


def test_a_gzip_bomb_as_content_encoding_of_a_form(target: Server) -> None:
    headers = {**FORM, "Content-Encoding": "gzip"}
    body = gzip.compress(part("source", b"#")[:-2]) + gzip_bomb(BOMB)
    reply = target.request("POST", URL, body, headers)
    assert reply.status == 413
    assert codes(check(reply)) == {"limit-compression-ratio"}


def test_a_tar_bomb_in_xz(target: Server) -> None:
    squeeze = lzma.LZMACompressor(preset=0)
    head = tarfile.TarInfo(NODE)
    head.size = BOMB
    data = squeeze.compress(head.tobuf())
    data += b"".join(squeeze.compress(bytes(MIB)) for _ in range(BOMB // MIB)) + squeeze.flush()
    document = check(send(target, data, "application/x-xz"))
    assert codes(document) & {"limit-compression-ratio", "limit-member-bytes"}


def test_a_yaml_alias_bomb(target: Server) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    document = check(send(target, "\n".join(lines).encode()))
    assert any("alias" in code for code in codes(document)), document


def test_a_yaml_alias_that_holds_itself(target: Server) -> None:
    document = check(send(target, b"kind: Pod\nmetadata: &m {name: x, self: *m}\n"))
    assert codes(document)


@pytest.mark.parametrize("opening", ["[", '{"a":', "[{"], ids=["list", "object", "both"])
@pytest.mark.parametrize("media_type", ["application/json", "application/yaml"])
def test_brackets_nested_a_hundred_thousand_deep(
    target: Server, opening: str, media_type: str
) -> None:
    document = check(send(target, (opening * 100_000).encode(), media_type))
    assert codes(document)


@pytest.mark.parametrize(
    "text",
    [
        "x: " + "[" * 100_000,
        "x: " + "{a: " * 100_000,
        "- " * 100_000 + "x",
        "\n".join(" " * depth + "a:" for depth in range(3000)),
        "? " * 100_000 + "x",
        "!!x " * 100_000 + "x",
        "&a " * 100_000 + "x",
        "| " * 10_000,
        "'" * 99_999,
        "---\n" * 250_000,
        "# comment\n" * 500_000,
        "a: b\n" * 300_000,
    ],
    ids=["flow list", "flow map", "dashes", "indent", "questions", "tags", "anchors", "pipes",
         "quotes", "documents", "comments", "one key"],
)  # fmt: skip
def test_pathological_yaml(target: Server, text: str) -> None:
    document = check(send(target, text.encode()))
    assert codes(document)


def million_members() -> bytes:
    """A tar.gz of a million empty files, made without a million objects."""
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    head = tarfile.TarInfo("a/b.yaml").tobuf()
    block = head * 10_000
    out = b"".join(squeeze.compress(block) for _ in range(100))
    return out + squeeze.compress(bytes(1024)) + squeeze.flush()


def test_a_tar_with_a_million_entries(target: Server) -> None:
    document = check(send(target, million_members(), "application/gzip"))
    assert codes(document) & {"limit-members", "limit-compression-ratio"}


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd.yaml",
        "/etc/cluster-scoped-resources/core/nodes/x.yaml",
        "a/../../cluster-scoped-resources/core/nodes/x.yaml",
        "cluster-scoped-resources/core/nodes/../../../x.yaml",
        "cluster-scoped-resources/core/nodes/\x00.yaml",
        "cluster-scoped-resources/core/nodes/" + "x" * 5000 + ".yaml",
        "C:\\cluster-scoped-resources\\x.yaml",
        'cluster-scoped-resources/core/nodes/\n{"level": "fatal"}.yaml',
    ],
)
def test_member_names_that_climb_or_lie(target: Server, name: str) -> None:
    before = {path.name for path in target.log_file.parent.iterdir()}
    check(send(target, packed([(name, POD), (NODE, POD)]), "application/gzip"))
    assert {path.name for path in target.log_file.parent.iterdir()} == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
                                  tarfile.FIFOTYPE])  # fmt: skip
def test_members_that_are_no_files(target: Server, kind: bytes) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as made:
        member = tarfile.TarInfo("cluster-scoped-resources/core/nodes/link.yaml")
        member.type = kind
        member.linkname = "/etc/passwd"
        made.addfile(member)
    document = check(send(target, archive.getvalue(), "application/x-tar"))
    assert codes(document) & {"archive-link", "archive-special-file"}, document
    assert "root:" not in json.dumps(document)


@pytest.mark.parametrize("text", [b"\xff\xfe\xfa", b"kind: \xc3\x28", b"\xed\xa0\x80: 1",
                                  b'{"kind": "\xff"}', b'{"a": "\\ud800"}',
                                  "kind: Pod".encode("utf-32")])  # fmt: skip
def test_text_that_is_not_utf8(target: Server, text: bytes) -> None:
    assert codes(check(send(target, text)))


@pytest.mark.parametrize("text", [b"\0", b"kind: Pod\0", b'{"kind": "Po\0d"}', b"\0" * 100_000])
def test_nul_bytes(target: Server, text: bytes) -> None:
    assert codes(check(send(target, text)))


@pytest.mark.parametrize("text", [b'{"kind": "Pod", "kind": "Node"}', b"kind: Pod\nkind: Node\n"])
def test_duplicate_keys(target: Server, text: bytes) -> None:
    document = check(send(target, text))
    assert any("duplicate-key" in code for code in codes(document))
    (error,) = document["errors"]
    assert (error["part"], error["line"]) == ("source", 2 if b"\n" in text else 1)


@pytest.mark.parametrize(
    "text",
    [
        b'{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "%s"}}' % (b"x" * 10 * MIB),
        b'apiVersion: v1\nkind: Node\nmetadata: {name: "%s"}\n' % (b"x" * 10 * MIB),
        b"apiVersion: v1\nkind: %s\nmetadata: {name: x}\n" % (b"x" * 10 * MIB),
        b"%s: 1\n" % (b"x" * 10 * MIB),
        b'{"%s": 1}' % (b"x" * 10 * MIB),
    ],
    ids=["json value", "yaml value", "kind", "yaml key", "json key"],
)
def test_strings_of_ten_megabytes(target: Server, text: bytes) -> None:
    reply = send(target, text)
    check(reply)
    assert len(reply.body) < MIB, "the string comes back"


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 100_000, b"1" + b"0" * 5000,
                                    b"NaN", b"Infinity", b"0x" + b"f" * 50_000])  # fmt: skip
def test_numbers_beyond_every_type(target: Server, number: bytes) -> None:
    for text in (b'{"kind": %s}' % number, b"kind: %s\n" % number):
        check(send(target, text))


@pytest.mark.parametrize(
    "envelope",
    [
        {"clusters": 1},
        {"clusters": [1]},
        {"clusters": [{"role": "sorce"}]},
        {"clusters": [{"role": "source", "facts": []}]},
        {"clusters": [{"role": "source", "facts": {"openshiftVersion": [[[]]]}}]},
        {"clusters": [{"role": "source", "objects": {"kind": {"a": 1}}}]},
        {"clusters": [{"role": "source", "objects": [None, 1, "x", [], {}]}]},
        {"clusters": [{"role": "source", "complete": [{}]}]},
        {"clusters": [{"role": "source", "gathered": [{"resource": {}}]}]},
        {"clusters": [{"role": ["source"]}]},
        {"clusters": [{"role": {"source": 1}}]},
        {"clusters": [], "plan": [], "storage": 1, "controller": "x", "probes": {}},
        {"clusters": [{"role": "source"}], "plan": {"spec": {"namespaces": {"a": 1}}}},
        {"clusters": [{"role": "source"}], "probes": [{"from": [], "target": {}}]},
        {"clusters": [{"role": "source"}], "options": {"asOf": [], "maxAgeHours": "NaN"}},
        {"clusters": [{"role": "source"}], "options": {"maxAgeHours": 1e308}},
        {"clusters": [{"role": "source"}], "options": {"asOf": "0001-01-01T00:00:00+14:00"}},
        {"clusters": [{"role": "source"}], "options": {"targetOpenshift": "4." + "9" * 5000}},
        {"clusters": [{"role": "source"}], "waivers": {"a": [1]}, "baseline": [[1]]},
        {"clusters": [{"role": "source"}], "graph": {"nodes": [1], "edges": {}}},
        {"colour": "red"},
        [],
        [[]],
        "x",
        1,
        None,
        True,
    ],
    ids=json.dumps,
)
def test_envelopes_of_the_wrong_shape(target: Server, envelope: Any) -> None:
    body = json.dumps(envelope).encode()
    reply = target.request("POST", "/v1/evaluations", body, {"Content-Type": "application/json"})
    check(reply)


@pytest.mark.parametrize("kind", ["Pod", "PersistentVolume", "Route", "ClusterVersion", "MigPlan",
                                  "MigrationController", "MigCluster", "ConfigMap",
                                  "NetworkPolicy", "Node", "Infrastructure"])  # fmt: skip
def test_objects_whose_fields_have_wrong_types(target: Server, kind: str) -> None:
    versions = {"Route": "route.openshift.io/v1", "ClusterVersion": "config.openshift.io/v1",
                "Infrastructure": "config.openshift.io/v1",
                "NetworkPolicy": "networking.k8s.io/v1"}  # fmt: skip
    version = versions.get(kind, "migration.openshift.io/v1alpha1" if "Mig" in kind else "v1")
    wrong: list[Any] = [None, 1, "x", [], [1], [[]], {}, {"a": {}}, True, 1.5]
    objects = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": f"x{place}"},
         "spec": value, "status": value, "data": value}
        for place, value in enumerate(wrong)
    ] + [
        {"apiVersion": version, "kind": kind, "metadata": value, "spec": {}} for value in wrong
    ]  # fmt: skip
    document = check(send(target, json.dumps(objects).encode(), "application/json"))
    if "findings" in document:
        assert [item for item in document["findings"] if item["verdict"] == "error"] == []


@pytest.mark.parametrize(
    "query",
    ["colour=red", "role=sorce&x=%00", "%FF=1", "role=%ED%A0%80", "format=" + "x" * 3000, "=",
     "&&&", "as_of=%0d%0aX:1"],
)  # fmt: skip
def test_hostile_queries(target: Server, query: str) -> None:
    reply = target.request("POST", f"/v1/evaluations?{query}", b"{}")
    assert reply.status in (400, 422)
    check(reply)


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 100\r\n\r\n{}",
        b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",  # noqa: E501
        b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 1e3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /%00%0d%0a HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n",
        b"FROB / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n",
    ],
    ids=["short", "bad chunk", "short chunk", "negative", "float", "two lengths", "long line",
         "long header", "many headers", "tls", "odd path", "nul host", "odd host", "odd method"],
)  # fmt: skip
def test_broken_http(target: Server, raw: bytes) -> None:
    answer = target.raw(raw)
    status = int(answer.split(b" ", 2)[1]) if answer else 400
    assert status < 500, answer[:500]
    assert status >= 400 or b"[::1" in raw, "a wrong Host concerns nobody"


def test_a_chunked_body_without_an_end_is_bounded(start_server: Any) -> None:
    small = start_server(BODY_BYTES="1Mi")
    link = socket.create_connection(("127.0.0.1", small.port), 20)
    with link:
        link.sendall(
            b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/yaml\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + b"#" * 65536 + b"\r\n"
        sent = 0
        link.settimeout(10)
        try:
            while sent < 64 * MIB:
                link.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass  # the server has closed the connection
    assert sent < 64 * MIB, "the server takes all there is"
    assert [line["status"] for line in small.log() if line.get("route") == "/v1/evaluations"] == [
        413
    ]
    assert small.request("GET", "/livez").status == 200


def test_a_body_that_is_announced_too_large_is_refused_unread(start_server: Any) -> None:
    small = start_server(BODY_BYTES="1Mi")
    answer = small.raw(
        b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 99999999999\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"limit-body-bytes" in answer


def test_a_client_that_waits_for_100_continue(target: Server) -> None:
    with socket.create_connection(("127.0.0.1", target.port), 20) as link:
        link.sendall(
            b"POST /v1/evaluations?role=source HTTP/1.1\r\nHost: [::1]\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/yaml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % len(POD)
        )
        assert link.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        link.sendall(POD)
        answer = b""
        while piece := link.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ")


STALLED = b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 1000\r\n\r\n{"


def last_words(link: socket.socket) -> bytes:
    """What the server still says; half a head gets no answer, and may get a reset."""
    try:
        return link.recv(65536)
    except ConnectionResetError:
        return b""


def test_clients_that_stall_are_left(start_server: Any) -> None:
    server = start_server(IDLE_TIMEOUT="1", THREADS="2")
    stalled = [socket.create_connection(("127.0.0.1", server.port), 20) for _ in range(6)]
    for place, link in enumerate(stalled):
        link.sendall(STALLED if place % 2 else STALLED[:30])
    time.sleep(0.2)
    assert server.request("GET", "/livez", timeout=600).status == 200
    answers = [last_words(link) for link in stalled]
    # Those that find no place at all are told to come again.
    told = [b" 408 " in answer or b" 429 " in answer for answer in answers]
    assert told == [place % 2 == 1 for place in range(6)]
    for link in stalled:
        link.close()


def test_slow_clients_do_not_stop_the_others(target: Server) -> None:
    slow = [socket.create_connection(("127.0.0.1", target.port), 20) for _ in range(10)]
    for link in slow:
        link.sendall(STALLED)
    assert target.request("GET", "/livez", timeout=HANGS).status == 200
    for link in slow:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        link.close()
