"""Every command that README.md and docs/ show is run, and does what the page says it does.

The commands of a page run as they stand and in order, in a folder of their own, against the
service as `make run` starts it. Two API servers in this process are the clusters for what talks
to them directly; standin.py stands in for `oc`, `kubectl` and `podman`.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clusters
import hosts
import pytest
import trustme
import yaml
from pages import PAGES, Command, Page, read
from playground import Playground, Result

from service.api.access.tokens import SCOPES, ApiToken, digest_of, parse_line
from service.api.app import create_app
from service.cli.run import run as command_line
from service.collect.kubeconfig import KubeContext
from service.settings import Settings

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")

STARTS = "serves until it is stopped; hosts.py starts what it runs, on a port of its own"
MEASURES = "measures for minutes, with an archive of the user's"
INSTALLS = "installs from a package index, for who changes the dependencies"
EXEMPT = {
    ("README.md", "make run"): STARTS,
    ("README.md", "make test"): "this test is a part of it",
    ("README.md", "python benchmarks/evaluation.py --must-gather ARCHIVE"): MEASURES,
    ("docs/api.md", "make test-clients"): INSTALLS,
    ("docs/dependencies.md", "make sbom"): INSTALLS,
    ("docs/dependencies.md", "pip install 'mtc-preflight[fast]'"): INSTALLS,
    ("docs/dependencies.md", "pip install '.[test]'"): INSTALLS,
    ("docs/dependencies.md", "pip freeze --exclude mtc-preflight > constraints.txt"): INSTALLS,
    ("docs/dependencies.md", "make test"): "this test is a part of it",
    ("docs/dependencies.md", "make licences"): INSTALLS,
    ("docs/licences.md", "python tools/licences.py"): INSTALLS,
    ("docs/operations.md", "python benchmarks/gunicorn_settings.py"): MEASURES,
    ("docs/operations.md", "make soak"): MEASURES,
    ("docs/operations.md", "python benchmarks/growth.py"): MEASURES,
    ("docs/quick-start.md", "make run"): STARTS,
}
"""The commands that are not run, by page and first line, and why."""

NAMES = {
    "curl -f", "mtc-preflight check", "mtc-preflight collect", "mtc-preflight patch",
    "oc adm inspect", "oc apply --server-side -f -",
    "oc create token", "oc describe", "oc exec", "oc get", "oc get -A", "oc get -o yaml",
}  # fmt: skip
"""What stands in backticks and only names a kind of command."""

ROUTE = "mtc-preflight-mtc-preflight.apps.new.example.com"
CONTROLLER = clusters.example()["controller"]["spec"]


class Ran:
    """A page whose commands have run."""

    def __init__(self, page: Page, ground: Playground, results: list[Result]) -> None:
        self.page = page
        self.ground = ground
        self.results = results

    @property
    def failed(self) -> dict[str, tuple[str, ...]]:
        """What failed, by the first line of the command it is part of."""
        return {item.command.key: item.failed for item in self.results if item.failed}

    def one(self, text: str) -> Result:
        """The command in which this text stands."""
        (found,) = (item for item in self.results if text in item.command.text)
        return found

    def file(self, name: str) -> str:
        """A file that the commands wrote."""
        return (self.ground.folder / name).read_text()

    def document(self, name: str) -> Any:
        """A JSON or YAML file that the commands wrote."""
        return yaml.safe_load(self.file(name))

    def stored(self, kind: str, name: str, cluster: str = "new") -> Any:
        """An object that a cluster has now, by the stand-in; None for none."""
        for item in self.ground.objects(cluster):
            if (item["kind"], item["metadata"]["name"]) == (kind, name):
                return item
        return None


def head(text: str) -> str:
    """The verdict that a report as text begins with."""
    return text.partition(":")[0]


def blockers(report: Any, verdict: str) -> set[str]:
    """The policies whose blockers have this verdict, of a report as JSON."""
    return {
        item["policy"]
        for item in report["findings"]
        if (item["verdict"], item["severity"]) == (verdict, "blocker")
    }


def readme(ran: Ran) -> None:
    gated = "curl --fail-with-body -F source=@source.tar.gz -F destination=@destination.tar.gz"
    checked = ".venv/bin/mtc-preflight check --source source-must-gather/"
    assert ran.failed == {
        ran.one(gated).command.key: ("22 curl", "22 at the end"),
        ran.one(checked).command.key: ("1 .venv/bin/mtc-preflight",),
    }
    assert head(ran.one("source=@source-must-gather.tar.gz").out) == "NOT READY"
    told = ran.one("facts: {openshiftVersion").out
    assert head(told) == "NOT READY"
    assert re.search(r"^      (\w+ )?\$ oc get ", told, re.MULTILINE)

    asked = ran.one("oc get migplan shop")
    assert "\nNOT READY: " in asked.out
    assert "\nUnknown" not in asked.out
    assert "not gathered" not in asked.err
    gathered = ran.one("sh gather-source.sh shop")
    assert "mtc-preflight-source.tar.gz" in gathered.out.splitlines()
    assert "not gathered" not in gathered.err
    assert [item["role"] for item in ran.document("bundle.json")["clusters"]] == [
        "destination", "source",
    ]  # fmt: skip

    proxy = "http://mover:s%23cret@squid.example.com:3128"
    replaced = ran.stored("MigrationController", "migration-controller")
    assert replaced["spec"] == {**CONTROLLER, "stunnel_tcp_proxy": proxy}
    assert ran.one("oc replace").out.splitlines()[1:] == [
        "migrationcontroller/migration-controller replaced",
        'deployment "migration-controller" successfully rolled out',
    ]

    closed = ran.one("gate=status")
    assert head(closed.out) == "NOT READY"
    assert "error: 424" in closed.err
    judged = ran.one(checked).out
    assert head(judged) == "NOT READY"
    assert "\nMTC302 single-proxy (blocker)\n" in judged
    listed = [line for line in judged.splitlines() if re.match(r"MTC\d+  ", line)]
    assert len(listed) > 5
    assert all("volume" in line.lower() for line in listed)
    assert ran.stored("Route", "mtc-preflight")["spec"]["host"] == ROUTE


MOST_COMMANDS = 8
"""From the clone to a verdict without unknowns, `make run` included."""


def quick_start(ran: Ran) -> None:
    assert ran.failed == {}
    asked = next(item for item in ran.results if "format=text" in item.command.text)
    before = [item.command for item in ran.results[: ran.results.index(asked) + 1]]
    lines = "\n".join(item.text.replace("\\\n", " ") for item in before).splitlines()
    assert len(["make run", *lines]) <= MOST_COMMANDS
    assert not re.search(r"[<>]\w+ \w+>|probes", "\n".join(lines))

    for item in ran.results:
        assert "not gathered" not in item.err
    assert head(asked.out) == "NOT READY"
    assert re.findall(r"✗ FAIL blocker (\w+)", asked.out) == ["MTC301"]
    assert "\nUnknown" not in asked.out
    first, second, *_ = (item for item in ran.results if "sh gather.sh" in item.command.text)
    assert "next: log in to the source cluster (oc login), then: sh gather.sh source" in first.out
    command = second.out.splitlines()[-1]
    assert command.startswith(
        "then: curl -F destination=@mtc-preflight-destination.tar.gz -F source="
    )
    pods = [call for call in ran.ground.calls("oc") if "mtc-preflight-probe" in call]
    assert {call.split()[0] for call in pods} == {"get", "logs", "delete"}
    assert not [item for item in ran.ground.objects("old") if "probe" in item["metadata"]["name"]]

    before_that = ran.document("before.json")
    assert before_that["verdict"] == "not_ready"
    unknown = blockers(before_that, "unknown")
    assert (blockers(before_that, "fail"), unknown) == ({"MTC301"}, set())
    spec = ran.stored("MigrationController", "migration-controller")["spec"]
    assert spec == {**CONTROLLER, "stunnel_tcp_proxy": "http://squid.example.com:3128"}
    assert ran.one("explain MTC301").out.startswith("MTC301 stunnel-proxy-configured (blocker)")

    after = ran.one("baseline=@before.json").out
    assert "\nREADY: " in after
    assert re.findall(r"✗ FAIL (\w+ \w+)", after) == ["info MTC406"]
    assert "\n  resolved: MTC301 " in after
    gate = ran.one("preflight.sh").out
    assert (head(gate), gate.splitlines()[-1]) == ("READY", "the migration may start")
    assert head(ran.one("examples/migration-4-to-4.yaml").out) == "READY"


def api(ran: Ran) -> None:
    assert ran.failed == {}
    assert ran.one("cat > facts.yaml").out == "not_ready\n"
    assert head(ran.one("cat > destination.yaml").out) == "UNKNOWN"
    assert ran.file("report.md").startswith("## Not ready")
    closed = ran.one("gate=status")
    assert (closed.out, "error: 424" in closed.err) == ("closed\n", True)
    assert ran.file("junit.xml").startswith("<?xml")
    assert "'new': 0" in ran.one("baseline=@baseline.json").out
    assert ran.one("cat patch.json").out == '{"spec":{"mig_pv_limit":200}}'
    spec = ran.stored("MigrationController", "migration-controller")["spec"]
    assert spec == {**CONTROLLER, "mig_pv_limit": 200}
    refused = ran.one('"many"').out
    assert '"code":"patch-refused"' in refused
    assert refused.endswith("422\n")
    assert ran.document("policy.json")["id"] == "MTC302"
    wrong = ran.one("formt=json").out
    assert '"parameter":"formt"' in wrong
    assert wrong.endswith("\n400\n")


def collecting(ran: Ran) -> None:
    checks = [item for item in ran.results if item.command.key.startswith("mtc-preflight check")]
    assert len(checks) == 4
    key = ("1 mtc-preflight", "1 at the end")
    assert ran.failed == {item.command.key: key for item in checks}
    assert {head(item.out) for item in checks} == {"NOT READY"}
    bundle = ran.ground.folder / "bundle.json.gz"
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600

    assert (
        ran.one("oc create token").out.splitlines()[-3:-1]
        == ["rolebinding/mtc-preflight-collect created"] * 2
    )
    tried = ran.document("probes.json")["probes"]
    listed = json.loads(ran.one("--list").out)
    assert [item["kind"] for item in listed] == [item["target"] for item in tried]
    assert {item["vantage"] for item in tried} == {"workstation"}
    assert "the result from a workstation" in ran.one("--probes probes.json").out
    inside = ran.document("probes-source.json")["probes"]
    assert {(item["from"], item["vantage"]) for item in inside} == {("source", "cluster")}
    assert "✗ FAIL blocker MTC502" in ran.one("--probes probes-source.json").out
    assert ran.stored("Job", "mtc-preflight-probe") is None

    named = ran.one("migPlan").out
    assert head(named) == "NOT READY"
    assert "system:serviceaccount:openshift-migration:migration-controller" in named
    shells = (".local/share/bash-completion/completions/mtc-preflight", "_mtc-preflight",
              ".config/fish/completions/mtc-preflight.fish")  # fmt: skip
    for place in shells:
        assert "_MTC_PREFLIGHT_COMPLETE" in ran.file(f"home/{place}")
    assert ran.file("gather-source.sh").startswith("#!/bin/sh\n# Gathers")


def operations(ran: Ran) -> None:
    assert ran.failed == {}
    installed = ran.one("oc apply -k deploy/overlays/openshift").out
    assert re.search(r"(?<!NOT )READY: ", installed)
    assert "✗ FAIL blocker" not in installed
    assert ran.stored("Secret", "mtc-preflight-tokens")["stringData"].keys() == {"tokens"}
    (line,) = ran.file("tokens").splitlines()
    made = parse_line(line)
    assert made is not None
    shown = ran.one("mtc-preflight token").out.splitlines()
    assert made.digest in [digest_of(item) for item in shown]
    assert [call.split()[0] for call in ran.ground.calls("podman")] == ["build", "run"]
    assert ran.stored("Deployment", "mtc-preflight-admission") is not None
    assert ran.stored("ValidatingWebhookConfiguration", "mtc-preflight") is None
    state = ran.stored("ConfigMap", "mtc-preflight-admission-state")["data"]["state.yaml"]
    kinds = {item["kind"] for item in yaml.safe_load(state)["items"]}
    assert kinds >= {"MigCluster", "MigPlan"}


def pipelines(ran: Ran) -> None:
    gated = "curl --fail-with-body -F source=@source.tar.gz"
    nightly = "sh deploy/ci/preflight.sh -q group=policy"
    assert ran.failed == {ran.one(gated).command.key: ("22 curl", "22 at the end")}
    assert head(ran.one(gated).out) == "NOT READY"
    assert "error: 424" in ran.one(gated).err
    report = ran.document("report.json")
    assert [item["status"] for item in report["waivers"]] in (["unused"], ["expired"])
    assert ran.one(nightly).out == ""
    tickets = ran.document("tickets.json")["tickets"]
    assert {(item["action"], item["changed"]) for item in tickets} == {("update", False)}
    lines = [json.loads(line) for line in ran.one("fleet.ndjson").out.splitlines()]
    assert [(row["line"], row["id"], row["status"], row["report"]["verdict"]) for row in lines] == [
        (1, "shop", 200, "ready"),
        (2, "bank", 424, "unknown"),
    ]
    (ran.ground.folder / "hooks.yaml").write_text(ran.page.data[1])
    (ran.ground.folder / "hook-secret").write_text("0123456789abcdef")
    create_app(Settings(webhooks_file=str(ran.ground.folder / "hooks.yaml"), log_level="ERROR"))


def policies(ran: Ran) -> None:
    assert ran.failed == {}
    assert len(ran.results) >= 1


def security(ran: Ran) -> None:
    assert ran.failed == {}
    secret, line = ran.one("mtc-preflight token").out.splitlines()
    made = parse_line(line)
    assert made is not None
    assert (made.name, sorted(made.scopes), str(made.until), made.digest) == (
        "pipeline", ["evaluate"], "2027-01-31", digest_of(secret),
    )  # fmt: skip


def own_policies(ran: Ran) -> None:
    assert ran.failed == {}
    tested = ran.one("mtc-preflight test-policies").out
    assert tested.endswith("ACME101 cost-centre: passes\n")
    used = ran.one("cat > evidence.json").out
    assert "fails when the second namespace has no label" in used
    assert "FAIL blocker ACME101" in used
    assert "namespaces" in ran.file("collect.yaml")


def profiles(ran: Ran) -> None:
    assert ran.failed == {}
    assert "READY (profile chapter)" in ran.one("--profile chapter").out
    assert ran.one("--profile chapter").out.count("READY (profile chapter)") == 2
    assert head(ran.one("--config policies.yaml").out) == "READY (profile acme, 1 skipped)"
    told = ran.one("cat > .mtc-preflight.yaml").out
    assert head(told) == "READY (1 skipped)"
    assert "\n  configuration file: .mtc-preflight.yaml\n" in told


AREA_PAGES = sorted(
    page.name for page in map(read, PAGES) if page.name.startswith("docs/policies/")
)
CLAIMED: dict[str, Callable[[Ran], None]] = {
    "README.md": readme,
    "docs/api.md": api,
    "docs/collecting.md": collecting,
    "docs/operations.md": operations,
    "docs/pipelines.md": pipelines,
    "docs/own-policies.md": own_policies,
    **dict.fromkeys(AREA_PAGES, policies),
    "docs/profiles.md": profiles,
    "docs/quick-start.md": quick_start,
    "docs/security.md": security,
}
"""What the pages claim of their commands."""


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Path, Path]]:
    """Where the pages' addresses lead, who signs for it, and a kubeconfig."""
    folder = tmp_path_factory.mktemp("hosts")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    alice = ApiToken("alice", digest_of("sha256~of-alice-on-new"), frozenset(SCOPES))
    (folder / "tokens").write_text(alice.line())
    guarded = create_app(
        Settings(auth="tokens", tokens_file=str(folder / "tokens"), log_level="ERROR")
    )
    # In a cluster it listens to others, by the name of its Service, and not on loopback.
    collecting = create_app(Settings(auth="none", migplans=True, log_level="ERROR"))
    with (
        hosts.service(folder) as service,
        hosts.api_servers(folder) as (kubeconfig, api_server),
        hosts.hosted(guarded, authority, ROUTE) as route,
        hosts.hosted(collecting) as inside,
        pytest.MonkeyPatch.context() as patched,
    ):
        pod = KubeContext("new", str(kubeconfig))
        patched.setattr("service.collect.reference.in_cluster", pod)
        places = {
            "127.0.0.1:8080": service,
            f"{ROUTE}:443": route,
            "mtc-preflight:8080": inside,
            "api.new.example.com:6443": api_server,
        }
        yield places, folder / "ca.pem", kubeconfig


@pytest.fixture
def ground(tmp_path: Path, way: tuple[dict[str, str], Path, Path]) -> Playground:
    """A folder with the evidence that the pages name."""
    made = Playground(tmp_path, *way)
    for role, cluster in (("source", "old"), ("destination", "new")):
        for name in (f"{role}.tar.gz", f"{role}-must-gather.tar.gz"):
            made.archive(name, cluster)
    made.unpacked("source-must-gather", "old")
    made.write("plan.yaml", yaml.safe_dump(clusters.plan()))
    lines = [{"id": name, **clusters.example()} for name in ("shop", "bank")]
    del lines[1]["plan"]
    made.write("fleet.ndjson", "".join(f"{json.dumps(line, default=str)}\n" for line in lines))
    return made


def wanted(page: Page) -> list[Command]:
    """The commands of a page that are to be run."""
    return [
        item
        for item in page.commands
        if (page.name, item.key) not in EXEMPT and item.text not in NAMES
    ]


@pytest.mark.parametrize("name", CLAIMED)
def test_the_commands_of_a_page_do_what_it_says(name: str, ground: Playground) -> None:
    page = read(hosts.ROOT / name)
    if name == "docs/pipelines.md":
        ground.write("waivers.yaml", page.data[0])
    ran = Ran(page, ground, ground.run(wanted(page)))
    CLAIMED[name](ran)
    for item in ran.results:
        if item.command.shown:
            assert lines_of(item.err + item.out) == lines_of("\n".join(item.command.shown))


def lines_of(text: str) -> list[str]:
    """What is printed; the numbers do not matter."""
    return re.sub(r"\d+", "0", text).splitlines()


def test_no_command_is_left_out_in_silence() -> None:
    shown = [read(path) for path in PAGES]
    assert {page.name for page in shown if wanted(page)} == set(CLAIMED)
    commands = [(page.name, item) for page in shown for item in page.commands]
    assert [key for key in ((name, item.key) for name, item in commands) if key in EXEMPT] == list(
        EXEMPT
    )
    assert {item.text for _, item in commands} >= NAMES
    assert not NAMES & {item.text for page in shown for item in page.blocks}


def test_the_exit_statuses_that_the_pages_name(
    ground: Playground, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ground.folder)
    given = ("check", "--source", "source.tar.gz", "--destination")
    assert [
        command_line(["check", "examples/migration-4-to-4.yaml"]),
        command_line([*given, "destination.tar.gz", "--plan", "plan.yaml"]),
        command_line([*given, "source.tar.gz", "--plan", "plan.yaml"]),
        command_line([*given, "destination.zip"]),
    ] == [0, 1, 1, 3]
    assert "no such file or directory" in capsys.readouterr().err


REFUSED = """\
oc get pod --all -o json
oc get sheep -o json
oc get routes -n openshift-image-registry
oc get migplan gone -n openshift-migration -o json
oc get migplan shop -o json
oc apply -k deploy/overlays/gone
oc apply -k deploy
oc apply -f deploy/gone.yaml
oc apply -f - <<< 'kind: [Namespace'
oc apply -f - <<< '{kind: Namespace, metadata: {name: x}}'
oc apply -f - <<< '{apiVersion: v1, kind: Namespace, metadata: {name: X}}'
oc apply -f - <<< '{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: gone}}'
oc apply -f - <<< '{apiVersion: v1, kind: Sheep, metadata: {name: x}}'
oc aply -f deploy/rbac/collect.yaml
oc replace -f plan.yaml -n default
oc patch migplan shop -n openshift-migration --type=json -p '{}'
oc create token gone -n openshift-migration
oc create rolebinding x -n shop --clusterrole=gone --serviceaccount=openshift-migration:y
oc delete job gone -n openshift-migration
oc wait --for=condition=complete --timeout=300s job/gone -n openshift-migration
oc logs job/gone -n openshift-migration
oc login https://api.gone.example.com:6443
oc adm must-gather --image=gone
oc -n openshift-migration start-build gone --from-dir=.
oc rollout status deployment/gone -n openshift-migration
kubectl adm must-gather
kubectl whoami
podman run --read-only -p 127.0.0.1:8080:8080 gone
podman build -t x -f Dockerfile .
"""


def test_what_stands_in_for_a_cluster_refuses_what_a_cluster_would(ground: Playground) -> None:
    commands = [Command(line) for line in REFUSED.splitlines()]
    before = ground.objects("new")
    results = ground.run(commands)
    assert [item.command.text for item in results if not item.failed] == []
    assert [item.command.text for item in results if "Traceback" in item.err] == []
    assert ground.objects("new") == before
