"""From a request's parts to the migration, in every form and way of arrival."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from service.core.evidence import NotGathered, Role
from service.core.facts.mtc_release import mtc_version
from service.core.facts.release import openshift
from service.intake.intake import Intake
from service.intake.parts import read_body, read_pieces
from service.intake.pieces import BadInput, Piece
from service.kinds.cluster import CONFIG_MAP, NAMESPACE
from service.kinds.mtc import MIG_CLUSTER
from service.kinds.network import NETWORK_POLICY
from service.kinds.ref import Origin
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS
from service.kinds.workloads import POD

VERSION = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "ClusterVersion",
    "metadata": {"name": "version"},
    "spec": {"clusterID": "c-1", "channel": "stable-4.14"},
    "status": {"history": [{"state": "Completed", "version": "4.14.9"}]},
}
PLAN = {
    "apiVersion": "migration.openshift.io/v1alpha1",
    "kind": "MigPlan",
    "metadata": {"name": "shop", "namespace": "openshift-migration"},
    "spec": {
        "namespaces": ["shop"],
        "srcMigClusterRef": {"name": "old", "namespace": "openshift-migration"},
        "destMigClusterRef": {"name": "host", "namespace": "openshift-migration"},
    },
}


def claim(name: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {},
        "status": {"phase": "Bound"},
    }


def tar(members: dict[str, Any], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for path, value in members.items():
            text = value if isinstance(value, bytes) else yaml.safe_dump(value).encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return out.getvalue()


def zipped(members: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, value in members.items():
            archive.writestr(path, yaml.safe_dump(value))
    return out.getvalue()


def piece(name: str, data: bytes | dict[str, Any] | list[Any], filename: str = "") -> Piece:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Piece(name, io.BytesIO(text), filename)


def read(*pieces: Piece, **options: Any) -> Intake:
    return read_pieces(pieces, options)


INSPECT = {"x/cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml": VERSION}
FORMS = {
    "one JSON object": json.dumps(VERSION).encode(),
    "one YAML object": yaml.safe_dump(VERSION).encode(),
    "a List": json.dumps({"apiVersion": "v1", "kind": "List", "items": [VERSION]}).encode(),
    "several YAML documents": b"---\n%s---\n{kind: X, apiVersion: v1}\n"
    % yaml.safe_dump(VERSION).encode(),
    "NDJSON": json.dumps(VERSION).encode() + b'\n{"kind":"X","apiVersion":"v1"}\n',
    "pretty-printed outputs one after the other": json.dumps(VERSION, indent=4).encode() * 2,
    "a JSON array": json.dumps([VERSION]).encode(),
    "gzip of YAML": gzip.compress(yaml.safe_dump(VERSION).encode()),
    "a typed list whose items have no kind": json.dumps(
        {
            "apiVersion": "config.openshift.io/v1",
            "kind": "ClusterVersionList",
            "items": [{k: v for k, v in VERSION.items() if k not in ("kind", "apiVersion")}],
        }
    ).encode(),
    "a tar": tar(INSPECT, "w"),
    "a tar.gz": tar(INSPECT),
    "a tar.xz": tar(INSPECT, "w:xz"),
    "a zip": zipped(INSPECT),
    "an archive in an archive": tar({"gather/img/must-gather.tar.gz": tar(INSPECT)}),
    "an Insights archive": tar({"config/version.json": json.dumps(VERSION).encode()}),
}  # fmt: skip


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_model(data: bytes) -> None:
    migration = read(piece("source", data)).migration
    assert str(openshift(migration.source).value) == "4.14.9"
    assert migration.problems == ()
    assert migration.source.given
    assert not migration.destination.given


def test_an_envelope_a_bare_stream_and_parts_agree() -> None:
    envelope = {"clusters": [{"role": "source", "objects": [VERSION]}]}
    migrations = [
        read_body(piece("body", envelope), {}).migration,
        read_body(piece("body", VERSION), {"role": "source"}).migration,
        read(piece("source", VERSION)).migration,
    ]
    assert [str(openshift(item.source).value) for item in migrations] == ["4.14.9"] * 3


LISTS = {
    "objects one by one prove no absence": ([claim("a", "shop")], False, False),
    "a List of one namespace covers it": (
        {"kind": "List", "apiVersion": "v1", "items": [claim("a", "shop")]}, True, False,
    ),
    "a List of two namespaces came from all of them": (
        {"kind": "List", "apiVersion": "v1", "items": [claim("a", "shop"), claim("b", "blog")]},
        True, True,
    ),
    "a list that was cut short covers nothing": (
        {"kind": "List", "apiVersion": "v1", "metadata": {"continue": "x"},
         "items": [claim("a", "shop"), claim("b", "blog")]}, False, False,
    ),
    "an empty typed list with a selfLink covers what it names": (
        {"kind": "PersistentVolumeClaimList", "apiVersion": "v1", "items": [],
         "metadata": {"selfLink": "/api/v1/namespaces/shop/persistentvolumeclaims"}}, True, False,
    ),
    "an empty typed list without one covers nothing": (
        {"kind": "PersistentVolumeClaimList", "apiVersion": "v1", "items": []}, False, False,
    ),
    "an empty List covers nothing": (
        {"kind": "List", "apiVersion": "v1", "items": []}, False, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "shop", "other"), LISTS.values(), ids=LISTS)
def test_for_which_namespaces_a_list_is_whole(given: Any, shop: bool, other: bool) -> None:
    source = read(piece("source", given), piece("plan", PLAN)).migration.source
    assert covers(source, "shop") is shop
    assert covers(source, "other") is other


def covers(cluster: Any, namespace: str) -> bool:
    try:
        cluster.all(PERSISTENT_VOLUME_CLAIM, [namespace])
    except NotGathered:
        return False
    return True


def test_an_empty_list_in_an_archive_tells_its_namespace_by_its_path() -> None:
    empty = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": None}
    data = tar({"m/namespaces/shop/networking.k8s.io/networkpolicies.yaml": empty})
    source = read(piece("source", data)).migration.source
    assert source.all(NETWORK_POLICY, ["shop"]) == ()
    with pytest.raises(NotGathered) as missing:
        source.all(NETWORK_POLICY, ["blog"])
    assert missing.value.missing[0].command == (
        "oc get networkpolicies.networking.k8s.io -n blog -o json"
        " && echo '--- {complete: [networkpolicies.networking.k8s.io/blog]}'"
    )


def test_a_filename_with_a_path_speaks_as_in_an_archive() -> None:
    empty = {"apiVersion": "v1", "kind": "List", "items": []}
    name = "namespaces/shop/networking.k8s.io/networkpolicies.yaml"
    source = read(piece("source", empty, name)).migration.source
    assert source.all(NETWORK_POLICY, ["shop"]) == ()


def test_what_is_said_to_be_complete_is_whole() -> None:
    cluster = {
        "role": "source",
        "objects": [claim("a", "shop")],
        "complete": ["persistentvolumeclaims", "pods/shop", "storageclasses.storage.k8s.io"],
    }
    source = read_body(piece("body", {"clusters": [cluster]}), {}).migration.source
    assert len(source.all(PERSISTENT_VOLUME_CLAIM)) == 1
    assert source.all(POD, ["shop"]) == ()
    assert source.all(STORAGE_CLASS) == ()
    with pytest.raises(NotGathered):
        source.all(POD)


def test_what_a_collector_was_denied_is_named_in_what_is_missing() -> None:
    gathered = [
        {"resource": "pods", "namespace": "shop", "complete": True},
        {"resource": "persistentvolumes", "error": "forbidden: needs list on persistentvolumes"},
    ]
    cluster = {"role": "source", "gathered": gathered, "facts": {"openshiftVersion": "4.14.9"}}
    source = read_body(piece("body", {"clusters": [cluster]}), {}).migration.source
    assert source.all(POD, ["shop"]) == ()
    with pytest.raises(NotGathered) as missing:
        source.all(PERSISTENT_VOLUME)
    assert missing.value.missing[0].reason == "forbidden: needs list on persistentvolumes"


def test_an_object_that_stands_twice_is_read_once_and_the_newest_copy_wins() -> None:
    old = {**VERSION, "metadata": {"name": "version", "resourceVersion": "9"}}
    new = json.loads(json.dumps(VERSION))
    new["metadata"]["resourceVersion"] = "10"
    new["status"]["history"][0]["version"] = "4.14.10"
    for order in ([old, new], [new, old]):
        source = read(piece("source", order)).migration.source
        assert str(openshift(source).value) == "4.14.10"


def host(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": "MigCluster",
        "metadata": {"name": name, "namespace": "openshift-migration"},
        "spec": {"isHostCluster": True},
    }


def test_the_destination_is_the_host_unless_something_says_otherwise() -> None:
    migration = read(piece("source", VERSION), piece("plan", PLAN)).migration
    assert migration.host is migration.destination
    assert [cluster.role for cluster in migration.clusters] == [Role.SOURCE, Role.DESTINATION]


def test_the_host_is_the_cluster_whose_own_migcluster_the_plan_names() -> None:
    plan = json.loads(json.dumps(PLAN))
    plan["spec"]["srcMigClusterRef"]["name"] = "here"
    migration = read(piece("source", host("here")), piece("plan", plan)).migration
    assert migration.host is migration.source
    assert migration.plan.ref.name == "shop"


def test_a_third_host_cluster_is_judged_too() -> None:
    pieces = [piece("source", VERSION), piece("host", host("control")), piece("plan", PLAN)]
    migration = read(*pieces).migration
    assert [cluster.role for cluster in migration.clusters] == list(Role)
    assert [item.ref.name for item in migration.host.known(MIG_CLUSTER)] == ["control"]


def test_a_part_called_host_that_is_the_destination_is_merged_into_it() -> None:
    migration = read(piece("host", host("host")), piece("plan", PLAN)).migration
    assert migration.host is migration.destination
    assert [item.ref.name for item in migration.destination.known(MIG_CLUSTER)] == ["host"]


def config(version: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMapList",
        "items": [
            {
                "metadata": {
                    "name": "migration-cluster-config",
                    "namespace": "openshift-migration",
                },
                "data": {"OPERATOR_VERSION": version},
            }
        ],
    }


def test_an_mtc_must_gather_holds_the_host_and_the_remote_clusters() -> None:
    space = "namespaces/openshift-migration"
    members = {
        f"must-gather/clusters/host/{space}/core/configmaps.yaml": config("1.8.8"),
        f"must-gather/clusters/host/{space}/crs/migclusters.migration.openshift.io/host.yaml": host(
            "host"
        ),
        f"must-gather/clusters/old/{space}/core/configmaps.yaml": config("1.7.18"),
        "must-gather/migplans/migplan-shop/shop.yml": PLAN,
    }
    migration = read(piece("destination", tar(members))).migration
    versions = [mtc_version(migration, cluster).value for cluster in migration.clusters]
    assert versions == ["1.7.18", "1.8.8"]
    assert migration.plan.namespaces[0].source == "shop"


def test_of_several_plans_one_must_be_named() -> None:
    other = {**PLAN, "metadata": {"name": "blog", "namespace": "openshift-migration"}}
    both = piece("destination", [PLAN, other])
    migration = read(both).migration
    with pytest.raises(NotGathered) as missing:
        _ = migration.plan
    assert missing.value.missing[0].reason == (
        "several plans were given (openshift-migration/shop, openshift-migration/blog): "
        "name one with plan_name"
    )
    chosen = read(piece("destination", [PLAN, other]), plan_name="blog").migration
    assert chosen.plan.ref.name == "blog"


def test_a_plan_in_short_points_at_what_was_written() -> None:
    envelope = {"clusters": [], "plan": {"namespaces": ["shop:store", "blog"]}}
    plan = read_body(piece("body", envelope), {}).migration.plan
    assert [(item.source, item.destination) for item in plan.namespaces] == [
        ("shop", "store"),
        ("blog", "blog"),
    ]
    assert plan.ref.at("/spec/namespaces/0").pointer == "/plan/namespaces/0"


def test_evidence_points_at_its_line() -> None:
    data = json.dumps({"apiVersion": "v1", "kind": "List", "items": [VERSION]}, indent=2).encode()
    bundle = read(piece("source", data))
    pointer = openshift(bundle.migration.source).evidence[0]
    line = bundle.sources.line(pointer.origin, pointer.pointer)
    assert pointer.pointer == "/items/0/status/history/0/version"
    assert line is not None
    assert b'"version": "4.14.9"' in data.splitlines()[line - 1]


def test_one_unreadable_document_does_not_lose_the_rest() -> None:
    data = yaml.safe_dump(VERSION).encode() + b"---\na: [\n---\n" + yaml.safe_dump(PLAN).encode()
    migration = read(piece("source", data)).migration
    assert str(openshift(migration.source).value) == "4.14.9"
    assert migration.plan.ref.name == "shop"
    problems = [(item.part, item.document, item.code) for item in migration.problems]
    assert problems == [("source", 1, "yaml-syntax")]


def test_a_cut_archive_keeps_what_came_before_the_cut() -> None:
    more = {f"y/namespaces/n{i}/n{i}.yaml": b"#" * 5000 for i in range(50)}
    data = tar({**INSPECT, **more}, "w")[:120_000]
    migration = read(piece("source", data)).migration
    assert str(openshift(migration.source).value) == "4.14.9"
    assert [item.code for item in migration.problems if "truncated" in item.code]
    assert migration.parts[0].notes


def test_a_malformed_object_is_a_problem_and_not_a_fact() -> None:
    bad = json.loads(json.dumps(VERSION))
    bad["status"]["history"] = "4.14.9"
    migration = read(piece("source", [bad])).migration
    with pytest.raises(NotGathered):
        openshift(migration.source)
    found = [
        (item.code, item.pointer, item.message) for item in migration.source.inventory.problems()
    ]
    assert found == [
        (
            "object-malformed",
            "/0/status/history",
            "ClusterVersion 'version' is malformed: expected a list",
        )
    ]


@pytest.mark.parametrize(
    "last, wanted",
    [
        (b"2026-01-02 10:03:00.5 +0000 UTC m=+8.3", datetime(2026, 1, 2, 10, 3, tzinfo=UTC)),
        (b"2026-01-02 10:03:00.5 -0500 EST m=+8.3", datetime(2026, 1, 2, 15, 3, tzinfo=UTC)),
        (b"2026-01-02 10:03:00", datetime(2026, 1, 2, 10, 3, tzinfo=UTC)),
        (b"2026-13-02 10:03:00 +0000 UTC", datetime(2026, 1, 2, 4, 0, tzinfo=UTC)),
        (b"tomorrow", datetime(2026, 1, 2, 4, 0, tzinfo=UTC)),
    ],
    ids=["UTC", "another zone", "no zone", "no date", "no time"],
)
def test_time_of_collection_comes_from_the_archive(last: bytes, wanted: datetime) -> None:
    stamp = b"2026-01-02 10:00:00.1 +0600 BST m=+0.8\n" + last + b"\n"
    part = read(piece("source", tar({**INSPECT, "x/timestamp": stamp}))).migration.parts[0]
    assert part.collected == wanted
    assert (part.form, part.objects) == ("tar.gz", 1)


def test_a_login_that_failed_is_noted() -> None:
    data = tar({**INSPECT, "must-gather/clusters/old/login_error.txt": b"no"})
    notes = read(piece("destination", data)).migration.parts[0].notes
    assert notes == [
        "must-gather/clusters/old/login_error.txt: the collection could not log in"
        " of MigCluster old"
    ]


def test_facts_probes_and_options_of_an_envelope() -> None:
    envelope = {
        "clusters": [
            {"role": "source", "name": "old", "facts": {"openshiftVersion": "3.11.1159"}},
            {"role": "destination", "facts": {"ports": {"6443": "open", "53": "closed"}}},
        ],
        "probes": [
            {"from": "source", "vantage": "cluster", "target": "repository", "open": True,
             "host": "s3.example.com", "port": 443},
        ],
        "options": {"asOf": "2026-01-02", "targetOpenshift": "4.16.3", "maxAgeHours": 24},
    }  # fmt: skip
    migration = read_body(piece("body", envelope), {}).migration
    assert migration.source.name == "old"
    assert str(openshift(migration.source).value) == "3.11.1159"
    assert openshift(migration.source).evidence[0].pointer == "/clusters/0/facts/openshiftVersion"
    assert [(p.source, p.vantage, p.cluster, p.port, p.open) for p in migration.probes] == [
        (Role.SOURCE, "declared", "destination", 6443, True),
        (Role.SOURCE, "declared", "destination", 53, False),
        (Role.SOURCE, "cluster", "", 443, True),
    ]
    assert migration.requested.as_of == datetime(2026, 1, 2, tzinfo=UTC)
    assert str(migration.requested.target_openshift) == "4.16.3"


def test_the_callers_options_win_over_the_envelopes() -> None:
    envelope = {"clusters": [{"role": "source"}], "options": {"asOf": "2026-01-02"}}
    migration = read_body(piece("body", {**envelope, "plan": PLAN}), {"as_of": "2025-05-05"})
    assert migration.migration.requested.as_of == datetime(2025, 5, 5, tzinfo=UTC)


BAD = {
    "an unknown key of the envelope": (
        {"clusters": [], "paln": {}}, "unknown-field", "/paln",
    ),
    "a role that does not exist": (
        {"clusters": [{"role": "src"}]}, "wrong-value", "/clusters/0/role",
    ),
    "a misspelt key, and no other": ({"cluster": []}, "unknown-field", "/cluster"),
    "the roles as keys": ({"source": {"facts": {}}}, "no-role", ""),
    "clusters that are no list": ({"clusters": {}}, "wrong-type", "/clusters"),
    "an option that does not exist": (
        {"clusters": [], "options": {"asof": "x"}}, "unknown-field", "/options/asof",
    ),
    "a date that is none": (
        {"clusters": [{"role": "source", "facts": {"user": "x"}}], "options": {"asOf": "soon"}},
        "bad-option", "/options/asOf",
    ),
    "nothing at all": ({"clusters": []}, "nothing-given", ""),
    "objects without a role": (VERSION, "no-role", ""),
}  # fmt: skip


@pytest.mark.parametrize(("body", "code", "pointer"), BAD.values(), ids=BAD)
def test_an_envelope_that_cannot_be_evaluated(body: Any, code: str, pointer: str) -> None:
    with pytest.raises(BadInput) as error:
        read_body(piece("body", body), {})
    assert [(item.code, item.pointer) for item in error.value.problems] == [(code, pointer)]


def test_a_misspelt_role_or_envelope_is_named() -> None:
    for body, hint in (
        ({"cluster": []}, "did you mean 'clusters'?"),
        ({"clusters": [{"role": "Source"}]}, "did you mean 'source'?"),
    ):
        with pytest.raises(BadInput) as error:
            read_body(piece("body", body), {})
        (problem,) = error.value.problems
        assert problem.hint.startswith(hint)


def test_bad_facts_are_problems_with_the_nearest_name() -> None:
    facts = {"openshiftVersoin": "4.14.9", "clusterAdmin": "yes", "region": "us-east-1"}
    body = {"clusters": [{"role": "source", "facts": facts}]}
    problems = read_body(piece("body", body), {}).migration.problems
    assert [(item.code, item.pointer) for item in problems] == [
        ("unknown-field", "/clusters/0/facts/openshiftVersoin"),
        ("wrong-type", "/clusters/0/facts/clusterAdmin"),
    ]
    assert problems[0].hint.startswith("did you mean 'openshiftVersion'?")


def test_a_descriptor_with_a_slip_keeps_its_other_facts() -> None:
    for slip in ({"proxxy": False}, {"Proxy ": False}, {"facts": {"proxxy": False}}):
        facts = {"openshiftVersion": "4.14.9"}
        given = {"facts": {**facts, **slip["facts"]}} if "facts" in slip else {**facts, **slip}
        migration = read(piece("source", yaml.safe_dump(given).encode())).migration
        assert str(openshift(migration.source).value) == "4.14.9"
        (problem,) = migration.problems
        assert problem.code == "unknown-field"
        assert problem.hint.startswith("did you mean 'proxy'?")


@pytest.mark.parametrize(
    ("fact", "good", "slip", "resource"),
    [
        ("volumes", {"name": "a"}, {"name": "b", "regoin": "x"}, PERSISTENT_VOLUME),
        ("volumes", {"name": "a"}, "b", PERSISTENT_VOLUME),
        ("storageClasses", {"name": "a"}, {"name": "b", "Default": True}, STORAGE_CLASS),
    ],
)
def test_a_row_with_a_misspelt_key_is_not_read_and_the_list_is_not_whole(
    fact: str, good: Any, slip: Any, resource: Any
) -> None:
    whole = read(piece("source", yaml.safe_dump({fact: [good]}).encode())).migration.source
    assert [item.ref.name for item in whole.all(resource)] == ["a"]
    migration = read(piece("source", yaml.safe_dump({fact: [good, slip]}).encode())).migration
    assert len(migration.problems) == 1
    assert [item.ref.name for item in migration.source.known(resource)] == ["a"]
    with pytest.raises(NotGathered):
        migration.source.all(resource)


@pytest.mark.parametrize("version", ["latest", "4.14.x", "4", "", "stable-4.14"])
def test_what_is_no_version_is_not_taken_for_one(version: str) -> None:
    facts = {"openshiftVersion": version, "mtcVersion": "latest"}
    migration = read(piece("source", yaml.safe_dump(facts).encode())).migration
    assert "openshiftVersion" not in migration.source.declared
    assert migration.source.declared["mtcVersion"].value == "latest"
    assert [(item.code, item.pointer, item.message, item.hint) for item in migration.problems] == [
        ("wrong-value", "/openshiftVersion", "openshiftVersion is not a version",
         "such as '4.14.9'")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("deployments.apps/shop", None),
        ("securitycontextconstraints", None),
        ("pods/shop", None),
        ("PersistentVolumeClaim/shop", None),
        ("persistentvolumeclaim s/shop", "did you mean 'persistentvolumeclaims'?"),
        ("podz/shop", "did you mean 'pod'?"),
        ("pvc/shop", "use the plural, such as persistentvolumes"),
    ],
)
def test_complete_names_any_resource_but_no_misspelt_one(name: str, hint: str | None) -> None:
    mark = {"complete": [name]}
    given = piece("source", yaml.safe_dump_all([VERSION, mark]).encode())
    problems = read(given).migration.problems
    wanted = [] if hint is None else [("unknown-resource", "/complete/0", hint)]
    assert [(item.code, item.pointer, item.hint) for item in problems] == wanted


@pytest.mark.parametrize("item", [{"metadata": {"name": "x"}}, {"kind": "Widget"}])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_typed_list_that_no_policy_reads_is_one_note(item: Any, count: int) -> None:
    listed = {"kind": "WidgetList", "apiVersion": "example.com/v1", "items": [item] * count}
    migration = read(piece("source", yaml.safe_dump_all([VERSION, listed]).encode())).migration
    assert migration.problems == ()
    (part,) = migration.parts
    objects = "object" if count == 1 else "objects"
    assert part.notes == [f"source: no policy reads WidgetList ({count} {objects})"]


def test_a_list_that_is_cut_off_proves_no_absence_and_loses_its_last_object() -> None:
    whole = yaml.safe_dump(
        {"apiVersion": "v1", "items": [claim("a", "shop"), claim("b", "shop")], "kind": "List"}
    )
    cut = whole[: whole.index("kind: List")]
    source = read(piece("source", whole.encode())).migration.source
    assert len(source.all(PERSISTENT_VOLUME_CLAIM, ["shop"])) == 2
    migration = read(piece("source", cut.encode())).migration
    assert [item.ref.name for item in migration.source.known(PERSISTENT_VOLUME_CLAIM)] == ["a"]
    assert [item.code for item in migration.problems] == ["list-cut-off"]
    with pytest.raises(NotGathered):
        migration.source.all(PERSISTENT_VOLUME_CLAIM, ["shop"])


def test_a_wrong_type_in_included_resources_is_told_at_its_row() -> None:
    rows = [{"group": "apps", "kind": "Deployment"}, {"group": "apps", "kind": 3}]
    plan = {**PLAN, "spec": {**PLAN["spec"], "includedResources": rows}}
    with pytest.raises(BadInput) as refused:
        read(piece("plan", plan))
    assert [item.pointer for item in refused.value.problems] == ["/spec/includedResources/1/kind"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"spec": {"http_proxy": "foo.foo"}}, "a piece of a Kubernetes object"),
        ({"Kind": "Proxy", "apiVersion": "v1"}, "did you mean 'kind'?"),
        ({"a": 1}, "it has no kind"),
    ],
)
def test_what_is_no_object_is_told_what_is_missing(given: Any, told: str) -> None:
    problems = read(piece("source", yaml.safe_dump_all([VERSION, given]).encode()))
    (problem,) = problems.migration.problems
    assert told in problem.message + problem.hint


def test_a_part_with_an_unknown_name_is_refused() -> None:
    with pytest.raises(BadInput) as error:
        read(piece("sorce", VERSION))
    assert error.value.problems[0].code == "unknown-part"


def test_a_secret_is_read_as_key_names_only() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "openshift-migration"},
        "data": {"saToken": "aHVudGVyMg=="},
    }
    from service.kinds.cluster import SECRET

    found = read(piece("source", [secret])).migration.source.known(SECRET)
    assert [(item.ref.name, item.keys) for item in found] == [("s", frozenset({"saToken"}))]
    assert "aHVudGVyMg" not in repr(found)


def test_origin_names_the_member_of_a_nested_archive() -> None:
    data = tar({"gather/img/must-gather.tar.gz": tar(INSPECT)})
    pointer = openshift(read(piece("source", data)).migration.source).evidence[0]
    assert pointer.origin == Origin(
        "source", f"gather/img/must-gather.tar.gz!/{next(iter(INSPECT))}"
    )


def test_a_value_that_is_not_there_has_the_line_of_what_should_hold_it() -> None:
    text = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
    bundle = read_pieces([Piece("source", io.BytesIO(text))], {})
    origin = Origin("source")
    assert bundle.sources.line(origin, "/metadata/labels/app") == 3
    assert bundle.sources.line(origin, "/metadata/name") == 4


def test_an_archive_of_which_nothing_is_known_is_told() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}}
    known = piece("destination", pod)
    unknown = piece("source", tar({"export/resources/shop/deep/Pod_v1_shop_web.yaml": pod}))
    migration = read(known, unknown).migration
    assert [(item.code, item.part, item.blocks) for item in migration.problems] == [
        ("nothing-known", "source", True)
    ]


def test_a_name_that_no_object_can_have_is_told_once_and_not_repeated() -> None:
    """Each name stands in a hundred findings: one of megabytes made a report of gigabytes."""
    plan = {"namespaces": ["shop", "b" * 601, "c" * 2_000_000], "srcMigClusterRef": {"name": "x"}}
    envelope = {"clusters": [{"role": "source", "facts": {}}], "plan": plan}
    with pytest.raises(BadInput) as refused:
        read(piece("envelope", json.dumps(envelope).encode()))
    found = [(problem.code, problem.pointer, problem.message) for problem in refused.value.problems]
    assert found == [
        (
            "object-malformed",
            "/plan/namespaces/1",
            "MigPlan '' is malformed: expected a name of at most 600 characters",
        )
    ]


def test_the_name_of_an_object_ends_where_names_end() -> None:
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n" * 2_000_000}}
    migration = read(piece("source", json.dumps(item).encode())).migration
    assert [space.ref.name for space in migration.source.known(NAMESPACE)] == ["n" * 600]


def test_the_outputs_of_printed_commands_may_be_appended_to_one_file() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "x"}}
    shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    empty = {"apiVersion": "v1", "items": [], "kind": "List"}
    text = "".join(
        [
            json.dumps(config, indent=4) + "\n",
            json.dumps(empty, indent=4) + "\n--- {complete: [pods/shop]}\n",
            "--- {probes: [{from: source, vantage: cluster, target: dns, open: true}]}\n",
            json.dumps(shop, indent=4) + "\n",
            json.dumps(config, indent=4).replace('"a"', '"b"') + "\n",
        ]
    )
    migration = read(piece("source", text.encode())).migration
    assert migration.problems == ()
    assert migration.source.all(POD, ["shop"]) == ()
    assert [item.ref.name for item in migration.source.known(CONFIG_MAP)] == ["a", "b"]
    assert [item.ref.name for item in migration.source.known(NAMESPACE)] == ["shop"]
    assert [(item.target, item.open) for item in migration.probes] == [("dns", True)]
