"""The wanted settings: from what was asked to values for the spec, with every reason against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.core.deadline import paced
from service.core.outcome import Severity
from service.core.patch.patch_model import PatchReason
from service.core.settings.setting_checks import SpecRemark, check_spec
from service.core.settings.table import find, spellings
from service.core.values import stunnel
from service.core.values.stunnel_login import Remark, credential_remarks, endpoint_remarks
from service.core.values.versions import Version
from service.kinds.ref import pointer_step

PARTS = ("host", "port", "username", "password")
SINGLE_POLICY = "MTC302"
URL_POLICY = "MTC303"
SETTINGS_POLICY = "MTC801"


def resolve(
    settings: Mapping[str, Any], installed: Version | None
) -> tuple[dict[str, Any], list[PatchReason]]:
    """The wanted values by the name of their setting, and the remarks on the request.

    A proxy given as parts becomes a URL. Where a blocker is among the reasons, the values are
    not to be used.
    """
    values: dict[str, Any] = {}
    reasons: list[PatchReason] = []
    if not settings:
        told = "no setting is given: there is nothing to patch"
        reasons.append(PatchReason("", "no-settings", Severity.BLOCKER, told, "/settings"))
    for key, value in paced(settings.items()):
        setting = find(key)
        at = f"/settings/{pointer_step(key)}"
        if setting is not None and setting.name == stunnel.SETTING:
            value, said = _proxy(value, at)
            reasons += said
            reasons += _too_old(value, installed, setting.since, at)
        values[setting.name if setting else key] = value
    reasons += _checked(settings, installed)
    reasons += _nulls(values)
    return values, reasons


def _too_old(value: Any, installed: Version | None, since: str, at: str) -> list[PatchReason]:
    if not value or installed is None or installed >= Version.parse(since):
        return []
    told = f"stunnel_tcp_proxy is read from {since} on, but not by the installed {installed}"
    return [PatchReason(URL_POLICY, "too-new", Severity.BLOCKER, told, at, str(installed), since)]


def _nulls(values: Mapping[str, Any]) -> Iterator[PatchReason]:
    for key, value in values.items():
        for pointer in _nulls_within(value, f"/settings/{pointer_step(key)}"):
            told = "a null within a value: a merge patch treats it as a removal and never sets it"
            yield PatchReason("", "null-within", Severity.BLOCKER, told, pointer)


def _nulls_within(value: Any, at: str) -> Iterator[str]:
    # A list is set as a whole, with the nulls that it holds.
    for key, item in value.items() if isinstance(value, Mapping) else ():
        inner = f"{at}/{pointer_step(str(key))}"
        if item is None:
            yield inner
        yield from _nulls_within(item, inner)


def _checked(settings: Mapping[str, Any], installed: Version | None) -> Iterator[PatchReason]:
    """By the table; to remove a key needs no check but that it is known."""
    kept = {key: value for key, value in settings.items() if not _is_proxy(key)}
    for item in check_spec(kept, installed, whole=False):
        removal = kept[item.key] is None
        if removal and item.remark.code not in ("unknown-key", "given-twice"):
            continue
        yield of_spec_remark(item, "/settings", strict=not removal)
    twins = spellings(settings, stunnel.SETTING)
    if len(twins) > 1:
        told = f"{' and '.join(twins)} are the same setting: give one"
        at = f"/settings/{pointer_step(twins[-1])}"
        yield PatchReason(SETTINGS_POLICY, "given-twice", Severity.BLOCKER, told, at)


def of_spec_remark(item: SpecRemark, base: str, *, strict: bool) -> PatchReason:
    """A remark on the spec as a reason; ``strict`` makes every unknown key a blocker."""
    severity = item.remark.severity
    if item.remark.code == "unknown-key":
        severity = Severity.BLOCKER if strict else Severity.WARNING
    at = base if item.remark.code == "missing-key" else f"{base}/{pointer_step(item.key)}"
    return PatchReason(
        SETTINGS_POLICY,
        item.remark.code,
        severity,
        f"{item.key[:60]}: {item.remark.message}",
        at,
        item.found,
        item.wanted,
    )


def _is_proxy(key: str) -> bool:
    setting = find(key)
    return setting is not None and setting.name == stunnel.SETTING


def _proxy(value: Any, at: str) -> tuple[Any, list[PatchReason]]:
    if isinstance(value, Mapping):
        return _of_parts(value, at)
    if value is None or value == "":
        return value, []
    reading = stunnel.read(value)
    reasons = [_url_reason(remark, at, reading) for remark in reading.remarks]
    if is_masked(reading):
        reasons.append(masked(at))
    return value, reasons


def _url_reason(remark: Remark, at: str, reading: stunnel.Reading) -> PatchReason:
    # What the template rewrites is not what the user wrote, so it is not what is wanted.
    severity = Severity.BLOCKER if remark.code == "rewritten" else remark.severity
    found = f"{reading.use} {reading.endpoint if reading.usable else ''}".strip()
    return PatchReason(
        SINGLE_POLICY if remark.code == "several" else URL_POLICY,
        remark.code,
        severity,
        remark.message,
        at,
        found,
        reading.shown or stunnel.FORM,
    )


def is_masked(reading: stunnel.Reading) -> bool:
    """Whether the password is one that was made unreadable (``****``) and not a password."""
    return len(reading.password) > 2 and set(reading.password) <= {"*", "x", "X"}


def masked(at: str) -> PatchReason:
    """The reason against a password that is no password any more."""
    told = "the password is masked: give the real one, or user name and password as parts"
    return PatchReason(URL_POLICY, "masked", Severity.BLOCKER, told, at)


def _of_parts(parts: Mapping[str, Any], at: str) -> tuple[Any, list[PatchReason]]:
    reasons = [
        _part(f"{at}/{pointer_step(str(key))}", "unknown-part", f"wanted {', '.join(PARTS)} only")
        for key in parts
        if key not in PARTS
    ]
    host, port = parts.get("host"), parts.get("port")
    username, password = parts.get("username"), parts.get("password")
    for name, value in (("username", username), ("password", password)):
        if value is not None and not isinstance(value, str):
            reasons.append(_part(f"{at}/{name}", "type", f"the {name} is not text: quote it"))
    if not isinstance(host, str):
        reasons.append(_part(f"{at}/host", "no-host-name", "there is no host"))
    if isinstance(port, bool) or not isinstance(port, int | str):
        reasons.append(_part(f"{at}/port", "no-port", "there is no port, a number"))
    if reasons:
        return None, reasons
    said = [
        *((f"{at}/host", remark) for remark in endpoint_remarks(str(host), "1")),
        *((f"{at}/port", remark) for remark in endpoint_remarks("h", str(port))),
        *((f"{at}/password", remark) for remark in credential_remarks(username, password)),
    ]
    reasons = [
        PatchReason(URL_POLICY, remark.code, remark.severity, remark.message, place)
        for place, remark in said
    ]
    if any(reason.severity is Severity.BLOCKER for reason in reasons):
        return None, reasons
    url = stunnel.build_url(str(host), int(str(port)), username or "", password or "")
    return url, reasons + ([masked(at)] if is_masked(stunnel.read(url)) else [])


def _part(at: str, code: str, told: str) -> PatchReason:
    return PatchReason(URL_POLICY, code, Severity.BLOCKER, told, at)
