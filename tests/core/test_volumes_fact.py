"""The join of plan entries, claims and volumes: what belongs to it, and what is known."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from policies.volumes.actions import VolumeActionSupported
from policies.volumes.bound import VolumesBound
from policies.volumes.valid import VolumesValid
from service.core.engine import judge
from service.core.evidence import NotGathered
from service.core.facts.volumes import Volume, snapshots, volumes
from service.core.migration import Migration
from service.core.outcome import Verdict
from service.core.policy import NotApplicable
from service.intake.parts import read_body
from service.intake.pieces import Piece

WHOLE = ["persistentvolumes", "persistentvolumeclaims"]


def pv(name: str, claim: str, **changes: Any) -> dict[str, Any]:
    namespace, _, claim_name = claim.partition("/")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "csi": {"driver": "ebs.csi.aws.com"},
            "claimRef": {"namespace": namespace, "name": claim_name},
        },
        "status": {"phase": changes.get("phase", "Bound")},
    }


def pvc(claim: str, volume: str) -> dict[str, Any]:
    namespace, _, name = claim.partition("/")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"volumeName": volume},
        "status": {"phase": "Bound" if volume else "Pending"},
    }


def entry(name: str, claim: str, action: str = "copy", method: str = "filesystem") -> Any:
    namespace, _, claim_name = claim.partition("/")
    return {
        "name": name,
        "pvc": {"namespace": namespace, "name": claim_name},
        "selection": {"action": action, "copyMethod": method},
        "supported": {"actions": ["skip", "copy"], "copyMethods": []},
    }


def migration(
    objects: list[Any],
    entries: list[Any] | None = None,
    complete: list[str] = WHOLE,
    namespaces: tuple[str, ...] = ("shop",),
) -> Migration:
    plan: dict[str, Any] = {"namespaces": list(namespaces)}
    if entries is not None:
        plan["persistentVolumes"] = entries
    envelope = {
        "clusters": [{"role": "source", "complete": complete, "objects": objects}],
        "plan": plan,
    }
    body = io.BytesIO(json.dumps(envelope).encode())
    return read_body(Piece("envelope", body), {}).migration


def shape(volume: Volume) -> tuple[str, str, bool, bool, int | None]:
    return (
        volume.name,
        volume.hold,
        volume.claim is not None,
        volume.pv is not None,
        volume.planned.index if volume.planned is not None else None,
    )


def test_claims_of_the_source_half_of_the_plan_and_nothing_else() -> None:
    found = volumes(
        migration(
            [
                pv("pv-1", "shop/a"),
                pv("pv-2", "other/b"),
                pv("pv-3", "target/c"),
                pvc("shop/a", "pv-1"),
                pvc("other/b", "pv-2"),
                pvc("target/c", "pv-3"),
            ],
            namespaces=("shop:target",),
        )
    )
    assert [shape(item) for item in found.items] == [("pv-1", "shop/a", True, True, None)]
    found.require_whole()


def test_a_plan_entry_meets_its_claim_by_name_and_skipped_ones_are_only_counted() -> None:
    found = volumes(
        migration(
            [
                pv("pv-1", "shop/a"),
                pv("pv-2", "shop/b"),
                pvc("shop/a", "pv-1"),
                pvc("shop/b", "pv-2"),
            ],
            [entry("pv-2", "shop/b:b-new"), entry("pv-1", "shop/a", action="skip")],
        )
    )
    assert [shape(item) for item in found.items] == [("pv-2", "shop/b", True, True, 0)]
    assert found.skipped == 1


def test_a_recreated_claim_keeps_its_plan_entry_under_the_new_volume() -> None:
    found = volumes(
        migration([pv("pv-2", "shop/a"), pvc("shop/a", "pv-2")], [entry("pv-1", "shop/a")])
    )
    assert [shape(item) for item in found.items] == [("pv-2", "shop/a", True, True, 0)]


def test_what_only_the_plan_or_only_a_volume_tells_is_part_of_it() -> None:
    found = volumes(
        migration(
            [pv("pv-1", "shop/a"), pv("pv-old", "shop/a", phase="Released")],
            [entry("pv-9", "shop/z")],
            complete=["persistentvolumes"],
        )
    )
    assert [shape(item) for item in found.items] == [
        ("pv-9", "shop/z", False, False, 0),
        ("pv-1", "shop/a", False, True, None),
    ]
    assert found.absent == {"pv-9"}
    with pytest.raises(NotGathered) as missing:
        found.require_whole()
    assert [item.command for item in missing.value.missing] == [
        "oc get persistentvolumeclaims -n shop -o json"
        " && echo '--- {complete: [persistentvolumeclaims/shop]}'"
    ]


def test_without_a_whole_list_a_volume_that_is_not_there_is_not_absent() -> None:
    found = volumes(migration([pvc("shop/a", "pv-1")], complete=["persistentvolumeclaims"]))
    assert found.absent == frozenset()
    with pytest.raises(NotGathered) as missing:
        found.require_whole()
    assert [item.command for item in missing.value.missing] == [
        "oc get persistentvolumes -o json && echo '--- {complete: [persistentvolumes]}'"
    ]


def test_a_malformed_volume_is_not_absent() -> None:
    broken = pv("pv-1", "shop/a")
    broken["spec"]["claimRef"] = "shop/a"
    found = volumes(migration([broken, pvc("shop/a", "pv-1")]))
    assert found.absent == frozenset()
    with pytest.raises(NotGathered):
        found.require_whole()


def test_the_join_is_made_once_and_anew_for_a_changed_migration() -> None:
    first = migration([pv("pv-1", "shop/a"), pvc("shop/a", "pv-1")])
    assert volumes(first) is volumes(first)
    plan = replace(first.plan, namespaces=())
    assert volumes(replace(first, given_plan=plan)).items == ()


def test_no_claim_at_all_is_not_applicable_only_where_the_list_is_whole() -> None:
    nothing = migration([])
    with pytest.raises(NotApplicable):
        volumes(nothing).require_any(nothing)
    unknown = migration([], complete=["persistentvolumes"])
    volumes(unknown).require_any(unknown)


def test_snapshots_are_only_what_is_copied_by_snapshot() -> None:
    objects = [pvc("shop/a", "pv-1"), pvc("shop/b", "pv-2")]
    listed = [entry("pv-1", "shop/a"), entry("pv-2", "shop/b", method="snapshot")]
    assert [item.name for item in snapshots(migration(objects, listed))] == ["pv-2"]
    for entries in (None, [], [entry("pv-1", "shop/a", "skip", "snapshot")]):
        with pytest.raises(NotApplicable):
            snapshots(migration(objects, entries))


def test_ten_thousand_volumes() -> None:
    count = 10_000
    objects = [pv(f"pv-{n}", f"shop/c{n}") for n in range(count)]
    objects += [pvc(f"shop/c{n}", f"pv-{n}") for n in range(count)]
    given = migration(objects, [entry(f"pv-{n}", f"shop/c{n}") for n in range(count)])
    volumes(given)
    for policy in (VolumesValid(), VolumesBound(), VolumeActionSupported()):
        assert [finding.verdict for finding in judge(given, policy)] == [Verdict.PASS]
