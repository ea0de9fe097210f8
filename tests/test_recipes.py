"""What the commands of `missing` print, as `oc` prints it, settles what was missing."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.core.evidence import NotGathered
from service.core.inventory import Inventory
from service.core.migration import Cluster
from service.intake.parts import read_pieces
from service.intake.pieces import Piece
from service.kinds.cluster import NAMESPACE, SECRET
from service.kinds.network import EGRESS_FIREWALL, NETWORK_POLICY, ROUTE
from service.kinds.registry import RESOURCES
from service.kinds.resource import Resource, fetch_command
from service.kinds.storage import PERSISTENT_VOLUME
from service.kinds.workloads import IMAGE_STREAM

OC = '''#!{python}
"""An `oc` that knows these objects only, and prints as the real one does."""
import json, sys, yaml
words = sys.argv[1:]
store = yaml.safe_load(open({store!r}))
assert words[0] == "get" and words[-2:] == ["-o", "json"], words
argument, rest = words[1], words[2:-2]
space = rest[rest.index("-n") + 1] if "-n" in rest else ""
name = rest[0] if rest and not rest[0].startswith("-") else ""
if argument in store["refused"]:
    sys.exit("error: the server doesn't have a resource type \\"" + argument + "\\"")
found = [
    item for item in store["objects"].get(argument, [])
    if not space or item["metadata"].get("namespace") == space
]
if name:
    found = [item for item in found if item["metadata"]["name"] == name]
    if not found and "--ignore-not-found" not in rest:
        sys.exit("Error from server (NotFound)")
    if found:
        print(json.dumps(found[0], indent=4))
    sys.exit()
meta = {{"resourceVersion": ""}}
listed = {{"apiVersion": "v1", "items": found, "kind": "List", "metadata": meta}}
print(json.dumps(listed, indent=4))
if not found:
    print("No resources found", file=sys.stderr)
'''


class Shell:
    """A shell in which `oc` talks to a cluster of given objects."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: dict[str, list[Any]] = {}
        self.refused: list[str] = []

    def add(self, resource: Resource[Any], name: str, namespace: str = "") -> None:
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        value = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
        self.objects.setdefault(resource.argument, []).append(value)

    def run(self, command: str) -> Cluster:
        """What the service makes of the output of a command, as the source's evidence."""
        store = self.folder / "store.yaml"
        store.write_text(yaml.safe_dump({"objects": self.objects, "refused": self.refused}))
        script = self.folder / "oc"
        script.write_text(OC.format(python=sys.executable, store=str(store)))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        ended = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            env={"PATH": path},
            check=False,
            timeout=600,
        )
        known = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"
        pieces = [Piece("source", io.BytesIO(data)) for data in (known, ended.stdout) if data]
        migration = read_pieces(pieces, {}).migration
        assert [item for item in migration.problems if item.code != "no-document"] == []
        return migration.source


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def names(found: tuple[Any, ...]) -> list[str]:
    return [item.ref.name for item in found]


def command_of(read: Any) -> str:
    with pytest.raises(NotGathered) as missing:
        read()
    return str(missing.value.missing[0].command)


BARE = Inventory("source", {})


def test_an_empty_list_of_one_namespace_is_whole(shell: Shell) -> None:
    command = command_of(lambda: BARE.all(NETWORK_POLICY, ["shop"]))
    source = shell.run(command)
    assert source.all(NETWORK_POLICY, ["shop"]) == ()
    with pytest.raises(NotGathered):
        source.all(NETWORK_POLICY, ["blog"])


def test_lists_of_two_namespaces_of_which_the_last_is_empty_are_whole(shell: Shell) -> None:
    shell.add(NETWORK_POLICY, "deny", "shop")
    command = command_of(lambda: BARE.all(NETWORK_POLICY, ["shop", "blog"]))
    assert names(shell.run(command).all(NETWORK_POLICY, ["shop", "blog"])) == ["deny"]


def test_a_list_of_all_namespaces_with_objects_in_one_is_whole_for_the_others(shell: Shell) -> None:
    shell.add(ROUTE, "web", "shop")
    source = shell.run(command_of(lambda: BARE.all(ROUTE)))
    assert names(source.all(ROUTE)) == ["web"]
    assert source.all(ROUTE, ["blog"]) == ()


def test_an_empty_list_of_a_cluster_scoped_resource_is_whole(shell: Shell) -> None:
    source = shell.run(command_of(lambda: BARE.all(PERSISTENT_VOLUME)))
    assert source.all(PERSISTENT_VOLUME) == ()


def test_an_object_that_does_not_exist_is_known_to_be_absent(shell: Shell) -> None:
    command = command_of(lambda: BARE.find(IMAGE_STREAM, "ruby", "openshift"))
    source = shell.run(command)
    assert source.find(IMAGE_STREAM, "ruby", "openshift") is None
    with pytest.raises(NotGathered):
        source.find(IMAGE_STREAM, "perl", "openshift")
    assert (
        shell.run(command_of(lambda: BARE.find(NAMESPACE, "shop"))).find(NAMESPACE, "shop") is None
    )


def test_an_object_that_exists_is_found_by_the_same_command(shell: Shell) -> None:
    shell.add(IMAGE_STREAM, "ruby", "openshift")
    command = command_of(lambda: BARE.find(IMAGE_STREAM, "ruby", "openshift"))
    found = shell.run(command).find(IMAGE_STREAM, "ruby", "openshift")
    assert found is not None
    assert found.ref.name == "ruby"


def test_a_list_that_oc_could_not_fetch_proves_nothing(shell: Shell) -> None:
    shell.refused.append(EGRESS_FIREWALL.argument)
    source = shell.run(command_of(lambda: BARE.all(EGRESS_FIREWALL, ["shop", "blog"])))
    with pytest.raises(NotGathered):
        source.all(EGRESS_FIREWALL, ["shop"])


def test_the_commands_for_secrets_ask_for_no_value() -> None:
    every = fetch_command(SECRET, namespace="shop")
    one = fetch_command(SECRET, "key", "shop", may_be_absent=True)
    assert every.startswith("oc get secrets -n shop -o go-template='apiVersion: v1{{")
    assert one.startswith("oc get secrets key --ignore-not-found -n shop -o go-template='- {")
    for command in (every, one):
        assert "$value" not in command.partition(".data")[2]
        assert "-o json" not in command


def test_what_the_commands_for_secrets_print_is_read() -> None:
    """As `oc` prints these templates; it is not at hand to run them."""
    row = (
        '- {apiVersion: v1, kind: Secret, metadata: {name: "key", namespace: "shop", '
        'labels: { "app": "cart", }}, data: { "tls.crt": "", "tls.key": "", }}\n'
    )
    mark = "--- {complete: [secrets/shop]}\n"
    for text in (f"apiVersion: v1\nkind: SecretList\nitems:\n{row}{mark}", row + mark):
        source = read_pieces([Piece("source", io.BytesIO(text.encode()))], {}).migration.source
        (secret,) = source.all(SECRET, ["shop"])
        assert (secret.ref.name, secret.labels) == ("key", {"app": "cart"})
        assert secret.keys == {"tls.crt", "tls.key"}
    empty = f"apiVersion: v1\nkind: SecretList\nitems:\n{mark}"
    migration = read_pieces([Piece("source", io.BytesIO(empty.encode()))], {}).migration
    assert migration.source.all(SECRET, ["shop"]) == ()
    assert migration.problems == ()


@pytest.mark.parametrize(
    "resource",
    [
        item
        for item in RESOURCES
        if fetch_command(item).startswith("oc get ")
        and "--raw" not in fetch_command(item)
        and "~" not in fetch_command(item)
    ],
    ids=str,
)
def test_every_resource_is_known_by_the_name_that_its_command_gives_it(
    resource: Resource[Any],
) -> None:
    empty = b"apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: ''\n"
    mark = fetch_command(resource, namespace="shop" * resource.namespaced).rpartition("echo '")[2]
    piece = Piece("source", io.BytesIO(empty + mark.rstrip("'").encode() + b"\n"))
    migration = read_pieces([piece], {}).migration
    assert migration.source.all(resource, ["shop"] if resource.namespaced else None) == ()
    assert migration.problems == ()
