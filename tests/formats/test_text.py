"""Plain text: order, colour only when asked, and no control character from outside."""

from __future__ import annotations

import io
import re

import samples
from elsewhere import files

from policies import catalogue
from service.core.engine import evaluate
from service.formats import text
from service.intake.parts import read_pieces
from service.intake.pieces import Piece


def written(report, **options):
    return text.render(report, samples.context(**options)).decode()


def test_no_colour_unless_asked():
    plain = written(samples.full())
    assert "\x1b" not in plain
    colored = written(samples.full(), color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain
    assert colored.count("\x1b[0m") == len(re.findall(r"\x1b\[[1-9]", colored))


def test_the_most_urgent_comes_first():
    heads = re.findall(r"^[✗!?~] (\S+) (\S+) (MTC\d+)", written(samples.full()), re.MULTILINE)
    assert heads == [
        ("FAIL", "blocker", "MTC601"),
        ("FAIL", "blocker", "MTC601"),
        ("FAIL", "blocker", "MTC302"),
        ("ERROR", "blocker", "MTC801"),
        ("FAIL", "warning", "MTC901"),
        ("WAIVED", "blocker", "MTC401"),
    ]


def test_a_ready_report_in_full():
    lines = written(samples.report(*samples.GOOD[:4])).splitlines()
    assert lines == [
        "READY: 3 checks pass",
        "plan openshift-migration/shop, as of 2026-03-01 12:00 UTC",
        "",
        "  legacy-eu  source: OpenShift 3.11.374, MTC 1.7.14, OpenStack, 8412 objects",
        "  prod-eu    destination, runs MTC: OpenShift 4.14.9, MTC 1.8.4, AWS, eu-central-1, "
        "40312 objects",
        "",
        "Met",
        "  ✓ MTC101 cluster legacy-eu: The identity is cluster-admin on every cluster: pass",
        "  ✓ MTC101 cluster prod-eu: The identity is cluster-admin on every cluster: pass",
        "  ✓ MTC201 cluster legacy-eu: The internal registry is exposed: pass",
        "",
        "Not applicable",
        "  – MTC201 cluster prod-eu: the host's registry is not used",
    ]


def test_no_escape_sequence_reaches_the_terminal():
    shown = written(samples.hostile("\x1b[2J\x1b]0;title\x07\u202egnp.exe\r\nREADY: all met"))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert not any(line.startswith("READY") for line in shown.splitlines())


def test_a_first_answer_fits_on_a_few_screens():
    """A must-gather of the source and a plan: each missing fact once, and one script for all."""
    (archive,) = files("openshift/must-gather-clean/test/files/must-gather-azure.tar.xz")
    with archive.open("rb") as stream:
        bundle = read_pieces([Piece("source", stream), Piece("plan", io.BytesIO(PLAN))], {})
        report = evaluate(bundle.migration, catalogue())
    shown = text.render(report, samples.CONTEXT).decode().splitlines()
    assert len(shown) <= 200
    steps = [line for line in shown if line.startswith("    - ")]
    assert len(steps) == len(set(steps))
    assert [line for line in shown if "nothing of the destination cluster was sent" in line]


PLAN = b"""
apiVersion: migration.openshift.io/v1alpha1
kind: MigPlan
metadata: {name: shop, namespace: openshift-migration}
spec:
  srcMigClusterRef: {name: src, namespace: openshift-migration}
  destMigClusterRef: {name: host, namespace: openshift-migration}
  migStorageRef: {name: s3, namespace: openshift-migration}
  namespaces: [shop]
"""
