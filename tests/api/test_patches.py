"""POST /v1/migrationcontroller/patches, as its users meet it."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import json
import logging
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml
from flask.testing import FlaskClient

from service.core.patch.merge import apply_merge
from service.core.values import gourl

URL = "/v1/migrationcontroller/patches"
USER, PASSWORD = "mover", "p#a/s:s@w?o%r d\"'\\{é"
MANIFEST: dict[str, Any] = {
    "apiVersion": "migration.openshift.io/v1alpha1",
    "kind": "MigrationController",
    "metadata": {
        "name": "migration-controller",
        "namespace": "openshift-migration",
        "resourceVersion": "4711",
        "managedFields": [{"manager": "oc"}],
    },
    "spec": {
        "cluster_name": "host",
        "migration_velero": True,
        "migration_controller": True,
        "migration_ui": True,
        "mig_pv_limit": "100",
    },
    "status": {"phase": "Reconciled"},
}
PROXY = {"host": "squid.example.com", "port": 3128, "username": USER, "password": PASSWORD}
SETTINGS = {"stunnel_tcp_proxy": PROXY, "migPvLimit": 300}
BODY = {"controller": MANIFEST, "settings": SETTINGS}
PROXIED = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "Proxy",
    "metadata": {"name": "cluster"},
    "spec": {},
    "status": {"httpsProxy": "http://squid.example.com:3128"},
}


def without_server_fields(manifest: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in manifest.items() if key != "status"}
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "managedFields"}
    return {**rest, "metadata": metadata}


def test_all_forms_come_from_one_request(client: FlaskClient) -> None:
    answer = client.post(URL, json=BODY)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Accept" in answer.vary
    whole = answer.get_json()
    assert whole["changed"] is True
    assert [(c["key"], c["action"]) for c in whole["changes"]] == [
        ("mig_pv_limit", "replace"),
        ("stunnel_tcp_proxy", "add"),
    ]
    forms = {
        media: client.post(URL, json=BODY, headers={"Accept": media})
        for media in (
            "application/merge-patch+json",
            "application/json-patch+json",
            "application/yaml",
        )
    }
    assert [item.mimetype for item in forms.values()] == list(forms)
    merge, operations, manifest = forms.values()
    assert merge.get_json(force=True) == whole["mergePatch"]
    assert operations.get_json(force=True) == whole["jsonPatch"]
    assert yaml.safe_load(manifest.data) == whole["manifest"]
    patched = without_server_fields(apply_merge(MANIFEST, merge.get_json(force=True)))
    assert patched == whole["manifest"]
    by_operations = jsonpatch.apply_patch(MANIFEST, operations.get_json(force=True))
    assert without_server_fields(by_operations) == whole["manifest"]
    again = client.post(URL, json={"controller": patched, "settings": SETTINGS}).get_json()
    assert (again["changed"], again["mergePatch"], again["jsonPatch"]) == (False, {}, [])


@pytest.mark.parametrize(
    ("query", "accept", "media"),
    [
        ("", "", "application/json"),
        ("", "*/*", "application/json"),
        ("", "text/yaml", "text/yaml"),
        (
            "",
            "application/yaml;q=0.5, application/merge-patch+json",
            "application/merge-patch+json",
        ),
        ("format=manifest", "application/json", "application/yaml"),
        ("format=json-patch", "", "application/json-patch+json"),
        ("format=merge-patch", "", "application/merge-patch+json"),
        ("dry=true", "application/json", "application/json"),
        ("dry=false", "application/yaml", "application/yaml"),
    ],
)
def test_the_form_of_the_answer(client: FlaskClient, query: str, accept: str, media: str) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = client.post(URL, json=BODY, query_string=query, headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, media)


@pytest.mark.parametrize(
    ("query", "accept", "status", "code"),
    [
        ("", "text/html", 406, "not-acceptable"),
        ("dry=true", "application/yaml", 406, "not-acceptable"),
        ("dry=true&format=manifest", "", 400, "invalid-parameter"),
        ("dry=yes", "", 400, "invalid-parameter"),
        ("format=xml", "", 400, "invalid-parameter"),
        ("stunnel_tcp_proxy=http://u:hunter2@h:1", "", 400, "invalid-parameter"),
    ],
)
def test_wrong_ways_to_ask(
    client: FlaskClient, query: str, accept: str, status: int, code: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = client.post(URL, json=BODY, query_string=query, headers=headers)
    assert answer.status_code == status
    assert code in answer.text
    assert b"hunter2" not in answer.data


def test_yaml_gzip_and_forms(client: FlaskClient) -> None:
    wanted = client.post(URL, json=BODY).get_json()
    text = yaml.safe_dump(BODY).encode()
    sent = [
        client.post(URL, data=text, content_type="application/yaml"),
        client.post(
            URL,
            data=gzip.compress(text),
            content_type="application/yaml",
            headers={"Content-Encoding": "gzip"},
        ),
        client.post(
            URL,
            data={
                "controller": (io.BytesIO(yaml.safe_dump(MANIFEST).encode()), "mc.yaml"),
                "settings": (io.BytesIO(json.dumps(SETTINGS).encode()), "settings.json"),
            },
        ),
    ]
    assert [item.get_json() for item in sent] == [wanted] * 3


def test_every_reason_at_once_as_findings(client: FlaskClient) -> None:
    body = {
        "controller": MANIFEST,
        "settings": {"stunnel_tcp_proxy": f"u:{PASSWORD}@h:1", "mig_pod_limits": 5},
        "evaluation": {
            "clusters": [
                {"role": "source", "objects": [PROXIED]},
                {"role": "destination", "objects": [PROXIED]},
            ]
        },
    }
    answer = client.post(URL, json=body)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, "patch-refused")
    assert [(e["policy"], e["code"], e["pointer"], e["severity"]) for e in problem["errors"]] == [
        ("MTC303", "template", "/settings/stunnel_tcp_proxy", "blocker"),
        ("MTC801", "unknown-key", "/settings/mig_pod_limits", "blocker"),
    ]
    assert problem["errors"][1]["wanted"] == "mig_pod_limit"
    body["settings"] = {"stunnel_tcp_proxy": PROXY}
    errors = client.post(URL, json=body).get_json()["errors"]
    assert [(e["policy"], e["pointer"]) for e in errors] == [("MTC302", "/evaluation")]


def test_evidence_in_a_form(client: FlaskClient) -> None:
    parts = {
        "settings": {"stunnel_tcp_proxy": PROXY},
        "source": PROXIED,
        "destination": {**PROXIED, "status": {}},
        "plan": {"namespaces": ["shop"]},
    }
    data = {
        name: (io.BytesIO(json.dumps(value).encode()), f"{name}.json")
        for name, value in parts.items()
    }
    answer = client.post(URL, data=data).get_json()
    assert ("MTC302", "pass") in [(f["policy"], f["verdict"]) for f in answer["findings"]]
    assert "must-tunnel" in [item["code"] for item in answer["warnings"]]


def test_evidence_that_cannot_be_read_is_told(client: FlaskClient) -> None:
    body = {**BODY, "evaluation": {"clusters": [{"role": "source", "objects": [7, PROXIED]}]}}
    answer = client.post(URL, json=body)
    assert answer.status_code == 200
    assert [w["pointer"] for w in answer.get_json()["warnings"]].count("/evaluation") >= 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "empty-body"),
        (b"{", 422, "invalid-input"),
        (b"[]", 422, "invalid-input"),
        (b"{}", 422, "invalid-input"),
        (b"a: 1\n---\nb: 2\n", 422, "invalid-input"),
        (json.dumps(MANIFEST).encode(), 422, "invalid-input"),
        (b'{"settings": []}', 422, "invalid-input"),
        (b'{"settings": {}, "evaluation": []}', 422, "invalid-input"),
        (b'{"settings": {"a": 1, "a": 2}}', 422, "invalid-input"),
        (b'{"settings": {}, "query": 1}', 422, "invalid-input"),
        (b'{"settings": {}}', 422, "patch-refused"),
        (b'{"settings": {"mig_pv_limit": 5}, "controller": 5}', 422, "patch-refused"),
        (b'{"settings": {"mig_pv_limit": 5}, "evaluation": {}}', 422, "invalid-input"),
        (b"\x00\x01", 422, "invalid-input"),
    ],
)
def test_bodies_that_are_none(client: FlaskClient, body: bytes, status: int, code: str) -> None:
    answer = client.post(URL, data=body, content_type="application/json")
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"


def test_numbers_beyond_64_bits_come_through(client: FlaskClient) -> None:
    large = {**MANIFEST, "spec": {**MANIFEST["spec"], "large": 10**40}}
    plan = {"namespaces": ["shop"], "large": 10**40}
    body = {"controller": large, "settings": {"mig_pv_limit": 5}, "evaluation": {"plan": plan}}
    for media in ("application/json", "application/yaml"):
        answer = client.post(URL, data=json.dumps(body), headers={"Accept": media})
        assert answer.status_code == 200
        assert str(10**40).encode() in answer.data


def test_the_manifest_needs_the_current_one(client: FlaskClient) -> None:
    body = {"settings": {"stunnel_tcp_proxy": PROXY}}
    assert client.post(URL, json=body).get_json()["manifest"] is None
    answer = client.post(URL, json=body, headers={"Accept": "application/yaml"})
    problem = answer.get_json(force=True)
    assert (answer.status_code, problem["code"]) == (422, "patch-refused")
    assert problem["errors"][0]["code"] == "no-manifest"


def test_no_secret_leaves_but_in_the_patch(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "Tr0ub4dor-and-3"
    old = f"http://old:{secret}-old@h:1"
    controller = {**MANIFEST, "spec": {**MANIFEST["spec"], "stunnel_tcp_proxy": old}}
    good = {"host": "squid.example.com", "port": 3128, "username": "u", "password": secret}
    caplog.set_level(logging.DEBUG)
    shown = []
    for value in (
        good,
        {**good, "password": f"{secret}\n"},
        {**good, "port": 0},
        {**good, "secret": secret},
        f"u:{secret}@h:1",
        f"http://u:{secret}#@h:1",
        f'http://u:{secret}"@h:1',
        f"http://u:{secret} x@h:1",
        f"http://{secret}@h:1",
        [secret],
    ):
        body = {"controller": controller, "settings": {"stunnel_tcp_proxy": value}}
        shown.append(client.post(URL, json=body, query_string="dry=true").data.decode())
    broken = (f'{{"settings": {{"a": "{secret}}}', f"settings: {{password: {secret}\n")
    wrong = (json.dumps({"settings": secret}), json.dumps({"settings": {}, "password": secret}))
    shown += [
        client.post(URL, data=text, content_type="application/yaml").data.decode()
        for text in (*broken, *wrong)
    ]
    shown.append(client.get("/metrics").data.decode())
    shown += [json.dumps(record.__dict__, default=str) for record in caplog.records]
    assert [text for text in shown if secret in text] == []
    answer = client.post(
        URL, json={"controller": controller, "settings": {"stunnel_tcp_proxy": good}}
    )
    patch = answer.get_json()
    for form in ("mergePatch", "jsonPatch", "manifest", "undo"):
        assert secret in json.dumps(patch.pop(form))
    for change in patch["changes"]:
        change.pop("undo")
    assert secret not in json.dumps(patch)


# --- the patch, end to end through a proxy -------------------------------------------------------


class ConnectProxy(socketserver.BaseRequestHandler):
    """A CONNECT proxy with basic authentication that answers for the far end itself."""

    logins: list[str]
    wanted: str

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < 65536:
            chunk = self.request.recv(4096)
            if not chunk:
                return
            head += chunk
        lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        scheme, _, login = fields.get("Proxy-Authorization", "").partition(" ")
        type(self).logins.append(login)
        right = scheme.lower() == "basic" and login == self.wanted
        if not lines[0].startswith("CONNECT dvm.apps.example.com:443 ") or not right:
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.request.sendall(self.request.recv(4096).upper())


@pytest.fixture
def proxy() -> Iterator[tuple[str, int]]:
    handler = type("Handler", (ConnectProxy,), {})
    handler.logins = []
    handler.wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        yield str(host), int(port)
        server.shutdown()


def through(proxy: str, user: str, password: str) -> bytes:
    """What stunnel does with `protocol = connect`: CONNECT, then the bytes of the far end."""
    host, _, port = proxy.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Proxy-Authorization": f"basic {login}"} if user and password else {}
    connection.set_tunnel("dvm.apps.example.com", 443, headers)
    try:
        connection.connect()
        connection.sock.sendall(b"rsync over tls")
        return connection.sock.recv(4096)
    finally:
        connection.close()


def test_the_emitted_url_really_authenticates(
    client: FlaskClient, proxy: tuple[str, int], tmp_path: Path
) -> None:
    """Host, port, user and password as mig-controller takes them out of the URL get through."""
    host, port = proxy
    parts = {"host": host, "port": port, "username": USER, "password": PASSWORD}
    body = {"controller": MANIFEST, "settings": {"stunnel_tcp_proxy": parts}}
    manifest = yaml.safe_load(client.post(f"{URL}?format=manifest", json=body).data)
    # The operator's template, YAML, then url.Parse: the way that the value goes in MTC.
    config = yaml.safe_load(f'URL: "{manifest["spec"]["stunnel_tcp_proxy"]}"')["URL"]
    network, user, password = extracted(config, tmp_path)
    assert (network, user, password) == (f"{host}:{port}", USER, PASSWORD)
    assert through(network, user, password) == b"RSYNC OVER TLS"
    for wrong in (("", ""), (user, ""), (user, password + "x")):
        with pytest.raises(OSError, match="407"):
            through(network, *wrong)


def extracted(url: str, folder: Path) -> tuple[str, str, str]:
    """Host, user and password by real Go where it is installed, by the model of it elsewhere."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        read = gourl.parse(url)
        return read.host, read.username or "", read.password or ""
    (folder / "go.mod").write_text("module probe\n\ngo 1.24\n", "utf-8")
    program = (
        'package main\nimport ("fmt"; "net/url"; "os")\nfunc main() {\n'
        "u, err := url.Parse(os.Args[1])\nif err != nil { panic(err) }\n"
        'p, _ := u.User.Password()\nfmt.Printf("%s\\n%s\\n%s", u.Host, u.User.Username(), p)\n}\n'
    )
    (folder / "main.go").write_text(program, "utf-8")
    ran = subprocess.run([go, "run", ".", url], cwd=folder, capture_output=True, check=True)
    host, user, password = ran.stdout.decode().split("\n")
    return host, user, password
