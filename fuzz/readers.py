"""What reads foreign bytes, as functions of bytes, with what each of them promises.

A reader may raise what `PROMISED` names; everything else that leaves one is a finding. The limits
are small, so that inputs stay quick.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from typing import Any

import jsonpatch

from policies import catalogue
from service.api.answers.problems import Refused as ApiRefused
from service.api.answers.problems import encode
from service.api.app import create_app
from service.api.requests.body import Body
from service.api.requests.multipart import Spool, read_form
from service.api.requests.partition_body import read_partition_request, table
from service.api.requests.patch_body import read_patch_request
from service.core import patch as patching
from service.core.assess import assess
from service.core.decision import delta
from service.core.decision.gate import Gate
from service.core.decision.marks import Change
from service.core.decision.waiver_form import MalformedWaiver
from service.core.engine import evaluate
from service.core.outcome import Verdict
from service.core.patch.manifest import unwrap
from service.core.patch.merge import apply_merge, diff_merge, same
from service.core.report import Report
from service.core.values import gourl, stunnel
from service.formats import FORMATS, Context, stored
from service.intake.archives.members import read_archive
from service.intake.intake_errors import Unreadable
from service.intake.limits import Limits
from service.intake.parts import read_body, read_pieces
from service.intake.pieces import BadInput, Piece
from service.intake.texts.json import load_json, load_ndjson
from service.intake.texts.load import load
from service.intake.texts.yaml.loader import load_yaml
from service.kinds.redact import redact, redact_value
from service.settings import Settings

PROMISED = (
    Unreadable,
    BadInput,
    ApiRefused,
    patching.PatchRefused,
    MalformedWaiver,
    delta.MalformedPrevious,
    stored.MalformedReport,
)
BOUNDARY = "boundary"

POLICIES = catalogue()
CONTEXT = Context(POLICIES, "0")
LIMITS = Limits(
    body_bytes=1 << 20,
    decompressed_bytes=4 << 20,
    members=1000,
    member_bytes=1 << 20,
    kept_bytes=2 << 20,
    documents=1000,
    alias_nodes=10_000,
)
SETTINGS = Settings(limits=LIMITS, log_level="CRITICAL")
CLIENT = create_app(SETTINGS).test_client()
# The readers of requests take the whole runtime for these two.
NOW: Any = SimpleNamespace(settings=SETTINGS, reads=None)


def json(data: bytes) -> None:
    load_json(data, LIMITS)


def lines(data: bytes) -> None:
    for _ in load_ndjson(data, LIMITS):
        pass


def yaml(data: bytes) -> None:
    for _ in load_yaml(data, LIMITS):
        pass


def archive(data: bytes) -> None:
    for _ in read_archive(io.BytesIO(data), wanted=lambda _: True, limits=LIMITS):
        pass


def body(data: bytes) -> None:
    """The evidence of one cluster, and all policies behind it."""
    migration = read_body(Piece("body", io.BytesIO(data)), {"role": "source"}, LIMITS).migration
    _no_errors(evaluate(migration, POLICIES))


def envelope(data: bytes) -> None:
    """Everything in one document, up to the report with its lines in one of its formats."""

    def judged(previous: object) -> Report:
        bundle = read_body(Piece("body", io.BytesIO(data)), {"as_of": "2026-03-01"}, LIMITS)
        baseline = previous if bundle.baseline is None else bundle.baseline
        report = assess(bundle.migration, POLICIES, Gate(), bundle.waivers, baseline)
        return bundle.sources.add_lines(report)

    report = judged(None)
    _no_errors(report)
    for name in ("json", sorted(FORMATS)[len(data) % len(FORMATS)]):
        FORMATS[name].render(report, CONTEXT)
    if report.delta is None:
        kept = delta.baseline(report.findings)
        again = judged({"policySet": report.policy_set, "findings": kept})
        assert again.delta is not None
        moved = {change for change, count in again.delta.counts if count}
        assert moved <= {Change.UNCHANGED}, "a report differs from its own baseline"


def form(data: bytes) -> None:
    """A multipart form: the same parts, however the bytes arrive."""
    if b"\r\r" not in data:  # no line break of any form, and what becomes of it is chance
        cut = (data[at : at + 7] for at in range(0, len(data), 7))
        assert _parts(iter([data])) == _parts(cut), "parts differ by how the bytes arrive"
    with ExitStack() as files:
        pieces = read_form(iter([data]), BOUNDARY, SETTINGS, Spool(1 << 20, files))
        read_pieces(pieces, {}, LIMITS)


def proxy(data: bytes) -> None:
    """A value of stunnel_tcp_proxy, on its whole way."""
    text = data.decode("utf-8", "surrogateescape")
    redact(text)
    redact_value(text)
    with suppress(gourl.GoUrlError):
        gourl.parse(text)
    reading = stunnel.read(text)
    if reading.suggestion:
        assert stunnel.read(reading.suggestion).usable, "a suggestion that does not work"
    if reading.usable:
        url = stunnel.build_url(reading.host, reading.port, reading.username, reading.password)
        again = stunnel.read(url)
        assert _parts_of(again) == _parts_of(reading), "a built URL says something else"
        assert stunnel.shown(url) == stunnel.shown(text)


def merge(data: bytes) -> None:
    """Two objects in a list: the laws of merge patches."""
    pair = load_json(data, LIMITS)
    if not isinstance(pair, list) or len(pair) != 2:
        return
    old, new = pair
    before = encode(pair)
    merged = apply_merge(old, new)
    assert same(apply_merge(merged, new), merged), "applied twice it is something else"
    if isinstance(old, dict) and isinstance(new, dict):
        change = diff_merge(old, new)
        if not _has_null(new):
            assert same(apply_merge(old, change), new), "the difference leads elsewhere"
    assert encode(pair) == before, "the input was changed"


def patch(data: bytes) -> None:
    """The body of a patch request: three forms that agree, and an undo that undoes."""
    wanted, bundle = read_patch_request(_sent(data), NOW)
    migration = bundle.migration if bundle else None
    request = patching.PatchRequest(wanted["settings"], wanted.get("controller"), migration)
    result = patching.make_patch(request, POLICIES)
    for shown in (result, patching.redacted(result)):
        encode([shown.merge_patch, list(shown.json_patch), shown.manifest, shown.undo])
    if request.controller is None or result.manifest is None:
        return
    manifest, _, _ = unwrap(request.controller)
    assert manifest is not None
    by_merge = apply_merge(manifest, result.merge_patch)
    by_operations = jsonpatch.apply_patch(manifest, list(result.json_patch))
    assert same(_users(by_merge), result.manifest), "the merge patch leads elsewhere"
    assert same(_users(by_operations), result.manifest), "the JSON patch leads elsewhere"
    if "undo-without-null" not in {reason.code for reason in result.warnings}:
        assert same(apply_merge(by_merge, result.undo), manifest), "the undo does not undo"
    assert not patching.make_patch(patching.PatchRequest(wanted["settings"], by_merge)).changed


def partition(data: bytes) -> None:
    """The body of a request for a partition, as far as it is read."""
    wanted, _ = read_partition_request(_sent(data), NOW)
    if "namespaces" in wanted:
        table(wanted["namespaces"])


def marks(data: bytes) -> None:
    """Waivers and a previous report, held against one migration."""
    document = load_json(data, LIMITS)
    if not isinstance(document, Mapping):
        return
    evidence = Piece("body", io.BytesIO(b'{"clusters": [{"role": "source", "facts": {}}]}'))
    migration = read_body(evidence, {"as_of": "2026-03-01"}, LIMITS).migration
    given = document.get("waivers"), document.get("baseline")
    report = assess(migration, POLICIES, Gate(), *given)
    for name in ("json", "baseline"):
        FORMATS[name].render(report, CONTEXT)


def text(data: bytes) -> None:
    """A text of unknown form, with what people paste around it."""
    for claimed in (False, True):
        for _ in load(data, LIMITS, yaml_claimed=claimed):
            pass


def stored_report(data: bytes) -> None:
    """A stored report, and all that it can be rendered as."""
    report = stored.read(load_json(data, LIMITS))
    for name in ("json", sorted(FORMATS)[len(data) % len(FORMATS)]):
        FORMATS[name].render(report, CONTEXT)


def review(data: bytes) -> None:
    """An admission review, through the whole service."""
    answer = CLIENT.post("/v1/admission/validate", data=data, content_type="application/json")
    assert answer.status_code in (200, 400, 413, 422), answer.status


READERS: tuple[Callable[[bytes], None], ...] = (
    json, lines, yaml, archive, body, envelope, form, proxy, merge, patch, partition, marks,
    text, stored_report, review,
)  # fmt: skip


def read(data: bytes) -> None:
    """Read one input: its first byte chooses the reader, the rest is what it reads."""
    if not data:
        return
    try:
        READERS[data[0] % len(READERS)](data[1:])
    except PROMISED:
        return


def _no_errors(report: Report) -> None:
    wrong = {item.policy for item in report.findings if item.verdict is Verdict.ERROR}
    assert not wrong, f"policies in error: {sorted(wrong)}"


def _parts(chunks: Iterator[bytes]) -> list[tuple[str, str, str, bytes]] | str:
    with ExitStack() as files:
        try:
            pieces = read_form(chunks, BOUNDARY, SETTINGS, Spool(1 << 20, files))
        except ApiRefused as refused:
            return refused.code
        return [(item.name, item.filename, item.media_type, item.stream.read()) for item in pieces]


def _parts_of(reading: stunnel.Reading) -> tuple[str, int, str, str]:
    return reading.host, reading.port, reading.username, reading.password


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None


def _sent(data: bytes) -> Body:
    return Body((Piece("body", io.BytesIO(data)),), False, ExitStack())


def _users(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without what only the server writes."""
    kept = {key: value for key, value in manifest.items() if key != "status"}
    metadata = kept["metadata"]
    return {**kept, "metadata": {key: metadata[key] for key in metadata if key != "managedFields"}}
