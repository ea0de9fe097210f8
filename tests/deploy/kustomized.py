"""What kustomize makes of a folder under deploy/, as far as these folders use it.

So that the manifests are tested on any machine; a test compares the two where kubectl is there.
"""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonpatch
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDERS = ("overlays/kubernetes", "overlays/openshift", "admission/base", "admission/overlays/fail")
OPENSHIFT_ONLY = ("route.openshift.io/v1", "image.openshift.io/v1", "build.openshift.io/v1")
_CLUSTER = ("Namespace", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration")
# Lists that a patch extends by name (or type, or port); any other list it replaces.
_KEYS = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath",
         "webhooks": "name"}  # fmt: skip
_KNOWN = {"apiVersion", "kind", "namespace", "labels", "resources", "images", "patches"}

Manifest = dict[str, Any]


@cache
def build(folder: str) -> tuple[Manifest, ...]:
    """The manifests of a folder."""
    return tuple(_build(DEPLOY / folder))


def _build(folder: Path) -> list[Manifest]:
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(plan) <= _KNOWN, f"kustomized.py does not know {set(plan) - _KNOWN}"
    made: list[Manifest] = []
    for name in plan["resources"]:
        path = (folder / name).resolve()
        made += _build(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
    for patch in plan.get("patches", ()):
        _patch(made, patch, folder)
    for item in made:
        if "namespace" in plan and item["kind"] not in _CLUSTER:
            item["metadata"]["namespace"] = plan["namespace"]
        for labels in plan.get("labels", ()):
            _label(item, labels)
        for image in plan.get("images", ()):
            _image(item, image)
    return made


def _patch(made: list[Manifest], patch: dict[str, Any], folder: Path) -> None:
    if "target" in patch:
        (found,) = (item for item in made if _is(item, **patch["target"]))
        jsonpatch.apply_patch(found, yaml.safe_load(patch["patch"]), in_place=True)
        return
    wanted = yaml.safe_load((folder / patch["path"]).read_text())
    (found,) = (item for item in made if _is(item, wanted["kind"], wanted["metadata"]["name"]))
    merge(found, wanted)


def _is(item: Manifest, kind: str, name: str) -> bool:
    return (item["kind"], item["metadata"]["name"]) == (kind, name)


def merge(found: Any, wanted: Any) -> None:
    """A strategic merge patch, in place."""
    for key, value in wanted.items():
        old = found.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            merge(old, value)
        elif isinstance(value, list) and isinstance(old, list) and key in _KEYS:
            found[key] = _merged(old, value, _KEYS[key])
        else:
            found[key] = copy.deepcopy(value)


def _merged(old: list[Any], new: list[Any], key: str) -> list[Any]:
    known = {item[key]: item for item in old}
    for item in new:
        if item[key] in known:
            merge(known[item[key]], item)
    return [copy.deepcopy(item) for item in new if item[key] not in known] + old


def _label(item: Manifest, labels: dict[str, Any]) -> None:
    item["metadata"].setdefault("labels", {}).update(labels["pairs"])
    template = item.get("spec", {}).get("template")
    if labels.get("includeTemplates") and template:
        template["metadata"].setdefault("labels", {}).update(labels["pairs"])


def _image(item: Manifest, image: dict[str, str]) -> None:
    spec = item.get("spec", {}).get("template", {}).get("spec", {})
    for container in spec.get("containers", ()):
        name = re.sub(r"(:[^/:]+)?$", "", container["image"])
        if name == image["name"]:
            tag = image.get("newTag", container["image"].removeprefix(name).removeprefix(":"))
            container["image"] = f"{image.get('newName', name)}:{tag}"


def of_kind(folder: str, *kinds: str) -> list[Manifest]:
    """The manifests of some kinds."""
    return [item for item in build(folder) if item["kind"] in kinds]


def one(folder: str, kind: str, name: str) -> Manifest:
    """One manifest by kind and name."""
    (found,) = (item for item in of_kind(folder, kind) if item["metadata"]["name"] == name)
    return found
