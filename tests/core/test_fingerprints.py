"""Fingerprints over whole evaluations: they name the matter, not how the evidence came."""

from __future__ import annotations

import copy
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_cases import envelopes_of

from policies import catalogue
from service.core.engine import evaluate, judge
from service.core.policy import CrossCheck, Policy
from service.core.report import Finding, Report
from service.intake.parts import read_pieces
from service.intake.pieces import Piece

NAMES = st.sampled_from(["a", "b", "ab", "a-b", "shop", "shop-eu", "data", "data-0"])
PHASES = st.sampled_from(["Bound", "Failed", "Released", "Available", ""])


def volume(name: str, phase: str, namespace: str, claim: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "nfs": {"server": "10.0.0.1", "path": f"/{name}"},
            "claimRef": {"namespace": namespace, "name": claim},
        },
        "status": {"phase": phase} if phase else {},
    }


def claim(namespace: str, name: str, volume_name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"volumeName": volume_name, "accessModes": ["ReadWriteOnce"]},
        "status": {"phase": "Bound"},
    }


@st.composite
def bundles(draw) -> dict[str, Any]:
    """A plan, and volumes and claims that it moves, some of them wrong."""
    volumes = draw(st.lists(st.tuples(NAMES, PHASES, NAMES), unique_by=lambda row: row[0]))
    objects = [volume(f"pv-{name}", phase, space, name) for name, phase, space in volumes]
    objects += [
        claim(space, name, f"pv-{name}") for name, _, space in volumes if draw(st.booleans())
    ]
    plan = {
        "namespaces": sorted({space for _, _, space in volumes}) or ["shop"],
        "persistentVolumes": [
            {
                "name": f"pv-{name}",
                "pvc": {"namespace": space, "name": name},
                "selection": {"action": draw(st.sampled_from(["copy", "move"]))},
            }
            for name, _, space in volumes
        ],
    }
    facts = {"openshiftVersion": draw(st.sampled_from(["3.11.374", "4.14.9"]))}
    return {"objects": objects, "plan": plan, "facts": facts}


def judged(pieces: list[Piece], as_of: str = "2026-03-01T00:00:00Z") -> Report:
    return evaluate(read_pieces(pieces, {"as_of": as_of}).migration, catalogue())


def piece(name: str, value: Any, filename: str = "") -> Piece:
    return Piece(name, io.BytesIO(json.dumps(value).encode()), filename)


def whole(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    items = [item for item in objects if item["kind"] == kind]
    return {"apiVersion": "v1", "kind": "List", "items": items}


KINDS = ("PersistentVolume", "PersistentVolumeClaim")


def as_files(bundle: dict[str, Any], prefix: str = "") -> list[Piece]:
    """A file per kind, and a descriptor."""
    files = [
        piece("source", whole(bundle["objects"], kind), f"{prefix}{kind}.json") for kind in KINDS
    ]
    return [
        *files,
        piece("source", {"facts": bundle["facts"]}, f"{prefix}facts.json"),
        piece("plan", bundle["plan"], f"{prefix}plan.json"),
    ]


def as_archive(bundle: dict[str, Any], folder: str, moment: int) -> list[Piece]:
    """The same in an archive with other names and times."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for kind in KINDS:
            data = json.dumps(whole(bundle["objects"], kind)).encode()
            info = tarfile.TarInfo(f"{folder}/{kind.lower()}s.yaml")
            info.size, info.mtime = len(data), moment
            archive.addfile(info, io.BytesIO(data))
    stream.seek(0)
    return [
        Piece("source", stream, f"{folder}.tar.gz"),
        piece("source", {"facts": bundle["facts"]}),
        piece("plan", bundle["plan"]),
    ]


def marks(report: Report) -> dict[str, tuple[str, str]]:
    return {item.fingerprint: (item.policy, item.verdict.value) for item in report.findings}


few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(bundles())
def test_no_two_findings_share_a_fingerprint(bundle):
    report = judged(as_files(bundle))
    counted = Counter(item.fingerprint for item in report.findings)
    assert [mark for mark, count in counted.items() if count > 1] == []


@few
@given(bundles(), st.randoms())
def test_the_order_of_objects_changes_nothing(bundle, random):
    shuffled = {**bundle, "objects": list(bundle["objects"])}
    random.shuffle(shuffled["objects"])
    assert marks(judged(as_files(bundle))) == marks(judged(as_files(shuffled)))


@few
@given(bundles(), st.sampled_from(["must-gather.local.1", "x"]), st.integers(0, 2**31))
def test_archive_and_file_names_and_times_change_nothing(bundle, folder, moment):
    files = marks(judged(as_files(bundle, prefix="other-")))
    assert files == marks(judged(as_files(bundle)))
    again = marks(judged(as_archive(bundle, f"{folder}-2", moment + 1)))
    assert marks(judged(as_archive(bundle, folder, moment))) == again


@few
@given(bundles())
def test_the_date_of_the_evaluation_changes_no_fingerprint(bundle):
    early, late = (judged(as_files(bundle), f"{year}-03-01") for year in (2026, 2027))
    assert {item.fingerprint for item in early.findings} == {
        item.fingerprint for item in late.findings
    }


def test_wording_changes_nothing(monkeypatch):
    bundle = {
        "objects": [volume("pv-a", "Failed", "shop", "a"), claim("shop", "a", "pv-a")],
        "plan": {
            "namespaces": ["shop"],
            "persistentVolumes": [
                {
                    "name": "pv-a",
                    "pvc": {"namespace": "shop", "name": "a"},
                    "selection": {"action": "copy"},
                }
            ],
        },
        "facts": {"openshiftVersion": "4.14.9"},
    }
    before = marks(judged(as_files(bundle)))
    assert ("MTC601", "fail") in before.values()
    for policy in catalogue():
        for name in ("title", "why", "remedy", "name"):
            monkeypatch.setattr(type(policy), name, "said differently")
    assert marks(judged(as_files(bundle))) == before


JUDGING = [policy for policy in catalogue() if not isinstance(policy, CrossCheck)]


def findings(envelope: dict[str, Any], policy: Policy[Any]) -> list[Finding]:
    migration = read_pieces([piece("envelope", envelope)], {"as_of": "2026-03-01"}).migration
    return list(judge(migration, policy))


def told(found: list[Finding]) -> set[tuple[str, str, str]]:
    """What the comparison with a baseline looks at."""
    return {(item.fingerprint, item.verdict.value, item.found) for item in found}


def other_orders(envelope: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same evidence with clusters and objects the other way round, and shuffled."""
    random = Random(1)
    for turn in (lambda items: items.reverse(), random.shuffle):
        other = copy.deepcopy(envelope)
        for cluster in other["clusters"]:
            turn(cluster.get("objects", []))
        turn(other["clusters"])
        yield other


@pytest.mark.parametrize("policy", JUDGING, ids=lambda policy: policy.id)
def test_a_policy_says_the_same_in_whatever_order_the_evidence_comes(policy: Policy[Any]) -> None:
    for envelope in envelopes_of(policy.id):
        said = told(findings(envelope, policy))
        assert [told(findings(other, policy)) for other in other_orders(envelope)] == [said, said]


@pytest.mark.parametrize("policy", JUDGING, ids=lambda policy: policy.id)
def test_no_two_findings_of_a_case_share_a_fingerprint(policy: Policy[Any]) -> None:
    for envelope in envelopes_of(policy.id):
        counted = Counter(item.fingerprint for item in findings(envelope, policy))
        assert [mark for mark, count in counted.items() if count > 1] == []
