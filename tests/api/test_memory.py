"""The worst request of each kind in a process that may not take more memory than it is given.

The limit is the kernel's (RLIMIT_DATA) and lies a little above what the settings allow; four
requests of a kind come at a time. Each is answered, with a report or with a refusal that names the
setting; a process that ran out of memory would give a 500 or die.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import resource
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.api.server.memory import Pool, Share
from service.core.allowance import MemoryExceeded

ROOT = Path(__file__).parents[2]
LIMITS = Path(__file__).parents[3] / "shared" / "cases" / "limits"
MIB = 1024 * 1024
MEMORY = 96 * MIB
SLACK = 64 * MIB
"""Beside the account: buffers, threads, and what the allocator holds back."""
JSON, YAML, GZIP, TAR = (f"application/{name}" for name in ("json", "yaml", "gzip", "x-tar"))


def _objects(text: bytes) -> bytes:
    return b'{"clusters":[{"role":"source","objects":[' + text + b"]}]}"


def _rows(form: str, size: int) -> bytes:
    count = size // len(form.encode())
    return ",".join(form.replace("#", str(number)) for number in range(count)).encode()


def _empty_maps(size: int) -> bytes:
    return _objects(b'{"apiVersion":"v1","kind":"Pod","spec":[' + _rows("{}", size) + b"]}")


def _no_objects(size: int) -> bytes:
    return _objects(_rows('{"a":1}', size))


def _volumes(size: int) -> bytes:
    row = '{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"p#"}}'
    return _objects(_rows(row, size))


def _list_of_nothing(size: int) -> bytes:
    return b'{"apiVersion":"v1","kind":"PodList","items":[' + _rows("{}", size) + b"]}"


def _volumes_of_a_plan(size: int) -> bytes:
    rows = _rows('{"name":"a#"}', size)
    plan = b'"plan":{"namespaces":["a"],"persistentVolumes":[' + rows + b"]}"
    return b'{"clusters":[{"role":"source"}],' + plan + b"}"


def _yaml_items(size: int) -> bytes:
    return b"kind: PersistentVolumeList\napiVersion: v1\nitems:\n" + b"".join(
        b"- metadata:\n    name: p%d\n" % number for number in range(size // 26)
    )


def _yaml_flow(size: int) -> bytes:
    return b"kind: Pod\napiVersion: v1\nspec: [" + _rows("{}", size) + b"]\n"


def _comments(size: int) -> bytes:
    return b"# x\n" * (size // 4)


def _lines(size: int) -> bytes:
    return b'{"a":1}\n' * min(190_000, size // 8)


def _string(size: int) -> bytes:
    return _objects(b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"' + b"x" * size + b'"}}')


def _member(size: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        data = _yaml_flow(size)
        member = tarfile.TarInfo("must-gather/x/cluster-scoped-resources/core/nodes/n.yaml")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


Build = Callable[[int], bytes]
ROLE = "?role=source"
KINDS: dict[str, tuple[Build, str, str]] = {
    "empty maps": (_empty_maps, JSON, ""),
    "what is no object": (_no_objects, JSON, ""),
    "volumes": (_volumes, JSON, ""),
    "list of nothing": (_list_of_nothing, JSON, ROLE),
    "volumes of a plan": (_volumes_of_a_plan, JSON, ""),
    "yaml items": (_yaml_items, YAML, ROLE),
    "yaml flow style": (_yaml_flow, YAML, ROLE),
    "yaml comments": (_comments, YAML, ROLE),
    "lines": (_lines, JSON, ROLE),
    "one string": (_string, JSON, ""),
    "member": (_member, TAR, ROLE),
    "gzip": (lambda size: gzip.compress(_volumes(size), 1), GZIP, ""),
    "gzip of comments": (lambda size: gzip.compress(_comments(16 * size), 1), GZIP, ROLE),
    "xz of members": (lambda size: lzma.compress(_member(size), preset=9), GZIP, ROLE),
    "sparse members": (lambda _: (LIMITS / "sparse-4x64M.tar").read_bytes(), TAR, ROLE),
}

SERVE = """
import sys
sys.path.insert(0, "tests/api")
import test_memory
test_memory.serve(int(sys.argv[1]))
"""


def serve(size: int) -> None:
    """Four requests of each kind at a time in this process; what comes out as lines of JSON."""
    from service.api.app import create_app
    from service.settings import Settings

    settings = Settings(memory=MEMORY, log_level="ERROR", wait_timeout=60, deadline=600)
    app = create_app(settings)
    app.test_client().post("/v1/evaluations", json={"clusters": [{"role": "source"}]})
    bodies = {kind: build(size) for kind, (build, _, _) in KINDS.items()}
    status = Path("/proc/self/status").read_text("ascii")
    held = int(status.partition("VmData:")[2].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY + SLACK,) * 2)
    for kind, (_, media_type, query) in KINDS.items():

        def ask(_: int, kind: str = kind, media_type: str = media_type, query: str = query) -> None:
            path = f"/v1/evaluations{query}"
            answer = app.test_client().post(path, data=bodies[kind], content_type=media_type)
            faults = answer.get_json()["errors"] if answer.status_code != 200 else []
            # One call per line: the buffer of sys.stdout is not made for several threads.
            os.write(1, (json.dumps([kind, answer.status_code, faults]) + "\n").encode())

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(ask, range(4)))


@pytest.mark.skipif(not LIMITS.exists(), reason=f"{LIMITS} is not here")
@pytest.mark.parametrize("size", [MIB // 4, 3 * MIB], ids=["a quarter MiB", "3 MiB"])
def test_the_worst_request_of_each_kind_is_refused_or_fits(size: int) -> None:
    # As in the image: large blocks go back to the system. One arena: the kernel's limit counts what
    # each further one holds back.
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(size)], cwd=ROOT, capture_output=True, timeout=1800,
        check=False, env={"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144", "PATH": ""},
    )  # fmt: skip
    rows = [json.loads(row) for row in done.stdout.decode().splitlines()]
    assert done.returncode == 0, (rows[-1:], done.stderr.decode()[-2000:])
    assert Counter(kind for kind, _, _ in rows) == Counter({kind: 4 for kind in KINDS})
    assert {status for _, status, _ in rows} <= {200, 413, 422, 429}, rows
    refused = {kind: faults for kind, status, faults in rows if status == 413}
    for kind, faults in refused.items():
        assert [fault["code"] for fault in faults] == ["limit-memory"], (kind, faults)
        assert "MTC_PREFLIGHT_MEMORY" in faults[0]["hint"], (kind, faults)
    assert refused or size < MIB
    served = {kind for kind, status, _ in rows if status in (200, 422)}
    assert served | set(refused) == set(KINDS), "of four that come together one is answered"


def test_where_all_wait_for_memory_the_last_one_gives_up_and_the_first_goes_on() -> None:
    pool = Pool(100 * MIB)
    first, last = Share(pool, 60), Share(pool, 60)
    first.spend(40 * MIB)
    last.spend(50 * MIB)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(first.spend, 40 * MIB)
        with pytest.raises(MemoryExceeded) as refused:
            last.spend(20 * MIB)
        assert not refused.value.alone
        last.close()
        waiting.result(60)
    first.close()
    with pytest.raises(MemoryExceeded) as refused:
        first.spend(101 * MIB)
    assert refused.value.alone
