"""What of a must-gather of today is evidence, in every form that it is sent in."""

from __future__ import annotations

import io
import json

import must_gather as mg
import pytest

from policies import catalogue
from service.cli.folder import FolderStream
from service.cli.inputs import READ_FROM_FOLDERS
from service.core.engine import evaluate
from service.core.evidence import NotGathered
from service.core.facts.cloud import regions
from service.core.facts.served_apis import has_kind
from service.core.outcome import Verdict
from service.intake.limits import Limits
from service.intake.parts import read_pieces
from service.intake.pieces import BadInput, Piece
from service.kinds.cluster import NODE
from service.kinds.config import CLUSTER_VERSION, INFRASTRUCTURE, PROXY
from service.kinds.network import NETWORK_POLICY
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.storage import PERSISTENT_VOLUME, STORAGE_CLASS
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM as CLAIM

READS = tuple(dict.fromkeys(read for policy in catalogue() for read in policy.reads))


def read(*archives, limits=None, role="source", nothing_else=False):
    pieces = [Piece(role, io.BytesIO(data)) for data in archives]
    options = {"as_of": "2026-11-27T12:00:00Z"}
    if nothing_else:
        with pytest.raises(BadInput) as refused:
            read_pieces(pieces, options, Limits(), READS)
        return refused.value.problems
    return read_pieces(pieces, options, limits or Limits(), READS).migration


def verdicts(migration):
    report = evaluate(migration, catalogue())
    return {
        (item.policy, item.subject, item.key, item.verdict, item.found) for item in report.findings
    }


def is_whole(migration, resource):
    try:
        migration.source.all(resource)
    except NotGathered:
        return False
    return True


FORMS = {
    "outer folder": mg.outer(mg.image()),
    "image folder": {f"img/{path}": data for path, data in mg.image().items()},
    "content": mg.image(),
    "content of .": {f"./{path}": data for path, data in mg.image().items()},
    "below a home": {f"home/ann/{path}": data for path, data in mg.outer(mg.image()).items()},
    "last first": dict(reversed(mg.outer(mg.image()).items())),
    "two images": mg.outer(mg.image()) | mg.outer(mg.image(), f"{mg.OUTER}/second-image"),
    "packed twice": {"must-gather.tar.gz": mg.archive(mg.outer(mg.image()))},
}


@pytest.mark.parametrize("files", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.xz", "tar.bz2", "zip"])
def test_every_packing_gives_the_same_findings(files, form):
    migration = read(mg.archive(files, form))
    assert migration.problems == ()
    assert verdicts(migration) == verdicts(read(mg.archive(FORMS["outer folder"])))


@pytest.mark.parametrize("folder", ["outer folder", "content", "last first", "two images"])
def test_a_directory_gives_the_same_findings_as_its_archive(folder, tmp_path):
    for path, data in FORMS[folder].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    stream = io.BufferedReader(FolderStream(tmp_path, READ_FROM_FOLDERS))
    given = [Piece("source", stream)]
    migration = read_pieces(given, {"as_of": "2026-11-27T12:00:00Z"}, Limits(), READS).migration
    assert migration.problems == ()
    assert verdicts(migration) == verdicts(read(mg.archive(FORMS["outer folder"])))


def test_what_the_gather_script_takes_whole_is_whole():
    migration = read(mg.archive(mg.outer(mg.image())))
    whole = (NODE, STORAGE_CLASS, CLUSTER_SERVICE_VERSION)
    assert [is_whole(migration, item) for item in whole] == [True] * 3
    assert not is_whole(migration, PERSISTENT_VOLUME), "no folder: none, or the call failed"


@pytest.mark.parametrize(
    "change",
    [
        {"version": b"0.0.0-unknown\n"},
        {"gather.logs": b"error: inspection completed with the errors occurred\n"},
        {"gather.logs": b"[disk usage checker] Disk usage exceeds the volume percentage of 30\n"},
        {f"cluster-scoped-resources/core/nodes/{mg.NODE}.yaml": b"\tbroken: ["},
        {"../inspect.local.123/timestamp": b""},
    ],
)
def test_what_did_not_run_to_its_end_is_not_whole(change):
    migration = read(
        mg.archive({f"a/b/{path}": data for path, data in (mg.image() | change).items()})
    )
    assert not is_whole(migration, NODE)


def test_a_damaged_archive_is_not_whole():
    data = mg.archive(mg.outer(mg.image()))
    assert not is_whole(read(data[: len(data) // 2]), NODE)


def test_an_inspect_of_single_objects_is_not_whole():
    files = {path: data for path, data in mg.image().items() if path != "version"}
    assert not is_whole(read(mg.archive(files)), STORAGE_CLASS)


def test_the_files_within_sysinfo_count_against_no_limit():
    """As many as on nodes of 80 cores: 18 of these archives have more members than one may."""
    real = mg.sysinfo(11_383)
    files = mg.image() | {f"nodes/n{number}/sysinfo.tgz": real for number in range(18)}
    assert Limits().members < 18 * 11_383
    assert read(mg.archive(mg.outer(files))).problems == ()


INSIGHTS_FOLDER = "insights-data/insights-operator"


def of_twelve_days():
    """The Insights archives of a cluster that cannot upload them: one for each two hours."""
    archives = {
        f"{INSIGHTS_FOLDER}/insights-2026-11-{day:02}-{hour:02}0000.tar.gz": mg.insights(
            version="4.18.20" if (day, hour) < (27, 22) else "4.18.21"
        )
        for day in range(16, 28)
        for hour in range(0, 24, 2)
    }
    assert len(archives) == 144
    return archives


def test_the_insights_archives_beside_count_against_no_limit():
    older, limits = of_twelve_days(), Limits(kept_bytes=20_000)
    assert sum(map(len, older.values())) > 4 * limits.kept_bytes
    alone = read(mg.archive(older), limits=limits)
    assert (alone.problems, alone.source.known(CLUSTER_VERSION)[0].desired) == ((), "4.18.21")
    beside = read(mg.archive(mg.outer(mg.image() | older)), limits=limits)
    assert beside.problems == ()


def test_a_damaged_insights_archive_beside_the_objects_is_no_problem_and_alone_it_is():
    damaged = {f"{INSIGHTS_FOLDER}/insights-2026-11-28-000000.tar.gz": mg.insights()[:90]}
    assert read(mg.archive(mg.outer(mg.image() | damaged))).problems == ()
    (problem, *_) = read(mg.archive(damaged), nothing_else=True)
    assert (problem.code, problem.blocks) == ("archive-truncated", True)


@pytest.mark.parametrize("obfuscated", [False, True])
def test_of_addresses_under_global_obfuscation_it_is_known_that_they_are_not_known(obfuscated):
    status = {"apiServerURL": "https://10.128.0.1:6443", "platformStatus": {"type": "None"}}
    volume = {"metadata": {"name": "pv"}, "spec": {"nfs": {"server": "0.0.0.0", "path": "/a"}}}
    proxy = {"httpProxy": "xxxx://x", "noProxy": "10.0.0.0/16"}
    given = {
        "config/infrastructure.json": {"metadata": {"name": "cluster"}, "status": status},
        "config/persistentvolumes/pv.json": volume,
        "config/proxy.json": {"metadata": {"name": "cluster"}, "spec": {}, "status": proxy},
    }
    source = read(mg.insights(obfuscated=obfuscated, more=given)).source
    (found,) = source.known(INFRASTRUCTURE)
    assert found.api_url == ("" if obfuscated else "https://10.128.0.1:6443")
    assert len(source.known(PERSISTENT_VOLUME)) == (0 if obfuscated else 1)


def test_what_the_network_operator_names_was_whole_in_4_9():
    policy = mg.obj("networking.k8s.io/v1", "NetworkPolicy", "deny", namespace="shop", spec={})
    objects = [*mg.one_cluster("4.9.59"), policy]
    assert not is_whole(read(mg.archive(mg.image(objects, "4.9.59"))), NETWORK_POLICY)
    names = [{"group": "networking.k8s.io", "resource": "networkpolicies", "name": ""}]
    operator = mg.obj(mg.CONFIG, "ClusterOperator", "network", status={"relatedObjects": names})
    migration = read(mg.archive(mg.image([*objects, operator], "4.9.59")))
    assert migration.problems == ()
    assert is_whole(migration, NETWORK_POLICY)
    assert is_whole(migration, NODE)


def test_a_namespace_may_be_called_like_the_output_of_a_tool():
    path = "namespaces/monitoring/core/persistentvolumeclaims.yaml"
    claim = mg.obj("v1", "PersistentVolumeClaim", "data", namespace="monitoring")
    files = mg.image() | {path: mg.text(mg.listed("v1", "PersistentVolumeClaim", claim))}
    inventory = read(mg.archive(mg.outer(files))).source.inventory
    names = [item.ref.namespace for item in inventory.known(CLAIM)]
    assert names == ["monitoring"]


def test_a_folder_of_ones_own_may_be_called_so_too():
    node = mg.text(mg.obj("v1", "Node", "n1"))
    migration = read(mg.archive({"dump/nodes/n1/node.yaml": node, "monitoring/a.yaml": node}))
    assert [item.ref.name for item in migration.source.known(NODE)] == ["n1"]


def test_what_a_policy_would_have_read_is_a_located_problem():
    path = "cluster-scoped-resources/config.openshift.io/infrastructures.yaml"
    migration = read(mg.archive(mg.image() | {path: b"a: [\n"}))
    (problem,) = migration.problems
    assert (problem.part, problem.member, problem.blocks) == ("source", path, True)


INSIGHTS = {
    f"{mg.IMAGE}/insights-data/insights-operator/insights-2026-11-27-{time}.tar.gz": mg.insights(
        version=version
    )
    for time, version in (("100000", "4.18.21"), ("080000", "4.18.20"))
}


def test_insights_archives_alone_are_evidence_the_newest_by_name():
    migration = read(mg.archive(mg.outer({}) | INSIGHTS))
    report = evaluate(migration, catalogue())
    assert report.problems == ()
    assert [item.openshift for item in report.clusters] == ["4.18.21", ""]
    assert migration.parts[0].collected is not None


def test_of_masked_values_it_is_known_that_they_are_not_known():
    migration = read(mg.insights())
    assert migration.source.identities.keys() == {"spec/clusterID"}
    assert regions(migration.source).value == {"us-east-2"}, "by the label of the zone"
    with pytest.raises(NotGathered) as missing:
        migration.source.find(PROXY, "cluster")
    assert "masked" in missing.value.missing[0].reason
    shown = json.dumps([str(item) for item in verdicts(migration)])
    assert "xxxx" not in shown


def test_masked_names_of_two_clusters_are_not_compared():
    source = Piece("source", io.BytesIO(mg.insights()))
    other = mg.insights().replace(b"", b"")
    migration = read_pieces([source, Piece("destination", io.BytesIO(other))], {}, reads=READS)
    failed = {
        item.policy
        for item in evaluate(migration.migration, catalogue()).findings
        if item.verdict is Verdict.FAIL and item.policy == "MTC613"
    }
    assert failed == set()


def test_the_discovery_of_groups_proves_what_is_not_served_but_not_of_the_core_group():
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    served = [{"resource": "deployments", "responseKind": kind}]
    row = {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": served}]}
    discovery = {"apiVersion": "apidiscovery.k8s.io/v2", "kind": "APIGroupDiscoveryList"}
    files = mg.image() | {"aggregated-discovery-apis.yaml": mg.text(discovery | {"items": [row]})}
    del files["aggregated-discovery-api.yaml"]
    source = read(mg.archive(mg.outer(files))).source
    asked = (("apps", "Deployment"), ("apps", "Job"), ("none.example", "A"), ("", "Pod"))
    assert [has_kind(source, *item).served for item in asked] == [True, False, False, None]


def test_the_report_of_must_gather_clean_beside_the_folder_is_no_problem():
    report = b"replacements:\n- {canonical: a, replacedWith: x-ipv4-0000000001-x}\nomissions: []\n"
    migration = read(mg.archive(mg.outer(mg.image()) | {"report.yaml": report}))
    assert migration.problems == ()
