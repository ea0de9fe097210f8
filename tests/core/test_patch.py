"""The validated patch: what it is, that its three forms agree, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.outcome import Severity
from service.core.patch import PatchRefused, PatchRequest, PatchResult, make_patch, redacted
from service.core.patch.merge import apply_merge, diff_merge, same
from service.core.values import stunnel

SECRET = "s#cr/et pw"
PARTS = {"host": "squid.example.com", "port": 3128, "username": "mover", "password": SECRET}
URL = "http://mover:s%23cr%2Fet%20pw@squid.example.com:3128"


def manifest(**spec: Any) -> dict[str, Any]:
    """A MigrationController as `oc get -o json` prints it."""
    required = {
        "cluster_name": "host",
        "migration_velero": True,
        "migration_controller": True,
        "migration_ui": True,
    }
    return {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": "MigrationController",
        "metadata": {
            "name": "migration-controller",
            "namespace": "openshift-migration",
            "resourceVersion": "4711",
            "uid": "7b0e",
            "annotations": {"team": "blue"},
            "managedFields": [{"manager": "oc"}],
        },
        "spec": {**required, **spec},
        "status": {"phase": "Reconciled"},
    }


def patch(controller: Any = None, **wanted: Any) -> PatchResult:
    return make_patch(PatchRequest(wanted, controller))


def refusals(controller: Any = None, **wanted: Any) -> list[tuple[str, str, str]]:
    """Policy, code and pointer of everything that speaks against it."""
    with pytest.raises(PatchRefused) as caught:
        patch(controller, **wanted)
    reasons = caught.value.reasons
    assert SECRET not in repr(caught.value) + " ".join(map(repr, reasons))
    return [
        (reason.policy, reason.code, reason.pointer)
        for reason in reasons
        if reason.severity is Severity.BLOCKER
    ]


def codes(result: PatchResult) -> list[str]:
    return [reason.code for reason in result.warnings]


def test_a_proxy_given_as_parts() -> None:
    result = patch(manifest(), stunnel_tcp_proxy=PARTS)
    assert result.changed
    assert result.merge_patch == {
        "metadata": {"resourceVersion": "4711"},
        "spec": {"stunnel_tcp_proxy": URL},
    }
    assert result.json_patch == (
        {"op": "test", "path": "/metadata/resourceVersion", "value": "4711"},
        {"op": "add", "path": "/spec/stunnel_tcp_proxy", "value": URL},
    )
    wanted = manifest(stunnel_tcp_proxy=URL)
    del wanted["status"], wanted["metadata"]["managedFields"]
    assert result.manifest == wanted
    assert result.undo == {"spec": {"stunnel_tcp_proxy": None}}
    assert [(c.key, c.action, c.before, c.after) for c in result.changes] == [
        ("stunnel_tcp_proxy", "add", "", "http://mover:****@squid.example.com:3128")
    ]
    assert codes(result) == ["clear-text"]


def test_commands_name_files_and_no_secret() -> None:
    result = patch(manifest(), stunnel_tcp_proxy=PARTS)
    target = "oc patch migrationcontroller migration-controller -n openshift-migration"
    assert result.commands == {
        "merge_patch": f"{target} --type=merge --patch-file=merge-patch.json",
        "json_patch": f"{target} --type=json --patch-file=json-patch.json",
        "undo": f"{target} --type=merge --patch-file=undo.json",
        "wait": "oc rollout status deployment/migration-controller -n openshift-migration",
        "replace": "oc replace -f migrationcontroller.yaml -n openshift-migration",
    }


def test_an_old_value_is_tested_for() -> None:
    result = patch(manifest(mig_pv_limit="100"), mig_pv_limit=300)
    assert result.json_patch == (
        {"op": "test", "path": "/metadata/resourceVersion", "value": "4711"},
        {"op": "test", "path": "/spec/mig_pv_limit", "value": "100"},
        {"op": "replace", "path": "/spec/mig_pv_limit", "value": 300},
    )
    assert result.undo == {"spec": {"mig_pv_limit": "100"}}


def test_null_removes() -> None:
    result = patch(manifest(stunnel_tcp_proxy=URL), stunnel_tcp_proxy=None)
    assert result.manifest is not None
    assert "stunnel_tcp_proxy" not in result.manifest["spec"]
    assert result.undo == {"spec": {"stunnel_tcp_proxy": URL}}
    assert [(c.action, c.before) for c in result.changes] == [
        ("remove", "http://mover:****@squid.example.com:3128")
    ]


def test_nothing_to_change() -> None:
    for wanted in ({"stunnel_tcp_proxy": PARTS}, {"stunnelTcpProxy": URL}, {"migPodLimit": None}):
        result = patch(manifest(stunnel_tcp_proxy=URL), **wanted)
        assert not result.changed
        assert (result.merge_patch, result.json_patch, result.undo) == ({}, (), {})
        assert (dict(result.commands), codes(result)[-1]) == ({}, "no-change")


def test_a_setting_keeps_the_spelling_that_it_has() -> None:
    result = patch(manifest(stunnelTcpProxy=URL), stunnel_tcp_proxy="http://h:1")
    assert result.merge_patch["spec"] == {"stunnelTcpProxy": "http://h:1"}


def test_a_setting_that_stands_there_twice_is_left_once() -> None:
    result = patch(manifest(mig_pv_limit=1, migPvLimit=2), mig_pv_limit=3)
    assert result.merge_patch["spec"] == {"mig_pv_limit": 3, "migPvLimit": None}


def test_unknown_keys_of_the_manifest_are_kept_and_told() -> None:
    result = patch(manifest(owner="team", stunel_tcp_proxy="x"), mig_pv_limit=5)
    assert result.manifest is not None
    assert result.manifest["spec"]["owner"] == "team"
    assert [(r.code, r.severity, r.pointer) for r in result.warnings] == [
        ("unknown-key", Severity.WARNING, "/controller/spec/owner"),
        ("unknown-key", Severity.WARNING, "/controller/spec/stunel_tcp_proxy"),
    ]


def test_a_list_of_one_is_that_one() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [manifest()]}
    assert patch(listed, mig_pv_limit=5).manifest == patch(manifest(), mig_pv_limit=5).manifest


def test_without_a_manifest() -> None:
    result = patch(None, stunnel_tcp_proxy=PARTS, mig_pod_limit=None)
    assert result.manifest is None
    assert result.merge_patch == {"spec": {"stunnel_tcp_proxy": URL, "mig_pod_limit": None}}
    assert result.json_patch == (
        {"op": "add", "path": "/spec/stunnel_tcp_proxy", "value": URL},
        {"op": "remove", "path": "/spec/mig_pod_limit"},
    )
    assert sorted(result.commands) == ["json_patch", "merge_patch", "wait"]
    assert [(c.before, c.after) for c in result.changes] == [
        ("(not known)", "http://mover:****@squid.example.com:3128"),
        ("(not known)", ""),
    ]
    assert codes(result) == ["no-manifest", "clear-text"]


def test_https_is_taken_and_told_of() -> None:
    result = patch(manifest(), stunnel_tcp_proxy="https://proxy.example.com:3128")
    assert codes(result) == ["scheme"]
    assert result.merge_patch["spec"]["stunnel_tcp_proxy"] == "https://proxy.example.com:3128"


PROXY = "/settings/stunnel_tcp_proxy"


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        ("squid.example.com:3128", [("MTC303", "no-host", PROXY)]),
        ("10.0.0.1:3128", [("MTC303", "parse", PROXY)]),
        ("http://mover:s#cret@h:3128", [("MTC303", "parse", PROXY)]),
        ("http://mover@h", [("MTC303", "no-port", PROXY), ("MTC303", "no-auth", PROXY)]),
        ("http://[::1]:3128", [("MTC303", "ipv6", PROXY)]),
        ("http://h:3128\r\nX: y", [("MTC303", "rewritten", PROXY), ("MTC303", "parse", PROXY)]),
        ("http://u:p\\x40@h:3128", [("MTC303", "rewritten", PROXY)]),
        ("http://u:****@h:3128", [("MTC303", "masked", PROXY)]),
        (
            "http://a:1,http://b:2",
            [
                ("MTC302", "several", PROXY),
                ("MTC303", "host", PROXY),
                ("MTC303", "no-port", PROXY),
            ],
        ),
        (["http://h:3128"], [("MTC303", "type", PROXY)]),
        ({}, [("MTC303", "no-host-name", f"{PROXY}/host"), ("MTC303", "no-port", f"{PROXY}/port")]),
        ({"host": "h", "port": 3128, "user": "u"}, [("MTC303", "unknown-part", f"{PROXY}/user")]),
        ({"host": "h", "port": 0}, [("MTC303", "port-range", f"{PROXY}/port")]),
        ({"host": "h", "port": "x"}, [("MTC303", "port", f"{PROXY}/port")]),
        ({"host": "h", "port": True}, [("MTC303", "no-port", f"{PROXY}/port")]),
        ({"host": "[::1]", "port": 1}, [("MTC303", "ipv6", f"{PROXY}/host")]),
        ({"host": "http://h", "port": 1}, [("MTC303", "host", f"{PROXY}/host")]),
        ({"host": "h\nx", "port": 1}, [("MTC303", "host", f"{PROXY}/host")]),
        (
            {"host": "h", "port": 1, "username": "u"},
            [("MTC303", "no-auth", f"{PROXY}/password")],
        ),
        (
            {"host": "h", "port": 1, "username": "u", "password": 1234},
            [("MTC303", "type", f"{PROXY}/password")],
        ),
        (
            {"host": "h", "port": 1, "username": "a:b", "password": "x\ny"},
            [
                ("MTC303", "line-break", f"{PROXY}/password"),
                ("MTC303", "colon-in-user", f"{PROXY}/password"),
            ],
        ),
        (
            {"host": "h", "port": 1, "username": "u", "password": "****"},
            [("MTC303", "masked", PROXY)],
        ),
    ],
)
def test_proxies_that_are_refused(value: Any, reasons: list[tuple[str, str, str]]) -> None:
    assert refusals(manifest(), stunnel_tcp_proxy=value) == reasons


def test_every_reason_at_once() -> None:
    wanted = {
        "stunnel_tcp_proxy": f"squid.example.com:{SECRET}",
        "stunel_verify_ca": True,
        "mig_pv_limit": "many",
        "a/b": 1,
        "rsync_endpoint_type": "NodePorts",
    }
    assert refusals(manifest(), **wanted) == [
        ("MTC303", "no-host", PROXY),
        ("MTC801", "unknown-key", "/settings/stunel_verify_ca"),
        ("MTC801", "limit", "/settings/mig_pv_limit"),
        ("MTC801", "unknown-key", "/settings/a~1b"),
        ("MTC801", "choice", "/settings/rsync_endpoint_type"),
    ]


def test_what_a_reason_says() -> None:
    with pytest.raises(PatchRefused) as caught:
        patch(manifest(), stunnel_tcp_proxy=f"http://mover:{SECRET}@squid.example.com:3128")
    (reason,) = caught.value.reasons
    assert reason.wanted == "http://mover:****@squid.example.com:3128"
    with pytest.raises(PatchRefused) as caught:
        patch(manifest(), stunel_tcp_proxy="x")
    (reason,) = caught.value.reasons
    assert reason.message == (
        "stunel_tcp_proxy: no release of the operator reads 'stunel_tcp_proxy'; did you mean "
        "stunnel_tcp_proxy?"
    )
    assert reason.wanted == "stunnel_tcp_proxy"


@pytest.mark.parametrize(
    ("controller", "reasons"),
    [
        ("x", [("", "not-an-object", "/controller")]),
        ({}, [("", "wrong-kind", "/controller/kind"), ("", "no-metadata", "/controller/metadata")]),
        ({**manifest(), "kind": "MigPlan"}, [("", "wrong-kind", "/controller/kind")]),
        (
            {**manifest(), "apiVersion": "apps/v1"},
            [("", "wrong-api-version", "/controller/apiVersion")],
        ),
        ({**manifest(), "metadata": {}}, [("", "no-name", "/controller/metadata/name")]),
        ({**manifest(), "spec": []}, [("", "wrong-spec", "/controller/spec")]),
        (
            {"kind": "List", "items": [manifest(), manifest()]},
            [("", "not-one", "/controller/items")],
        ),
        ([], [("", "not-one", "/controller/items")]),
        (
            {"kind": "MigrationControllerList", "items": [{"kind": "Pod", "metadata": {}}]},
            [
                ("", "wrong-kind", "/controller/items/0/kind"),
                ("", "no-name", "/controller/items/0/metadata/name"),
            ],
        ),
    ],
)
def test_manifests_that_are_refused(controller: Any, reasons: list[tuple[str, str, str]]) -> None:
    assert refusals(controller, mig_pv_limit=5) == reasons


def test_specs_that_are_refused() -> None:
    spec = "/controller/spec"
    assert refusals(manifest(mig_pod_limit="many"), mig_pv_limit=5) == [
        ("MTC801", "limit", f"{spec}/mig_pod_limit")
    ]
    assert refusals(manifest(), cluster_name=None) == [("MTC801", "missing-key", spec)]
    assert refusals(None, cluster_name=None) == [
        ("MTC801", "missing-key", "/settings/cluster_name")
    ]
    assert refusals(manifest(stunnel_tcp_proxy="http://u:****@h:1"), mig_pv_limit=5) == [
        ("MTC303", "masked", f"{spec}/stunnel_tcp_proxy")
    ]
    assert (
        refusals({**manifest(), "spec": None}, mig_pv_limit=5)
        == [("MTC801", "missing-key", spec)] * 4
    )
    off = manifest(migration_controller=False)
    assert refusals(off, stunnel_tcp_proxy=PARTS) == [
        ("MTC303", "not-host", f"{spec}/migration_controller")
    ]
    assert refusals(manifest()) == [("", "no-settings", "/settings")]
    assert refusals(manifest(), mig_pv_limit=1, migPvLimit=2) == [
        ("MTC801", "given-twice", "/settings/migPvLimit")
    ]
    assert refusals(manifest(), stunnel_tcp_proxy=PARTS, stunnelTcpProxy=URL) == [
        ("MTC801", "given-twice", "/settings/stunnelTcpProxy")
    ]


def test_a_broken_limit_is_mended_by_the_same_request() -> None:
    result = patch(manifest(mig_pod_limit="many"), mig_pod_limit=200)
    assert result.merge_patch["spec"] == {"mig_pod_limit": 200}


def test_a_setting_newer_than_the_operator_is_told() -> None:
    result = patch(manifest(version="1.7.6"), rsync_endpoint_type="NodePort")
    assert codes(result) == ["too-new"]


def test_a_redacted_result_holds_no_secret() -> None:
    old = f"http://old:{stunnel.encode(SECRET)}@h:1"
    controller = manifest(
        stunnel_tcp_proxy=old,
        http_proxy=f"http://web:{stunnel.encode(SECRET)}@h:2",
        mig_ui_oauth_secret=stunnel.encode(SECRET),
        stunel_tcp_proxy=SECRET,
    )
    last = "kubectl.kubernetes.io/last-applied-configuration"
    controller["metadata"]["annotations"][last] = json.dumps(controller)
    result = patch(controller, stunnel_tcp_proxy=PARTS)
    shown = redacted(result)
    everything = json.dumps(
        [shown.merge_patch, shown.json_patch, shown.manifest, shown.undo]
        + [dict(change.undo) for change in shown.changes]
    ) + repr(shown)
    for secret in (SECRET, stunnel.encode(SECRET)):
        assert secret not in everything
        assert secret in json.dumps(result.manifest)
        assert secret not in repr(result) + repr(result.changes) + repr(PatchRequest({"a": secret}))
    assert shown.merge_patch["spec"] == {
        "stunnel_tcp_proxy": "http://mover:****@squid.example.com:3128"
    }
    assert not shown.secrets_shown


# --- properties ---------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["discovery_volume_path", "azure_resource_group", "mig_pv_limit", "rsync_opt_extras"]
)
TEXTS = st.text("abc /~.-", min_size=1, max_size=6)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "discovery_volume_path": TEXTS,
        "azureResourceGroup": TEXTS,
        "mig_pv_limit": st.integers(1, 9),
        "migPvLimit": st.integers(1, 9),
        "stunnel_tcp_proxy": st.sampled_from(["", URL, "http://h:1"]),
        "daemonset_node_selector": st.dictionaries(TEXTS, TEXTS, max_size=2),
        "excluded_resources": st.lists(TEXTS, max_size=3),
        "un/known~key": st.recursive(
            st.booleans() | st.integers() | TEXTS,
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
        ),
    },
)
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "discovery_volume_path": st.none() | TEXTS,
        "azure_resource_group": st.none() | TEXTS,
        "mig_pv_limit": st.none() | st.integers(1, 9),
        "stunnelTcpProxy": st.none() | st.sampled_from([PARTS, URL, ""]),
        "daemonset_node_selector": st.none() | st.dictionaries(TEXTS, TEXTS, max_size=2),
        "excluded_resources": st.none() | st.lists(TEXTS, max_size=3),
    },
).filter(bool)


def cleaned(controller: Mapping[str, Any]) -> Any:
    """Without what only the server writes."""
    copy = deepcopy(dict(controller))
    copy.pop("status", None)
    copy["metadata"].pop("managedFields", None)
    return copy


@given(SPECS, WANTED)
@settings(max_examples=200, deadline=None)
def test_the_three_forms_are_one(spec: dict[str, Any], wanted: dict[str, Any]) -> None:
    controller = manifest(**spec)
    before = deepcopy(controller)
    try:
        result = make_patch(PatchRequest(wanted, controller))
    except PatchRefused as error:  # a limit stands there under both spellings, and is not asked for
        refused = {reason.code for reason in error.reasons}
    else:
        refused = set()
    if refused:
        assert refused == {"given-twice"}
        return
    assert controller == before
    by_merge = apply_merge(controller, result.merge_patch)
    by_operations = jsonpatch.apply_patch(controller, list(result.json_patch))
    assert cleaned(by_merge) == cleaned(by_operations) == result.manifest
    assert same(cleaned(by_merge), result.manifest)

    again = make_patch(PatchRequest(wanted, by_merge))
    assert not again.changed
    assert again.manifest == result.manifest

    assert same(cleaned(apply_merge(by_merge, result.undo)), cleaned(controller))
    undone = by_merge
    for change in result.changes:
        undone = apply_merge(undone, change.undo)
    assert same(cleaned(undone), cleaned(controller))


JSON = st.recursive(
    st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", 1.0]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_leads_from_one_object_to_the_other(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert same(apply_merge(old, diff_merge(old, new)), new)
    assert diff_merge(new, new) == {}


@pytest.mark.parametrize(
    ("target", "change", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_rfc_7396(target: Any, change: Any, result: Any) -> None:
    assert apply_merge(target, change) == result


@pytest.mark.parametrize(
    "wanted",
    [
        {"stunnel_tcp_proxy": PARTS},
        {"mig_pv_limit": 300, "cluster_subdomain": None},
        {"daemonset_node_selector": {"zone": "b"}, "excluded_resources": ["events"]},
    ],
    ids=["proxy", "replace and remove", "mapping and list"],
)
def test_kubectl_makes_the_same_of_all_three(wanted: dict[str, Any], tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    controller = manifest(
        mig_pv_limit="100", cluster_subdomain="apps.x", daemonset_node_selector={"zone": "a"}
    )
    result = make_patch(PatchRequest(wanted, controller))
    file = tmp_path / "controller.yaml"
    file.write_text(yaml.safe_dump(controller), "utf-8")
    made = [
        _kubectl(kubectl, file, "merge", result.merge_patch, tmp_path),
        _kubectl(kubectl, file, "json", list(result.json_patch), tmp_path),
    ]
    assert [cleaned(item) for item in made] == [result.manifest, result.manifest]
    file.write_text(yaml.safe_dump(made[0]), "utf-8")
    undone = _kubectl(kubectl, file, "merge", result.undo, tmp_path)
    assert cleaned(undone) == cleaned(controller)


def _kubectl(kubectl: str, file: Path, kind: str, patch: Any, home: Path) -> Any:
    command = [kubectl, "patch", "--local", "-f", str(file), f"--type={kind}", "-o", "yaml"]
    ran = subprocess.run(
        [*command, "-p", json.dumps(patch)],
        capture_output=True,
        text=True,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "KUBECONFIG": str(home / "none")},
    )
    if ran.returncode and re.search(r"no matches for kind|connection refused", ran.stderr):
        pytest.skip(f"this kubectl does not patch custom resources locally: {ran.stderr[:200]}")
    assert ran.returncode == 0, ran.stderr
    return yaml.safe_load(ran.stdout)


def test_a_manifest_of_another_namespace_is_patched_there_and_said_to_have_no_effect() -> None:
    controller = manifest()
    controller["metadata"]["namespace"] = "default"
    result = patch(controller, stunnel_tcp_proxy=URL)
    assert "namespace" in codes(result)
    assert result.manifest is not None
    assert result.manifest["metadata"]["namespace"] == "default"
    named = [line for line in result.commands.values() if "migrationcontroller" in line]
    assert named
    assert all("-n default" in line for line in named)


@pytest.mark.parametrize(
    ("setting", "value", "after"),
    [
        ("stunnel_tcp_proxy", "https://squid.example.com:3128/", "https://squid.example.com:3128/"),
        ("stunnel_tcp_proxy", URL, "http://mover:****@squid.example.com:3128"),
        ("http_proxy", "http://a:b@squid.example.com:1", "http://a:****@squid.example.com:1"),
        ("additional_excluded_resources", ["events", "secrets"], '["events", "secrets"]'),
        ("mig_pv_limit", 200, "200"),
    ],
)
def test_a_change_shows_what_is_written(setting: str, value: Any, after: str) -> None:
    assert [change.after for change in patch(manifest(), **{setting: value}).changes] == [after]


def test_a_release_that_does_not_read_the_proxy() -> None:
    controller = manifest(version="1.4.1")
    at = "/settings/stunnel_tcp_proxy"
    assert refusals(controller, stunnel_tcp_proxy=URL) == [("MTC303", "too-new", at)]
    assert patch(manifest(version="1.4.2"), stunnel_tcp_proxy=URL).changed


def test_raw_characters_in_the_password_name_how_they_are_written() -> None:
    for raw, written in (("#", "%23"), ("/", "%2F"), ("?", "%3F")):
        reading = stunnel.read(f"http://mover:a{raw}b@squid.example.com:3128")
        assert not reading.usable
        assert any(written in remark.message for remark in reading.remarks), raw
