"""Must-gathers that hold several clusters, or none: those of MTC and OADP, and failed ones."""

from __future__ import annotations

import io

import must_gather as mg
import pytest

from policies import catalogue
from service.core.engine import evaluate
from service.core.evidence import NotGathered
from service.intake.parts import read_pieces
from service.intake.pieces import BadInput, Piece
from service.kinds.mtc import MIG_HOOK, MIG_PLAN, MTC_NAMESPACE

READS = tuple(dict.fromkeys(read for policy in catalogue() for read in policy.reads))
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
PLAN = "migplans/migplan-shop/shop.yml"


def read(**parts):
    pieces = [Piece(name, io.BytesIO(data)) for name, data in parts.items()]
    return read_pieces(pieces, {"as_of": "2026-11-27T12:00:00Z"}, reads=READS).migration


def ids(migration):
    """The clusters that each role was given the objects of."""
    return {
        str(cluster.role): [value[:1] for value, _ in cluster.identities.get("spec/clusterID", ())]
        for cluster in migration.clusters
    }


def told(migration):
    return [(item.code, item.message, item.blocks) for item in migration.problems]


LAYOUTS = {"1.4.3 and later": "clusters/", "1.3.0 to 1.4.2": ""}
PARTS = ("source", "destination", "host")


@pytest.mark.parametrize("above", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("part", PARTS)
def test_each_folder_is_the_cluster_that_the_plan_says_whatever_the_part(above, part):
    files = mg.mtc_cluster(f"{above}host", A, host=True) | mg.mtc_cluster(f"{above}src", B)
    migration = read(**{part: mg.mtc(files), "plan": mg.plan()})
    assert (ids(migration), told(migration)) == ({"source": ["b"], "destination": ["a"]}, [])


def test_the_plan_in_the_archive_says_it_as_well():
    files = mg.mtc_cluster("clusters/host", A, host=True) | mg.mtc_cluster("clusters/src", B)
    migration = read(source=mg.mtc(files | {PLAN: mg.plan()}))
    assert ids(migration) == {"source": ["b"], "destination": ["a"]}
    assert migration.host is migration.destination


def test_the_image_calls_a_cluster_that_does_not_run_mtc_host_too():
    remote = mg.mtc(mg.mtc_cluster("clusters/host", B))
    own = mg.mtc(mg.mtc_cluster("clusters/host", A, host=True))
    migration = read(source=remote, destination=own, plan=mg.plan())
    assert ids(migration) == {"source": ["b"], "destination": ["a"]}


def test_without_a_plan_the_only_other_cluster_is_the_other_side():
    files = mg.mtc_cluster("clusters/host", A, host=True) | mg.mtc_cluster("clusters/src", B)
    assert ids(read(destination=mg.mtc(files))) == {"source": ["b"], "destination": ["a"]}


def test_a_cluster_that_the_plan_does_not_name_is_left_out_and_named():
    files = mg.mtc_cluster("clusters/host", A, host=True) | mg.mtc_cluster("clusters/old", B)
    migration = read(destination=mg.mtc(files), plan=mg.plan())
    assert ids(migration) == {"source": [], "destination": ["a"]}
    message = (
        "the folder old of the archive was left out: it is of a MigCluster that the plan does not "
        "name (src, host)"
    )
    assert told(migration) == [("unknown-cluster", message, False)]


def test_of_several_clusters_and_no_plan_none_is_guessed():
    files = mg.mtc_cluster("clusters/old", A) | mg.mtc_cluster("clusters/new", B)
    migration = read(destination=mg.mtc(files))
    assert ids(migration) == {"source": [], "destination": []}
    assert [(code, blocks) for code, _, blocks in told(migration)] == [
        ("unknown-cluster", True)
    ] * 2


ERRORS = {
    "an error of oc": (mg.NOT_LOGGED_IN, mg.NOT_LOGGED_IN.decode().strip()),
    "an object that went": (mg.NOT_FOUND, mg.NOT_FOUND.decode().strip()),
    "no words that are known": (b"exit status 1\n", "exit status 1"),
    "a secret in it": (b"error: bad token: sha256~" + b"a" * 43, "error: bad token: ****"),
}


@pytest.mark.parametrize(("data", "said"), ERRORS.values(), ids=ERRORS)
def test_an_error_in_the_place_of_an_object_is_not_gathered(data, said):
    hook = f"clusters/host/namespaces/{MTC_NAMESPACE}/crs/mighooks.migration.openshift.io/h1.yaml"
    files = mg.mtc_cluster("clusters/host", A, host=True) | {hook: data, PLAN: data}
    migration = read(destination=mg.mtc(files))
    assert told(migration) == []
    for resource in (MIG_HOOK, MIG_PLAN):
        with pytest.raises(NotGathered) as missing:
            migration.destination.all(resource, [MTC_NAMESPACE])
        assert missing.value.missing[0].reason == said
    messages = [item.message for item in evaluate(migration, catalogue()).findings]
    message = f"the migration plans in namespace {MTC_NAMESPACE} not gathered: {said}"
    assert f"{message}; policies that read it are unknown" in messages


def test_warnings_above_an_object_do_not_lose_it():
    warned = b'Warning: would violate PodSecurity "restricted:v1.24": x\nW1127 08:00:00 x: y\n'
    files = mg.mtc_cluster("clusters/host", A, host=True)
    files[PLAN] = warned + mg.plan().removeprefix(b"---\n")
    migration = read(destination=mg.mtc(files))
    assert (told(migration), migration.plan.ref.name) == ([], "shop")


def test_a_failed_login_is_named_with_its_cluster():
    files = mg.mtc_cluster("clusters/host", A, host=True)
    files["clusters/src/login_error.txt"] = b"error: You must be logged in\n"
    migration = read(destination=mg.mtc(files), plan=mg.plan())
    (note,) = migration.parts[1].notes
    assert note.endswith("login_error.txt: the collection could not log in of MigCluster src")


def test_no_login_at_all_is_a_report_and_no_refusal():
    migration = read(source=mg.mtc({"clusters/host/login_error.txt": b"error: x\n"}))
    assert told(migration) == []
    assert not migration.source.given


def oadp(folder, cluster_id=A):
    return mg.archive(mg.outer(mg.mtc_cluster(f"clusters/{folder}", cluster_id), mg.MTC))


@pytest.mark.parametrize("parts", [{}, {"plan": mg.plan()}], ids=["no plan", "a plan"])
def test_the_folder_of_oadp_is_the_part_s_own_cluster(parts):
    migration = read(source=oadp("aaaaaaaa"), **parts)
    assert (ids(migration)["source"], told(migration)) == (["a"], [])


def test_the_folder_of_oadp_is_known_by_the_id_that_came_otherwise():
    files = mg.mtc_cluster("clusters/aaaaaaaa", A)
    files = {path: data for path, data in files.items() if "clusterversions" not in path}
    version = mg.obj("config.openshift.io/v1", "ClusterVersion", "version", spec={"clusterID": A})
    archive = mg.archive(mg.outer(files, mg.MTC) | {"version.yaml": mg.text(version)})
    assert told(read(source=archive)) == []


def test_a_folder_of_oadp_of_another_cluster_is_a_problem():
    migration = read(source=oadp("cccccccc"))
    message = "the folder cccccccc of the archive was left out: no cluster ID that was given begins"
    assert told(migration) == [("unknown-cluster", f"{message} with cccccccc", True)]


def test_the_default_image_gathers_its_own_cluster_whatever_the_folder_is_called():
    files = {f"clusters/prod/{path}": data for path, data in mg.image().items()}
    migration = read(source=mg.archive(files), plan=mg.plan())
    assert (ids(migration)["source"], told(migration)) == (["3"], [])


FAILED = {
    "only the client's files": mg.outer({}),
    "an image that wrote nothing": mg.outer({"version": b"openshift/must-gather\n4.18.0\n"}),
}


@pytest.mark.parametrize("files", FAILED.values(), ids=FAILED)
def test_a_failed_must_gather_is_said_to_be_one(files):
    with pytest.raises(BadInput) as refused:
        read(source=mg.archive(files))
    (problem,) = refused.value.problems
    assert (problem.code, problem.part) == ("must-gather-failed", "source")
    assert "oc adm must-gather" in problem.hint


def test_what_the_client_inspects_after_a_failure_is_read_and_named():
    files = {f"{mg.OUTER}/inspect.local.77/{path}": data for path, data in mg.image().items()}
    migration = read(source=mg.archive(mg.outer({}) | files))
    notes = migration.parts[0].notes
    assert ids(migration)["source"] == ["3"]
    (note,) = notes
    assert "inspect.local.77: the gathering failed" in note


def test_an_inspect_by_hand_is_no_failure():
    files = {f"inspect.local.77/{path}": data for path, data in mg.image().items()}
    assert read(source=mg.archive(files)).parts[0].notes == []


def test_what_stopped_the_gathering_is_a_mark_of_a_partial_collection():
    log = b"OUT 2026 [disk usage checker] Disk usage exceeds the volume percentage of 30, exiting\n"
    migration = read(source=mg.archive(mg.outer(mg.image() | {"gather.logs": log})))
    (note,) = migration.parts[0].notes
    assert "gather.logs: Disk usage exceeds the volume percentage" in note


DAMAGED_BESIDE = {
    "a store": f"{mg.IMAGE}/network_logs/ovnk_extras_store.tar.gz",
    "a report of the system": "sosreport-n1.tar.gz",
    "a copy": "copy.tar.gz",
}


@pytest.mark.parametrize("path", DAMAGED_BESIDE.values(), ids=DAMAGED_BESIDE)
def test_a_damaged_archive_beside_a_tree_is_no_problem(path):
    broken = mg.archive({"a": b"x" * 1000})[:30]
    assert told(read(source=mg.archive({path: broken} | mg.outer(mg.image())))) == []


def test_a_damaged_archive_of_mtc_is_one():
    files = mg.mtc_cluster("clusters/host", A, host=True)
    inner = mg.archive({f"must-gather/{path}": data for path, data in files.items()})
    broken = mg.archive(mg.outer({"must-gather.tar.gz": inner[:200]}, mg.MTC))
    with pytest.raises(BadInput) as refused:
        read(destination=broken)
    assert "must-gather.tar.gz" in refused.value.problems[0].member
