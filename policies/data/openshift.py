"""The newest OpenShift z-stream releases that were published when these tables were made."""

from __future__ import annotations

from datetime import date

from policies.data import ReleaseTable

UPDATE_GRAPH = "openshift/cincinnati-graph-data channels at commit 731d042"

STABLE = ReleaseTable(
    source=f"{UPDATE_GRAPH}, stable",
    taken=date(2026, 8, 21),
    newest={
        "4.6": "4.6.56",
        "4.7": "4.7.60",
        "4.8": "4.8.57",
        "4.9": "4.9.59",
        "4.10": "4.10.67",
        "4.11": "4.11.59",
        "4.12": "4.12.81",
        "4.13": "4.13.61",
        "4.14": "4.14.58",
        "4.15": "4.15.59",
        "4.16": "4.16.55",
        "4.17": "4.17.56",
        "4.18": "4.18.52",
        "4.19": "4.19.42",
        "4.20": "4.20.33",
        "4.21": "4.21.28",
    },
)
"""What clusters on a stable channel are offered; fast and candidate offer at least as much."""

EXTENDED = ReleaseTable(
    source=f"{UPDATE_GRAPH}, eus",
    taken=date(2026, 8, 21),
    newest={"4.6": "4.6.62", "4.12": "4.12.95", "4.14": "4.14.71", "4.16": "4.16.68"},
)
"""What clusters on an extended update support channel are offered, where it is more."""

OPENSHIFT_3 = ReleaseTable(
    source="openshift/openshift-ansible release-3.11, last build",
    taken=date(2023, 9, 20),
    newest={"3.11": "3.11.1159"},
)
"""OpenShift 3 has no update service. The installer's last build need not be the last one that
was shipped, under extended support: a cluster behind it is behind, one level with it may be."""
