"""Policies of the operator's own: loaded, served, collected and tested like ours."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

import service.pack
from policies import catalogue
from service.api.app import create_app
from service.collect.rbac_manifests import manifests
from service.core.engine import digest, evaluate, judge
from service.core.policy import Policy, reads_of
from service.formats.gather_script import script
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.operator_catalogue import load_catalogue
from service.packs import PackError, load_packs
from service.settings import Settings, SettingsError

ROOT = Path(__file__).parents[1]
WIDGET = """
from collections.abc import Iterator
from service.pack import *

WIDGET = kind("Widget", "widgets", "acme.example.com", "v1beta1", title="our widgets")
QUOTA = Parameter("most", 3, "replicas", 1, 9, "replicas of a widget", whole=True)


class Widgets(ClusterPolicy):
    '''No widget of a cluster has more replicas than allowed.'''

    id = "ACME201"
    name = "widget-size"
    title = "Widgets are small"
    why = "They do not start."
    severity = Severity.WARNING
    reads = (Read(WIDGET, plan_namespaces=True),)
    remedy = "Make them smaller."
    docs = (Link("Runbook", "https://runbook.example.com/widgets"),)
    source = "our runbook"
    parameters = (QUOTA,)

    def check(self, migration: Migration, subject: Cluster) -> Iterator[Outcome]:
        most = self.value("most")
        large = 0
        for item in subject.all(WIDGET, migration.source_namespaces):
            size = item.number("/spec/replicas", 1)
            if size > most:
                large += 1
                yield failed(item.subject, f"{item.name} is large", item.at("/spec/replicas"),
                             found=f"{size:g}", wanted=f"at most {most:g}", observed=size)
        if not large:
            yield passed(subject.subject, "all are small")
"""
_NUMBERS = count()


def pack(folder: Path, **modules: str) -> str:
    """A folder with these modules, under a name that no other test has."""
    made = folder / f"acme{next(_NUMBERS)}"
    made.mkdir()
    for name, text in modules.items():
        (made / f"{name}.py").write_text(dedent(text))
    return str(made)


def loaded(*folders: str) -> tuple[Policy[Any], ...]:
    return load_packs(folders, catalogue(), installed=False)


def faults(*folders: str) -> tuple[str, ...]:
    with pytest.raises(PackError) as raised:
        loaded(*folders)
    return raised.value.faults


def policy(**changes: str) -> str:
    """A module with one policy, of which some lines are others."""
    lines = {
        "id": '"ACME301"',
        "name": '"plain-rule"',
        "title": '"It is plain"',
        "why": '"Why not."',
        "reads": "(Read(NAMESPACE),)",
        "remedy": '"Mend it."',
        "docs": "()",
        "source": '"us"',
        **{key: text for key, text in changes.items() if key not in ("body", "head")},
    }
    head = "\n".join(f"    {key} = {text}" for key, text in lines.items() if text)
    body = changes.get("body", "        yield passed(subject.subject, 'fine')")
    return (
        "from service.pack import *\nNAMESPACE = kind('Namespace')\nPOD = kind('Pod')\n"
        f"{changes.get('head', '')}\n"
        f"class Plain(ClusterPolicy):\n    '''It is plain.'''\n{head}\n\n"
        f"    def check(self, migration, subject):\n{body}\n"
    )


def given(value: dict[str, Any], reads: Any = None) -> Any:
    body = io.BytesIO(json.dumps(value).encode())
    return read_body(Piece("envelope", body), {}, reads=reads).migration


def widget(name: str, replicas: Any) -> dict[str, Any]:
    return {
        "apiVersion": "acme.example.com/v1beta1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": replicas},
    }


def envelope(*widgets: dict[str, Any]) -> dict[str, Any]:
    return {
        "clusters": [
            {"role": "source", "objects": list(widgets), "complete": ["widgets.acme.example.com"]}
        ],
        "plan": {"namespaces": ["shop"]},
    }


def test_a_kind_of_ones_own_is_read_by_pointer(tmp_path: Path) -> None:
    policies = loaded(pack(tmp_path, widgets=WIDGET))
    reads = reads_of(policies)
    migration = given(envelope(widget("a", 2), widget("b", 7), widget("c", "many")), reads)
    (chosen,) = policies
    found = [item for item in judge(migration, chosen) if item.subject.cluster == "source"]
    assert [(item.verdict, item.subject.name, item.found, item.severity) for item in found] == [
        ("fail", "b", "7", "warning"),
        ("unknown", "source", "", "warning"),
    ]
    assert found[0].evidence[0].pointer == "/clusters/0/objects/1/spec/replicas"
    assert found[1].missing[0].command == ("oc get widgets.acme.example.com c -n shop -o json")
    assert found[1].missing[0].cluster == "source"
    tuned = judge(migration, chosen.tuned(None, {"most": 9}))
    assert "fail" not in {item.verdict for item in tuned}


def test_a_masked_value_is_not_gathered(tmp_path: Path) -> None:
    text = policy(
        reads="(Read(WIDGET),)",
        head="WIDGET = kind('Widget', 'widgets', 'acme.example.com')",
        body="        for item in subject.known(WIDGET):\n"
        "            item.text('/spec/address')\n        yield passed(subject.subject, 'fine')",
    )
    (chosen,) = loaded(pack(tmp_path, rule=text))
    masked = {**widget("a", 1), "spec": {"address": "x-ipv4-0000000001-x"}}
    found = list(judge(given(envelope(masked)), chosen))
    assert [item.verdict for item in found] == ["unknown", "pass"]
    assert found[0].missing[0].reason == "masked"


@pytest.mark.parametrize("short", [True, False])
def test_a_plan_in_short_is_read_like_a_whole_one(tmp_path: Path, short: bool) -> None:
    text = policy(
        reads="(Read(PLAN),)",
        head="PLAN = kind('MigPlan')",
        body="        for item in subject.known(PLAN):\n"
        "            names = [item.text(one) for one in item.items('/spec/namespaces')]\n"
        "            yield passed(item.subject, ','.join(names), item.at('/spec/namespaces/1'))",
    )
    (chosen,) = loaded(pack(tmp_path, rule=text))
    spec = {"namespaces": ["shop", "blog"]}
    whole = {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": "MigPlan",
        "metadata": {"name": "shop", "namespace": "openshift-migration"},
        "spec": spec,
    }
    value = {"clusters": [{"role": "source"}], "plan": spec if short else whole}
    found = [item for item in judge(given(value), chosen) if item.verdict == "pass"]
    assert [item.message for item in found] == ["shop,blog"]
    assert found[0].evidence[0].value == "blog"


def test_reads_make_the_scripts_and_the_rights(tmp_path: Path) -> None:
    policies = loaded(pack(tmp_path, widgets=WIDGET))
    text = script("source", reads_of(policies))
    assert "acme.example.com/widgets.json" in text
    planned = manifests(reads_of(policies))[-1]
    rule = {"apiGroups": ["acme.example.com"], "resources": ["widgets"], "verbs": ["list"]}
    assert rule in planned["rules"]


def test_a_pack_is_part_of_the_service(tmp_path: Path) -> None:
    folder = pack(tmp_path, widgets=WIDGET)
    app = create_app(Settings(policies=(folder,)))
    client = app.test_client()
    area = Path(folder).name
    listed = client.get("/v1/policies").json
    row = listed["policies"][-1]
    assert (row["id"], row["area"], row["pack"]) == ("ACME201", area, area)
    assert row["parameters"] == [
        {
            "name": "most",
            "value": 3,
            "default": 3,
            "unit": "replicas",
            "least": 1,
            "most": 9,
            "whole": True,
            "meaning": "replicas of a widget",
        }
    ]
    assert client.get("/v1/policies/ACME201").status_code == 200
    assert listed["policySet"] == digest((*catalogue(), *loaded(folder)))
    assert listed["policySet"] != digest(catalogue())
    evidence = client.get("/v1/evidence?role=source").json["roles"][0]["items"]
    assert "widgets.acme.example.com" in {item["resource"] for item in evidence}
    assert "ACME201" in client.get("/openapi.yaml").text
    waiver = {
        "policy": "widget-size", "subject": {"name": "b"}, "reason": "agreed", "owner": "ops",
        "expires": "2099-01-01",
    }  # fmt: skip
    body = {**envelope(widget("b", 7), widget("c", 8)), "waivers": [waiver]}
    report = client.post("/v1/evaluations?only=ACME*", json=body).json
    assert {(item["subject"]["name"], item["verdict"]) for item in report["findings"]} == {
        ("b", "waived"), ("c", "fail"), ("destination", "unknown"),
    }  # fmt: skip
    tickets = client.post("/v1/evaluations?only=ACME*&format=tickets", json=body).json
    assert {"ACME201"} == {name for item in tickets["tickets"] for name in item["policies"]}
    by_area = client.post(f"/v1/evaluations?only={area}", json=body).json
    assert by_area["scope"]["only"] == [area]
    assert "gather" in client.post("/v1/evaluations?format=gather&for=source", json=body).text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nothing_of_that_name\n", "rule.py:1: ModuleNotFoundError: No module named"),
        ("1 / 0\n", "rule.py:1: ZeroDivisionError"),
        ("raise SystemExit(3)\n", "rule.py:1: SystemExit"),
        ("def broken(:\n", "rule.py:1: SyntaxError"),
        ("x = 1\n", "holds no policy"),
        (policy(id='"MTC900"'), "MTC is the prefix of the product's own policies"),
        (policy(id='"MTC302"'), "MTC is the prefix of the product's own policies"),
        (policy(id='"acme1"'), "id is 'acme1': wanted letters and three or four digits"),
        (policy(id=""), "id is '': wanted"),
        (policy(name='"single-proxy"'), "single-proxy is taken by MTC302 of the product"),
        (policy(name='"Not A Name"'), "name is 'Not A Name'"),
        (policy(title=""), "Plain: title is missing"),
        (policy(why='" "'), "Plain: why is missing"),
        (policy(reads="()"), "reads and declares are both empty"),
        (policy(reads="[Read(POD)]"), "reads is no tuple of Read"),
        (policy(docs='("https://a.example",)'), "docs is no tuple of Link"),
        (policy(head="kind('Secret')"), "Secret cannot be read by policies of a pack"),
        (policy(head="kind('Gadget')"), "kind Gadget is not known: name its plural"),
        (
            "from service.kinds.cluster import SECRET\n" + policy(reads="(Read(SECRET),)"),
            "reads Secrets, which no pack may",
        ),
        (
            policy(body="        subject.all(POD)\n        yield passed(subject.subject, 'x')"),
            "Plain: its code uses Pod, which reads does not declare",
        ),
        (
            policy(
                head="def helper(cluster):\n    return [cluster.all(one) for one in KINDS]\n"
                "KINDS = (NAMESPACE, POD)",
                body="        helper(subject)\n        yield passed(subject.subject, 'x')",
            ),
            "Plain: its code uses Pod, which reads does not declare",
        ),
        (
            policy(body="        openshift(subject)\n        yield passed(subject.subject, 'x')"),
            "which reads does not declare",
        ),
    ],
)
def test_a_pack_that_cannot_be_used_stops_the_start(tmp_path: Path, text: str, told: str) -> None:
    folder = pack(tmp_path, rule=text)
    found = faults(folder)
    assert any(told in fault for fault in found), found
    assert all(Path(folder).name in fault or "taken by" in fault for fault in found)
    with pytest.raises(SettingsError):
        load_catalogue(Settings(policies=(folder,)))


def test_every_fault_of_every_pack_is_told_at_once(tmp_path: Path) -> None:
    first = pack(tmp_path, rule=policy(), again=policy(name='"other-rule"'))
    second = pack(tmp_path, rule="1 / 0\n")
    third = str(tmp_path / "nothing")
    found = faults(first, second, third)
    assert len(found) == 3
    assert "ZeroDivisionError" in found[0]
    assert "there is no folder" in found[1]
    assert "ACME301 is taken by ACME301 of pack" in found[2]


def test_a_failing_class_is_an_error_finding_and_no_lost_request(tmp_path: Path) -> None:
    text = policy(body="        raise KeyError('hunter2 of the evidence')\n        yield")
    app = create_app(Settings(policies=(pack(tmp_path, rule=text),)))
    answer = app.test_client().post("/v1/evaluations", json={"clusters": [{"role": "source"}]})
    assert answer.status_code == 200
    rows = [item for item in answer.json["findings"] if item["policy"] == "ACME301"]
    assert {item["verdict"] for item in rows} == {"error"}
    assert "hunter2" not in answer.text
    assert "KeyError" in rows[0]["message"]
    assert "to the authors of pack acme" in rows[0]["message"]
    assert answer.json["verdict"] == "unknown"


def test_a_read_that_only_running_shows_is_an_error(tmp_path: Path) -> None:
    text = policy(
        head="import service.kinds.cluster",
        body="        secrets = vars(service.kinds.cluster)['SEC' + 'RET']\n"
        "        yield passed(subject.subject, str(subject.known(secrets)))",
    )
    (chosen,) = loaded(pack(tmp_path, rule=text))
    found = list(judge(given({"clusters": [{"role": "source"}]}), chosen))
    assert {(item.verdict.value, item.message) for item in found} == {
        (
            "error",
            "policy ACME301 failed on this evidence (it reads Secret, which it does not declare): "
            f"please report to the authors of pack {chosen.pack}",
        )
    }


def test_ours_are_judged_as_before_beside_a_pack(tmp_path: Path) -> None:
    value = envelope(widget("a", 1))
    alone = evaluate(given(value), catalogue())
    beside = evaluate(given(value), (*catalogue(), *loaded(pack(tmp_path, widgets=WIDGET))))
    ours = [item for item in beside.findings if not item.policy.startswith("ACME")]
    assert ours == list(alone.findings)


def test_an_installed_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "acme_checks").mkdir(parents=True)
    (site / "acme_checks" / "__init__.py").write_text("")
    (site / "acme_checks" / "widgets.py").write_text(WIDGET)
    info = site / "acme_checks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mtc_preflight.policies]\nacme = acme_checks\n")
    done = run(tmp_path, "policies", "widget", PYTHONPATH=str(site))
    assert done.stdout.startswith("ACME201  warning  widget-size"), done.stderr
    (info / "entry_points.txt").write_text("[mtc_preflight.policies]\nacme = acme_check\n")
    done = run(tmp_path, "policies", "widget", PYTHONPATH=str(site))
    assert done.returncode == 3
    assert "pack acme: " in done.stderr
    assert "No module named 'acme_check'" in done.stderr


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(ROOT), environment.pop("PYTHONPATH", ""))))
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_policy_passes_its_cases_and_is_served(tmp_path: Path) -> None:
    made = run(tmp_path, "new-policy", "ACME101", "--name", "cost-centre", "--folder", "rules")
    assert made.stdout.splitlines() == [
        "wrote rules/cost_centre.py",
        "wrote rules/cases/ACME101.yaml",
        "next: mtc-preflight test-policies rules",
    ]
    tested = run(tmp_path, "test-policies", "rules")
    assert (tested.returncode, tested.stdout) == (0, "ACME101 cost-centre: passes\n")
    again = run(tmp_path, "new-policy", "ACME101", "--name", "cost-centre", "--folder", "rules")
    assert (again.returncode, "is there already" in again.stderr) == (3, True)
    (tmp_path / "e.json").write_text(
        json.dumps(
            {
                "clusters": [
                    {
                        "role": "source",
                        "objects": [
                            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
                        ],
                    }
                ],
                "plan": {"namespaces": ["shop"]},
            }
        )
    )
    command = ("check", "e.json", "--only", "ACME101", "--format", "json")
    by_option = run(tmp_path, *command, "--policies", "rules")
    by_environment = run(tmp_path, *command, MTC_PREFLIGHT_POLICIES="rules")
    reports = [json.loads(done.stdout) for done in (by_option, by_environment)]
    assert reports[0]["findings"] == reports[1]["findings"]
    assert [item["found"] for item in reports[0]["findings"]] == ["no label"]
    explained = run(tmp_path, "explain", "cost-centre", "--policies", "rules").stdout
    assert explained.startswith("ACME101 cost-centre (blocker)")
    assert "fails when the second namespace has no label" in explained
    for name in ("openapi.yaml", "docs/policies/rules.md", "deploy/rbac/collect.yaml"):
        text = run(tmp_path, "docs", name, "--policies", "rules").stdout
        assert ("namespaces" if "rbac" in name else "ACME101") in text, name


@pytest.mark.parametrize("id", ["MTC999", "acme101", "ACME1", "ACME"])
def test_a_new_policy_needs_a_prefix_of_its_own(tmp_path: Path, id: str) -> None:
    assert run(tmp_path, "new-policy", id).returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_cases_that_do_not_hold_are_shown(tmp_path: Path) -> None:
    run(tmp_path, "new-policy", "ACME101", "--folder", "rules")
    file = tmp_path / "rules" / "cases" / "ACME101.yaml"
    cases = yaml.safe_load(file.read_text())
    cases[1]["expect"][0]["found"] = "a label"
    del cases[2]
    file.write_text(yaml.safe_dump(cases))
    (file.parent / "ACME102.yaml").write_text("[]")
    done = run(tmp_path, "test-policies", "rules")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "rules/cases/ACME102.yaml: there is no policy ACME102",
        "ACME101 acme101: fails",
        "  fewer than two cases fail",
    ]
    assert "  no case has two offenders" in lines
    assert "  case the second namespace has no label:" in lines
    assert "  -  found: a label" in lines
    assert "  +  found: no label" in lines
    cases[0]["expect"][0]["verdict"] = "passes"
    file.write_text(yaml.safe_dump(cases))
    assert "no verdict is called 'passes'" in run(tmp_path, "test-policies", "rules").stdout
    file.unlink()
    assert (
        "ACME101.yaml: No such file or directory" in run(tmp_path, "test-policies", "rules").stdout
    )


def test_the_public_api_is_what_the_page_and_the_module_say() -> None:
    """A name that goes away breaks the packs of others."""
    tree = ast.parse(Path(service.pack.__file__ or "").read_text())
    imported = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(imported) == sorted(service.pack.__all__)
    assert set(service.pack.__all__) >= {
        "AnyObject", "Cluster", "ClusterPolicy", "Link", "Migration", "MigrationPolicy", "Missing",
        "NotApplicable", "NotGathered", "Outcome", "Parameter", "Policy", "Read", "Severity",
        "Subject", "failed", "kind", "not_applicable", "passed", "unknown",
    }  # fmt: skip
    page = (ROOT / "docs" / "own-policies.md").read_text()
    assert [name for name in service.pack.__all__ if f"`{name}`" not in page] == []


def test_a_request_cannot_name_a_folder(tmp_path: Path) -> None:
    folder = pack(tmp_path, widgets=WIDGET)
    client = create_app(Settings()).test_client()
    assert client.post(f"/v1/evaluations?policies={folder}", json={}).status_code == 400
    body = {"clusters": [{"role": "source"}], "options": {"policies": folder}}
    assert client.post("/v1/evaluations", json=body).status_code == 422
    (tmp_path / ".mtc-preflight.yaml").write_text(f"policies: {folder}\n")
    (tmp_path / "e.json").write_text(json.dumps({"clusters": [{"role": "source"}]}))
    done = run(tmp_path, "check", "e.json")
    assert (done.returncode, "policies: there is no such key" in done.stderr) == (3, True)


def test_the_facts_of_the_public_api_read_what_they_say(policy_cases: Callable[[], Any]) -> None:
    """Their READS are all that a pack must declare to call them."""
    calls = {
        "openshift": (service.pack.RELEASE_READS, lambda m, c: service.pack.openshift(c)),
        "platform": (service.pack.PLACE_READS, lambda m, c: service.pack.platform(c)),
        "regions": (service.pack.PLACE_READS, lambda m, c: service.pack.regions(c)),
        "proxy_use": (service.pack.PROXY_READS, lambda m, c: service.pack.proxy_use(c)),
        "mtc_version": (service.pack.MTC_READS, service.pack.mtc_version),
    }
    for name, (reads, call) in calls.items():
        declared = {read.resource for read in reads}
        used: set[Any] = set()

        def note(resource: Any, _space: str, _name: str, used: set[Any] = used) -> None:
            used.add(resource)

        for migration in policy_cases():
            for cluster in migration.clusters:
                cluster.inventory.on_read = note
            for cluster in migration.clusters:
                try:
                    call(migration, cluster)
                except service.pack.NotGathered:
                    continue
        assert {item.kind for item in used - declared} == set(), name


@pytest.fixture
def policy_cases() -> Callable[[], Any]:
    """Fresh migrations of a few cases."""
    from policy_cases import cases_of
    from policy_cases import given as migration

    chosen = ("MTC301", "MTC401", "MTC402", "MTC613")
    return lambda: [migration(case) for id in chosen for case in cases_of(id)]
