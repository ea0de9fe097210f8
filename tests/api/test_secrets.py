"""Secrets in the input come out nowhere: not in a report, a problem, the log or the metrics."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from typing import Any

import pytest
from serving import Server
from test_bodies import END as FORM_END
from test_bodies import FORM, part

from service.formats import FORMATS

PASSWORD = "hunter2-Xyzzy"
TOKEN = "sha256~" + "Abcdefghij0123456789" * 2
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLXBsdWdoMTIz"
HIDDEN = "plover-dwarf-secret-data"
NEEDLES = (PASSWORD, TOKEN, JWT, "c2lnbmF0dXJl", HIDDEN, base64.b64encode(HIDDEN.encode()).decode())


def obj(api_version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    namespace = more.pop("namespace", "openshift-migration")
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        **more,
    }


PROXY = f"http://admin:{PASSWORD}@proxy.example.com:3128"
OBJECTS = [
    obj("config.openshift.io/v1", "Proxy", "cluster", namespace="",
        spec={"httpProxy": PROXY, "httpsProxy": PROXY}, status={"httpProxy": PROXY}),
    obj("migration.openshift.io/v1alpha1", "MigrationController", "migration-controller",
        spec={"stunnel_tcp_proxy": PROXY, "colour": PASSWORD, "mig_pv_limit": PROXY}),
    obj("migration.openshift.io/v1alpha1", "MigrationController", "second",
        spec={"stunnel_tcp_proxy": f"admin:{PASSWORD}@proxy.example.com:3128"}),
    obj("migration.openshift.io/v1alpha1", "MigrationController", "third",
        spec={"stunnel_tcp_proxy": f"http://admin:{PASSWORD}#/?@proxy.example.com:99999"}),
    obj("v1", "Secret", "storage", type="Opaque",
        data={"aws-secret-access-key": base64.b64encode(HIDDEN.encode()).decode()},
        stringData={"token": HIDDEN}),
    obj("v1", "ConfigMap", "migration-cluster-config",
        data={"STUNNEL_TCP_PROXY": PROXY, "token": TOKEN}),
    obj("migration.openshift.io/v1alpha1", "MigCluster", "remote",
        spec={"url": f"https://user:{PASSWORD}@api.example.com:6443", "caBundle": HIDDEN,
              "exposedRegistryPath": f"https://user:{PASSWORD}@registry.example.com/"}),
    obj("migration.openshift.io/v1alpha1", "MigStorage", "store",
        spec={"backupStorageProvider": "aws",
              "backupStorageConfig": {"awsS3Url": f"https://key:{PASSWORD}@s3.example.com"}}),
]  # fmt: skip
FACTS = {
    "openshiftVersion": f"token={HIDDEN}",
    "proxy": PROXY,
    "user": f"Bearer {JWT}",
    "registryRoute": f"https://user:{PASSWORD}@registry.example.com",
    "apiUrl": f"https://user:{PASSWORD}@api.example.com:6443",
    "notes": TOKEN,
}
ENVELOPES = [
    {
        "clusters": [
            {"role": role, "objects": OBJECTS, "complete": True}
            for role in ("source", "destination")
        ]
    },
    {
        "clusters": [
            {"role": "source", "facts": FACTS, "notes": [f"password: {PASSWORD}", PROXY]},
            {"role": "destination", "facts": {"proxy": {"httpsProxy": PROXY}}},
        ],
        "controller": {"stunnel_tcp_proxy": PROXY, f"x {PROXY}": 1},
        "probes": [{"from": "source", "target": "endpoint", "open": False, "host": "h",
                    "detail": f"GET {PROXY} said token={HIDDEN}"}],
    },
    {"clusters": [{"role": f"password={PASSWORD}"}]},
    {"clusters": [{"role": "source"}], "options": {"asOf": PROXY, PROXY: 1}},
    {"clusters": [{"role": "source", "complete": [f"token={HIDDEN}"]}]},
    {f"password={PASSWORD}": 1, "clusters": []},
]  # fmt: skip
BROKEN = [
    f"stunnel_tcp_proxy: {PROXY}\n  bad: [indent\n".encode(),
    json.dumps({"password": PASSWORD}).encode()[:-3],
    f'{{"password={PASSWORD}": 1, "password={PASSWORD}": 2}}'.encode(),
    f"token: !!{TOKEN} x\n".encode(),
    f"&a_{TOKEN.replace('~', '')} x: *{JWT.replace('.', '')}\n".encode(),
]


def free_of_secrets(text: str) -> None:
    for needle in NEEDLES:
        assert needle not in text, text[max(0, text.index(needle) - 300) :][:400]


@pytest.fixture(scope="module")
def target(start_server: Any) -> Server:
    found: Server = start_server(LOG_LEVEL="DEBUG")
    return found


@pytest.mark.parametrize("envelope", ENVELOPES, ids=range(len(ENVELOPES)))
@pytest.mark.parametrize("name", list(FORMATS))
def test_no_secret_in_a_report_of_any_format(target: Server, name: str, envelope: Any) -> None:
    body = json.dumps(envelope).encode()
    reply = target.request("POST", f"/v1/evaluations?format={name}", body)
    assert reply.status in (200, 400, 422)
    free_of_secrets(reply.body.decode())


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_no_secret_in_a_problem(target: Server, body: bytes) -> None:
    for reply in (
        target.request("POST", "/v1/evaluations?role=source", body),
        target.request("POST", "/v1/evaluations", part("source", body) + FORM_END, FORM),
    ):
        assert reply.status in (200, 422)
        free_of_secrets(reply.body.decode())


def test_no_secret_of_a_request_line(target: Server) -> None:
    for path in (f"/v1/policies/{TOKEN}", f"/{JWT}", f"/v1/policies?token={HIDDEN}",
                 f"/v1/policies?format={PASSWORD}", f"/v1/evidence?role={PASSWORD}"):  # fmt: skip
        reply = target.request("GET", path, headers={"X-Request-Id": f"{PASSWORD}!"})
        assert reply.status in (400, 404)
        free_of_secrets(reply.body.decode())
    target.request("POST", "/v1/evaluations", b"{}", {"Content-Type": f"text/{PASSWORD}"})
    target.raw(f"GET / HTTP/1.1\r\nHost: [::1]\r\nBad Header {PASSWORD}: x\r\n\r\n".encode())
    target.raw(f"{PASSWORD} {TOKEN} HTTP/9.9\r\n\r\n".encode())


def _stored(name: str) -> bytes:
    """A tar with one broken member of that name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        data = b"apiVersion: v1\nkind: [\n"
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def test_no_secret_of_a_waiver_or_a_signed_address(target: Server) -> None:
    signed = f"https://s3.example.com/bucket?X-Amz-Credential={HIDDEN}&X-Amz-Signature={HIDDEN}"
    storage = obj("migration.openshift.io/v1alpha1", "MigStorage", "store",
                  spec={"backupStorageProvider": "aws", "backupStorageConfig": {
                      "awsS3Url": signed, "awsBucketName": "b", "awsRegion": "r"}})  # fmt: skip
    waiver = {
        "policy": "MTC601", "subject": {"name": f"password={PASSWORD}"}, "reason": PROXY,
        "owner": f"token={HIDDEN}", "id": f"token={HIDDEN}", "ticket": signed,
        "expires": "2099-01-01",
    }  # fmt: skip
    envelope = {
        "clusters": [{"role": "destination", "objects": [storage], "complete": True}],
        "storage": storage,
        "waivers": [waiver],
        "probes": [{"from": "destination", "target": "repository", "open": False, "host": "h",
                    "detail": f"403 SignatureDoesNotMatch {signed}"}],
    }  # fmt: skip
    for name in FORMATS:
        query = f"format={name}" + ("&for=destination" if name == "gather" else "")
        reply = target.request("POST", f"/v1/evaluations?{query}", json.dumps(envelope).encode())
        assert reply.status == 200, reply.body
        free_of_secrets(reply.body.decode())
    envelope["waivers"] = [{**waiver, "policy": f"token={HIDDEN}", f"password={PASSWORD}": 1}]
    reply = target.request("POST", "/v1/evaluations", json.dumps(envelope).encode())
    assert reply.status == 422
    free_of_secrets(reply.body.decode())


@pytest.mark.parametrize("secret", [f"token={HIDDEN}", f"https://me:{PASSWORD}@x", TOKEN])
def test_no_secret_in_the_name_of_a_member_or_of_a_file(target: Server, secret: str) -> None:
    data = _stored(f"{secret}/a.yaml")
    form = part("source", data).replace(b'filename="f"', f'filename="{secret}.tar"'.encode())
    for reply in (
        target.request("POST", "/v1/evaluations?role=source", data),
        target.request("POST", "/v1/evaluations", form + FORM_END, FORM),
    ):
        assert reply.status in (200, 422), reply.body
        free_of_secrets(reply.body.decode())


def test_no_secret_in_the_instance_of_a_problem(target: Server) -> None:
    for path in (f"/v1/{TOKEN}", f"/token={HIDDEN}", f"/v1/x?sig={HIDDEN}",
                 f"/https:%2F%2Fme:{PASSWORD}@proxy/"):  # fmt: skip
        reply = target.request("GET", path)
        assert reply.status == 404
        free_of_secrets(reply.body.decode())


def test_no_secret_in_log_and_metrics_after_all_this(target: Server) -> None:
    free_of_secrets(target.request("GET", "/metrics").body.decode())
    log = target.log_file.read_text()
    assert log.count('"status": 422') >= 1
    free_of_secrets(log)
