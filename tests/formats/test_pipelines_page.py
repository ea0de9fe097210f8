"""The page about pipelines says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import samples
import yaml

from service.api.schemas.judging_schemas import GateQuery
from service.collect.webhook_targets import read_targets
from service.core.decision.gate import CLOSED_STATUS
from service.core.decision.tickets import Action, TicketGroup
from service.core.decision.waiver_form import KEYS, parse
from service.formats import FORMATS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pipelines.md").read_text("utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    found = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in found]


def block(text: str) -> str:
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]


def test_every_format_is_listed():
    assert [(row[0].strip("` "), row[1]) for row in rows(section("Formats"))] == [
        (item.name, item.media_type) for item in FORMATS.values()
    ]


def test_every_parameter_of_the_gate_is_listed():
    fields = GateQuery().fields
    for name, values, default, _ in rows(section("Gate")):
        (field,) = [
            item for key, item in fields.items() if (item.data_key or key) == name.strip("` ")
        ]
        assert tuple(re.findall(r"\w+", values)) == field.metadata["choices"]
        assert str(field.metadata["default"]).lower() == default
    assert str(CLOSED_STATUS) in section("Gate")


def test_the_waiver_is_one_and_every_key_is_named():
    text = section("Waivers")
    (waiver,) = parse(
        yaml.safe_load(block(text))["waivers"],
        {item.id: item.name for item in samples.POLICIES},
    )
    assert (waiver.policy, waiver.at_most, waiver.unknown) == ("MTC601", 180.0, True)
    assert [key for key in KEYS if key not in text] == []


def test_the_webhook_target_is_one(tmp_path):
    (tmp_path / "hook-secret").write_text("0123456789abcdef")
    path = tmp_path / "targets.yaml"
    path.write_text(block(section("Webhooks")))
    assert list(read_targets(path, tuple(FORMATS))) == ["ops"]


def test_actions_and_groups():
    text = section("Tickets")
    assert [row[0].strip("` ") for row in rows(text)] == [item.value for item in Action]
    assert all(f"group={item.value}" in text for item in TicketGroup)


@pytest.mark.parametrize("target", re.findall(r"\]\((\.\./[^)]+)\)", PAGE))
def test_links_lead_somewhere(target):
    assert (ROOT / "docs" / target).exists()
