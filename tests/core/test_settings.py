"""The table of the operator's settings, and what is said of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.core.outcome import Severity
from service.core.settings.data import GROUPS
from service.core.settings.setting_checks import check_spec
from service.core.settings.setting_model import SettingKind
from service.core.settings.table import SETTINGS, find, nearest, settings_markdown, snake_case
from service.core.settings.values import value_remarks
from service.core.values.versions import Version

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
REQUIRED = {
    "cluster_name": "host",
    "migration_velero": True,
    "migration_controller": True,
    "migration_ui": True,
}


def test_the_committed_page_is_the_generated_one() -> None:
    """Generate anew: python -m service.core.settings.table > docs/settings.md"""
    assert PAGE.read_text("utf-8") == settings_markdown()


def test_each_setting_stands_once_and_says_where_it_comes_from() -> None:
    names = [setting.name for _, settings in GROUPS for setting in settings]
    assert len(names) == len(set(names)) == len(SETTINGS)
    for setting in SETTINGS.values():
        assert setting.source
        assert setting.meaning.endswith(".")
        assert snake_case(setting.name) == setting.name
        assert bool(setting.choices) == (setting.kind is SettingKind.CHOICE)
        for version in (setting.since, setting.until):
            assert not version or str(Version.parse(version)) == version


IN_WORDS = (
    SettingKind.NAMES,
    SettingKind.EXCLUDED,
    SettingKind.GROUP_LIST,
    SettingKind.PLAIN,
    SettingKind.URL,
    SettingKind.NO_PROXY,
)


def test_every_default_is_a_value_that_its_setting_takes() -> None:
    """Except defaults that are told in words, and lists, which the table writes as text."""
    for setting in SETTINGS.values():
        if setting.kind in IN_WORDS:
            continue
        value: object = setting.default
        if setting.kind is SettingKind.SWITCH:
            value = setting.default == "true"
        if setting.default:
            assert value_remarks(setting, value) == [], setting.name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("stunnel_tcp_proxy", "stunnel_tcp_proxy"),
        ("stunnelTcpProxy", "stunnel_tcp_proxy"),
        ("stunnelTCPProxy", "stunnel_tcp_proxy"),
        ("httpProxy", "http_proxy"),
        ("HTTPProxy", "http_proxy"),
        ("noProxy", "no_proxy"),
        ("migPVLimit", "mig_pv_limit"),
        ("MigPvLimit", ""),  # a capital at the front becomes an underscore
        ("stunnel-tcp-proxy", "stunnel_tcp_proxy"),
        ("stunel_tcp_proxy", ""),
        ("", ""),
        ("é", ""),
    ],
)
def test_how_the_operator_reads_a_key(key: str, name: str) -> None:
    setting = find(key)
    assert (setting.name if setting else "") == name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("stunel_tcp_proxy", "stunnel_tcp_proxy"),
        ("stunnel_proxy", "stunnel_tcp_proxy"),
        ("stunneltcpproxy", "stunnel_tcp_proxy"),
        ("MigPvLimit", "mig_pv_limit"),
        ("mig_pvs_limit", "mig_pv_limit"),
        ("rsync_endpoint", "rsync_endpoint_type"),
        ("owner", ""),
        ("x", ""),
    ],
)
def test_the_likely_key(key: str, name: str) -> None:
    assert nearest(key) == name


VALUES: list[tuple[str, object, str]] = [
    *(("mig_pv_limit", value, "") for value in (1, "1", 500, "+5", "007")),
    *(("mig_pv_limit", value, "limit") for value in (0, "0", -1, "", " 5", "5 ", 1.5, "1e3", True)),
    *(("mig_pv_limit", value, "limit") for value in ("many", [], {}, "٣")),
    ("mig_pv_limit", None, "null"),
    *(("rsync_opt_bwlimit", value, "") for value in (0, "0", -1, 10000)),
    *(("rsync_opt_bwlimit", value, "type") for value in ("10k", 1.5, True)),
    *(("migration_ui", value, "") for value in (True, False, None)),
    *(("migration_ui", value, "switch-as-text") for value in ("true", "False")),
    *(("migration_ui", value, "type") for value in ("yes", 1, "", [])),
    *(("disable_pv_migration", value, "") for value in (True, "yes", "False", 1, "off")),
    *(("disable_pv_migration", value, "type") for value in ("ja", 2, [])),
    *(("rsync_opt_delete", value, "") for value in (True, "true", "False", "1", 0)),
    *(("rsync_opt_delete", value, "type") for value in ("yes", "on", "tRUE", 2)),
    *(("rsync_endpoint_type", value, "") for value in ("Route", "NodePort", "ClusterIP")),
    *(("rsync_endpoint_type", value, "choice") for value in ("route", "LoadBalancer", 3, [])),
    *(("restic_timeout", value, "") for value in ("1h", "1h30m", "1.5h", "0")),
    *(("restic_timeout", value, "type") for value in ("1", "1 h", 60, "", "1d")),
    *(("stunnel_pod_cpu_limits", value, "") for value in ("1", "100m", 2, 0.5)),
    *(("stunnel_pod_cpu_limits", value, "type") for value in ("1 GB", "", "-1", True, [])),
    *(("src_supplemental_groups", value, "") for value in ("1000,2000", 1000, "")),
    *(("src_supplemental_groups", v, "groups") for v in ("1000, 2000", "staff", [1000], "1,")),
    ("restic_supplemental_groups", [5555], ""),
    ("restic_supplemental_groups", 5555, "type"),
    ("excluded_resources", ["events"], ""),
    *(("excluded_resources", value, "type") for value in ("events", [1], [""], {})),
    ("excluded_resources", None, "null"),
    ("daemonset_node_selector", {"a": "b"}, ""),
    ("daemonset_node_selector", {"a": True}, "type"),
    ("hook_runner_image_fqin", "quay.example.com/x@sha256:00", ""),
    *(("hook_runner_image_fqin", value, "type") for value in ("", "a b", 1)),
    *(("no_proxy", v, "") for v in (".example.com,10.0.0.0/8", "", "-x", ".a, .b")),
    ("no_proxy", "a*", "entry"),
    ("no_proxy", "https://a", "entry"),
    ("no_proxy", "a/b", "entry"),
    ("no_proxy", "a b", "separator"),
    *(
        ("http_proxy", v, "")
        for v in ("http://h:3128", "https://u:p@h:1", "", "http://[fd00::1]:3128")
    ),
    *(
        ("http_proxy", v, code)
        for v, code in (
            ("h:3128", "no-scheme"),
            ("http://h", "no-port"),
            ("http://u:p#q@h:1", "cut-short"),
            ("http://u:p?q@h:1", "cut-short"),
            ("http://h:port", "parse"),
            ("http://", "parse"),
            ("http://h:1/x.pac", "pac-file"),
            ("http://h:1/x", "rest-ignored"),
            ("ftp://h:1", "scheme"),
            ("http://h:99999", "port-range"),
            (" http://h:1", "blank"),
            (3128, "type"),
        )
    ),
    ("mig_namespace", "openshift-migration", ""),
    ("mig_namespace", "mtc", "choice"),
    ("cluster_subdomain", "", ""),
    ("cluster_subdomain", "https://apps.example.com", "scheme"),
    ("cluster_subdomain", "apps.example.com/", "type"),
    ("excluded_resources", ["imagetags"], ""),
    ("excluded_resources", [], "default-list"),
    ("excluded_resources", ["secrets"], "default-list"),
    *(("no_proxy", v, "template") for v in ("*.example.com", "a #b", "a: b", "a\nb", "{{x}}")),
    ("no_proxy", ["a"], "type"),
    ("cluster_subdomain", "apps.example.com", ""),
    ("cluster_subdomain", 5, "type"),
    ("cluster_subdomain", 'a"b', "type"),
    ("cluster_subdomain", ["a"], "type"),
    ("cluster_subdomain", None, "null"),
    ("stunnel_tcp_proxy", "anything", ""),
    ("stunnel_tcp_proxy", None, ""),
    ("stunnel_tcp_proxy", 1, "type"),
    ("ui_state", object(), ""),
]


@pytest.mark.parametrize(("name", "value", "code"), VALUES)
def test_what_a_setting_takes(name: str, value: object, code: str) -> None:
    got = [remark.code for remark in value_remarks(SETTINGS[name], value)]
    assert got == ([code] if code else [])


def codes(spec: dict[str, Any], installed: str = "", whole: bool = True) -> list[tuple[str, str]]:
    version = Version.parse(installed) if installed else None
    return [(item.key, item.remark.code) for item in check_spec(spec, version, whole=whole)]


def test_a_whole_spec_and_a_part_of_one() -> None:
    assert codes(REQUIRED) == []
    assert codes({}, whole=False) == []
    assert codes({"clusterName": "host", "migration_ui": True}) == [
        ("migration_velero", "missing-key"),
        ("migration_controller", "missing-key"),
    ]


def test_releases() -> None:
    spec = {"rsync_endpoint_type": "Route", "olm_managed": True}
    assert codes(spec, "1.7.6", whole=False) == [
        ("rsync_endpoint_type", "too-new"),
        ("olm_managed", "former"),
    ]
    assert codes(spec, "1.7.7", whole=False) == [("olm_managed", "former")]
    assert codes(spec, "1.6.6", whole=False) == [("rsync_endpoint_type", "too-new")]


def test_both_spellings_are_told_once() -> None:
    spec = {"mig_pv_limit": 1, "migPvLimit": 2, "migPVLimit": 3}
    assert codes(spec, whole=False) == [("migPVLimit", "given-twice")]


def test_what_is_found_shows_no_secret() -> None:
    secret = "hunter2"
    spec = {
        "mig_ui_oauth_secret": [secret],
        "stunnel_tcp_proxy": {"password": secret},
        "http_proxy": f"http://user:{secret}@h:3128 #",
        "no_such_key": secret,
        "cluster_name": f'password={secret}"',
    }
    told = " ".join(
        f"{item.remark.message} {item.found} {item.wanted}" for item in check_spec(spec)
    )
    assert secret not in told


def test_many_unknown_keys_cost_little() -> None:
    spec = {f"mig_pv_limits_{number}": 1 for number in range(20000)}
    found = list(check_spec(spec, whole=False))
    assert len(found) == 20000
    assert {item.remark.severity for item in found} == {Severity.BLOCKER, Severity.WARNING}
