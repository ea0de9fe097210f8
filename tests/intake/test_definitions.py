"""Definitions of custom kinds are read without their schemas, and else as they stand."""

from __future__ import annotations

import tarfile

import pytest
from elsewhere import files

from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.texts.definitions import load_definition
from service.intake.texts.load import load
from service.intake.texts.loaded import Loaded

MUST_GATHER = "openshift/must-gather-clean/test/files/must-gather-azure.tar.xz"

HEAD = """---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: apps.example.com
"""
SPEC = """spec:
  group: example.com
  names:
    kind: App
    plural: apps
  scope: Namespaced
"""
SCHEMA = """    schema:
      openAPIV3Schema:
        description: |-
          A text with an empty line

              and an indented one
        properties:
          schema:
            type: object
        type: object
    served: true
    storage: true
"""
V1 = f"""{HEAD}{SPEC}  versions:
  - name: v1alpha1
{SCHEMA}  - name: v1
{SCHEMA}status:
  storedVersions:
  - v1
"""
V1BETA1 = f"""{HEAD}{SPEC}  validation:
    openAPIV3Schema:
      type: object
  version: v1
"""


def values(text: str, limits: Limits = DEFAULT_LIMITS) -> list[object]:
    return [(item.value, item.error and item.error.code) for item in whole(text, limits)]


def whole(text: str, limits: Limits = DEFAULT_LIMITS) -> list[Loaded]:
    return list(load_definition(text.encode(), limits))


def test_the_schema_of_each_version_is_left_out_and_nothing_else() -> None:
    (found,) = whole(V1)
    (wanted,) = load(V1.encode(), DEFAULT_LIMITS)
    for row in wanted.value["spec"]["versions"]:
        row["schema"] = "left out"
    assert found == wanted


def test_the_schema_for_all_versions_is_left_out() -> None:
    (found,) = whole(V1BETA1)
    (wanted,) = load(V1BETA1.encode(), DEFAULT_LIMITS)
    wanted.value["spec"]["validation"] = "left out"
    assert found == wanted


LOOKALIKES = {
    "no schema at all": HEAD + SPEC,
    "a schema in flow style": V1.replace("schema:\n      openAPIV3Schema:", "schema: {a: b}\n#", 1),
    "a text that looks like a schema": HEAD + "  x: |\n    schema:\n      a: b\n" + SPEC,
    "a quoted text that looks like a schema, and closes in it":
        HEAD + '  x: "\n    schema:\n      a"\n' + SPEC,
    "an annotation called schema": HEAD + "  annotations:\n    schema:\n      a: b\n" + SPEC,
    "a schema, and a text that looks like one":
        HEAD + "  x: |\n    schema:\n      a: b\n" + V1[len(HEAD):],
    "another kind with such a key": "kind: Other\nspec:\n  validation:\n    a: b\n    c: d\n"
        "  rows:\n    schema:\n      a: b\n",
    "two documents": V1 + V1BETA1,
    "a schema that is not closed at the end of the text": (HEAD + SPEC + "  validation:\n    a: b"),
    "carriage returns": V1.replace("\n", "\r\n"),
    "an anchor in the schema that is used behind it":
        HEAD + SPEC + "  validation:\n    a: &x b\n  version: *x\n",
    "broken behind the schema": V1 + "  x: [\n",
    "a list of definitions": "items:\n- " + V1BETA1[4:].replace("\n", "\n  "),
    "JSON": '{"kind": "CustomResourceDefinition"}',
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKALIKES)
def test_whatever_is_not_certainly_a_schema_is_read_as_it_stands(name: str) -> None:
    text = LOOKALIKES[name]
    wanted = load(text.encode(), DEFAULT_LIMITS, yaml_claimed=True)
    assert values(text) == [(item.value, item.error and item.error.code) for item in wanted]


def test_a_real_collection_reads_the_same_without_schemas() -> None:
    (archive,) = files(MUST_GATHER)
    with tarfile.open(archive) as members:
        texts = [
            members.extractfile(member).read()  # type: ignore[union-attr]
            for member in members
            if member.isfile() and "/customresourcedefinitions/" in member.name
        ]
    assert len(texts) > 50
    for text in texts:
        (found,) = load_definition(text, DEFAULT_LIMITS)
        (wanted,) = load(text, DEFAULT_LIMITS)
        rows = wanted.value["spec"]["versions"]
        assert all("schema" in row for row in rows)
        for row in rows:
            row["schema"] = "left out"
        assert found == wanted
