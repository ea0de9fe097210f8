"""The Big List of Naughty Strings as every name, label and message, in every format."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import html5lib
import jsonschema
import pytest
import samples
from elsewhere import files
from schemas import POLICY_REPORT, SARIF

from service.formats import FORMATS

LIST = "minimaxir/big-list-of-naughty-strings/blns.json"
OWN = [
    "",
    "\x00\x01\x1b[31m",
    "\ud800 lone",
    "\u202ertl\u2066",
    "]]>",
    "<![CDATA[x]]>",
    "</style><script>alert(1)</script>",
    "{{ 7*7 }} {% raw %}",
    '"><svg onload=alert(1)>',
    "'; DROP TABLE findings;--",
    "a" * 5000,
    "::error::x",
    "é" * 300,
    "\ufeff\ufffe\uffff",
    "a\r\nb\n\nc\td",
]


@pytest.fixture(scope="module", params=["own", LIST])
def texts(request):
    if request.param == "own":
        return OWN
    return json.loads(files(LIST)[0].read_text("utf-8"))


@pytest.fixture(scope="module")
def written(texts):
    return {
        name: [item.render(samples.hostile(text), samples.CONTEXT) for text in texts]
        for name, item in FORMATS.items()
    }


def test_all_formats_are_deterministic_utf8(texts, written):
    assert set(written) == set(FORMATS)
    for name, pages in written.items():
        for text, page in zip(texts, pages, strict=True):
            page.decode("utf-8")
            assert page == FORMATS[name].render(samples.hostile(text), samples.CONTEXT)


def test_html_has_the_elements_of_a_harmless_report(written):
    def tags(page):
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        root = parser.parse(page.decode())
        attributes = {str(key) for node in root.iter() for key in node.attrib}
        return {str(node.tag) for node in root.iter()}, attributes

    known, attributes = tags(FORMATS["html"].render(samples.hostile("harmless"), samples.CONTEXT))
    for page in written["html"]:
        found, keys = tags(page)
        assert found <= known
        assert keys <= attributes


def test_xml_is_well_formed(written):
    shapes = {
        tuple(node.tag for node in ElementTree.fromstring(page).iter()) for page in written["junit"]
    }
    assert len(shapes) == 1


@pytest.mark.parametrize("name, schema", [("sarif", SARIF), ("policyreport", POLICY_REPORT)])
def test_json_stays_valid(written, name, schema):
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    for page in written[name]:
        validator.validate(json.loads(page))


def test_no_line_is_forged(texts, written):
    """Text and annotations have as many lines, whatever the evidence says."""
    plain = len(FORMATS["text"].render(samples.hostile("x"), samples.CONTEXT).splitlines())
    for text, page in zip(texts, written["text"], strict=True):
        commands = text.count("\n")  # a command may have several lines, each marked as one
        lines = page.decode().split("\n")
        assert len(lines) - 1 <= plain + 2 * commands
        assert not [line for line in lines if line.startswith(("READY", "Gate open", "✓"))]
    for page in written["github"]:
        assert all(line.startswith(b"::") for line in page.split(b"\n")[:-1])
        assert len(page.split(b"\n")) == 5
