"""Whether the value of a setting is one that the operator and the controller can use."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches

from service.core.outcome import Severity
from service.core.settings.setting_model import Setting, SettingKind
from service.core.values import httpproxy, quantity
from service.core.values.names import is_subdomain
from service.core.values.stunnel_login import Remark
from service.core.values.yamlquote import TemplateBroken, between_double_quotes

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_GROUPS = re.compile(r"[0-9]{1,18}(?:,[0-9]{1,18})*")
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+")
_ANSIBLE_BOOL = frozenset(["yes", "no", "on", "off", "true", "false", "y", "n", "t", "f", "1", "0"])
_GO_BOOL = frozenset(
    ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"]
)
_UNPLAIN = re.compile(r"""[\[\]{}&*#?|<>=!%@`"'\-,](?=[\s]|$)|[\[\]{}&*#|>!%@`"']""")


def value_remarks(setting: Setting, value: object) -> list[Remark]:
    """What is wrong with a value; empty where nothing is. Messages do not quote the value."""
    if value is None and setting.kind not in (
        SettingKind.PROXY,
        SettingKind.ANY,
        SettingKind.SWITCH,
    ):
        text = "null becomes the text 'None'; leave the key out to get the default"
        fatal = setting.kind in (
            SettingKind.LIMIT,
            SettingKind.NAMES,
            SettingKind.EXCLUDED,
            SettingKind.QUANTITY,
            SettingKind.GROUPS,
        )
        return [_blocker("null", text) if fatal else _warning("null", text)]
    return _CHECKS[setting.kind](setting, value)


def _switch(setting: Setting, value: object) -> list[Remark]:
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        text = "write it without quotes: newer releases of Ansible treat every text as true"
        return [_warning("switch-as-text", text)]
    return [_wrong(setting)]


def _bool(setting: Setting, value: object) -> list[Remark]:
    return [] if str(value).lower() in _ANSIBLE_BOOL else [_wrong(setting)]


def _go_bool(setting: Setting, value: object) -> list[Remark]:
    if str(value) in _GO_BOOL:
        return []
    text = f"expected a {setting.wanted}; the controller silently uses the default, or fails"
    return [_blocker("type", text)]


def _limit(setting: Setting, value: object) -> list[Remark]:
    number = _number(value)
    if number is not None and setting.most and number > setting.most:
        text = f"more than {setting.most} has no effect: the controller silently uses the default"
        return [_warning("too-large", text)]
    if number is not None and number >= 1:
        return []
    text = "expected an integer of at least 1; anything else stops the controller at its start"
    return [_blocker("limit", text)]


def _bandwidth(setting: Setting, value: object) -> list[Remark]:
    return [] if _number(value) is not None else [_wrong(setting)]


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if _INTEGER.fullmatch(text) else None


def _groups(setting: Setting, value: object) -> list[Remark]:
    if not isinstance(value, bool) and isinstance(value, int | str):
        text = str(value)
        if not text or _GROUPS.fullmatch(text):
            return []
    message = f"wanted {setting.wanted} and nothing else; the controller stops at anything else"
    return [_blocker("groups", message)]


def _group_list(setting: Setting, value: object) -> list[Remark]:
    whole = isinstance(value, list) and all(_number(item) is not None for item in value)
    return [] if whole else [_wrong(setting)]


def _names(setting: Setting, value: object) -> list[Remark]:
    whole = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return [] if whole else [_wrong(setting)]


def _excluded(setting: Setting, value: object) -> list[Remark]:
    wrong = _names(setting, value)
    kept = {
        item for item in setting.default.split(", ") if isinstance(value, list) and item in value
    }
    if not wrong and not kept:
        text = (
            "the list replaces the default one and names nothing of it: events, OLM objects and "
            "others are then migrated; use additional_excluded_resources to add kinds"
        )
        return [_warning("default-list", text)]
    return wrong


def _map(setting: Setting, value: object) -> list[Remark]:
    whole = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return [] if whole else [_wrong(setting)]


def _text(setting: Setting, value: object) -> list[Remark]:
    if isinstance(value, dict | list):
        return [_wrong(setting)]
    try:
        between_double_quotes(str(value))
    except TemplateBroken as error:
        return [_blocker("template", str(error))]
    return []


def _domain(setting: Setting, value: object) -> list[Remark]:
    if value == "" or (isinstance(value, str) and is_subdomain(value)):
        return []
    scheme = isinstance(value, str) and "://" in value
    text = (
        "the value has a scheme: it is part of the host names of routes, so write only the domain"
    )
    return [_blocker("scheme", text) if scheme else _wrong(setting)]


def _name(setting: Setting, value: object) -> list[Remark]:
    return [] if isinstance(value, str) and is_subdomain(value) else [_wrong(setting)]


def _image(setting: Setting, value: object) -> list[Remark]:
    if isinstance(value, str) and value and not re.search(r"\s", value):
        return _text(setting, value)
    return [_wrong(setting)]


def _plain(setting: Setting, value: object) -> list[Remark]:
    if not isinstance(value, str):
        return [_wrong(setting)]
    broken = re.search(r": |\s#|[\r\n]|:$", value) or _UNPLAIN.match(value)
    if broken or "{{" in value or "{%" in value:
        text = (
            "the operator writes the value into YAML without quotes, and this text makes the "
            "YAML invalid"
        )
        return [_blocker("template", text)]
    return []


def _url(setting: Setting, value: object) -> list[Remark]:
    if not isinstance(value, str):
        return [_wrong(setting)]
    return _plain(setting, value) or list(httpproxy.read(value).remarks)


def _no_proxy(setting: Setting, value: object) -> list[Remark]:
    return _plain(setting, value) or httpproxy.no_proxy_remarks(str(value))


def _proxy(setting: Setting, value: object) -> list[Remark]:
    return [] if value is None or isinstance(value, str) else [_wrong(setting)]


def _quantity(setting: Setting, value: object) -> list[Remark]:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return [_wrong(setting)]
    try:
        amount = quantity.parse(str(value))
    except quantity.InvalidQuantity:
        return [_wrong(setting)]
    return [_wrong(setting)] if amount < 0 else []


def _duration(setting: Setting, value: object) -> list[Remark]:
    if isinstance(value, str) and (_DURATION.fullmatch(value) or value == "0"):
        return []
    return [_wrong(setting)]


def _choice(setting: Setting, value: object) -> list[Remark]:
    if value in setting.choices:
        return []
    near = get_close_matches(str(value).lower(), [c.lower() for c in setting.choices], n=1)
    meant = next((c for c in setting.choices if near and c.lower() == near[0]), "")
    likely = f"; did you mean {meant}?" if meant else ""
    return [_blocker("choice", f"wanted {setting.wanted}{likely}")]


def _anything(setting: Setting, value: object) -> list[Remark]:
    return []


_CHECKS: dict[SettingKind, Callable[[Setting, object], list[Remark]]] = {
    SettingKind.SWITCH: _switch,
    SettingKind.BOOL: _bool,
    SettingKind.GO_BOOL: _go_bool,
    SettingKind.LIMIT: _limit,
    SettingKind.BANDWIDTH: _bandwidth,
    SettingKind.GROUPS: _groups,
    SettingKind.GROUP_LIST: _group_list,
    SettingKind.TEXT: _text,
    SettingKind.NAME: _name,
    SettingKind.PLAIN: _plain,
    SettingKind.URL: _url,
    SettingKind.NO_PROXY: _no_proxy,
    SettingKind.DOMAIN: _domain,
    SettingKind.PROXY: _proxy,
    SettingKind.IMAGE: _image,
    SettingKind.QUANTITY: _quantity,
    SettingKind.DURATION: _duration,
    SettingKind.NAMES: _names,
    SettingKind.EXCLUDED: _excluded,
    SettingKind.CHOICE: _choice,
    SettingKind.MAP: _map,
    SettingKind.ANY: _anything,
}


def _wrong(setting: Setting) -> Remark:
    return _blocker("type", f"wanted {setting.wanted}")


def _blocker(code: str, message: str) -> Remark:
    return Remark(code, Severity.BLOCKER, message)


def _warning(code: str, message: str) -> Remark:
    return Remark(code, Severity.WARNING, message)
