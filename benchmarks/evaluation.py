"""What an evaluation costs, as ratios within one run.

    python benchmarks/evaluation.py [--must-gather ARCHIVE]

Prints, for a `List` of persistent volumes, claims and pods that it generates:

- the whole evaluation against orjson.loads of the same bytes with the collector paused
  (against the bare JSON parser of the service where orjson is not installed),
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

from policies import catalogue
from service.core.engine import evaluate
from service.ingest.bundle import Bundle, read_pieces
from service.ingest.pieces import Piece

POLICIES = catalogue()
READS = [read for policy in POLICIES for read in policy.reads]
ROUNDS = 5


def volume(index: int, namespaces: int) -> list[dict[str, Any]]:
    """A volume, its claim and the pod that uses it, with the metadata that clusters add."""
    namespace, name = f"shop-{index % namespaces}", f"data-{index}"
    managed = [
        {
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, "f:a": {}}}, "f:spec": {}},
            "manager": "kube-controller-manager",
            "operation": "Update",
            "time": "2026-01-01T00:00:00Z",
        }
    ]
    common = {"creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": str(index)}
    pv = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            **common,
            "name": f"pvc-{index:08x}",
            "labels": {
                "topology.kubernetes.io/region": "us-east-1",
                "topology.kubernetes.io/zone": "us-east-1a",
            },
            "managedFields": managed,
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "10Gi"},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": name},
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{index:017x}"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "gp3-csi",
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound"},
    }
    pvc = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            **common,
            "name": name,
            "namespace": namespace,
            "managedFields": managed,
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
            "storageClassName": "gp3-csi",
            "volumeMode": "Filesystem",
            "volumeName": f"pvc-{index:08x}",
        },
        "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **common,
            "name": f"web-{index}",
            "namespace": namespace,
            "labels": {"app": "web"},
            "managedFields": managed * 2,
        },
        "spec": {
            "containers": [
                {
                    "name": "web",
                    "image": "registry.example.com/shop/web:1.0",
                    "env": [{"name": f"V{n}", "value": "x" * 40} for n in range(8)],
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                }
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": "web", "ready": True, "restartCount": 0, "state": {"running": {}}}
            ],
        },
    }
    return [pv, pvc, pod]


def dump(volumes: int, namespaces: int = 8) -> bytes:
    """What `oc get pv,pvc,pods -A -o json` prints of that many volumes."""
    items = [item for index in range(volumes) for item in volume(index, namespaces)]
    listed = {"apiVersion": "v1", "kind": "List", "items": items, "metadata": {}}
    return json.dumps(listed, indent=4).encode()


def plan(namespaces: int = 8) -> bytes:
    """A plan that migrates every namespace of the dump."""
    return json.dumps({"namespaces": [f"shop-{index}" for index in range(namespaces)]}).encode()


def read(data: bytes) -> Bundle:
    """The service's way from bytes to the model."""
    pieces = [Piece("source", io.BytesIO(data)), Piece("plan", io.BytesIO(plan()))]
    return read_pieces(pieces, {}, reads=READS)


def whole(data: bytes) -> None:
    """The service's way from bytes to the report."""
    bundle = read(data)
    bundle.sources.add_lines(evaluate(bundle.migration, POLICIES))


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of CPU time of the quickest of several runs."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def paused(work: Callable[[], object]) -> Callable[[], object]:
    """The same work with the cyclic collector off."""

    def run() -> None:
        gc.disable()
        try:
            work()
        finally:
            gc.enable()

    return run


def parser() -> tuple[str, Callable[[bytes], object]]:
    """What the evaluation is measured against."""
    try:
        import orjson
    except ImportError:
        import jiter

        return "jiter.from_json", lambda data: jiter.from_json(data, cache_mode="keys")
    return "orjson.loads", orjson.loads


def json_ratios() -> None:
    """A 20 MB list, and ten times a small one."""
    name, loads = parser()
    data = dump(4800)
    base = best(paused(lambda: loads(data)))
    total = best(lambda: whole(data))
    bundle = read(data)
    bare = best(lambda: read(data))
    print(f"a List of {len(data) / 1e6:.1f} MB, {bundle.objects} objects")
    print(f"  evaluation / {name}:            {total / base:5.2f}   (at most 2)")
    print(f"  policies and lines / evaluation: {(total - bare) / total:5.2f}   (at most 0.25)")
    small, large = dump(600), dump(6000)
    growth = best(lambda: whole(large)) / best(lambda: whole(small))
    print(f"  ten times the objects:           {growth:5.2f} times the time (at most 11)")


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
    with archive.open("rb") as stream:
        bundle = read_pieces([Piece("source", stream)], {}, reads=READS)
    bundle.sources.add_lines(evaluate(bundle.migration, POLICIES))


def archive_ratios(archive: Path) -> None:
    """A must-gather against decompressing it; memory in a process of its own."""
    base = best(lambda: decompress(archive))
    total = best(lambda: evaluate_archive(archive))
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
