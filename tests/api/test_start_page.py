"""The page at /: a person drops evidence in a real browser and reads the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser, browser
from serving import Server, Start

from service.api.access.tokens import SCOPES, ApiToken, digest_of

DATA = Path(__file__).parents[2].parent / "shared" / "data"
MUST_GATHER = DATA / "openshift/must-gather-clean/test/files/must-gather-azure.tar.xz"
PLAN = """\
apiVersion: migration.openshift.io/v1alpha1
kind: MigPlan
metadata: {name: shop, namespace: openshift-migration}
spec: {namespaces: [shop]}
"""
DESTINATION = "facts: {openshiftVersion: 4.16.3, mtcVersion: 1.8.8}\n"
WIDE = "document.scrollingElement.scrollWidth <= innerWidth"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path) as found:
        found.width(1200, 900)
        yield found


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN)
    return file


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/"


@pytest.mark.skipif(not MUST_GATHER.exists(), reason=f"the sample must-gather is not in {DATA}")
def test_a_real_must_gather_that_is_dropped_becomes_a_report(
    start_server: Start, page: Browser, plan: Path, tmp_path: Path
) -> None:
    server = start_server()
    destination = tmp_path / "destination.yaml"
    destination.write_text(DESTINATION)
    page.width(390, 844, phone=True)
    page.open(address(server))
    assert page.value(WIDE)
    page.drop("[name=source]", MUST_GATHER)
    page.drop("h1", plan, destination)  # beside the boxes: each goes by its name
    shown = page.value("[...document.querySelectorAll('.files')].map(e => e.textContent)")
    assert [text.partition(",")[0] for text in shown] == [
        MUST_GATHER.name, "destination.yaml", "plan.yaml", "",
    ]  # fmt: skip
    page.value(
        "window.seen = []; new MutationObserver(() => seen.push(state.innerText))"
        ".observe(state, {subtree: true, childList: true, characterData: true}); 1"
    )
    page.click("button[type=submit]")
    page.until("location.protocol === 'blob:' && document.readyState === 'complete'")
    assert page.value("document.querySelector('h1').innerText").endswith("Not ready")
    assert "MTC201" in page.value("document.body.innerText")
    assert page.value("getComputedStyle(document.querySelector('.card')).borderTopStyle") == "solid"
    assert page.value(WIDE)
    # The first failure is on the first screen of a phone.
    top = page.value("document.querySelector('#failures .card h3').getBoundingClientRect().bottom")
    assert top < 844
    outside = [
        url for url in page.asked if not url.startswith((address(server), "blob:", "about:"))
    ]
    assert outside == []


def test_progress_and_a_refusal_are_shown(
    start_server: Start, page: Browser, tmp_path: Path
) -> None:
    page.open(address(start_server()))
    page.click("button[type=submit]")
    page.until("!problem.hidden")
    assert page.value("problem.innerText") == "Drop or choose at least one file."
    page.value(
        "window.seen = []; new MutationObserver(() => seen.push(state.innerText))"
        ".observe(state, {subtree: true, childList: true, characterData: true}); 1"
    )
    broken = tmp_path / "plan.yaml"
    broken.write_text("kind: [MigPlan\n" + "# " + "x" * 4_000_000)
    page.drop("[name=plan]", broken)
    page.click("button[type=submit]")
    page.until("!problem.hidden && problem.innerText !== 'Drop or choose at least one file.'")
    assert "plan" in page.value("problem.innerText")
    assert page.value("seen.some(text => text.startsWith('Uploading'))")
    assert not page.value("document.querySelector('button').disabled")


def test_without_its_token_the_page_asks_for_one(
    start_server: Start, page: Browser, plan: Path, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(ApiToken("a", digest_of("sha256~good"), frozenset(SCOPES)).line())
    page.open(address(start_server(TOKENS_FILE=str(tokens))))
    page.drop("[name=plan]", plan)
    page.click("button[type=submit]")
    page.until("!document.getElementById('token-field').hidden")
    page.value("token.value = 'sha256~good'; 1")
    page.click("button[type=submit]")
    page.until("location.protocol === 'blob:' && document.readyState === 'complete'")
    assert page.value("document.querySelector('h1').innerText").endswith("Not ready")


def test_no_page_of_another_name_or_site_gets_an_answer(start_server: Start, plan: Path) -> None:
    server = start_server()
    body = plan.read_bytes()
    headers = {"Content-Type": "application/yaml"}
    for more in ({"Host": "evil.example.com"}, {"Origin": "http://evil.example.com"}):
        reply = server.request("POST", "/v1/evaluations?role=source", body, headers | more)
        assert reply.status == 401


def test_the_page_lets_nothing_in_from_elsewhere(start_server: Start) -> None:
    reply = start_server().request("GET", "/", headers={"Accept": "text/html"})
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    text = reply.body.decode()
    links = re.findall(r"(?:src|href|action|formaction)=\"([^\"]+)\"", text)
    assert links
    assert all(link.startswith("/") for link in links)
