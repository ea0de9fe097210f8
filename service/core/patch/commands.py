"""The exact `oc` commands for a patch.

They name files, so that no password is in a list of processes.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from service.kinds.mtc import MTC_NAMESPACE

MERGE_FILE = "merge-patch.json"
JSON_FILE = "json-patch.json"
MANIFEST_FILE = "migrationcontroller.yaml"
UNDO_FILE = "undo.json"


def commands(name: str, namespace: str, *, whole: bool, undo: bool) -> Mapping[str, str]:
    """By purpose, for the object of this name and namespace.

    ``whole`` says whether there is a manifest to replace the object with, ``undo`` whether there
    is a patch that takes the change back.
    """
    place = f"-n {shlex.quote(namespace)}"
    target = f"oc patch migrationcontroller {shlex.quote(name)} {place}"
    found = {
        "merge_patch": f"{target} --type=merge --patch-file={MERGE_FILE}",
        "json_patch": f"{target} --type=json --patch-file={JSON_FILE}",
        "wait": f"oc rollout status deployment/migration-controller -n {MTC_NAMESPACE}",
    }
    if undo:
        found["undo"] = f"{target} --type=merge --patch-file={UNDO_FILE}"
    if whole:
        found["replace"] = f"oc replace -f {MANIFEST_FILE} {place}"
    return found
