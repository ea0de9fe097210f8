"""Wrong input has one answer in both doors: 422 of the service, status 3 of the command line."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from running import run

from service.api.app import create_app
from service.settings import Settings

SOURCE = "facts: {openshiftVersion: 4.14.9}\n"
PLAN = """\
apiVersion: migration.openshift.io/v1alpha1
kind: MigPlan
metadata: {name: %s, namespace: openshift-migration}
spec: {namespaces: %s}
"""
SHOP = PLAN % ("shop", "[shop]")


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("mg/plan.yaml")
        entry.size = len(SHOP)
        tar.addfile(entry, io.BytesIO(SHOP.encode()))
    return out.getvalue()


WRONG: dict[str, tuple[bytes, str, str, str]] = {
    "an archive as the plan": (archive(), "", "archive-as-object", "is an archive"),
    "a plan that is not there": (
        f"{SHOP}---\n{PLAN % ('blog', '[blog]')}".encode(), "stop", "no-such-plan",
        "there are: openshift-migration/shop, openshift-migration/blog",
    ),
    "a plan that is no YAML": (b"spec: [", "", "yaml-syntax", "plan:2:1"),
    "a plan of a wrong form": ((PLAN % ("shop", "3")).encode(), "", "object-malformed",
                               "/spec/namespaces"),
    "one of two plans of a wrong form": (
        f"{SHOP}---\n{PLAN % ('blog', '3')}".encode(), "", "object-malformed", "/spec/namespaces"),
    "the plan that is named of a wrong form": (
        f"{SHOP}---\n{PLAN % ('blog', '3')}".encode(), "blog", "no-such-plan",
        "there are: openshift-migration/shop"),
    "another object as the plan": (b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "",
                                   "no-plan", "holds no MigPlan"),
    "nothing as the plan": (b"", "", "empty-part", "the part plan is empty"),
}  # fmt: skip


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(Settings()).test_client()


@pytest.mark.parametrize(("plan", "name", "code", "told"), WRONG.values(), ids=WRONG)
def test_a_plan_that_cannot_be_the_one_is_refused_whole(
    client: FlaskClient, tmp_path: Path, plan: bytes, name: str, code: str, told: str
) -> None:
    source, given = tmp_path / "source.yaml", tmp_path / "plan.yaml"
    source.write_text(SOURCE)
    given.write_bytes(plan)
    named = ("--plan-name", name) if name else ()
    ran = run("check", "--source", source, "--plan", given, *named)
    assert ran.status == 3
    assert told in ran.err

    answer = client.post(
        "/v1/evaluations",
        query_string={"plan_name": name} if name else {},
        data={
            "source": (io.BytesIO(SOURCE.encode()), "source.yaml"),
            "plan": (io.BytesIO(plan), "plan.yaml"),
        },
    )
    assert answer.status_code == 422, answer.text
    assert code in [item["code"] for item in answer.get_json()["errors"]]


@pytest.mark.parametrize(
    ("plan", "name"),
    [(SHOP, ""), (f"{SHOP}---\n{PLAN % ('blog', '[blog]')}", "blog"),
     (SHOP, "openshift-migration/shop")],
)  # fmt: skip
def test_the_plan_that_is_meant_is_judged(
    client: FlaskClient, tmp_path: Path, plan: str, name: str
) -> None:
    given = tmp_path / "plan.yaml"
    given.write_text(plan)
    named = ("--plan-name", name) if name else ()
    ran = run("check", "--plan", given, *named, "--format", "json")
    assert ran.report["plan"].rpartition("/")[2] == (name.rpartition("/")[2] or "shop")
    answer = client.post(
        "/v1/evaluations",
        query_string={"plan_name": name} if name else {},
        data={"plan": (io.BytesIO(plan.encode()), "plan.yaml")},
    )
    assert answer.status_code == 200
    assert answer.get_json()["plan"] == ran.report["plan"]


def test_a_plan_that_was_not_given_is_only_missing(tmp_path: Path) -> None:
    source = tmp_path / "source.yaml"
    source.write_text(SOURCE)
    ran = run("check", "--source", source, "--plan-name", "shop", "--format", "json")
    assert (ran.status == 3, ran.report["plan"]) == (False, "")
