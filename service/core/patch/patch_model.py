"""What a patch is asked with, and what comes out: a result, or every reason against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.core.migration import Migration
from service.core.outcome import Severity
from service.core.report import Finding

DEFAULT_NAME = "migration-controller"
"""The name in the operator's own sample, where no manifest gives another."""


@dataclass(frozen=True, slots=True)
class PatchRequest:
    """What is wanted.

    ``controller`` is the current manifest as it was given, a List of one included; None if none.
    ``settings`` maps keys of the spec to values; null removes a setting; stunnel_tcp_proxy may also
    be a mapping of host, port, username and password. ``migration`` is the evidence that the result
    is held against, None where there is none.
    """

    settings: Mapping[str, Any] = field(repr=False)
    controller: Any = field(default=None, repr=False)
    migration: Migration | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PatchReason:
    """Something that speaks against the patch (severity blocker), or that is to be known.

    ``policy`` is the policy that holds this rule, "" where it is a rule of the request itself.
    ``pointer`` is a JSON pointer into the request (/settings/…, /controller/…, /evaluation).
    No text of it holds a secret.
    """

    policy: str
    code: str
    severity: Severity
    message: str
    pointer: str
    found: str = ""
    wanted: str = ""


class PatchRefused(Exception):
    """The patch is refused; ``reasons`` are all that speak against it, at once."""

    def __init__(self, reasons: tuple[PatchReason, ...]) -> None:
        super().__init__("; ".join(reason.code for reason in reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class SpecChange:
    """One key of the spec: what happens to it, why, and how it is undone.

    ``action`` is add, replace or remove. ``before`` and ``after`` are fit to be shown.
    ``undo`` is a merge patch of this field alone and may hold a secret.
    """

    key: str
    setting: str
    action: str
    before: str
    after: str
    why: str
    undo: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PatchResult:
    """The patch in its three forms, its undoing, and all that belongs to it.

    ``manifest`` is None where no current manifest is known. Only ``merge_patch``,
    ``json_patch``, ``manifest`` and ``undo`` hold secrets; ``redacted`` makes a copy without.
    """

    name: str
    changed: bool
    merge_patch: Mapping[str, Any] = field(repr=False)
    json_patch: tuple[Mapping[str, Any], ...] = field(repr=False)
    manifest: Mapping[str, Any] | None = field(repr=False)
    undo: Mapping[str, Any] = field(repr=False)
    changes: tuple[SpecChange, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[PatchReason, ...] = ()
    findings: tuple[Finding, ...] = ()
    secrets_shown: bool = True
