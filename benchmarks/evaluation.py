"""What an evaluation costs, as ratios within one run.

    python benchmarks/evaluation.py [--must-gather ARCHIVE]

Prints, for a `List` of persistent volumes, claims and pods that it generates:

- the whole evaluation against orjson.loads of the same bytes with the collector paused, where
  the plan names every namespace of the list, and where it names a tenth: as old `oc` prints the
  list (with managedFields), as `oc` prints it today, and as the API server sends it,
- the policies' share of the total,
- ten times the objects against the time of one,
- and for a must-gather archive the evaluation against decompressing it, with peak memory.

CPU time of the process is measured, the best of several runs: machines are noisy.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import lzma
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from policies import catalogue
from service.core.engine import evaluate
from service.core.report import Report
from service.intake.intake import Intake
from service.intake.parts import read_pieces
from service.intake.pieces import Piece
from service.intake.texts.loaded import gc_paused

POLICIES = catalogue()
READS = [read for policy in POLICIES for read in policy.reads]
ROUNDS = 5
NAMESPACES = 10


def metadata(name: str, namespace: str, managers: int, **more: Any) -> dict[str, Any]:
    """The metadata of an object as `oc get -o json` prints it."""
    fields = {
        "f:metadata": {"f:annotations": {".": {}, "f:a": {}}, "f:labels": {".": {}, "f:app": {}}},
        "f:spec": {"f:accessModes": {}, "f:resources": {"f:requests": {".": {}, "f:storage": {}}}},
        "f:status": {"f:phase": {}},
    }
    managed = {
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "manager": "kube-controller-manager",
        "operation": "Update",
        "time": "2026-01-01T00:00:00Z",
    }
    scope = {"namespace": namespace} if namespace else {}
    return {
        "annotations": {"pv.kubernetes.io/bound-by-controller": "yes"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": ["kubernetes.io/pv-protection"],
        "managedFields": [managed] * managers,
        "name": name,
        **scope,
        "resourceVersion": "123456",
        "uid": f"{abs(hash(name)):032x}",
        **more,
    }


def volume(index: int, namespaces: int) -> list[dict[str, Any]]:
    """A volume, its claim and the pod that uses it, as large as they are in clusters.

    In the list that `oc` prints, about 3 kB, 3 kB and 10 kB.
    """
    namespace, name = f"shop-{index % namespaces}", f"data-{index}"
    zones = {
        "topology.kubernetes.io/region": "us-east-1",
        "topology.kubernetes.io/zone": "us-east-1a",
    }
    pv = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": metadata(f"pvc-{index:08x}", "", 1, labels=zones),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "10Gi"},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": name},
            "csi": {
                "driver": "ebs.csi.aws.com",
                "fsType": "ext4",
                "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": "1-8081-ebs"},
                "volumeHandle": f"vol-{index:017x}",
            },
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "gp3-csi",
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound"},
    }
    pvc = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(name, namespace, 1),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
            "storageClassName": "gp3-csi",
            "volumeMode": "Filesystem",
            "volumeName": f"pvc-{index:08x}",
        },
        "status": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "10Gi"},
            "phase": "Bound",
        },
    }
    return [pv, pvc, pod(index, namespace, name)]


def pod(index: int, namespace: str, claim: str) -> dict[str, Any]:
    """A pod of one container with a claim, a token and probes."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10}
    container = {
        "env": [{"name": f"SETTING_{n}", "value": "some value"} for n in range(6)],
        "image": "registry.example.com/shop/web:1.0",
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": probe,
        "name": "web",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "readinessProbe": probe,
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True},
        "volumeMounts": [{"mountPath": "/data", "name": "data"}],
    }
    token = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    ca = {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}
    times = {"lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(f"web-{index}", namespace, 3, labels={"app": "web"}),
        "spec": {
            "containers": [container],
            "nodeName": "worker-1.example.com",
            "schedulerName": "default-scheduler",
            "serviceAccountName": "default",
            "tolerations": [
                {"effect": "NoExecute", "key": f"node.kubernetes.io/{key}", "operator": "Exists"}
                for key in ("not-ready", "unreachable", "memory-pressure")
            ],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": claim}},
                {"name": "kube-api-access", "projected": {"sources": [token, {"configMap": ca}]}},
            ],
        },
        "status": {
            "conditions": [
                {**times, "status": "True", "type": kind}
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [
                {
                    "image": "registry.example.com/shop/web:1.0",
                    "imageID": f"registry.example.com/shop/web@sha256:{index:064x}",
                    "name": "web",
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                }
            ],
            "phase": "Running",
            "podIPs": [{"ip": "10.128.0.1"}],
        },
    }


def listed(volumes: int) -> dict[str, Any]:
    """A list of that many volumes with their claims and pods."""
    items = [item for index in range(volumes) for item in volume(index, NAMESPACES)]
    return {"apiVersion": "v1", "kind": "List", "items": items, "metadata": {}}


def dump(volumes: int) -> bytes:
    """What `oc get pv,pvc,pods -A -o json` of OpenShift 3 and 4.7 prints."""
    return json.dumps(listed(volumes), indent=4).encode()


def forms(volumes: int) -> dict[str, bytes]:
    """A list of that many volumes in each form that clusters give it."""
    value = listed(volumes)
    today = json.loads(json.dumps(value))
    for item in today["items"]:
        del item["metadata"]["managedFields"]
    return {
        "with managedFields": json.dumps(value, indent=4).encode(),
        "as oc prints it today": json.dumps(today, indent=4).encode(),
        "as the API server sends it": json.dumps(today, separators=(",", ":")).encode(),
    }


def plan(namespaces: int) -> bytes:
    """A plan that migrates so many of the namespaces of the dump."""
    return json.dumps({"namespaces": [f"shop-{index}" for index in range(namespaces)]}).encode()


EVERY = plan(NAMESPACES)


def read(data: bytes, planned: bytes = EVERY) -> Intake:
    """The service's way from bytes to the model."""
    pieces = [Piece("source", io.BytesIO(data)), Piece("plan", io.BytesIO(planned))]
    return read_pieces(pieces, {}, reads=READS)


def read_typed(data: bytes) -> None:
    """As :func:`read`, and every object of a kind that policies read into its model.

    Within an evaluation that happens when the first policy asks for the kind.
    """
    bundle = read(data)
    for cluster in bundle.migration.clusters:
        for shelf in cluster.inventory.shelves():
            cluster.known(shelf.resource)
    bundle.release()


def whole(data: bytes, planned: bytes = EVERY) -> None:
    """The service's way from bytes to the report.

    As in the service, the evidence is let go before the collector is on again, which would
    otherwise walk all of it once.
    """
    with gc_paused():
        report(read(data, planned))


def report(bundle: Intake) -> Report:
    """What the evidence amounts to."""
    made = bundle.sources.add_lines(evaluate(bundle.migration, POLICIES))
    bundle.release()
    return made


def best(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Seconds of CPU time of the quickest of several runs of each.

    They take turns, so that whatever else the machine does slows all of them alike.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            gc.collect()
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
    return [min(taken) for taken in times]


def paused(work: Callable[[], object]) -> Callable[[], object]:
    """The same work with the cyclic collector off."""

    def run() -> None:
        gc.disable()
        try:
            work()
        finally:
            gc.enable()

    return run


def json_ratios() -> None:
    """A 20 MB list, and ten times a small one."""
    for title, data in forms(1250).items():
        objects = read(data).objects
        base, total, part, typed = best(
            paused(lambda data=data: orjson.loads(data)),
            lambda data=data: whole(data),
            lambda data=data: whole(data, plan(1)),
            paused(lambda data=data: read_typed(data)),
        )
        print(f"a List of {len(data) / 1e6:.1f} MB, {objects} objects, {title}")
        print(f"  evaluation / orjson.loads:       {total / base:5.2f}   (at most 2)")
        print(f"  where the plan names a tenth:    {part / base:5.2f}   (at most 1.2)")
        print(f"  policies and lines / evaluation: {(total - typed) / total:5.2f}   (at most 0.25)")
    small, large = dump(150), dump(1500)
    one, ten = best(lambda: whole(small), lambda: whole(large))
    print(f"  ten times the objects:           {ten / one:5.2f} times the time (at most 11)")


def decompress(archive: Path) -> None:
    """Decompress and throw away."""
    if archive.suffix == ".xz":
        with lzma.open(archive) as stream:
            while stream.read(1 << 20):
                pass
        return
    inflate = zlib.decompressobj(31)
    with archive.open("rb") as raw:
        while chunk := raw.read(1 << 20):
            inflate.decompress(chunk)


def evaluate_archive(archive: Path) -> None:
    """The service's way for an archive."""
    with archive.open("rb") as stream, gc_paused():
        report(read_pieces([Piece("source", stream)], {}, reads=READS))


def archive_ratios(archive: Path) -> None:
    """A must-gather against decompressing it; memory in a process of its own."""
    base, total = best(lambda: decompress(archive), lambda: evaluate_archive(archive))
    print(f"{archive.name}")
    print(f"  evaluation / decompression:      {total / base:5.2f}   (at most 1.5)")
    code = subprocess.run(
        [sys.executable, __file__, "--memory", str(archive)], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    print(f"  peak memory above idle:          {code.stdout.strip()} MiB (at most 200)")


def memory(archive: Path) -> None:
    """Print how far one evaluation raises the peak of this process."""
    before = peak()
    evaluate_archive(archive)
    print((peak() - before) // 1024)


def peak() -> int:
    """The peak of resident memory in KiB; getrusage would count the parent's too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--must-gather", type=Path)
    arguments.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.memory:
        memory(options.memory)
        return
    json_ratios()
    if options.must_gather:
        archive_ratios(options.must_gather)


if __name__ == "__main__":
    main()
