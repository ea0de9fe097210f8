"""Write service/kinds/fields.json: the fields that objects have, where the readers look for any.

    python tools/fields.py ../shared/data > service/kinds/fields.json
    python tools/fields.py --check    what the readers look for and the file does not know of

What the readers look for is seen by watching them read the objects of tests/cases. What else may
be at those levels comes from the schemas of Kubernetes (of the package kubernetes-validate), from
the CustomResourceDefinitions below the given folder, archives included, and from KINDS, for APIs
that publish no schema of either form.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from service.core.migration import Migration
from service.intake.parts import read_body
from service.intake.pieces import BadInput, Piece
from service.kinds import registry, shape
from service.kinds.resource import Resource

Levels = dict[str, set[str]]
ROOT = Path(__file__).parents[1]
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
OBJECT = {"apiVersion", "kind", "metadata"}
INDENTED = ("config.openshift.io", "migration.openshift.io")
"""Groups whose objects people write by hand: a field may be one level too deep."""
FREE = {"annotations", "labels", "matchLabels", "nodeSelector", "managedFields"}
HELPERS = (
    "text", "name", "scalar", "flag", "number", "table", "rows", "texts", "strings", "quantities",
    "conditions",
)  # fmt: skip
_FROM = "kind name namespace apiVersion fieldPath resourceVersion uid"
_POLICY_PORT = "port protocol endPort"
KINDS: dict[str, dict[str, str]] = {
    "ImageStream": {
        "/spec": "lookupPolicy dockerImageRepository tags",
        "/spec/tags": "name annotations from reference generation importPolicy referencePolicy",
        "/spec/tags/from": _FROM,
        "/status": "dockerImageRepository publicDockerImageRepository tags",
        "/status/tags": "tag items conditions",
        "/status/tags/items": "created dockerImageReference image generation",
    },
    "BuildConfig": {
        "/spec": "triggers runPolicy serviceAccount source strategy output revision resources "
        "postCommit completionDeadlineSeconds nodeSelector successfulBuildsHistoryLimit "
        "failedBuildsHistoryLimit mountTrustedCA",
        "/spec/source": "type binary dockerfile git images contextDir sourceSecret secrets "
        "configMaps",
        "/spec/source/images": "from as paths pullSecret",
        "/spec/source/images/from": _FROM,
        "/spec/strategy": "type dockerStrategy sourceStrategy customStrategy "
        "jenkinsPipelineStrategy",
        "/spec/strategy/dockerStrategy": "from pullSecret noCache env buildArgs forcePull "
        "dockerfilePath imageOptimizationPolicy volumes",
        "/spec/strategy/dockerStrategy/from": _FROM,
        "/spec/strategy/sourceStrategy": "from pullSecret env scripts incremental forcePull "
        "volumes runtimeImage runtimeArtifacts",
        "/spec/strategy/sourceStrategy/from": _FROM,
        "/spec/strategy/customStrategy": "from pullSecret env exposeDockerSocket forcePull "
        "secrets buildAPIVersion",
        "/spec/strategy/customStrategy/from": _FROM,
    },
    "EgressNetworkPolicy": {
        "/spec": "egress",
        "/spec/egress": "type to",
        "/spec/egress/to": "cidrSelector dnsName",
    },
    "EgressFirewall": {
        "/spec": "egress",
        "/spec/egress": "type to ports",
        "/spec/egress/to": "cidrSelector dnsName nodeSelector",
        "/spec/egress/ports": _POLICY_PORT,
    },
    "AdminNetworkPolicy": {"/spec": "priority subject ingress egress"},
    "BaselineAdminNetworkPolicy": {"/spec": "subject ingress egress"},
    "User": {"": "fullName identities groups"},
    "ClusterVersion": {
        "/spec": "clusterID desiredUpdate upstream channel capabilities overrides signatureStores",
        "/status": "desired history observedGeneration versionHash capabilities conditions "
        "availableUpdates conditionalUpdates conditionalUpdateRisks",
        "/status/desired": "architecture version image url channels",
        "/status/history": "state startedTime completionTime version image verified acceptedRisks",
    },
}
"""Kinds of aggregated API servers and of older operators: level to the fields there."""
READ_RAW: dict[str, dict[str, str]] = {
    "NetworkPolicy": {
        "/spec/ingress": "from ports",
        "/spec/egress": "to ports",
        "/spec/ingress/from": "ipBlock namespaceSelector podSelector",
        "/spec/egress/to": "ipBlock namespaceSelector podSelector",
        "/spec/ingress/ports": _POLICY_PORT,
        "/spec/egress/ports": _POLICY_PORT,
    }
}
"""Levels that readers hand on as they are, for the facts to look into."""


def main() -> None:
    """Print the file, or what it lacks."""
    watched = watch()
    if sys.argv[1:] == ["--check"]:
        sys.exit("\n".join(lacking(watched)) or 0)
    known = schemas(Path(sys.argv[1]))
    kinds = (
        f'"{name}": {{\n'
        + ",\n".join(f'"{at}": {json.dumps(level)}' for at, level in levels)
        + "\n}"
        for name, levels in made(watched, known)
    )
    print("{\n" + ",\n".join(kinds) + "\n}")


def made(
    watched: dict[str, Levels], known: dict[str, Levels]
) -> Iterator[tuple[str, list[tuple[str, dict[str, list[str]]]]]]:
    """Each resource with its levels: what is read there, and what else there may be."""
    for resource in sorted(registry.RESOURCES, key=str):
        fields, read = known[str(resource)], watched[str(resource)]
        for table, into in ((KINDS, fields), (READ_RAW, read)):
            for at, names in table.get(resource.kind, {}).items():
                into[at] |= set(names.split())
        fields[""] |= OBJECT
        read["/metadata"] |= {"name", *(["namespace"] if resource.namespaced else [])}
        read[""].add("metadata")
        kept = {
            at
            for at in fields
            if (read.get(at) or (resource.group in INDENTED and read.get(above(at))))
            and not FREE & set(at.split("/"))
        }
        levels = []
        for at in sorted(fields):
            if any(f"{inner}/".startswith(f"{at}/") for inner in kept):
                asked, there = read.get(at, set()), fields[at]
                level = {"read": sorted(asked & there), "other": sorted(there - asked)}
                if asked - there:
                    level["in no schema"] = sorted(asked - there)
                levels.append((at, level))
        yield str(resource), levels


def lacking(watched: dict[str, Levels]) -> Iterator[str]:
    """What a reader looks for and the file takes for a field that none looks for."""
    file = json.loads((ROOT / "service" / "kinds" / "fields.json").read_text())
    for resource, levels in watched.items():
        for at, fields in file.get(resource, {}).items():
            for name in sorted(levels.get(at, set()) & set(fields["other"])):
                yield f"{resource} {at}/{name} is read: run `make fields`"


def above(at: str) -> str:
    return at.rpartition("/")[0]


# What the readers look for


def watch() -> dict[str, Levels]:
    """The fields that each reader asks for, by resource and level."""
    seen: dict[str, Levels] = defaultdict(lambda: defaultdict(set))
    current: list[str] = []
    originals = {helper: getattr(shape, helper) for helper in HELPERS}

    def watching(helper: str) -> Any:
        def call(of: Any, key: str, *at: str) -> Any:
            where, field = (key, helper) if helper == "conditions" else (at[0], key)
            seen[current[-1]][re.sub(r"/\d+(?=/|$)", "", where)].add(field)
            return originals[helper](of, key, *at)

        return call

    for module in (shape, *registry.AREAS):
        for helper in HELPERS:
            if getattr(module, helper, None) is originals[helper]:
                setattr(module, helper, watching(helper))
    for resource in registry.RESOURCES:
        object.__setattr__(resource, "reader", named(resource, current))
    for migration in migrations():
        for cluster in migration.clusters:
            for shelf in cluster.inventory.shelves():
                cluster.known(shelf.resource)
    return seen


def named(resource: Resource[Any], current: list[str]) -> Any:
    """The reader of a resource, which notes whose it is while it reads."""
    reader = resource.reader

    def read(*arguments: Any) -> Any:
        current.append(str(resource))
        try:
            return reader(*arguments)
        finally:
            current.pop()

    return read


def migrations() -> Iterator[Migration]:
    import io

    for path in sorted((ROOT / "tests" / "cases").glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            text = json.dumps(case["given"], default=str).encode()
            try:
                yield read_body(Piece("envelope", io.BytesIO(text)), {}).migration
            except BadInput:
                continue


# What else there is


def schemas(folder: Path) -> dict[str, Levels]:
    """Every field of every level, by resource."""
    found: dict[str, Levels] = defaultdict(lambda: defaultdict(set))
    by_kind = {
        (group, resource.kind): resource
        for resource in registry.RESOURCES
        for group in resource.groups
    }
    meta: dict[str, Any] = {}
    for release in sorted(SCHEMAS.glob("*-local")):
        definitions = json.loads((release / "_definitions.json").read_text())["$defs"]
        meta = definitions["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]
        for schema in definitions.values():
            for kind in schema.get("x-kubernetes-group-version-kind", ()):
                resource = by_kind.get((kind["group"], kind["kind"]))
                if resource is not None:
                    fill(found[str(resource)], schema, definitions)
    for definition in custom_resource_definitions(folder):
        spec = definition["spec"]
        resource = by_kind.get((spec["group"], spec["names"]["kind"]))
        if resource is None:
            continue
        for holder in (spec, *(spec.get("versions") or ())):
            holder = holder.get("schema") or holder.get("validation") or {}
            fill(found[str(resource)], holder.get("openAPIV3Schema") or {}, {})
    for resource in registry.RESOURCES:
        fill(found[str(resource)], {"properties": {"metadata": meta}}, {})
        found[str(resource)][""] |= {"spec", "status"}
        found[str(resource)]["/metadata"] |= {"clusterName", "selfLink", "initializers"}
    return found


def fill(levels: Levels, schema: Any, definitions: dict[str, Any], at: str = "") -> None:
    """Note the fields of a schema and of those below it."""
    if at.count("/") > 8:
        return
    if "$ref" in schema:
        schema = definitions.get(schema["$ref"].rpartition("/")[2], {})
    if "items" in schema:
        fill(levels, schema["items"], definitions, at)
    for name, inner in (schema.get("properties") or {}).items():
        levels[at].add(name)
        fill(levels, inner, definitions, f"{at}/{name}")


def custom_resource_definitions(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*")):
        if path.name.endswith(".tar.xz") and "must-gather" in path.name:
            with tarfile.open(path) as archive:
                for member in archive:
                    if "/customresourcedefinitions/" in member.name and member.isfile():
                        stream = archive.extractfile(member)
                        yield from definitions_in(stream.read() if stream else b"")
        elif path.suffix in (".yaml", ".yml", ".json") and path.is_file():
            yield from definitions_in(path.read_bytes())


def definitions_in(text: bytes) -> Iterator[dict[str, Any]]:
    if b"CustomResourceDefinition" not in text:
        return
    try:
        documents = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return
    for document in documents:
        for item in (document or {}).get("items") or [document]:
            if isinstance(item, dict) and item.get("kind") == "CustomResourceDefinition":
                yield item


if __name__ == "__main__":
    main()
