"""Two clusters by what really comes of them: must-gathers of three images, and the gather scripts.

From end to end: the scripts run against a stand-in for `oc`, the archives go to gunicorn as a form
and to the command line as files, and both answer alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import clusters as served
import must_gather as mg
import pytest
import standin
import two_clusters as two
from serving import Start

from policies import catalogue
from service.formats.gather_script import script
from service.kinds.cluster import SECRET_TEMPLATE

ROOT = Path(__file__).parents[2]
READS = tuple(dict.fromkeys(read for policy in catalogue() for read in policy.reads))
TIME = "2026-09-01 10:00:00"
PROBES = [
    {"from": "source", "target": "routes", "cluster": "destination", "pod": "rsync"},
    {"from": "source", "target": "routes", "cluster": "destination", "pod": "velero"},
    {"from": "source", "target": "api", "cluster": "destination", "pod": "velero"},
    {"from": "source", "target": "dns"},
    {"from": "destination", "target": "dns"},
]
"""What no object says: the connections that a Job of ours tries."""


def scripted(folder: Path, role: str, objects: list[two.Object]) -> bytes:
    """What the gather script collects of a cluster."""
    folder.mkdir()
    state = {
        "current": role,
        "clusters": {
            role: {
                "url": "https://api.example.com:6443",
                "token": "",
                "admin": True,
                "served": [row for row in served.served() if not _is_absent(row["apiVersion"])],
                "raw": {path: text for path, text in served.raw().items() if not _is_absent(path)},
                "objects": objects,
                "texts": {},
            }
        },
        "template": SECRET_TEMPLATE,
        "path": [item for item in sys.path if item.endswith("site-packages")],
    }
    (folder / "state").write_bytes(standin.packed(state))
    place = str(Path(standin.__file__).parent)
    program = (
        f"#!{sys.executable} -IS\nimport sys\nsys.path.append({place!r})\n"
        "import standin\nsys.exit(standin.main('oc'))\n"
    )
    for name, text in {"oc": program, "date": f"#!/bin/sh\necho '{TIME}'\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "gather.sh").write_text(script(role, READS))
    subprocess.run(
        ["sh", "gather.sh", "shop"],
        cwd=folder,
        env={"PATH": f"{folder}:/usr/bin:/bin", "STANDIN_STATE": str(folder / "state")},
        capture_output=True,
        timeout=600,
        check=True,
    )
    return (folder / f"mtc-preflight-{role}.tar.gz").read_bytes()


def _is_absent(version: str) -> bool:
    return any(group in version for group in mg.NOT_SERVED)


def gathered(role: str, objects: Mapping[str, list[two.Object]]) -> bytes:
    """The must-gather of a cluster; that of the host with MTC's image and OADP's in one run."""
    mine = objects[role]
    version = mine[0]["status"]["desired"]["version"]
    files = mg.outer(mg.image(mine, version))
    if role == "destination":
        packed = mg.mtc_folder("clusters/host", mine) | mg.mtc_folder(
            "clusters/old", objects["source"]
        )
        inner = mg.archive({f"must-gather/{path}": data for path, data in packed.items()})
        files |= mg.outer({"must-gather.tar.gz": inner}, mg.MTC) | mg.outer(mg.oadp(mine), mg.OADP)
    stamp = f"{TIME}.1 +0000 UTC m=+0.8\n".encode() * 2
    return mg.archive(
        {path: stamp if path.endswith("/timestamp") else data for path, data in files.items()}
    )


@pytest.fixture(scope="module", params=["4.18", "4.21"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The release, and every file of its migration by the part that it is given as."""
    folder = tmp_path_factory.mktemp("pair")
    objects = two.clusters(request.param)
    found = []
    for role in two.NAMES:
        for name, data in (
            (f"{role}-must-gather.tar.gz", gathered(role, objects)),
            (f"{role}-script.tar.gz", scripted(folder / role, role, objects[role])),
        ):
            (folder / name).write_bytes(data)
            found.append((role, folder / name))
    rows = [{"vantage": "cluster", "open": True, **row} for row in PROBES]
    (plan,) = (item for item in objects["destination"] if item["kind"] == "MigPlan")
    for part, value in (("plan", plan), ("probes", rows)):
        (folder / f"{part}.json").write_text(json.dumps(value))
        found.append((part, folder / f"{part}.json"))
    return request.param, found


def form(files: Iterable[tuple[str, Path]]) -> bytes:
    rows = [
        f'--xxBOUND\r\nContent-Disposition: form-data; name="{part}"; filename="{path.name}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n".encode()
        + path.read_bytes()
        + b"\r\n"
        for part, path in files
    ]
    return b"".join(rows) + b"--xxBOUND--\r\n"


def answers(report: Mapping[str, Any]) -> tuple[object, ...]:
    """The verdict, the problems, the policies that block, and what is not known."""
    findings = report["findings"]
    return (
        report["verdict"],
        report["problems"],
        sorted({item["policy"] for item in findings if is_blocker(item)}),
        sorted({item["policy"] for item in findings if item["verdict"] == "unknown"}),
    )


def is_blocker(finding: Mapping[str, Any]) -> bool:
    return (finding["verdict"], finding["severity"]) == ("fail", "blocker")


UNSEEN = ["MTC842"]
"""When the token of a MigCluster ends: neither inspect nor the script shows the value of a secret,
and the policy is a warning."""
WANTED = {
    "4.18": ("ready", [], [], UNSEEN),
    "4.21": ("not_ready", [], ["MTC404"], UNSEEN),
}


def test_the_pair_is_judged_alike_through_both_doors(files: Any, start_server: Start) -> None:
    stream, parts = files
    server = start_server()
    reply = server.request(
        "POST",
        f"/v1/evaluations?as_of={two.AS_OF}",
        form(parts),
        {"Content-Type": "multipart/form-data; boundary=xxBOUND"},
    )
    assert answers(reply.json) == WANTED[stream]
    options = [word for part, path in parts for word in (f"--{part}", str(path))]
    options += ["--format", "json", "--as-of", two.AS_OF]
    ended = subprocess.run(
        [sys.executable, "-m", "service.cli", "check", *options],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == (0 if stream == "4.18" else 1), ended.stderr
    assert answers(json.loads(ended.stdout)) == WANTED[stream]
