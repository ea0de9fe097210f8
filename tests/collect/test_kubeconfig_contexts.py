"""A context that a kubeconfig does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.collect.collect_errors import NoConnection
from service.collect.kubeconfig import KubeContext

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: old, context: {cluster: c, user: u}}, {name: new, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: s3cr3t}}]
"""


def test_a_wrong_context_lists_those_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    with pytest.raises(NoConnection) as refused:
        KubeContext("older", str(path))()
    assert str(refused.value).endswith("; its contexts are: old, new")
    assert "s3cr3t" not in str(refused.value)
