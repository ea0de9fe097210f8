"""How a body may arrive: media types, encodings, forms, limits."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from test_endpoints import DESTINATION, ENVELOPE, SOURCE, URL, problem

from service.api.app import create_app
from service.api.requests.body import MEDIA_TYPES
from service.intake.limits import DEFAULT_LIMITS
from service.settings import Settings

BODY = json.dumps(ENVELOPE).encode()
BOUNDARY = "xxBOUNDARYxx"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(name: str, data: bytes, head: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="f"\r\n{head}'
    return f"--{BOUNDARY}\r\n{disposition}\r\n".encode() + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FULL_FORM = (
    part("source", json.dumps(SOURCE).encode())
    + part("destination", json.dumps(DESTINATION).encode(), "Content-Type: application/json\r\n")
    + END
)


def versions(report: Mapping[str, Any]) -> list[str]:
    return [item["openshift"] for item in report["clusters"]]


@pytest.mark.parametrize("media_type", [*MEDIA_TYPES[:-1], "application/vnd.x+json", "text/plain"])
def test_the_bytes_tell_what_a_body_is(client: FlaskClient, media_type: str) -> None:
    response = client.post(URL, data=BODY, content_type=media_type)
    assert response.status_code == 200, response.text
    assert versions(response.get_json()) == ["3.11.1159", "4.14.9"]


@pytest.mark.parametrize("media_type", ["text/html", "image/png", "application/pdf", "nonsense"])
def test_an_unknown_media_type_is_told_the_known(client: FlaskClient, media_type: str) -> None:
    response = client.post(URL, data=BODY, content_type=media_type)
    document = problem(response, 415, "unsupported-media-type")
    assert "-H 'Content-Type: application/yaml' --data-binary" in document["detail"]
    assert response.headers["Accept"] == ", ".join(MEDIA_TYPES)


def test_another_charset_is_refused(client: FlaskClient) -> None:
    response = client.post(URL, data=BODY, content_type="application/json; charset=utf-16")
    problem(response, 415, "unsupported-media-type")
    response = client.post(URL, data=BODY, content_type="application/json; charset=UTF-8")
    assert response.status_code == 200


def test_a_gzip_body_with_and_without_the_header(client: FlaskClient) -> None:
    packed = gzip.compress(BODY)
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Encoding": "X-GZIP"}, {}):
        response = client.post(URL, data=packed, content_type="application/json", headers=headers)
        assert versions(response.get_json()) == ["3.11.1159", "4.14.9"]


def test_a_gzip_form(client: FlaskClient) -> None:
    headers = {**FORM, "Content-Encoding": "gzip"}
    response = client.post(URL, data=gzip.compress(FULL_FORM), headers=headers)
    assert versions(response.get_json()) == ["3.11.1159", "4.14.9"]


@pytest.mark.parametrize("headers", [{"Content-Type": "application/json"}, FORM])
def test_a_body_that_is_not_gzip_though_it_says_so(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    response = client.post(URL, data=BODY, headers={**headers, "Content-Encoding": "gzip"})
    problem(response, 400, "body-damaged")


def test_a_gzip_form_that_ends_early(client: FlaskClient) -> None:
    packed = gzip.compress(FULL_FORM)[:-20]
    response = client.post(URL, data=packed, headers={**FORM, "Content-Encoding": "gzip"})
    document = problem(response, 400, "body-damaged")
    assert document["errors"][0]["code"] == "archive-truncated"


def test_another_encoding_is_refused(client: FlaskClient) -> None:
    response = client.post(URL, data=BODY, headers={"Content-Encoding": "br"})
    problem(response, 415, "unsupported-content-encoding")
    assert response.headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "application/json"}, {"Content-Encoding": "gzip"}]
)
def test_an_empty_body_is_told_what_to_send(client: FlaskClient, headers: dict[str, str]) -> None:
    document = problem(client.post(URL, data=b"", headers=headers), 400, "empty-body")
    assert "curl -F source=@" in document["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        FULL_FORM[:-30],
        FULL_FORM.replace(BOUNDARY.encode(), b"another"),
        f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n".encode() + END,
        part("", b"x") + END,
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n'.encode("latin-1"),
    ],
    ids=["no form", "cut", "other boundary", "no disposition", "no name", "not UTF-8"],
)
def test_a_broken_form_is_a_problem(client: FlaskClient, body: bytes) -> None:
    problem(client.post(URL, data=body, headers=FORM), 400, "multipart-malformed")


@pytest.mark.parametrize("boundary", ["", "; boundary=", f"; boundary={'x' * 300}"])
def test_a_form_without_a_usable_boundary(client: FlaskClient, boundary: str) -> None:
    response = client.post(
        URL, data=FULL_FORM, headers={"Content-Type": f"multipart/form-data{boundary}"}
    )
    problem(response, 400, "multipart-malformed")


def test_a_part_of_no_known_name_is_told_the_names(client: FlaskClient) -> None:
    response = client.post(URL, data=part("target", b"{}") + END, headers=FORM)
    document = problem(response, 400, "bad-request")
    assert [item["code"] for item in document["errors"]] == ["unknown-part"]
    assert "source, destination" in document["errors"][0]["hint"]


def test_a_form_with_no_part_is_a_problem(client: FlaskClient) -> None:
    problem(client.post(URL, data=END, headers=FORM), 400, "bad-request")


def limited(**limits: int) -> FlaskClient:
    settings = Settings(limits=replace(DEFAULT_LIMITS, **limits), form_parts=5, spool_bytes=1000)
    return create_app(settings).test_client()


def test_a_body_beyond_the_limit_names_the_setting() -> None:
    small = limited(body_bytes=100)
    for headers in ({"Content-Type": "application/json"}, FORM):
        document = problem(small.post(URL, data=BODY, headers=headers), 413, "body-too-large")
        assert [item["code"] for item in document["errors"]] == ["limit-body-bytes"]
        assert "MTC_PREFLIGHT_BODY_BYTES" in document["errors"][0]["hint"]


def test_a_packed_form_is_held_to_the_limit_unpacked() -> None:
    body = gzip.compress(part("source", b" " * 100_000) + END)
    assert len(body) < 5000
    response = limited(body_bytes=5000).post(
        URL, data=body, headers={**FORM, "Content-Encoding": "gzip"}
    )
    problem(response, 413, "body-too-large")


def test_too_many_parts() -> None:
    body = part("source", b"{}") * 6 + END
    document = problem(limited().post(URL, data=body, headers=FORM), 413, "body-too-large")
    assert [item["code"] for item in document["errors"]] == ["limit-form-parts"]


def test_a_part_whose_header_never_ends(client: FlaskClient) -> None:
    body = f"--{BOUNDARY}\r\nX: ".encode() + b"y" * 500_000
    problem(client.post(URL, data=body, headers=FORM), 413, "body-too-large")


def test_parts_beyond_the_memory_allowance_are_read_all_the_same() -> None:
    padding = b" " * 3000
    body = (
        part("source", json.dumps(SOURCE).encode() + padding)
        + part("destination", json.dumps(DESTINATION).encode() + padding)
        + END
    )
    report = limited().post(URL, data=body, headers=FORM).get_json()
    assert versions(report) == ["3.11.1159", "4.14.9"]


def test_without_a_place_for_uploads_the_operator_is_told(
    monkeypatch: pytest.MonkeyPatch, client: FlaskClient
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise FileNotFoundError("No usable temporary directory")

    small = limited()
    monkeypatch.setattr("tempfile.TemporaryFile", nowhere)
    response = small.post(URL, data=b"x" * 70_000, headers={"Content-Type": "text/yaml"})
    document = problem(response, 503, "storage-unavailable")
    assert "emptyDir" in client.get("/docs/problems").text
    assert document["detail"] == "Spooling failed (FileNotFoundError)."


def test_an_archive_as_a_bare_body(client: FlaskClient) -> None:
    packed = io.BytesIO()
    manifest = (
        b"apiVersion: config.openshift.io/v1\nkind: ClusterVersion\nmetadata: {name: version}\n"
        b"status: {desired: {version: 4.14.9}, history: [{state: Completed, version: 4.14.9}]}\n"
    )
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        name = (
            "must-gather/cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml"
        )
        member = tarfile.TarInfo(name)
        member.size = len(manifest)
        archive.addfile(member, io.BytesIO(manifest))
    response = client.post(
        f"{URL}?role=destination", data=packed.getvalue(), content_type="application/x-xz"
    )
    assert versions(response.get_json()) == ["", "4.14.9"]
