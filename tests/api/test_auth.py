"""Who gets in: by where the service listens, by tokens, by the cluster; and no way around it."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from flask import Flask
from flask.testing import FlaskClient
from reviewing import running
from serving import Server, Start
from test_endpoints import ENVELOPE

from service.api.access.exposure import Mode, is_exposed, is_loopback, mode_of
from service.api.access.tokens import SCOPES, MalformedToken, TokenFile, make, parse_line
from service.api.app import create_app
from service.settings import Settings, SettingsError, from_environment

ROOT = Path(__file__).parents[2]
BODY = json.dumps(ENVELOPE).encode()
JSON = {"Content-Type": "application/json"}
EVALUATE = "/v1/evaluations"
REALM = 'Bearer realm="mtc-preflight"'

# Every guarded operation: scope, method, path.
GUARDED = [
    ("evaluate", "POST", "/v1/evaluations"),
    ("evaluate", "POST", "/v1/evaluations/batch"),
    ("evaluate", "POST", "/v1/reports"),
    ("evaluate", "POST", "/v1/migplans/partition"),
    ("patch", "POST", "/v1/migrationcontroller/patches"),
    ("admission", "POST", "/v1/admission/validate"),
    ("metrics", "GET", "/metrics"),
]
OPEN = ["/", "/livez", "/healthz", "/readyz", "/v1/policies", "/v1/evidence", "/openapi.json"]


def tokens_file(folder: Path, *scopes: str, until: Any = None, name: str = "pipeline") -> Any:
    """A file with one token, and the token."""
    secret, token = make(name, frozenset(scopes), until)
    file = folder / "tokens"
    file.write_text(f"# tokens\n\n{token.line()}\n")
    return file, secret


def app_with(file: Path, **more: Any) -> FlaskClient:
    return create_app(Settings(auth="tokens", tokens_file=str(file), **more)).test_client()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


# Where it listens


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_what_is_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "localhost", "", "127.0.0.1.x"]
)
def test_what_is_not(address: str) -> None:
    assert not is_loopback(address)


def test_one_open_listener_is_enough_to_be_exposed() -> None:
    assert not is_exposed([("127.0.0.1", 80), ("::1", 80, 0, 0)])
    assert is_exposed([("127.0.0.1", 80), ("0.0.0.0", 80)])
    assert is_exposed(["/run/service.sock"])
    assert is_exposed([])


EXPOSED = {"MTC_PREFLIGHT_EXPOSED": "yes"}


@pytest.mark.parametrize(
    ("settings", "environment", "mode"),
    [
        ({}, {}, Mode.LOOPBACK),
        ({}, {"MTC_PREFLIGHT_EXPOSED": "no"}, Mode.LOOPBACK),
        ({"auth": "none"}, EXPOSED, Mode.OPEN),
        ({"tokens_file": "f"}, EXPOSED, Mode.TOKENS),
        ({"tokens_file": "f"}, {}, Mode.TOKENS),
        ({}, {**EXPOSED, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, Mode.KUBERNETES),
        ({"tls_client_ca_file": "f"}, EXPOSED, Mode.CERTIFICATE),
        ({"tls_client_ca_file": "f", "tokens_file": "f"}, EXPOSED, Mode.TOKENS),
        ({"auth": "tokens", "tokens_file": "f"}, {}, Mode.TOKENS),
        ({"auth": "tokens", "open_scopes": frozenset({"metrics"})}, EXPOSED, Mode.TOKENS),
        ({"auth": "kubernetes"}, {}, Mode.KUBERNETES),
    ],
)
def test_the_mode_that_settings_and_listeners_make(
    settings: dict[str, Any], environment: dict[str, str], mode: Mode
) -> None:
    assert mode_of(Settings(**settings), environment) is mode


@pytest.mark.parametrize(("settings", "environment"), [({}, EXPOSED), ({"auth": "tokens"}, {})])
def test_what_would_be_open_by_accident_does_not_start(
    settings: dict[str, Any], environment: dict[str, str]
) -> None:
    with pytest.raises(SettingsError, match="MTC_PREFLIGHT_TOKENS_FILE"):
        mode_of(Settings(**settings), environment)


def test_gunicorn_on_every_address_does_not_start_open() -> None:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("MTC_PREFLIGHT")
    }
    environment.pop("KUBERNETES_SERVICE_HOST", None)
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "service/api/gunicorn_conf.py",
         "--bind", "127.0.0.1:0", "--bind", "0.0.0.0:0", "service.api.app:create_app()"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "reachable from other machines without authentication" in ended.stderr
    assert "Traceback" not in ended.stderr


# Loopback without tokens


def test_this_machine_needs_no_token(client: FlaskClient) -> None:
    assert client.post(EVALUATE, data=BODY, headers=JSON).status_code == 200


@pytest.mark.parametrize("address", ["10.0.0.9", "192.0.2.1", "::ffff:10.0.0.9", "", "localhost"])
def test_other_machines_are_told_how(client: FlaskClient, address: str) -> None:
    """As where some other server than gunicorn listens to everybody."""
    answer = client.post(EVALUATE, data=BODY, headers=JSON, environ_base={"REMOTE_ADDR": address})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, REALM)
    assert "MTC_PREFLIGHT_AUTH" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "x-forwarded-for", "Forwarded", "X-Real-IP", "Via"]
)
def test_a_proxy_on_this_machine_does_not_open_the_door(client: FlaskClient, header: str) -> None:
    answer = client.post(EVALUATE, data=BODY, headers={**JSON, header: "127.0.0.1"})
    assert answer.status_code == 401


def test_a_forwarding_header_opens_nothing(client: FlaskClient) -> None:
    answer = client.post(
        EVALUATE,
        data=BODY,
        headers={**JSON, "X-Forwarded-For": "127.0.0.1"},
        environ_base={"REMOTE_ADDR": "10.0.0.9"},
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-Proto", "X-Forwarded-Port", "CF-Connecting-IP"])
def test_a_proxy_is_recognized_by_any_of_its_headers(client: FlaskClient, header: str) -> None:
    answer = client.post(EVALUATE, data=BODY, headers={**JSON, header: "x"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"]
)
def test_the_names_of_this_machine(client: FlaskClient, host: str) -> None:
    answer = client.post(EVALUATE, data=BODY, headers={**JSON, "Host": host})
    assert answer.status_code == 200
    answer = client.post(
        EVALUATE, data=BODY, headers={**JSON, "Host": host, "Origin": f"http://{host.lower()}"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "10.0.0.9", "[::2]",
     "localhost:80@evil.example", "::1", "localhost:", "[127.0.0.1", "evil.example:127"],
)  # fmt: skip
def test_a_name_that_leads_here_is_refused(client: FlaskClient, host: str) -> None:
    """DNS rebinding: the page and its name are another's, the address is this machine's."""
    headers = {**JSON, "Host": host, "Origin": f"http://{host}"}
    assert client.post(EVALUATE, data=BODY, headers=headers).status_code in (400, 401)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "https://localhost", "http://localhost:3000",
     "http://localhost.evil.example", "file://"],
)  # fmt: skip
def test_a_page_of_another_site_is_refused(client: FlaskClient, origin: str) -> None:
    answer = client.post(EVALUATE, data=BODY, headers={**JSON, "Origin": origin})
    assert answer.status_code == 401
    assert "page of another site" in answer.get_json()["detail"]


def test_a_token_is_asked_instead_of_host_and_origin(tmp_path: Path) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    headers = {**JSON, **bearer(secret), "Host": "x.example", "Origin": "http://y.example"}
    assert app_with(file).post(EVALUATE, data=BODY, headers=headers).status_code == 200


def test_nobody_is_believed_about_path_and_scheme(start_server: Start) -> None:
    """gunicorn's default believes every client of this machine, so SCRIPT_NAME moves every path."""
    server = start_server()
    told = {"SCRIPT_NAME": "/livez", "X-Forwarded-Proto": "https"}
    assert (
        requests.get(f"http://127.0.0.1:{server.port}/livez", headers=told, timeout=60).status_code
        == 200
    )


def test_a_configured_proxy_is_believed(start_server: Start) -> None:
    server = start_server(PROXIES="127.0.0.1", AUTH="none")
    told = {"SCRIPT_NAME": "/preflight"}
    url = f"http://127.0.0.1:{server.port}/preflight/livez"
    assert requests.get(url, headers=told, timeout=60).status_code == 200


def test_a_tokens_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    file.write_text("\ufeff" + file.read_text().partition("\n\n")[2], "utf-8")
    headers = {**JSON, **bearer(secret)}
    assert app_with(file).post(EVALUATE, data=BODY, headers=headers).status_code == 200


# Tokens


def test_every_operation_that_takes_evidence_is_guarded(app: Flask) -> None:
    found = {
        (view.contract.scope, method, rule.rule)  # type: ignore[attr-defined]
        for rule in app.url_map.iter_rules()
        if hasattr(view := app.view_functions[rule.endpoint], "contract") and view.contract.scope
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert found == set(GUARDED)
    assert {scope for scope, _, _ in GUARDED} == set(SCOPES)
    reading = {"GET", "HEAD", "OPTIONS"}
    changing = {rule.rule for rule in app.url_map.iter_rules() if (rule.methods or set()) - reading}
    assert changing == {path for _, method, path in GUARDED if method == "POST"}


@pytest.mark.parametrize(("scope", "method", "path"), GUARDED)
def test_a_token_is_good_for_its_scope_only(
    tmp_path: Path, scope: str, method: str, path: str
) -> None:
    file, secret = tokens_file(tmp_path, scope)
    answer = app_with(file).open(path, method=method, headers=bearer(secret))
    assert answer.status_code not in (401, 403)
    file, secret = tokens_file(tmp_path, *(set(SCOPES) - {scope}))
    answer = app_with(file).open(path, method=method, headers=bearer(secret))
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "forbidden"
    wanted = f'{REALM}, error="insufficient_scope", scope="{scope}"'
    assert answer.headers["WWW-Authenticate"] == wanted
    answer = app_with(file).open(path, method=method)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, REALM)
    assert answer.get_json()["code"] == "unauthenticated"


def test_what_tells_nothing_of_anybody_is_open(tmp_path: Path) -> None:
    client = app_with(tmp_path / "none")
    assert {path: client.get(path).status_code for path in OPEN} == dict.fromkeys(OPEN, 200)


def test_open_scopes_need_no_token_and_others_do(tmp_path: Path) -> None:
    client = app_with(tmp_path / "none", open_scopes=frozenset({"metrics"}))
    assert client.get("/metrics").status_code == 200
    assert client.post(EVALUATE, data=BODY, headers=JSON).status_code == 401


def test_a_token_without_an_entry_is_refused_whatever_it_looks_like(tmp_path: Path) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    client = app_with(file)
    digest = file.read_text().split("sha256:")[1].split()[0]
    other, _ = make("x", frozenset({"evaluate"}))
    for wrong in (other, secret[:-1], secret + "A", secret.upper(), digest, f"sha256:{digest}"):
        answer = client.post(EVALUATE, data=BODY, headers={**JSON, **bearer(wrong)})
        assert answer.status_code == 401, wrong
        assert "invalid" in answer.headers["WWW-Authenticate"]
        assert wrong not in answer.text


@pytest.mark.parametrize(
    "form",
    [
        "{}", "Bearer", "Bearer ", "Basic {}", "Bearer {} {}", "Bearer {},{}", "Bearer,{}",
        "Bearer\t{}", "BearerX {}", "Token {}", 'Bearer "{}"', "Bearer {}\x0b", "Bearer ünder",
        "Bearer {}, Bearer {}",
    ],
)  # fmt: skip
def test_a_malformed_authorization_is_refused(tmp_path: Path, form: str) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    headers = {**JSON, "Authorization": form.replace("{}", secret)}
    assert app_with(file).post(EVALUATE, data=BODY, headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_name_of_the_scheme_has_no_case(tmp_path: Path, scheme: str) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    headers = {**JSON, "authorization": f"{scheme} {secret}"}
    assert app_with(file).post(EVALUATE, data=BODY, headers=headers).status_code == 200


def test_a_token_elsewhere_than_in_the_header_counts_for_nothing(tmp_path: Path) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    client = app_with(file)
    for query, headers in (
        (f"?access_token={secret}", {}),
        ("", {"Cookie": f"access_token={secret}"}),
        ("", {"X-Api-Key": secret}),
        ("", {"Proxy-Authorization": f"Bearer {secret}"}),
    ):
        answer = client.post(EVALUATE + query, data=BODY, headers={**JSON, **headers})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "GET"},
        {"X-Method-Override": "GET"},
        {"X-Original-URL": "/livez"},
        {"X-Rewrite-URL": "/livez"},
        {"X-Forwarded-Prefix": "/livez"},
        {"X-Forwarded-User": "admin"},
        {"X-Remote-User": "system:admin", "Impersonate-User": "system:admin"},
        {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "Host": "127.0.0.1"},
    ],
    ids=lambda item: next(iter(item)),
)
def test_no_header_gets_around_it(tmp_path: Path, headers: dict[str, str]) -> None:
    client = app_with(tmp_path / "none")
    assert client.post(EVALUATE, data=BODY, headers={**JSON, **headers}).status_code == 401
    assert client.get("/metrics", headers=headers).status_code == 401


def test_a_token_ends_on_its_day(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    for until, status in ((today, 401), (today + timedelta(days=1), 200)):
        file, secret = tokens_file(tmp_path, "evaluate", until=until)
        answer = app_with(file).post(EVALUATE, data=BODY, headers={**JSON, **bearer(secret)})
        assert answer.status_code == status


def test_tokens_come_and_go_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    client = app_with(file)

    def status(secret: str) -> int:
        headers = {**JSON, **bearer(secret)}
        return client.post(EVALUATE, data=BODY, headers=headers).status_code

    first, one = make("one", frozenset({"evaluate"}))
    second, two = make("two", frozenset({"evaluate"}))
    assert (status(first), status(second)) == (401, 401)
    file.write_text(one.line())
    assert (status(first), status(second)) == (200, 401)
    file.write_text(f"{one.line()}\n{two.line()}")
    assert (status(first), status(second)) == (200, 200)
    file.unlink()
    assert (status(first), status(second)) == (401, 401)


def test_a_secret_of_the_cluster_is_changed_by_a_link(tmp_path: Path) -> None:
    """As the kubelet does it: a link to a folder is put in place of another."""
    secrets = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _, secret = tokens_file(tmp_path / name, "evaluate", name="same")
        secrets.append(secret)
        os.utime(tmp_path / name / "tokens", (0, 0))
    (tmp_path / "data").symlink_to("one")
    tokens = TokenFile(str(tmp_path / "data" / "tokens"))
    assert [bool(tokens.find(secret)) for secret in secrets] == [True, False]
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(tmp_path / "data")
    assert [bool(tokens.find(secret)) for secret in secrets] == [False, True]


def test_a_malformed_line_is_left_out_and_told_without_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    good = file.read_text()
    file.write_text(f"hunter2 in plain text\n{good}x sha256:12 evaluate\n")
    caplog.set_level("WARNING", "service.auth")
    assert TokenFile(str(file)).find(secret)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        "name",
        f"name {'0' * 64} evaluate",
        "name sha256:12 evaluate",
        f"name sha256:{'0' * 64} all",
        f"name sha256:{'0' * 64} evaluate,",
        f"name sha256:{'0' * 64} evaluate tomorrow",
        f"na/me sha256:{'0' * 64} evaluate",
        f"name sha256:{'0' * 64} evaluate 2027-01-01 more",
    ],
)
def test_what_is_no_line_of_a_tokens_file(line: str) -> None:
    with pytest.raises(MalformedToken):
        parse_line(line)


def test_the_command_makes_a_token_that_the_service_takes(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    made = subprocess.run(
        [sys.executable, "-m", "service.cli", "token", "ci", "--scope", "evaluate",
         "--append", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    headers = {**JSON, **bearer(made.stdout.strip())}
    assert app_with(file).post(EVALUATE, data=BODY, headers=headers).status_code == 200
    assert made.stdout.strip() not in file.read_text()


# The running service


def test_tokens_of_the_running_service(start_server: Any, tmp_path: Path) -> None:
    file, secret = tokens_file(tmp_path, "evaluate")
    server: Server = start_server(TOKENS_FILE=str(file))
    good = {**JSON, **bearer(secret)}
    assert server.request("POST", EVALUATE, BODY, good).status == 200
    assert server.request("POST", EVALUATE, BODY, JSON).status == 401
    assert server.request("GET", "/metrics", headers=bearer(secret)).status == 403
    lines = [line for line in server.log() if line["logger"] == "service.request"][-3:]
    assert [line.get("caller") for line in lines] == ["pipeline", None, None]
    assert secret not in server.log_file.read_text()


@pytest.mark.parametrize(
    "target",
    [
        "//v1/evaluations", "/v1//evaluations", "/v1/./evaluations", "/livez/../v1/evaluations",
        "/v1/evaluations/", "/v1/evaluations;x", "/v1/evaluations%2f", "/v1%2fevaluations",
        "/%76%31/evaluations", "/V1/EVALUATIONS", "/v1/evaluations%00", "/v1/evaluations?x#y",
        "http://127.0.0.1/v1/evaluations", "http://livez/v1/evaluations", "*", "/livez",
        "/v1\\evaluations", "/v1/evaluations/..;/livez",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_gets_around_it(guarded: Server, target: str) -> None:
    for method in ("POST", "PUT", "GET", "PATCH", "post", "OPTIONS", "TRACE"):
        head = f"{method} {target} HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
        answer = guarded.raw(head.encode() + BODY)
        assert b'"verdict"' not in answer
        assert b'"findings"' not in answer


def test_no_framing_gets_around_it(guarded: Server) -> None:
    """A second request hidden behind a first: two lengths, both framings, odd spellings."""
    hidden = b"POST /v1/evaluations HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\n"
    hidden += b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    for framing in (
        b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(hidden),
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer_Encoding: chunked\r\n",
        b"Authorization : Bearer x\r\n",
    ):
        head = b"GET /livez HTTP/1.1\r\nHost: [::1]\r\n" + framing + b"\r\n"
        assert b'"findings"' not in guarded.raw(head + b"0\r\n\r\n" + hidden)


def test_headers_beyond_all_measure_are_refused(guarded: Server) -> None:
    for value in ("A" * 9000, "Bearer " + "A" * 60_000):
        head = f"POST {EVALUATE} HTTP/1.1\r\nHost: [::1]\r\nAuthorization: {value}\r\n\r\n"
        assert guarded.raw(head.encode()).split(b" ")[1] in (b"400", b"431")
    many = "".join(f"X-{number}: y\r\n" for number in range(100))
    head = f"POST {EVALUATE} HTTP/1.1\r\nHost: [::1]\r\n{many}\r\n"
    assert guarded.raw(head.encode()).split(b" ")[1] in (b"400", b"431")
    assert guarded.request("GET", "/livez").status == 200


@pytest.fixture(scope="module")
def guarded(start_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A running service that knows no token."""
    server: Server = start_server(
        AUTH="tokens", TOKENS_FILE=str(tmp_path_factory.mktemp("tokens") / "tokens")
    )
    return server


# The cluster


def test_the_cluster_says_who_it_is_and_what_he_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with running() as cluster:
        cluster.users = {"alices": "alice", "bobs": "bob"}
        cluster.allowed = {("alice", "create", "evaluations"), ("bob", "get", "metrics")}
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path)))
        monkeypatch.setattr(
            "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
            str(tmp_path / "kubeconfig"),
        )
        file, secret = tokens_file(tmp_path, "evaluate")
        settings = Settings(auth="kubernetes", tokens_file=str(file))
        client = create_app(settings).test_client()

        def ask(token: str) -> tuple[int, int]:
            headers = {**JSON, **bearer(token)}
            return (
                client.post(EVALUATE, data=BODY, headers=headers).status_code,
                client.get("/metrics", headers=bearer(token)).status_code,
            )

        assert ask("alices") == (200, 403)
        assert ask("bobs") == (403, 200)
        assert ask("mallorys") == (401, 401)
        assert ask(secret) == (200, 403)
        before = len(cluster.asked)
        assert ask("alices") == (200, 403)
        assert len(cluster.asked) == before  # remembered for a short time
        cluster.broken = True
        answer = client.post(EVALUATE, data=BODY, headers={**JSON, **bearer("carols")})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.get_json()["code"] == "authentication-unavailable"
        assert "carols" not in answer.text
        assert ask(secret)[0] == 200


def test_without_a_cluster_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none")
    )
    with pytest.raises(SettingsError, match="no cluster is available"):
        create_app(Settings(auth="kubernetes"))


# TLS


def certificate(folder: Path, name: str, ca: trustme.CA) -> Path:
    """A certificate with its key."""
    made = ca.issue_cert("127.0.0.1", common_name=name)
    made.private_key_pem.write_to_path(folder / f"{name}.key")
    made.cert_chain_pems[0].write_to_path(folder / f"{name}.crt")
    return folder / f"{name}.crt"


def asked(port: int, path: str, ca: trustme.CA, shown: Path | None = None, **more: Any) -> int:
    """The status that a client sees who trusts a CA and shows a certificate; 0 without a link."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    context.maximum_version = more.get("newest", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    if shown is not None:
        context.load_cert_chain(shown, shown.with_suffix(".key"))
    link = http.client.HTTPSConnection("127.0.0.1", port, timeout=600, context=context)
    try:
        link.request("GET", path)
        return link.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        link.close()


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated")
def test_https_with_client_certificates_and_a_rotation(start_server: Any, tmp_path: Path) -> None:
    ca, other = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    own = certificate(tmp_path, "server", ca)
    client, stranger = certificate(tmp_path, "client", ca), certificate(tmp_path, "x", other)
    server: Server = start_server(
        TLS_CERT_FILE=str(own),
        TLS_KEY_FILE=str(own.with_suffix(".key")),
        TLS_CLIENT_CA_FILE=str(tmp_path / "ca.crt"),
    )
    port = server.port
    assert asked(port, "/livez", ca, client) == 200
    assert asked(port, "/livez", ca) == 0
    assert asked(port, "/livez", ca, stranger) == 0
    assert asked(port, "/livez", ca, client, newest=ssl.TLSVersion.TLSv1_1) == 0
    assert asked(port, "/metrics", ca, client) == 200
    certificate(tmp_path, "server", other)  # the same file, from another authority
    time.sleep(0.05)
    assert asked(port, "/livez", ca, client) == 0
    assert asked(port, "/livez", other, client) == 200


def test_tls_settings_come_together() -> None:
    with pytest.raises(SettingsError, match="wanted both or none"):
        from_environment({"MTC_PREFLIGHT_TLS_CERT_FILE": "x"})
    with pytest.raises(SettingsError, match="TLS_CERT_FILE with it"):
        from_environment({"MTC_PREFLIGHT_TLS_CLIENT_CA_FILE": "x"})
