"""A small corpus for fuzz/loaders.py, made of the policies' own cases, and a dictionary for it.

    python fuzz/corpus.py FOLDER

Inputs in every form: envelopes as JSON and YAML, single objects, NDJSON, pasted text, archives in
every compression and layout, forms, proxies, patches, partitions, waivers, baselines, stored
reports and admission reviews. The first byte names the reader. The dictionary goes beside the
folder, as FOLDER.dict.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import readers
import yaml

from service.core.decision.waiver_form import KEYS, SELECTOR
from service.core.facts.declared import DECLARABLE
from service.core.settings.table import SETTINGS
from service.intake.pieces import PART_NAMES
from service.kinds.registry import RESOURCES as KINDS

TESTS = Path(__file__).parents[1] / "tests"
CASES = TESTS / "cases"
sys.path.insert(0, str(TESTS / "intake"))
must_gather: Any = import_module("must_gather")
CHOOSER = {reader.__name__: bytes([place]) for place, reader in enumerate(readers.READERS)}
RESOURCES = {resource.kind: resource for resource in KINDS}
URLS = (
    "http://proxy.example.com:3128",
    "http://mover:s%23cret@proxy.example.com:3128",
    "https://proxy.example.com:3128/path?q#f",
    "socks5://10.0.0.1:1080",
    "http://mover:pa ss@[fd00::1]:3128",
    "proxy.example.com:3128, http://other.example.com:3128",
    'http://mover:a\\u0040"b@proxy.example.com:3128',
    "http://mover:{{ secret }}@proxy.example.com:3128\n",
)
WANTED: tuple[dict[str, Any], ...] = (
    {"stunnel_tcp_proxy": {"host": "h", "port": 3128, "username": "u", "password": "p w"}},
    {"stunnelTcpProxy": URLS[1], "mig_pv_limit": 200, "rsync_transfer_image": "quay.example.com/r"},
    {"stunnel_tcp_proxy": None, "excluded_resources": ["a"], "daemonset_node_selector": {"a": "b"}},
)
SPEC = {
    "cluster_name": "host", "migration_velero": True, "migration_controller": True,
    "migration_ui": True, "stunnel_tcp_proxy": URLS[1], "migPvLimit": 100, "version": "1.8.8",
}  # fmt: skip
CONTROLLER = {
    "apiVersion": "migration.openshift.io/v1alpha1",
    "kind": "MigrationController",
    "metadata": {
        "name": "migration-controller", "namespace": "openshift-migration", "uid": "1",
        "resourceVersion": "7", "managedFields": [{}],
    },
    "spec": SPEC,
    "status": {"phase": "Reconciled"},
}  # fmt: skip
WAIVER = {
    "policy": "MTC402", "subject": {"cluster": "*"}, "reason": "known", "owner": "team",
    "expires": "2099-12-31", "atMost": 3, "unknown": True, "ticket": "OPS-1", "found": "x",
}  # fmt: skip
PROXY = """apiVersion: config.openshift.io/v1
kind: Proxy
metadata:
  name: cluster
spec:
  httpProxy: http://proxy.example.com:3128
"""
PASTED = (
    f"$ oc get proxy cluster -o yaml\n{PROXY}[root@bastion ~]# ",
    "".join(f"> {line}\n" for line in PROXY.splitlines()),
    "".join(f"+{line}\n" for line in PROXY.splitlines()),
    "".join(f"{number} {line}\n" for number, line in enumerate(PROXY.splitlines(), 1)),
    f"Here it is:\n```yaml\n{PROXY}```\n",
    PROXY.replace("name: cluster", "name: cluster\n  ...").replace("  http", "\thttp"),
    PROXY.replace(": Proxy", ":\u00a0Proxy").replace("\n", "\r\n"),
    f"{PROXY}...\n{PROXY}---\nError from server (NotFound): proxies not found\n",
    f'{{"apiVersion": "v1", "kind": "List", "items": []}}\n{PROXY}',
    "Name:         shop\nLabels:       a=b\nAnnotations:  <none>\nStatus:       Active\n",
    "NAME      STATUS   AGE\ndefault   Active   3d\n",
    "cat <<EOF | oc apply -f -\n" + PROXY + "EOF\n",
    "<<<<<<< HEAD\n" + PROXY + "=======\n" + PROXY + ">>>>>>> other\n",
)
PROBES = [{
    "from": "source", "vantage": "pod", "target": "api", "host": "api.new.example.com",
    "port": 6443, "open": True, "httpStatus": 200,
}]  # fmt: skip
GRAPH = {
    "nodes": [{"version": "4.17.1", "metadata": {"io.openshift.upgrades.graph.release.channels":
              "stable-4.17,stable-4.18"}}, {"version": "4.18.2"}],
    "edges": [[0, 1]],
}  # fmt: skip
TABLE = {
    "namespaces": [
        {"name": "shop", "pods": 3, "volumes": 2, "groups": ["g"], "needs": ["db"]},
        {"name": "db:data", "groups": ["g"]},
    ],
    "limits": {"namespaces": 1, "pods": 10, "volumes": 10},
    "namePrefix": "shop",
}


def inputs() -> Iterator[bytes]:
    """Every input, the chooser of its reader first."""
    envelopes = []
    for file in sorted(CASES.glob("*.yaml")):
        case = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)[0]
        envelopes.append(json.loads(json.dumps(case["given"], default=str)))
    for envelope in envelopes:
        yield from _forms(envelope)
    for one, other in pairwise(envelopes):
        yield CHOOSER["merge"] + json.dumps([one, other]).encode()
    for url in URLS:
        yield CHOOSER["proxy"] + url.encode()
    yield from _requests(envelopes)
    for text in PASTED:
        yield CHOOSER["text"] + text.encode()
        yield CHOOSER["body"] + text.encode()
    yield from _gathered()
    yield from _reviews()


def words() -> Iterator[str]:
    """Words that mean something to a reader, for libFuzzer to put in."""
    yield from PART_NAMES
    yield from SETTINGS
    yield from (fact.name for fact in DECLARABLE)
    yield from sorted({*KEYS, *SELECTOR})
    for resource in RESOURCES.values():
        yield resource.kind
        yield resource.api_version


def _forms(envelope: dict[str, Any]) -> Iterator[bytes]:
    as_json = json.dumps(envelope).encode()
    as_yaml = yaml.safe_dump(envelope).encode()
    yield CHOOSER["json"] + as_json
    yield CHOOSER["yaml"] + as_yaml
    yield CHOOSER["envelope"] + as_json
    objects = [item for row in envelope.get("clusters", []) for item in row.get("objects", [])]
    if not objects:
        return
    yield CHOOSER["lines"] + b"\n".join(json.dumps(item).encode() for item in objects)
    yield CHOOSER["yaml"] + yaml.safe_dump_all(objects).encode()
    yield CHOOSER["body"] + json.dumps({"kind": "List", "items": objects}).encode()
    whole = _tar(objects)
    packed = gzip.compress(whole, mtime=0)
    for archive in (whole, packed, _zip(objects)):
        yield CHOOSER["archive"] + archive
    # All policies stand behind this reader: one form is enough, and the time goes to new inputs.
    yield CHOOSER["body"] + packed


def _requests(envelopes: list[dict[str, Any]]) -> Iterator[bytes]:
    for wanted in WANTED:
        for more in ({}, {"controller": CONTROLLER}, {"evaluation": envelopes[0]}):
            request = {"settings": wanted, **more}
            yield CHOOSER["patch"] + json.dumps(request).encode()
            yield CHOOSER["patch"] + yaml.safe_dump(request).encode()
    yield CHOOSER["partition"] + json.dumps(TABLE).encode()
    yield CHOOSER["partition"] + yaml.safe_dump({"evaluation": envelopes[0]}).encode()
    finding = {"fingerprint": "0" * 32, "verdict": "fail", "subject": {"cluster": "source"}}
    for baseline in (["0" * 32], {"policySet": "x", "findings": [finding]}, None):
        marks = {"waivers": [WAIVER], "baseline": baseline}
        yield CHOOSER["marks"] + json.dumps(marks).encode()
        yield CHOOSER["envelope"] + json.dumps({**envelopes[0], **marks}).encode()
        yield CHOOSER["stored_report"] + _report({**envelopes[0], **marks})
    yield CHOOSER["form"] + _form(envelopes[0])


def _gathered() -> Iterator[bytes]:
    """Archives as the gather scripts leave them, and members with every trick of a tar."""
    objects = must_gather.one_cluster()
    files = must_gather.outer(must_gather.image(objects))
    for form in ("tar", "tar.gz", "tar.xz", "tar.bz2", "zip"):
        yield CHOOSER["body"] + must_gather.archive(files, form)
    of_mtc = must_gather.mtc(must_gather.mtc_cluster("clusters/host", "x", host=True))
    older = must_gather.archive(must_gather.outer(must_gather.image(version="4.8.1")))
    of_oadp = must_gather.archive(must_gather.oadp(objects))
    zstd = b"\x28\xb5\x2f\xfd" + bytes(16)
    for data in (of_mtc, older, of_oadp, zstd, must_gather.insights(), must_gather.sysinfo()):
        yield CHOOSER["body"] + data
    for file in sorted((TESTS / "corpus" / "archives").glob("*.tar")):
        yield CHOOSER["archive"] + file.read_bytes()
    for file in sorted((TESTS / "corpus").glob("*/**/*.[jy]*")):
        yield CHOOSER["text"] + file.read_bytes()


def _reviews() -> Iterator[bytes]:
    group, _, version = CONTROLLER["apiVersion"].partition("/")
    asked = {
        "uid": "1", "operation": "UPDATE", "name": "migration-controller",
        "namespace": "openshift-migration", "userInfo": {"username": "ann"},
        "kind": {"group": group, "version": version, "kind": CONTROLLER["kind"]},
        "object": CONTROLLER, "oldObject": {**CONTROLLER, "spec": {}},
    }  # fmt: skip
    plan = yaml.safe_load(must_gather.plan())
    created = {**asked, "operation": "CREATE", "object": plan, "oldObject": None}
    created["kind"] = {**created["kind"], "kind": "MigPlan"}
    for request in (asked, created):
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
        yield CHOOSER["review"] + json.dumps({**review, "request": request}).encode()


def _report(envelope: dict[str, Any]) -> bytes:
    """The report that the service answers such a request with."""
    answer = readers.CLIENT.post("/v1/evaluations", json=envelope)
    return bytes(answer.data)


def _form(envelope: dict[str, Any]) -> bytes:
    parts = {
        'source"; filename="a.json': json.dumps(envelope["clusters"][0]),
        "plan": yaml.safe_dump(envelope.get("plan", {})),
        "waivers": json.dumps([WAIVER]),
        "probes": json.dumps(PROBES),
        "graph": json.dumps(GRAPH),
        "options": json.dumps({"asOf": "2026-09-01T12:00:00Z"}),
        "baseline": json.dumps(["0" * 32]),
        "controller": json.dumps(CONTROLLER),
    }
    lines = []
    for name, text in parts.items():
        lines += [f"--{readers.BOUNDARY}", f'Content-Disposition: form-data; name="{name}"']
        lines += ["Content-Type: application/json", "", text]
    return "\r\n".join([*lines, f"--{readers.BOUNDARY}--", ""]).encode()


def _files(objects: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """The objects where a must-gather has them."""
    for number, item in enumerate(objects):
        resource = RESOURCES.get(item.get("kind", ""))
        if resource is None:
            continue
        plural, _, group = resource.argument.partition(".")
        namespace = item.get("metadata", {}).get("namespace")
        scope = f"namespaces/{namespace}" if namespace else "cluster-scoped-resources"
        name = f"must-gather/image/{scope}/{group or 'core'}/{plural}/{number}.yaml"
        yield name, yaml.safe_dump(item).encode()


def _tar(objects: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in _files(objects):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def _zip(objects: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _files(objects):
            archive.writestr(name, data)
    return out.getvalue()


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for data in inputs():
        (folder / f"seed-{count:04d}").write_bytes(data)
        count += 1
    quoted = [json.dumps(word) for word in dict.fromkeys(words())]
    folder.with_suffix(".dict").write_text("\n".join(quoted) + "\n")
    sys.stdout.write(f"{count} inputs in {folder}, {len(quoted)} words\n")


if __name__ == "__main__":
    main()
