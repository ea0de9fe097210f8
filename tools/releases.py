"""Renew the OpenShift releases in policies/data/releases.json from the update service's graph data.

    python tools/releases.py GRAPH_DATA --date 2026-08-21 --source "... at commit ..."

GRAPH_DATA is a copy of openshift/cincinnati-graph-data, or the unpacked answer of
https://api.openshift.com/api/upgrades_info/graph-data: a folder with channels/<channel>.yaml. What
the file says of MTC and OADP is kept, and so is the last release of streams that have ended. The
result goes to standard output; --write puts it in place.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

from service.intake.graphs import is_graph, read_graph
from service.intake.limits import DEFAULT_LIMITS
from service.intake.texts.load import load
from service.kinds.ref import Origin

FILE = Path(__file__).parent.parent / "policies" / "data" / "releases.json"
_CHANNEL = re.compile(r"(?:stable|fast|candidate|eus)-\d+\.\d+")


def channels(folder: Path) -> dict[str, dict[str, str]]:
    """The newest release of each minor release, by channel. Raises ValueError without any."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((folder / "channels").glob("*.yaml"), key=lambda item: _order(item.stem)):
        if not _CHANNEL.fullmatch(path.stem):
            continue
        for document in load(path.read_bytes(), DEFAULT_LIMITS, yaml_claimed=True):
            if is_graph(document.value):
                newest = read_graph(document.value, Origin("graph", path.name)).newest
                rows = {minor: text for (_, minor), text in newest.items() if "-" not in text}
                found[path.stem] = dict(sorted(rows.items(), key=lambda row: _order(row[0])))
    if not found:
        raise ValueError(f"{folder} holds no channels/<channel>.yaml")
    return found


def _order(name: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"[-.]", name))


def main(arguments: list[str]) -> int:
    """Print the file with the channels of the graph data in it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--date", required=True, type=date.fromisoformat)
    parser.add_argument("--source", required=True)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    try:
        found = channels(given.folder)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    data = json.loads(FILE.read_text("utf-8"))
    data["date"] = given.date.isoformat()
    data["openshift"] |= {
        "source": given.source,
        "date": given.date.isoformat(),
        "channels": found,
    }
    text = compact(data) + "\n"
    if given.write:
        FILE.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    return 0


def compact(value: Any, indent: str = "") -> str:
    """JSON with one line for each innermost object and list, to be read and compared by people."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + len(flat) < 96 or not value:
        return flat
    deeper = indent + "  "
    if isinstance(value, list):
        inner = [f"{deeper}{compact(item, deeper)}" for item in value]
        return "[\n" + ",\n".join(inner) + f"\n{indent}]"
    inner = [f"{deeper}{json.dumps(key)}: {compact(item, deeper)}" for key, item in value.items()]
    return "{\n" + ",\n".join(inner) + f"\n{indent}}}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
