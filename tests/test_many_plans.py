"""More plans than Azure takes: from 401 on, the plan itself included, and with Azure only."""

from __future__ import annotations

from typing import Any

import pytest
from policy_cases import POLICIES, found, given


def envelope(count: int, provider: str) -> dict[str, Any]:
    plans = [
        {
            "apiVersion": "migration.openshift.io/v1alpha1",
            "kind": "MigPlan",
            "metadata": {"name": f"plan-{number}", "namespace": "openshift-migration"},
            "spec": {"namespaces": [f"app-{number}"], "closed": True},
        }
        for number in range(count)
    ]
    facts = {"openshiftVersion": "4.14.9", "mtcVersion": "1.8.16"}
    return {
        "clusters": [
            {"role": "source", "facts": facts},
            {"role": "destination", "facts": facts, "objects": plans},
        ],
        "plan": {"namespaces": ["shop"]},
        "storage": {"backupStorageProvider": provider, "backupStorageConfig": {"gcpBucket": "b"}},
    }


@pytest.mark.parametrize(
    ("count", "provider", "wanted"),
    [(400, "azure", {"azure-plans"}), (399, "azure", set()), (400, "gcp", set())],
)
def test_plans_are_counted_against_the_limit_of_azure(
    count: int, provider: str, wanted: set[str]
) -> None:
    findings = found(given({"given": envelope(count, provider)}), POLICIES["MTC406"])
    assert {item.key for item in findings if item.verdict.value == "fail"} == wanted
