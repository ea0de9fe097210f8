"""What people paste: read where it is whole, and else refused by what it is, with the command."""

from __future__ import annotations

import io
import json

import pytest

from service.core.evidence import Problem
from service.intake.intake import Intake
from service.intake.limits import DEFAULT_LIMITS
from service.intake.parts import read_pieces
from service.intake.pieces import BadInput, Piece
from service.intake.texts.load import load
from service.intake.texts.shell import without_shell
from service.kinds.config import PROXY, SERVER_VERSION
from service.kinds.workloads import POD

PROXY_YAML = """\
apiVersion: config.openshift.io/v1
kind: Proxy
metadata:
  name: cluster
spec:
  httpProxy: http://proxy.example.com:3128
"""
FETCH_PROXY = "oc get proxies.config.openshift.io cluster -o json"
VALUE = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "Proxy",
    "metadata": {"name": "cluster"},
    "spec": {"httpProxy": "http://proxy.example.com:3128"},
}


def faults(text: str) -> list[tuple[str, int | None, str]]:
    """Code, line and hint of each document that is refused."""
    loaded = load(text.encode(), DEFAULT_LIMITS)
    return [(item.error.code, item.error.line, item.error.hint) for item in loaded if item.error]


def read(text: str, part: str = "source") -> Intake:
    return read_pieces([Piece(part, io.BytesIO(text.encode()))], {})


def prefixed(prefix: str) -> str:
    return "".join(prefix + line for line in PROXY_YAML.splitlines(keepends=True))


@pytest.mark.parametrize(
    "command",
    [
        "$ oc get proxy cluster -o json",
        "$ **oc get proxy cluster -o json**",
        "> oc get proxy cluster -o json",
        "[root@bastion ~]# oc get proxy cluster -o json",
        "[user@host deploy]$ oc get proxy cluster -o json",
        "user@host:~/deploy$ oc get proxy cluster -o json",
        "sh-4.4$ oc get proxy cluster -o json",
        "PS C:\\Users\\me> oc get proxy cluster -o json",
        "C:\\>oc get proxy cluster -o json",
        "oc get proxy cluster -o json",
        "cat .\\proxy.yaml",
        "$ cat <<EOF | oc apply -f -",
        "# the proxy\n\ncat << EOF > proxy.yaml",
        "$ oc get proxy \\\n  cluster \\\n  -o json",
        "$ oc get proxy cluster -o json\r",
        "+ oc get proxy cluster -o json",
        "ann@laptop ~ % oc get proxy cluster -o json",
        "(venv) [ann@host dir]$ oc get proxy cluster -o json",
        "user@host:~/x (main)$ oc get proxy cluster -o json",
        "bash-5.1# oc get proxy cluster -o json",
        "[2026-11-27 10:00:00] $ oc get proxy cluster -o json",
        "kube:admin@cluster> oc get proxy cluster -o json",
        "time oc get proxy cluster -o json",
        ".\\oc.exe get proxy cluster -o json",
        "/usr/local/bin/oc get proxy cluster -o json",
    ],
)
def test_yaml_behind_a_prompt_is_read_and_the_report_says_so(command: str) -> None:
    bundle = read(
        f"{command}\n{PROXY_YAML}EOF\n" if "EOF" in command else f"{command}\n{PROXY_YAML}"
    )
    (proxy,) = bundle.migration.source.known(PROXY)
    assert proxy.configured_http == "http://proxy.example.com:3128"
    (problem,) = bundle.migration.problems
    assert (problem.code, problem.blocks) == ("pasted-prompt", False)
    assert problem.line == (3 if command.startswith("#") else 1)


@pytest.mark.parametrize("end", ["[root@bastion ~]# ", "$", "user@host:~$ exit\nlogout\n"])
def test_the_next_prompt_may_be_copied_too(end: str) -> None:
    bundle = read(PROXY_YAML + end)
    assert len(bundle.migration.source.known(PROXY)) == 1
    assert [item.code for item in bundle.migration.problems] == ["pasted-prompt"]


def test_a_command_within_a_value_is_no_command_of_the_session() -> None:
    text = "kind: ConfigMap\ndata:\n  run: |\n    cat /etc/motd\n    $ oc get pods\nmetadata: {}\n"
    assert without_shell(text.encode()) == (text.encode(), ())
    data, lines = without_shell(f"$ oc get configmap run -o yaml\n{text}".encode())
    assert (data, lines) == (f"---\n{text}".encode(), (1,))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_what_the_shell_of_windows_writes_into_a_file_is_read(encoding: str) -> None:
    data = ("\ufeff" + PROXY_YAML.replace("\n", "\r\n")).encode(encoding)
    migration = read_pieces([Piece("source", io.BytesIO(data))], {}).migration
    assert (len(migration.source.known(PROXY)), migration.problems) == (1, ())


def test_files_that_each_begin_with_a_byte_order_mark_may_be_joined() -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    bundle = read(f"\ufeff{PROXY_YAML}\ufeff---\n{namespace}")
    assert (bundle.objects, bundle.migration.problems) == (2, ())


@pytest.mark.parametrize(
    ("version", "kind", "meant"),
    [
        ("config.openshift.io/v1", "proxy", "Proxy"),
        ("config.openshift.io/v1", "Prxy", "Proxy"),
        ("config.openshift.io/v1", "Proxies", "Proxy"),
        ("config.openshft.io/v1", "Proxy", "config.openshift.io/v1"),
        ("v1", "PersistentVolumeClam", "PersistentVolumeClaim"),
    ],
)
def test_a_kind_that_is_nearly_one_that_is_read_is_a_located_problem(
    version: str, kind: str, meant: str
) -> None:
    item = {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}
    for value, at in (
        (item, ""),
        ({"apiVersion": "v1", "kind": "List", "items": [item]}, "/items/0"),
        ({"apiVersion": version, "kind": f"{kind}List", "items": [item]}, ""),
    ):
        (problem,) = read(json.dumps(value)).migration.problems
        assert (problem.code, problem.pointer) == ("kind-misspelt", at)
        assert problem.hint == f"did you mean {meant}?"


@pytest.mark.parametrize(
    ("version", "kind"),
    [("v1", "Role"), ("migration.openshift.io/v1alpha1", "MigStage"), ("v1", "Event"),
     ("networking.k8s.io/v1", "IngressClass"), ("example.com/v1", "Proxi")],
)  # fmt: skip
def test_a_kind_of_its_own_that_no_policy_reads_is_no_problem(version: str, kind: str) -> None:
    item = {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [VALUE, item]}
    assert read(json.dumps(listed)).migration.problems == ()


def test_each_output_of_a_session_is_read_on_its_own_and_keeps_its_lines() -> None:
    described = "$ oc describe pod\nName:  a\nKind:  Pod\n$ \n"
    session = f"$ oc get proxy -o json\n{PROXY_YAML}{described}{PROXY_YAML}  a b"
    data, lines = without_shell(session.encode())
    documents = list(load(data, DEFAULT_LIMITS))
    assert lines == (1, 8, 11)
    assert [item.value for item in documents] == [VALUE, None, None]
    assert [(item.error.code, item.error.line) for item in documents if item.error] == [
        ("pasted-describe", 9),
        ("yaml-syntax", 19),
    ]


@pytest.mark.parametrize(
    "text",
    [
        PROXY_YAML,
        "# oc get proxy\n" + PROXY_YAML,
        "%YAML 1.1\n---\n" + PROXY_YAML,
        "---\n" + PROXY_YAML + "...\n",
        "---\n" + PROXY_YAML + "...\n---\n# nothing\n",
    ],
)
def test_plain_yaml_is_no_session(text: str) -> None:
    assert without_shell(text.encode()) == (text.encode(), ())
    assert [item.value for item in load(text.encode(), DEFAULT_LIMITS)] == [VALUE]


@pytest.mark.parametrize(
    ("text", "code", "line", "command"),
    [
        ("Name:   shop\nNamespace:  mig\nKind:   MigPlan\nAnnotations:  a: b\n", "describe", 1,
         "oc get migplans.migration.openshift.io shop -n mig -o json"),
        ("Name:   shop\nKind:   MigPlan\n", "describe", 1,
         "oc get migplans.migration.openshift.io shop -n <namespace> -o json"),
        ("Name:   shop\nLabels:  <none>\nStatus:  Active\n", "describe", 1,
         "oc get <resource> shop -o json"),
        ("NAME    AGE\nshopa   5d5h\n", "table", 1, "oc get <resource> -o json"),
        ("NAMESPACE   NAME   READY   STATUS\nshop   a-1   1/1   Running\n", "table", 1,
         "oc get <resource> -o json"),
        ('Error from server (NotFound): proxies "x" not found\n', "oc-error", 1,
         "oc get <resource> -o json"),
        (prefixed("> "), "quoted", 1, FETCH_PROXY),
        (prefixed(">> "), "quoted", 1, FETCH_PROXY),
        (prefixed("+"), "diff", 1, FETCH_PROXY),
        (f"@@ -1,2 +1,6 @@\n{prefixed('+')}", "diff", 1, FETCH_PROXY),
        (f"```yaml\n{PROXY_YAML}```\n", "fenced", 1, FETCH_PROXY),
        (f"The proxy:\n\n```\n{PROXY_YAML}```\n", "fenced", 3, FETCH_PROXY),
        (prefixed("  1  "), "numbered", 1, FETCH_PROXY),
        (prefixed("     1\t"), "numbered", 1, FETCH_PROXY),
        (prefixed(" 1 | "), "numbered", 1, FETCH_PROXY),
        (f"<<<<<<< HEAD\n{PROXY_YAML}=======\na: b\n>>>>>>> x\n", "conflict", 1, FETCH_PROXY),
        (PROXY_YAML.replace("spec:\n", "--More--(35%)\nspec:\n"), "left-out", 5, FETCH_PROXY),
        (PROXY_YAML + "# ... snip ...\n", "left-out", 7, FETCH_PROXY),
        (PROXY_YAML.replace("Proxy: ", "Proxy:\u00a0") + "  noProxy: a\n", "blank", 6, ""),
        (PROXY_YAML.replace("3128", "3128 <1>"), "callout", 6, FETCH_PROXY),
        (PROXY_YAML.replace("3128", "3128 <.>"), "callout", 6, FETCH_PROXY),
        (PROXY_YAML.replace("spec:\n", "spec:\n...\n"), "left-out", 6, FETCH_PROXY),
        (PROXY_YAML.replace("spec:\n", "[...]\nspec:\n"), "left-out", 5, FETCH_PROXY),
        (PROXY_YAML.replace("spec:\n", "spec:\n  # ...\n"), "left-out", 6, FETCH_PROXY),
        (PROXY_YAML + "[... snipped, see the other fields ...]\n", "left-out", 7, FETCH_PROXY),
        (PROXY_YAML + "status:\n  [...]\n", "left-out", 8, FETCH_PROXY),
        (PROXY_YAML.replace("  http", "\u00a0 http"), "blank", 6, ""),
        (PROXY_YAML.replace("httpProxy", "http\u200bProxy"), "blank", 6, ""),
        (PROXY_YAML.replace("  name", "  \u3000name"), "blank", 4, ""),
        (PROXY_YAML.replace("  http", "\thttp"), "tab", 6, ""),
    ],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused_by_what_it_is(
    text: str, code: str, line: int, command: str
) -> None:
    ((found, at, hint),) = faults(text)
    assert (found, at) == (f"pasted-{code}", line)
    assert hint.endswith(command)


@pytest.mark.parametrize(
    "text",
    [
        # In the text of a value anything may stand.
        "kind: ConfigMap\ndata:\n  a: |\n    spec:\n      ...\n    # ...\n    - x <1>\n  b: c\n",
        'kind: Proxy\nspec:\n  httpProxy: "http://a...b"\n  noProxy: a <1 and more\n',
        "kind: Proxy\nmetadata:\n  annotations:\n    note: a\u00a0b – “c”\n",
        "kind: Role\nsubjects:\n- kind: User\n  name: a\n",
        "kind: Pod\nstatus:\n  message: Error from server\n",
        "clusters: []\nname: x\n",
    ],
)
def test_what_only_looks_alike_is_read(text: str) -> None:
    assert faults(text) == []


def test_the_outputs_of_commands_are_documents_without_a_marker_between_them() -> None:
    version = json.dumps({"major": "1", "gitVersion": "v1.31.5"}, indent=2)
    pods = 'apiVersion: v1\nitems: []\nkind: List\n--- {complete: ["pods/shop"]}\n'
    for text in (
        PROXY_YAML + pods + version,
        PROXY_YAML + pods + version + "\n",
        pods + PROXY_YAML + version,
        pods + version + PROXY_YAML,
        version + PROXY_YAML + pods,
        version + "\n" + PROXY_YAML + "---\n" + pods,
        version + pods + PROXY_YAML,
    ):
        migration = read(text).migration
        assert migration.problems == ()
        assert [item.configured_http for item in migration.source.known(PROXY)] == [
            "http://proxy.example.com:3128"
        ]
        assert [item.git_version for item in migration.source.known(SERVER_VERSION)] == ["v1.31.5"]
        assert migration.source.all(POD, ["shop"]) == ()


def test_a_json_text_that_is_nested_too_deeply_is_one_problem() -> None:
    deep = '{"kind": "Pod", "x": ' + "[" * 300 + "]" * 300 + "}"
    loaded = list(load(deep.encode(), DEFAULT_LIMITS))
    assert [item.error and item.error.code for item in loaded] == ["limit-depth"]
    with pytest.raises(BadInput) as refused:
        read(deep)
    assert refused.value.problems == (
        Problem(
            "limit-depth", "the JSON text is nested deeper than 201 levels",
            "no object of a cluster is nested so deeply: leave this document out",
            part="source", document=0, line=1,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "read_as"),
    [("1e38", "1e+38"), ("3.4028235e38", "3.4028235e+38"), ("1e39", None), ("-1e300", None)],
)
def test_a_float_key_beyond_32_bits_is_refused_with_its_line(key: str, read_as: str | None) -> None:
    (loaded,) = load(f"a: b\n{key}: x\n".encode(), DEFAULT_LIMITS)
    if read_as is None:
        assert loaded.error is not None
        assert (loaded.error.code, loaded.error.line) == ("yaml-key", 2)
    else:
        assert loaded.value == {"a": "b", read_as: "x"}
