"""The commands that findings give can be pasted into a shell as they are."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from policy_cases import POLICIES, cases_of, found, given

from service.intake.pieces import BadInput

CLUSTERS = [
    {"role": role, "facts": {"openshiftVersion": "4.14.9", "proxy": f"http://{role}:3128"}}
    for role in ("source", "destination")
]


def commands(policy_id: str) -> Iterator[str]:
    for case in cases_of(policy_id):
        for finding in found(given(case), POLICIES[policy_id]):
            yield from (item.text for item in finding.commands)
            yield from (item.command for item in finding.missing)


@pytest.mark.parametrize("policy_id", POLICIES)
def test_every_command_is_whole(policy_id: str) -> None:
    told = sorted({re.sub(r"<[a-z][^<>]*>", "BLANK", text) for text in commands(policy_id)})
    script = "\n".join(told) + "\n"
    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr
    for text in told:
        words = shlex.split(text, comments=True)
        assert "" not in words, text
        assert "None" not in words, text
        assert not re.search(r"(^|\s)(-n|-p|--type)\s+(-|$)", text), text
        assert not re.match(r"oc (patch|edit|get|delete) \S+  ", text), text


OF_THE_HOST = re.compile(r"oc (?!run)\S+ mig(plan|cluster|storage|hook)s?\b")


@pytest.mark.parametrize("policy_id", POLICIES)
def test_every_command_has_a_cluster_of_the_migration(policy_id: str) -> None:
    """Plans, MigClusters, MigStorages and MigHooks are only where MTC's controller runs."""
    for case in cases_of(policy_id):
        migration = given(case)
        roles = {cluster.role.value for cluster in migration.clusters}
        for finding in found(migration, POLICIES[policy_id]):
            placed = [*finding.commands, *((one.command, one.cluster) for one in finding.missing)]
            for text, role in placed:
                assert role in roles or not text, (case["name"], text, role)
                if OF_THE_HOST.match(text):
                    assert role == migration.host.role, (case["name"], text)


def test_a_plan_without_a_name_leaves_a_blank_to_fill_in() -> None:
    case = {"given": {"clusters": CLUSTERS, "plan": {"namespaces": ["shop"]}}}
    (finding,) = found(given(case), POLICIES["MTC302"])
    assert finding.commands == (
        (
            "oc patch migplan '<plan>' -n openshift-migration --type=merge "
            """-p '{"spec":{"indirectVolumeMigration":true}}'""",
            "destination",
        ),
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
                    for text, _ in item.commands]  # fmt: skip
            assert told
            assert all(name in shlex.split(text) for text in told), told


HOSTILE = "$(touch 1)`touch 2`'; touch 3; '\"; touch 4; \"&touch 5|touch 6\ntouch 7"


def replaced(value: Any, old: str) -> Any:
    """The same evidence in which this name is a hostile one."""
    if isinstance(value, dict):
        return {key: replaced(item, old) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, old) for item in value]
    return HOSTILE if value == old else value


@pytest.mark.parametrize("policy_id", POLICIES)
def test_pasted_into_a_shell_no_command_does_more_than_it_says(
    policy_id: str, tmp_path: Path
) -> None:
    """Every name that the cases of a policy hold, one at a time, is a script that leaves files."""
    told: set[str] = set()
    for case in cases_of(policy_id):
        for name in sorted(_names(case["given"])):
            hostile = {**case, "given": replaced(case["given"], name)}
            with contextlib.suppress(BadInput):  # the name was a word of the form
                for finding in found(given(hostile), POLICIES[policy_id]):
                    told |= {
                        *(item.text for item in finding.commands),
                        *(item.command for item in finding.missing),
                    }
    suspicious = sorted(re.sub(r"<[a-z][^<>]*>", "BLANK", text) for text in told if "touch" in text)
    # Every program but the shell's own words is one that does nothing, in an empty folder.
    for word in ("oc", "curl", "skopeo", "podman", "jq", "base64", "openssl", "dig", "nc", "sleep"):
        (tmp_path / word).write_text("#!/bin/sh\ncat > /dev/null < /dev/null\n")
        (tmp_path / word).chmod(0o755)
    (tmp_path / "touch").symlink_to("/usr/bin/touch")
    (tmp_path / "cat").symlink_to("/usr/bin/cat")
    work = tmp_path / "work"
    work.mkdir()
    for text in suspicious:
        subprocess.run(
            ["/bin/bash", "-c", text],
            cwd=work,
            env={"PATH": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=600,
            check=False,
        )
        assert list(work.iterdir()) == [], text


def _names(value: Any) -> set[str]:
    """The texts of evidence that a command may name: no sentences, versions or settings."""
    if isinstance(value, dict):
        return set().union(*map(_names, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names, value))
    named = isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9.-]{2,}", value)
    return {value} if named else set()
