"""How fast the loaders are, against well-known ones, on generated cluster dumps.

    python benchmarks/loaders.py [megabytes]

Every figure is the best of several rounds; the contenders take turns, so that a busy machine
slows all of them alike. The garbage collector is paused, as the service pauses it; for
CSafeLoader there is a second figure with the collector on, which is how it is usually called.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import jiter
import yaml

from service.intake.texts.json import load_json
from service.intake.texts.loaded import gc_paused
from service.intake.texts.locate import Locator
from service.intake.texts.yaml.loader import load_yaml

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

ROUNDS = 5
SEED = 20240229


class LiteralDumper(yaml.CSafeDumper):
    """Writes as ``oc get -o yaml`` does: ``|`` blocks, no folding, lists at their key's column."""


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


LiteralDumper.add_representer(str, _text)
LiteralDumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign,assignment]


def _hex(rng: random.Random, digits: int) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def _uid(rng: random.Random) -> str:
    return "-".join(_hex(rng, digits) for digits in (8, 4, 4, 4, 12))


def _metadata(rng: random.Random, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "annotations": {
            "openshift.io/scc": "restricted",
            "example.com/checksum": _hex(rng, 40),
            "example.com/since": "2022-11-03",
        },
        "creationTimestamp": "2022-11-03T10:00:00Z",
        "labels": {"app": name, "release": "v1.2.3", "enabled": "true"},
        "managedFields": [
            {
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:metadata": {
                        "f:annotations": {".": {}, "f:openshift.io/scc": {}},
                        "f:ownerReferences": {".": {}, f'k:{{"uid":"{_uid(rng)}"}}': {}},
                    },
                    **fields,
                },
                "manager": "kube-controller-manager",
                "operation": "Update",
                "time": "2022-11-03T10:00:00Z",
            }
        ],
        "name": name,
        "namespace": f"project-{rng.randrange(50)}",
        "resourceVersion": str(rng.randrange(10**8)),
        "uid": _uid(rng),
    }


def pod(rng: random.Random) -> dict[str, Any]:
    name = f"web-{_hex(rng, 9)}-{_hex(rng, 5)}"
    ports = {'k:{"containerPort":8080,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}
    container = {".": {}, "f:image": {}, "f:ports": {".": {}, **ports}, "f:resources": {}}
    fields = {"f:spec": {"f:containers": {'k:{"name":"web"}': container}, "f:dnsPolicy": {}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(rng, name, fields),
        "spec": {
            "containers": [
                {
                    "args": ["--v=2", f"--config=/etc/{name}.yaml"],
                    "command": ["/bin/sh", "-c", "set -e\nexec web --listen :8080\n"],
                    "env": [{"name": "NODE", "value": "10.0.0.1"}, {"name": "ON", "value": "on"}],
                    "image": f"quay.io/org/web@sha256:{_hex(rng, 64)}",
                    "imagePullPolicy": "IfNotPresent",
                    "name": "web",
                    "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
                    "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}},
                    "securityContext": {"runAsUser": 1000620000, "privileged": False},
                    "volumeMounts": [{"mountPath": "/data", "name": "data", "readOnly": True}],
                }
            ],
            "nodeName": f"ip-10-0-{rng.randrange(255)}-7.ec2.internal",
            "volumes": [{"emptyDir": {}, "name": "data"}],
        },
        "status": {
            "conditions": [
                {"lastProbeTime": None, "status": "True", "type": kind}
                for kind in ("Initialized", "Ready", "PodScheduled")
            ],
            "hostIP": f"10.0.0.{rng.randrange(255)}",
            "phase": "Running",
        },
    }


def volume(rng: random.Random) -> dict[str, Any]:
    name = f"pvc-{_uid(rng)}"
    fields = {"f:spec": {"f:accessModes": {}, "f:capacity": {".": {}, "f:storage": {}}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": _metadata(rng, name, fields),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "awsElasticBlockStore": {
                "fsType": "ext4",
                "volumeID": f"aws://us-east-1a/vol-{_hex(rng, 17)}",
            },
            "capacity": {"storage": f"{rng.randrange(1, 100)}Gi"},
            "claimRef": {"kind": "PersistentVolumeClaim", "name": "data", "uid": _uid(rng)},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "gp2",
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound"},
    }


WORDS = [
    "the", "a", "volume", "claim", "reference:x", "name", "is", "of", "not", "'quoted'",
    "(optional)", "when", "set,", "must", "be",
]  # fmt: skip


def definition(rng: random.Random) -> dict[str, Any]:
    def schema(depth: int) -> dict[str, Any]:
        text = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(10, 60)))
        node: dict[str, Any] = {"description": text.strip(": ") + ".", "type": "object"}
        if depth:
            names = (f"field{_hex(rng, 2)}" for _ in range(4))
            node["properties"] = {name: schema(depth - 1) for name in names}
        else:
            node |= {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "minLength": 1}
        return node

    name = f"things{_hex(rng, 4)}.example.com"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": _metadata(rng, name, {"f:spec": {"f:group": {}}}),
        "spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema(4)}}]},
    }


def config_map(rng: random.Random) -> dict[str, Any]:
    script = "#!/bin/bash\nset -euo pipefail\n\n" + "".join(
        f'if [ "$A{i}" = "on" ]; then\n  echo "{_hex(rng, 30)}: *ok* & done" # {i}\nfi\n'
        for i in range(60)
    )
    return {
        "apiVersion": "v1",
        "data": {"run.sh": script, "settings.json": json.dumps({"a": [1, 2]}, indent=2)},
        "kind": "ConfigMap",
        "metadata": _metadata(rng, f"scripts-{_hex(rng, 6)}", {"f:data": {}}),
    }


SHAPES: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "pods": pod,
    "persistent volumes": volume,
    "CRDs, long texts": definition,
    "config maps, scripts": config_map,
}


def generate(shape: str, size: int) -> Any:
    rng = random.Random(SEED)
    items: list[Any] = []
    written = 0
    while written < size:
        item = SHAPES[shape](rng)
        items.append(item)
        written += len(json.dumps(item))
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"selfLink": ""}}


def best(contenders: list[Callable[[], object]]) -> list[float]:
    times = [float("inf")] * len(contenders)
    with gc_paused():
        for _ in range(ROUNDS):
            for number, contender in enumerate(contenders):
                start = time.perf_counter()
                contender()
                times[number] = min(times[number], time.perf_counter() - start)
    return times


def collected(contender: Callable[[], object]) -> float:
    """The best time with the collector on, unburdened by the objects that are there already."""
    gc.collect()
    gc.freeze()
    fastest = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        contender()
        fastest = min(fastest, time.perf_counter() - start)
    gc.unfreeze()
    return fastest


def report(title: str, size: int, other: str, ours: float, theirs: float, more: str = "") -> None:
    rates = f"{size / ours / 1e6:7.1f} MB/s   {other} {size / theirs / 1e6:6.1f} MB/s"
    print(f"{title:32} {size / 1e6:5.1f} MB {rates}   ratio {theirs / ours:5.2f}{more}", flush=True)


def bench_yaml(shape: str, value: Any) -> None:
    text = yaml.dump(value, Dumper=LiteralDumper, width=1 << 30).encode()
    (loaded,) = load_yaml(text)
    if loaded.value != value:
        sys.exit(f"{shape}: the YAML loader reads something else")

    def usual() -> object:
        return yaml.load(text, Loader=yaml.CSafeLoader)

    ours, theirs = best([lambda: list(load_yaml(text)), usual])
    ratio = collected(usual) / ours
    report(f"YAML {shape}", len(text), "CSafeLoader", ours, theirs, f", with gc {ratio:5.2f}")


def bench_json(shape: str, value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    if load_json(text) != value:
        sys.exit(f"{shape}: the JSON loader reads something else")
    other = "bare jiter" if orjson is None else "orjson"
    parse: Callable[[bytes], object] = jiter.from_json if orjson is None else orjson.loads
    ours, theirs = best([lambda: load_json(text), lambda: parse(text)])
    kind = "compact" if indent is None else "printed"
    report(f"JSON {shape}, {kind}", len(text), other, ours, theirs)


def bench_locate(value: Any) -> None:
    text = json.dumps(value, indent=4).encode()
    pointers = [f"/items/{index}/kind" for index in range(0, len(value["items"]), 5)]
    locator = Locator(text, "json")
    start = time.perf_counter()
    locator.line_of(0, pointers[-1])
    first = time.perf_counter() - start
    start = time.perf_counter()
    for pointer in pointers:
        locator.line_of(0, pointer)
    rest = (time.perf_counter() - start) / len(pointers)
    print(
        f"{'line of a pointer, JSON':32} {len(text) / 1e6:6.1f} MB "
        f"first {first * 1e3:.1f} ms, then {rest * 1e6:.0f} µs each"
    )


def main() -> None:
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 4) * 1e6)
    for shape in SHAPES:
        bench_yaml(shape, generate(shape, size))
    for shape in ("pods", "CRDs, long texts"):
        for indent in (None, 4):
            bench_json(shape, generate(shape, size), indent)
    bench_locate(generate("pods", 4 * size))


if __name__ == "__main__":
    main()
