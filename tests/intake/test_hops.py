"""The hops from POST to Migration are those that CONTRIBUTING.md names, in its order."""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from pathlib import Path
from types import FrameType
from typing import Any

from service.api.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[2]
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker"}}


def named() -> list[str]:
    section = (
        (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## From POST to Migration")[2]
    )
    return re.findall(r"^\| `(service\.[\w.]+)` \|", section.partition("\n## ")[0], re.MULTILINE)


def archive() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as made:
        data = json.dumps(NODE).encode()
        member = tarfile.TarInfo("must-gather/cluster-scoped-resources/core/nodes/worker.yaml")
        member.size = len(data)
        made.addfile(member, io.BytesIO(data))
    return target.getvalue()


def test_an_archive_goes_through_the_named_hops_in_their_order() -> None:
    hops = named()
    assert len(hops) == 10
    client = create_app(Settings(log_level="ERROR")).test_client()
    seen: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            name = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
            if name in hops:
                seen.setdefault(name)

    sys.setprofile(note)
    try:
        answer = client.post("/v1/evaluations?role=source", data=archive())
    finally:
        sys.setprofile(None)
    assert answer.status_code == 200
    assert list(seen) == hops
