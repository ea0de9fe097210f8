"""The page of the API document in a real browser: files are chosen, sent, and judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import CHROMIUM, browser
from serving import Start

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

EXAMPLE = Path(__file__).parents[2] / "examples" / "migration-4-to-4.yaml"
PICKERS = "[...document.querySelectorAll('input[type=file]')]"
ROW = "tbody .response-col_status"


def test_a_file_is_chosen_and_sent_from_the_page(start_server: Start, tmp_path: Path) -> None:
    with browser(tmp_path) as page:
        page.open(f"http://127.0.0.1:{start_server().port}/docs")
        page.until("!!document.querySelector('#operations-evaluations-evaluate')")
        page.click("#operations-evaluations-evaluate .opblock-summary-control")
        page.until("!!document.querySelector('.try-out__btn')")
        page.click(".try-out__btn")
        page.until("document.querySelectorAll('input[type=file]').length > 0")
        names = page.value(
            f"{PICKERS}.map(item => item.closest('tr').querySelector('.parameter__name').innerText)"
        )
        parts = ("source", "destination", "host", "plan", "storage", "controller", "probes")
        assert names == [*parts, "waivers", "graph", "envelope", "options", "baseline"]
        root = page.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
        nodes = page.call("DOM.querySelectorAll", nodeId=root, selector="input[type=file]")
        place = nodes["nodeIds"][names.index("envelope")]
        page.call("DOM.setFileInputFiles", files=[str(EXAMPLE)], nodeId=place)
        page.until(f"{PICKERS}.some(item => item.files.length)")
        page.click(".execute")
        page.until(f"!!document.querySelector('.live-responses-table {ROW}')")
        answer = page.value("document.querySelector('.live-responses-table tbody').innerText")
        assert answer.split()[0] == "200"
        assert '"verdict": ' in answer
        assert '"name": "envelope"' in answer
