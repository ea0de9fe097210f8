"""The pipeline examples: valid by their systems' schemas, and their shell steps really run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from werkzeug.serving import make_server

from service.api.app import create_app
from service.api.schemas.judging_schemas import RenderingQuery
from service.settings import Settings

CI = Path(__file__).parents[2] / "deploy" / "ci"
SCRIPT = CI / "preflight.sh"
SHELLS = [name for name in ("sh", "bash", "dash", "busybox") if shutil.which(name)]
PLAN = "namespaces: [shop]\n"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


class Seen:
    """What the service was asked for."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.url = ""


@pytest.fixture(scope="module")
def service() -> Iterator[Seen]:
    seen = Seen()
    app = create_app(Settings(log_level="ERROR"))

    def noting(environ: dict[str, Any], start: Any) -> Any:
        seen.requests.append((environ["QUERY_STRING"], environ.get("HTTP_AUTHORIZATION", "")))
        return app(environ, start)

    server = make_server("127.0.0.1", 0, noting, threaded=True)
    seen.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield seen
    server.shutdown()
    server.server_close()


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """Two clusters whose MTC versions differ: the gate is closed."""
    folder = tmp_path / "migration"
    folder.mkdir()
    write(folder, *CLOSED)
    (folder / "plan.yaml").write_text(PLAN)
    return folder


def write(folder: Path, source: str, destination: str) -> None:
    for name, facts in (("source", source), ("destination", destination)):
        (folder / f"{name}.yaml").write_text(f"facts: {{{facts}}}\n")


CLOSED = (
    "openshiftVersion: 4.14.9, mtcVersion: 1.8.3",
    "openshiftVersion: 4.14.9, mtcVersion: 1.8.4",
)
OPEN = ("clusterAdmin: true", "clusterAdmin: true")
"""Nothing fails, and where unknowns are ignored nothing closes the gate."""


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if "MTC_PREFLIGHT" not in key}
    return subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


PARTS = ["source=source.yaml", "destination=destination.yaml", "plan=plan.yaml"]


def preflight(
    folder: Path, *arguments: str, shell: str = "sh", **environment: str
) -> subprocess.CompletedProcess[str]:
    prefix = [shell, "sh"] if shell == "busybox" else [shell]
    return run([*prefix, str(SCRIPT), *arguments], folder, **environment)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_closed_gate_is_exit_status_1(service, evidence, shell):
    done = preflight(evidence, *PARTS, shell=shell, MTC_PREFLIGHT_URL=service.url)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("NOT READY: ")
    assert "MTC403" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_an_open_gate_is_exit_status_0(service, evidence, shell):
    write(evidence, *OPEN)
    done = preflight(evidence, "-u", service.url + "/", "-q", "unknown=ignore", *PARTS, shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gate open" in done.stdout


def test_several_outputs_and_names_with_spaces(service, evidence):
    (evidence / "plan.yaml").rename(evidence / "the plan; v2.yaml")
    done = preflight(
        evidence,
        "-o", "json=the report.json", "-o", "junit=out.xml", "-q", "fail_on=warning",
        *PARTS[:2], "plan=the plan; v2.yaml",
        MTC_PREFLIGHT_URL=service.url,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    report = json.loads((evidence / "the report.json").read_text())
    assert (report["gate"]["failOn"], report["gate"]["passed"]) == ("warning", False)
    assert {part["name"] for part in report["parts"]} == {"source", "destination", "plan"}
    assert ElementTree.parse(evidence / "out.xml").getroot().tag == "testsuites"


def test_the_evidence_is_sent_once_whatever_the_outputs(service, evidence):
    before = len(service.requests)
    done = preflight(
        evidence,
        "-o", "sarif=out.sarif", "-o", "tickets=out.json", "-o", "text=-",
        "-q", "profile=full&alerts=true", "-q", "group=finding", "-t", "60", *PARTS,
        MTC_PREFLIGHT_URL=service.url,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("NOT READY: ")
    (made,) = json.loads((evidence / "out.sarif").read_text())["runs"]
    assert {result["kind"] for result in made["results"]} == {"fail"}
    assert json.loads((evidence / "out.json").read_text())["group"] == "finding"
    assert [query for query, _ in service.requests[before:]] == [
        "format=json&gate=status&profile=full&alerts=true&group=finding",
        *(
            f"format={name}&gate=status&alerts=true&group=finding"
            for name in ("sarif", "tickets", "text")
        ),
    ]


def test_the_script_knows_what_the_query_of_a_report_takes():
    (listed,) = re.findall(r"case \$\{item%%=\*\} in\n(.*?)\)\n", SCRIPT.read_text(), re.DOTALL)
    taken = {field.data_key or name for name, field in RenderingQuery().fields.items()}
    assert set(re.findall(r"\w+", listed)) == taken - {"format", "gate"}


def test_the_token_is_sent_and_not_shown(service, evidence):
    environment = {"MTC_PREFLIGHT_URL": service.url, "MTC_PREFLIGHT_TOKEN": "sha256~t0ken"}
    done = preflight(evidence, *PARTS, **environment)
    assert service.requests[-1][1] == "Bearer sha256~t0ken"
    assert "t0ken" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments, told",
    [
        ([], "usage: preflight.sh"),
        (["-x"], "usage: preflight.sh"),
        (["source.yaml"], "source.yaml: wanted PART=FILE"),
        (["source=gone.yaml"], "gone.yaml: no such file, or not readable"),
        (["-o", "text", "source=source.yaml"], "-o text: wanted FORMAT=FILE"),
        (["-q", "fail_on=all", "source=source.yaml"], "answered 400"),
        (["-o", "pdf=-", "source=source.yaml"], "answered 400"),
        (["sauce=source.yaml"], "answered 400"),
        (["-u", "http://127.0.0.1:9", "source=source.yaml"], "no answer from http://127.0.0.1:9"),
    ],
)
def test_everything_else_is_exit_status_3(service, evidence, arguments, told):
    done = preflight(evidence, *arguments, MTC_PREFLIGHT_URL=service.url)
    assert done.returncode == 3
    assert told in done.stderr
    assert done.stdout == ""


def test_no_service_named(evidence):
    done = preflight(evidence, *PARTS)
    assert (done.returncode, done.stderr) == (
        3,
        "preflight.sh: no service: set MTC_PREFLIGHT_URL or give -u URL\n",
    )


# Tekton: fields of the reference of tasks, tekton.dev/v1.
def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


TEXT = {"type": "string"}
SECRET = closed(
    ["secretKeyRef"],
    secretKeyRef=closed(["name", "key"], name=TEXT, key=TEXT, optional={"type": "boolean"}),
)
NAME = {"type": "string", "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$"}
TASK = closed(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "tekton.dev/v1"},
    kind={"const": "Task"},
    metadata=closed(["name"], name=NAME),
    spec=closed(
        ["steps"],
        description=TEXT,
        params={
            "items": closed(
                ["name"], name=NAME, type={"const": "string"}, description=TEXT, default=TEXT
            )
        },
        workspaces={"items": closed(["name"], name=NAME, description=TEXT)},
        results={"items": closed(["name"], name=NAME, description=TEXT)},
        steps={
            "items": closed(
                ["name", "image", "script"],
                name=NAME,
                image=TEXT,
                script=TEXT,
                workingDir=TEXT,
                env={"items": closed(["name"], name=TEXT, value=TEXT, valueFrom=SECRET)},
            )
        },
    ),
)


def task_step() -> tuple[dict[str, Any], dict[str, Any]]:
    task = yaml.safe_load((CI / "tekton-task.yaml").read_text())
    jsonschema.validate(task, TASK)
    (step,) = task["spec"]["steps"]
    return task["spec"], step


def test_the_task_of_tekton_names_only_what_it_declares():
    spec, step = task_step()
    used = set(re.findall(r"\$\((\w+)\.([\w-]+)", json.dumps(step)))
    declared = {
        (key, item["name"])
        for key in ("params", "workspaces", "results")
        for item in spec.get(key, [])
    }
    assert used == declared
    assert "$(" not in step["script"].replace("$(curl", "").replace("$(sed", "")


@pytest.mark.parametrize("facts, status, verdict", [(CLOSED, 1, "not_ready"), (OPEN, 0, "unknown")])
def test_the_step_of_tekton(service, evidence, tmp_path, facts, status, verdict):
    write(evidence, *facts)
    spec, step = task_step()
    values = {f"params.{item['name']}": item["default"] for item in spec["params"]}
    values |= {
        "params.url": service.url,
        "params.source": "source.yaml",
        "params.destination": "destination.yaml",
        "params.query": "unknown=ignore",
        "results.verdict.path": str(tmp_path / "verdict"),
    }
    environment = {
        item["name"]: re.sub(r"\$\(([\w.-]+)\)", lambda m: values[m[1]], item["value"])
        for item in step["env"]
        if "value" in item
    }
    environment["MTC_PREFLIGHT_TOKEN"] = "to ken"
    done = run(["sh", "-c", step["script"]], evidence, **environment)
    assert (done.returncode, done.stdout, done.stderr) == (status, f"{verdict}\n", "")
    assert (tmp_path / "verdict").read_text() == verdict
    assert service.requests[-1][1] == "Bearer to ken"


def check(schema: str, path: Path) -> None:
    """Hold a file to the schema of its system, which the package carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = run(command, path.parent)
    assert done.returncode == 0, done.stdout


def test_the_workflow_and_the_action_of_github(service, evidence, tmp_path):
    workflow, path = CI / "github-workflow.yaml", CI / "github-action" / "action.yml"
    check("vendor.github-workflows", workflow)
    check("vendor.github-actions", path)
    action = yaml.safe_load(path.read_text())
    steps = yaml.safe_load(workflow.read_text())["jobs"]["preflight"]["steps"]
    (used,) = [step for step in steps if str(step.get("uses", "")).endswith("github-action")]
    assert set(used["with"]) <= set(action["inputs"])
    assert (Path("/") / used["uses"]).parts[-3:] == path.parent.parts[-3:]
    if shutil.which("jq") is None:
        pytest.skip("needs jq")
    (step,) = action["runs"]["steps"]
    given = {name: item.get("default", "") for name, item in action["inputs"].items()}
    given |= {**used["with"], "url": service.url, "token": "to ken"}
    environment = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], value)
        for name, value in step["env"].items()
    }
    files = {name: tmp_path / name for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    environment |= {name: str(file) for name, file in files.items()}
    environment |= {"GITHUB_ACTION_PATH": str(path.parent), "RUNNER_TEMP": str(tmp_path)}
    before = len(service.requests)
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = run(shell, evidence.parent, **environment)
    assert (done.returncode, done.stderr) == (1, "")
    assert {token for _, token in service.requests[before:]} == {"Bearer to ken"}
    assert "to ken" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith("::error title=mtc-preflight::Not ready")
    assert any(line.startswith("::error file=migration/source.yaml,line=1,") for line in lines)
    assert files["GITHUB_STEP_SUMMARY"].read_text().startswith("## Not ready")
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    assert set(outputs) == set(action["outputs"])
    assert json.loads(Path(outputs["report"]).read_text())["verdict"] == "not_ready"
    (made,) = json.loads(Path(outputs["sarif"]).read_text())["runs"]
    assert {result["kind"] for result in made["results"]} == {"fail"}
    assert "unknown" in {result["properties"]["verdict"] for result in made["results"]}
    places = [result["locations"][0]["physicalLocation"] for result in made["results"]]
    assert all((evidence.parent / at["artifactLocation"]["uri"]).is_file() for at in places)
    assert all(at["region"]["startLine"] >= 1 for at in places)


def component(tmp_path: Path, **inputs: str) -> dict[str, Any]:
    """The jobs of the component with these inputs, as GitLab puts them in."""
    path = CI / "gitlab-component" / "templates" / "mtc-preflight.yml"
    head, body = path.read_text().split("\n---\n")
    declared = yaml.safe_load(head)["spec"]["inputs"]
    values = {name: item.get("default") for name, item in declared.items()} | inputs
    assert set(inputs) <= set(declared)
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", body)) == set(declared)
    text = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: values[found[1]], body)
    (tmp_path / ".gitlab-ci.yml").write_text(text)
    check("vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml")
    jobs: dict[str, Any] = yaml.safe_load(text)
    return jobs


@pytest.mark.parametrize("facts, status", [(CLOSED, 1), (OPEN, 0)])
def test_the_component_of_gitlab(service, evidence, tmp_path, facts, status):
    write(evidence, *facts)
    query = "fail_on=warning&unknown=ignore"
    job = component(tmp_path, url=service.url, query=query)["mtc-preflight"]
    before = len(service.requests)
    script = "\n".join(job["script"])
    done = run(["bash", "-eo", "pipefail", "-c", script], evidence.parent, **job["variables"])
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.startswith("NOT READY: " if status else "UNKNOWN: ")
    assert {token for _, token in service.requests[before:]} == {""}
    made = job["artifacts"]["reports"]
    root = ElementTree.parse(evidence.parent / made["junit"]).getroot()
    assert bool(int(root.get("failures", "0"))) is bool(status)
    issues = json.loads((evidence.parent / made["codequality"]).read_text())
    paths = {item["location"]["path"] for item in issues}
    assert all((evidence.parent / path).is_file() for path in paths)
    (page,) = job["artifacts"]["paths"]
    assert "<h1>" in (evidence.parent / page).read_text()


def test_the_component_shows_why_a_request_was_refused(service, evidence, tmp_path):
    job = component(tmp_path, url=service.url, query="fail_on=all")["mtc-preflight"]
    script = "\n".join(job["script"])
    done = run(["bash", "-eo", "pipefail", "-c", script], evidence.parent, **job["variables"])
    assert done.returncode == 3
    assert "fail_on" in done.stdout


def test_the_script_has_no_known_mistakes():
    done = run([str(Path(sys.executable).parent / "shellcheck"), "-s", "sh", str(SCRIPT)], CI)
    assert done.stdout == ""
    assert done.returncode == 0
