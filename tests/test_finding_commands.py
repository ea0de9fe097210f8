"""The commands that findings give can be pasted into a shell as they are."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest
from test_policies import POLICIES, found, given, load_cases

CLUSTERS = [
    {"role": role, "facts": {"openshiftVersion": "4.14.9", "proxy": f"http://{role}:3128"}}
    for role in ("source", "destination")
]


def commands(policy_id: str) -> Iterator[str]:
    for owner, case in (row.values for row in load_cases()):
        if owner != policy_id:
            continue
        for finding in found(given(case), POLICIES[policy_id]):
            yield from finding.commands
            yield from (item.command for item in finding.missing)


@pytest.mark.parametrize("policy_id", POLICIES)
def test_every_command_is_whole(policy_id: str) -> None:
    told = sorted({re.sub(r"<[a-z][^<>]*>", "BLANK", text) for text in commands(policy_id)})
    script = "\n".join(told) + "\n"
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr
    for text in told:
        words = shlex.split(text.partition("<<<")[0], comments=True)
        assert "" not in words, text
        assert "None" not in words, text
        assert not re.search(r"(^|\s)(-n|-p|--type)\s+(-|$)", text), text
        assert not re.match(r"oc (patch|edit|get|delete) \S+  ", text), text


def test_a_plan_without_a_name_leaves_a_blank_to_fill_in() -> None:
    case = {"given": {"clusters": CLUSTERS, "plan": {"namespaces": ["shop"]}}}
    (finding,) = found(given(case), POLICIES["MTC302"])
    assert finding.commands == (
        "oc patch migplan '<plan>' -n openshift-migration --type=merge "
        """-p '{"spec":{"indirectVolumeMigration":true}}'""",
    )


def test_no_name_of_the_evidence_breaks_out_of_a_command() -> None:
    name = "x'; touch broken; '"
    controller = {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": "MigrationController",
        "metadata": {"name": name, "namespace": "openshift-migration"},
        "spec": {"stunnel_tcp_proxy": "https://h.example.com:3128", "mig_pv_limit": "many"},
    }
    for role, policy_ids in (("destination", ("MTC303", "MTC801")), ("source", ("MTC303",))):
        clusters = [
            {**item, "objects": [controller] if item["role"] == role else []} for item in CLUSTERS
        ]
        case = {"given": {"clusters": clusters, "plan": {"namespaces": ["shop"]}}}
        for policy_id in policy_ids:
            told = [text for item in found(given(case), POLICIES[policy_id])
                    for text in item.commands]  # fmt: skip
            assert told
            assert all(name in shlex.split(text) for text in told), told
