"""A file of documents into the intake, whatever text it is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from service.core.allowance import OBJECT, cost_of, spend
from service.core.deadline import check
from service.core.evidence import Problem
from service.core.migration import Part
from service.intake.documents import take
from service.intake.intake import Intake
from service.intake.intake_errors import LimitExceeded
from service.intake.layout import Hint
from service.intake.sources import Media
from service.intake.texts.definitions import load_definition
from service.intake.texts.items import load_list
from service.intake.texts.load import load, media_of
from service.intake.texts.loaded import Loaded
from service.intake.texts.pasted_errors import error_text, without_warnings
from service.intake.texts.shell import without_shell
from service.kinds.apis import CRD
from service.kinds.ref import Origin


def read_file(
    intake: Intake, part: Part, data: bytes, origin: Origin, hint: Hint, *, claims_yaml: bool
) -> bool:
    """Read the documents of a file; whether there was one, and nothing of them was lost."""
    before = len(intake.problems)
    data, shell = without_shell(without_warnings(_as_utf8(data)))
    if shell:
        intake.problems.append(_left_out_shell(shell, origin))
    media = media_of(data)
    count = 0
    used = lost = False
    starts: Sequence[int] = ()
    for loaded in _documents(intake, data, origin, hint, claims_yaml):
        check()
        count += 1
        spend(OBJECT)
        intake.documents += 1
        if intake.documents > intake.limits.documents:
            raise LimitExceeded(
                "documents", f"the request holds more than {intake.limits.documents} documents"
            )
        here = replace(origin, document=loaded.index)
        failure = error_text(loaded, data) if hint.resource else ""
        if failure and hint.resource:
            lost = True
            gathering = intake.gathering(part.name, hint.cluster)
            gathering.deny(hint.resource, hint.namespace, failure)
            continue
        if loaded.error is not None:
            intake.unreadable(loaded.error, here)
            continue
        used, starts = True, loaded.starts
        take(intake, part, loaded.value, here, hint)
    part.documents += count
    if used or count:
        intake.sources.keep(origin, data, _media(media, count), starts)
    elif (part.name, origin.member) in intake.names:
        intake.problem("no-document", f"the part {part.name} holds no document", origin)
    return used and not lost and len(intake.problems) == before


_INNER_MARK = b"\n" + codecs.BOM_UTF8
_INNER_START = re.compile(_INNER_MARK + rb"(?=---|\{|apiVersion:|kind:)")


def _as_utf8(data: bytes) -> bytes:
    """A text that the shell of Windows wrote into a file, or joined out of several, in UTF-8."""
    if b"\xef" in data and _INNER_MARK in data:  # looked for byte by byte first: that is quick
        data = _INNER_START.sub(b"\n", data)
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        with suppress(UnicodeDecodeError):
            text = data.decode("utf-16")
            return data if "\0" in text[:2] else text.encode()
    return data


def _documents(
    intake: Intake, data: bytes, origin: Origin, hint: Hint, claims_yaml: bool
) -> Iterable[Loaded]:
    if hint.resource is CRD:
        spend(cost_of(data, lines=True))
        return load_definition(data, intake.limits)
    listed = load_list(data, intake.limits, origin)
    if listed is not None:
        return (listed,)
    return load(data, intake.limits, yaml_claimed=claims_yaml)


def _left_out_shell(lines: Sequence[int], origin: Origin) -> Problem:
    named = ", ".join(map(str, lines[:5])) + " …" * (len(lines) > 5)
    those = f"lines {named} are prompts or commands" if len(lines) > 1 else "a prompt or command"
    return Problem(
        "pasted-prompt",
        f"{those} of a shell; the rest was read without them",
        part=origin.part,
        member=origin.member,
        line=lines[0],
        blocks=False,
    )


def _media(media: Media, count: int) -> Media:
    return "ndjson" if media == "json" and count > 1 else media
