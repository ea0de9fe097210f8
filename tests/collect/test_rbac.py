"""The manifests give what a collection needs, and nothing that it does not use."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import trustme
import yaml
from apiserver import serving
from cluster_objects import source
from test_collect import READS, gathered

from service.cli.pages import rbac_page, secrets_page
from service.collect.rbac_manifests import PLANNED, manifests
from service.kinds.registry import RESOURCES

FILE = Path(__file__).parents[2] / "deploy" / "rbac" / "collect.yaml"
NAMESPACED = {resource.plural: resource.namespaced for resource in RESOURCES}


def test_the_file_is_what_the_policies_read() -> None:
    assert FILE.read_text() == rbac_page(), "run: mtc-preflight docs --write ."


def test_the_file_of_secrets_is_what_is_read_of_them() -> None:
    path = FILE.with_name("secrets.yaml")
    assert path.read_text() == secrets_page(), "run: mtc-preflight docs --write ."
    verbs = {
        item["metadata"]["namespace"]: item["rules"]
        for item in yaml.safe_load_all(path.read_text())
        if item["kind"] == "Role"
    }
    rule = {"apiGroups": [""], "resources": ["secrets"]}
    assert verbs == {
        "openshift-config": [{**rule, "verbs": ["get"]}],
        "openshift-migration": [{**rule, "verbs": ["get", "list"]}],
    }


@pytest.mark.parametrize("release", ["1.25", "1.32"])
def test_the_manifests_fit_their_schemas(release: str) -> None:
    for text in (rbac_page(), secrets_page()):
        for item in yaml.safe_load_all(text):
            kubernetes_validate.validate(item, release, strict=True)


def test_no_right_changes_anything_or_reaches_secrets() -> None:
    for rule in rules(manifests(READS)):
        assert "*" not in [*rule.get("resources", []), *rule.get("apiGroups", []), *rule["verbs"]]
        assert "secrets" not in rule.get("resources", [])
        allowed = {"get", "list"}
        if rule.get("resources") == ["selfsubjectaccessreviews"]:
            allowed = {"create"}
        assert set(rule["verbs"]) <= allowed


def test_every_request_is_allowed_and_every_list_right_is_used(tmp_path: Path) -> None:
    with serving(source(), tmp_path, trustme.CA()) as server:
        gathered({"source": server}, namespaces=("shop",))
        requests = [attributes(*item) for item in server.cluster.requests]
    items = [*yaml.safe_load_all(rbac_page()), *yaml.safe_load_all(secrets_page())]
    given = list(granted(items, ("shop",)))
    refused = [item for item in requests if item and not any(_allows(it, item) for it in given)]
    assert refused == []
    asked = {(item[1], item[2]) for item in requests if item}
    offered = {
        (group, plural)
        for _, rule in given
        for group in rule.get("apiGroups", [])
        for plural in rule.get("resources", [])
    }
    assert offered == asked


def rules(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for item in items for rule in item.get("rules", [])]


def granted(
    items: list[dict[str, Any]], planned: tuple[str, ...]
) -> list[tuple[str, dict[str, Any]]]:
    """Pairs of namespace ("" for the cluster) and rule, as they are bound."""
    found = []
    for item in items:
        name, namespace = item["metadata"]["name"], item["metadata"].get("namespace", "")
        scopes = planned if name == PLANNED else (namespace,)
        found += [(scope, rule) for rule in item.get("rules", []) for scope in scopes]
    return found


def attributes(method: str, path: str) -> tuple[str, str, str, str, str] | None:
    """Verb, group, resource, namespace and name of a request; None for discovery."""
    steps = urlsplit(path).path.strip("/").split("/")
    if steps[0] not in ("api", "apis") or len(steps) < (3 if steps[0] == "api" else 4):
        return None
    group, rest = ("", steps[2:]) if steps[0] == "api" else (steps[1], steps[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    verb = "create" if method == "POST" else "get" if name else "list"
    return verb, group, rest[0], namespace, name


def _allows(given: tuple[str, dict[str, Any]], asked: tuple[str, str, str, str, str]) -> bool:
    scope, rule = given
    verb, group, plural, namespace, name = asked
    return (
        scope in ("", namespace)
        and verb in rule["verbs"]
        and group in rule.get("apiGroups", [])
        and plural in rule.get("resources", [])
        and ("resourceNames" not in rule or name in rule["resourceNames"])
    )
