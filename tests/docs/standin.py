"""What stands in for `oc`, `kubectl` and `podman` where the pages' commands run.

It knows what the pages need and nothing else: an unknown verb, flag, file, object or image is an
error, as it is with the real programs. The clusters are in the file that ``$STANDIN_STATE`` names;
what is applied, replaced, patched and deleted stays so. Every call is noted beside it.

The tests import this module too, for the archives. As a program it starts without site-packages,
keeps its state as `marshal` and imports the rest where it is needed: the gather script calls it
some seventy times.
"""

from __future__ import annotations

import json
import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Object = dict[str, Any]

MTC_MUST_GATHER = "registry.redhat.io/rhmtc/openshift-migration-must-gather-rhel8:v1.8"
OF_OC = ("adm", "api_versions", "login", "start_build", "whoami")
VERBS = (
    "apply", "config", "create", "delete", "exec", "get", "logs", "patch",
    "replace", "rollout", "wait", *OF_OC,
)  # fmt: skip
TOKEN_TEMPLATE = (
    'go-template={{.metadata.resourceVersion}} {{index .data "saToken" | base64decode}}'
)
REVIEWS = ("SelfSubjectAccessReview", "SelfSubjectReview")
OUTSIDE = {
    "Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding",
    "ValidatingWebhookConfiguration",
}  # fmt: skip
"""Kinds of the manifests that no namespace holds."""
APPLIED = {
    "v1": "Namespace ServiceAccount Service ConfigMap Secret",
    "apps/v1": "Deployment",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "policy/v1": "PodDisruptionBudget",
    "networking.k8s.io/v1": "NetworkPolicy",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "batch/v1": "Job",
    "admissionregistration.k8s.io/v1": "ValidatingWebhookConfiguration",
    "image.openshift.io/v1": "ImageStream",
    "build.openshift.io/v1": "BuildConfig",
    "route.openshift.io/v1": "Route",
    "monitoring.coreos.com/v1": "PrometheusRule ServiceMonitor",
    "wgpolicyk8s.io/v1alpha1": "PolicyReport",
}
"""What the clusters serve beyond the kinds that the policies read."""


class Refused(Exception):
    """What the real program would refuse; the text is its message."""


class Words:
    """A command line: flags with and without values, then the rest in order."""

    def __init__(self, words: list[str], valued: str = "", bare: str = "") -> None:
        self.rest: list[str] = []
        self.flags: dict[str, str] = {}
        left = list(words)
        while left:
            word = left.pop(0)
            name, equals, value = word.partition("=")
            if word == "-" or not word.startswith("-"):
                self.rest.append(word)
            elif name in valued.split():
                if not equals and not left:
                    raise Refused(f"flag needs an argument: {name}")
                self._set(name, value if equals else left.pop(0))
            elif word in bare.split():
                self._set(word, "true")
            else:
                raise Refused(f"unknown flag: {name}")

    def _set(self, name: str, value: str) -> None:
        if name in self.flags and name not in ("-e", "--from-file"):
            raise Refused(f"flag given twice: {name}")
        self.flags[name] = value

    def needs(self, *names: str) -> list[str]:
        missing = [name for name in names if not self.flags.get(name)]
        if missing:
            raise Refused(f"required flag(s) not set: {', '.join(missing)}")
        return [self.flags[name] for name in names]

    def only(self, *allowed: str) -> None:
        odd = [name for name in self.flags if name not in allowed]
        if odd:
            raise Refused(f"unknown flag: {odd[0]}")

    def args(self, *shape: str) -> list[str]:
        """The rest, which must have this shape: fixed words, and "" for anything."""
        if len(self.rest) != len(shape) or any(
            want and want != got for want, got in zip(shape, self.rest, strict=True)
        ):
            raise Refused(f"unexpected arguments: {self.rest}")
        return [got for want, got in zip(shape, self.rest, strict=True) if not want]


class Cluster:
    """One of the clusters: what it serves and what it holds."""

    def __init__(self, name: str, data: Object) -> None:
        self.name = name
        self.data = data
        self.objects: list[Object] = data["objects"]

    def resource(self, word: str) -> Object:
        """The resource that a word of a command line names."""
        low = word.lower()
        for row in self.data["served"]:
            if low in (row["argument"], row["plural"], row["kind"].lower()):
                return dict(row)
        raise Refused(f'the server doesn\'t have a resource type "{word}"')

    def find(self, row: Object, name: str = "", namespace: str = "") -> list[Object]:
        return [
            item
            for item in self.objects
            if (item["apiVersion"], item["kind"]) == (row["apiVersion"], row["kind"])
            and name in ("", item["metadata"]["name"])
            and namespace in ("", item["metadata"].get("namespace", ""))
        ]

    def one(self, word: str, name: str, namespace: str = "") -> Object:
        row = self.resource(word)
        if row["namespaced"] and not namespace:
            namespace = "default"
        found = self.find(row, name, namespace if row["namespaced"] else "")
        if not found:
            group = f"{row['argument']} " if name else ""
            raise Refused(f'Error from server (NotFound): {group}"{name}" not found')
        return found[0]

    def put(self, item: Object, *, fresh: bool = False) -> str:
        """Create or change an object; what was done."""
        self.check(item)
        row = self._row(item)
        metadata = item["metadata"]
        space = metadata.get("namespace", "")
        known = self.find(row, metadata["name"], space)
        if known and fresh:
            raise Refused(f'Error from server (AlreadyExists): "{metadata["name"]}" already exists')
        version = int(known[0]["metadata"].get("resourceVersion", "0")) if known else 0
        made = marshal.loads(marshal.dumps(item))
        made["metadata"]["resourceVersion"] = str(version + 1)
        if item["kind"] == "Route":
            host = f"{metadata['name']}-{space}.apps.{self.name}.example.com"
            made["spec"].setdefault("host", host)
        if known:
            if "status" in known[0]:  # only a controller changes it, by a subresource of its own
                made["status"] = known[0]["status"]
            self.drop(known[0])
        self.objects.append(made)
        word = row["kind"].lower()
        return f"{word}/{metadata['name']} {'configured' if known else 'created'}"

    def drop(self, item: Object) -> None:
        """Delete an object."""
        self.objects.remove(item)
        self.data["texts"].pop(identity(item), None)

    def text(self, item: Object) -> str:
        """An object as YAML; that of most is there already."""
        return self.data["texts"].get(identity(item)) or text_of(item)

    def _row(self, item: Object) -> Object:
        for row in self.data["served"]:
            if (row["apiVersion"], row["kind"]) == (item["apiVersion"], item["kind"]):
                return dict(row)
        raise Refused(f'no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}"')

    def check(self, item: Any) -> None:
        """Raises Refused where the API server would not take this object."""
        if not isinstance(item, dict) or not all(item.get(key) for key in ("apiVersion", "kind")):
            raise Refused("error validating data: apiVersion or kind not set")
        row = self._row(item)
        metadata = item.get("metadata") or {}
        name = str(metadata.get("name") or "-")
        if name != name.lower() or not (name[0] + name[-1]).isalnum() or " " in name:
            raise Refused(f"metadata.name: {metadata.get('name')!r} is no name")
        space = metadata.get("namespace", "")
        if bool(space) != row["namespaced"]:
            raise Refused(f"{item['kind']} {metadata['name']}: namespace {space!r}")
        if space and not self.find(self.resource("namespaces"), space):
            raise Refused(f'namespaces "{space}" not found')


def documents(data: str) -> list[Any]:
    """Documents of a YAML text. Raises Refused."""
    yaml = _yaml()
    try:
        found = [item for item in yaml.safe_load_all(data) if item is not None]
    except yaml.YAMLError as error:
        raise Refused(f"error parsing: {error}") from None
    if not found:
        raise Refused("error: no objects passed to apply")
    return found


def _yaml() -> Any:
    import yaml

    return yaml


def identity(item: Object) -> tuple[str, ...]:
    """What tells an object from all others."""
    metadata = item["metadata"]
    return item["apiVersion"], item["kind"], metadata.get("namespace", ""), metadata["name"]


def _json(value: Any) -> str:
    """An object as oc prints JSON: indented by four, the keys in order."""
    return json.dumps(value, indent=4, sort_keys=True, default=str)


def text_of(value: Any) -> str:
    """An object as YAML."""
    dumped: str = _yaml().safe_dump(value, sort_keys=False)
    return dumped


def kustomized(folder: str) -> list[Object]:
    """The objects of a kustomize folder, in their namespace; patches are only looked for."""
    (spec,) = documents(_content(f"{folder}/kustomization.yaml"))
    found: list[Object] = []
    for name in spec["resources"]:
        place = f"{folder}/{name}"
        found += kustomized(place) if os.path.isdir(place) else documents(_content(place))
    for patch in spec.get("patches", []):
        changed = documents(_content(f"{folder}/{patch['path']}")) if "path" in patch else []
        wanted = [(item["kind"], item["metadata"]["name"]) for item in changed]
        if "target" in patch:
            wanted.append((patch["target"]["kind"], patch["target"]["name"]))
        here = {(item["kind"], item["metadata"]["name"]) for item in found}
        if not wanted or not here.issuperset(wanted):
            raise Refused(f"no matches for patch {wanted} in {folder}")
    for item in found:
        if spec.get("namespace") and item["kind"] not in OUTSIDE:
            item["metadata"]["namespace"] = spec["namespace"]
    return found


def _content(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.read()
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError):
        raise Refused(f'error: the path "{path}" cannot be read') from None


class Program:
    """`oc` and `kubectl`, logged in to one of the clusters."""

    def __init__(self, name: str, state: Object) -> None:
        self.name = name
        self.state = state

    @property
    def cluster(self) -> Cluster:
        name = self.state["current"]
        if not name:
            raise Refused("error: You must be logged in to the server (Unauthorized)")
        return Cluster(name, self.state["clusters"][name])

    def run(self, words: list[str]) -> str:
        """What a call prints."""
        space = ""
        if words[:1] == ["-n"]:  # the only flag that the pages put before the verb
            space, words = words[1], words[2:]
        verb = words[0].replace("-", "_") if words else ""
        if verb not in VERBS or (verb in OF_OC and self.name != "oc"):
            raise Refused(f'error: unknown command "{verb}"')
        rest = [*words[1:], "-n", space] if space else words[1:]
        answer: str = getattr(self, verb)(rest)
        return answer

    def login(self, words: list[str]) -> str:
        (url,) = Words(words).args("")
        for name, data in self.state["clusters"].items():
            if data["url"] == url:
                self.state["current"] = name
                return f'Logged into "{url}" as "alice".'
        raise Refused(f"error: dial {url}: no such host")

    def whoami(self, words: list[str]) -> str:
        given = Words(words, bare="-t --show-server")
        given.args()
        data = self.cluster.data
        if "-t" in given.flags:
            return str(data["token"])
        return str(data["url"]) if given.flags else "alice"

    def api_versions(self, words: list[str]) -> str:
        Words(words).args()
        return "\n".join(sorted({row["apiVersion"] for row in self.cluster.data["served"]}))

    def get(self, words: list[str]) -> str:
        given = Words(
            words, "-n -o --raw --field-selector", "-A --all-namespaces --ignore-not-found"
        )
        if "--raw" in given.flags:
            given.args()
            given.only("--raw")
            return self._raw(given.flags["--raw"])
        rest = given.rest[0].split("/", 1) if len(given.rest) == 1 else given.rest
        if not 1 <= len(rest) <= 2:
            raise Refused("error: You must specify the type of resource to get")
        (output,) = given.needs("-o")
        row, *more = (self.cluster.resource(word) for word in rest[0].split(","))
        everywhere = not row["namespaced"] or "-A" in words or "--all-namespaces" in words
        space = "" if everywhere else given.flags.get("-n", "default")
        if len(rest) == 2:
            return self._single(row, rest[1], space, output, given)
        found = [item for each in (row, *more)
                 for item in self.cluster.find(each, namespace=space)]  # fmt: skip
        if output == "yaml":
            if not found:
                return 'apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: ""'
            rows = (self.cluster.text(item).rstrip().replace("\n", "\n  ") for item in found)
            return "\n- ".join(["apiVersion: v1\nkind: List\nitems:", *rows])
        if output == "name":
            running = given.flags.get("--field-selector") == "status.phase=Running"
            return "\n".join(
                f"{row['kind'].lower()}/{item['metadata']['name']}"
                for item in found
                if not running or item.get("status", {}).get("phase") == "Running"
            )
        if output.startswith("jsonpath="):
            return _jsonpath(output.removeprefix("jsonpath="), {"items": found})
        if output == "json":
            return _json({"apiVersion": "v1", "items": found, "kind": "List"})
        if row["plural"] == "secrets" and output == f"go-template={self.state['template']}":
            return "\n".join(_key_names(found))
        raise Refused(f"error: unable to match a printer suitable for the output format {output}")

    def _single(self, row: Object, name: str, space: str, output: str, given: Words) -> str:
        if row["plural"] == "users" and name == "~":
            user = {"apiVersion": row["apiVersion"], "kind": "User", "metadata": {"name": "alice"}}
            return _json(user) if output == "json" else text_of(user)
        if given.flags.get("--ignore-not-found") and not self.cluster.find(row, name, space):
            return ""
        item: Any = self.cluster.one(row["argument"], name, space)
        if output == "yaml":
            return self.cluster.text(item)
        if output == "json":
            return _json(item)
        if row["plural"] == "secrets" and output == TOKEN_TEMPLATE:
            import base64

            return f"1 {base64.b64decode(item['data']['saToken']).decode()}"
        if not output.startswith("jsonpath="):
            raise Refused(f"error: unable to match a printer for the output format {output}")
        return _jsonpath(output.removeprefix("jsonpath="), item)

    def _raw(self, path: str) -> str:
        if path not in self.cluster.data["raw"]:
            raise Refused("Error from server (NotFound): the server could not find it")
        return str(self.cluster.data["raw"][path])

    def apply(self, words: list[str]) -> str:
        given = Words(words, "-f -k", "--server-side")
        given.args()
        if set(given.flags) - {"--server-side"} not in ({"-f"}, {"-k"}):
            raise Refused("error: must specify one of -f and -k")
        found = (
            kustomized(given.flags["-k"])
            if "-k" in given.flags
            else documents(_content(given.flags["-f"]))
        )
        # As kubectl does: what the others need comes first.
        found.sort(key=lambda item: item.get("kind") != "Namespace")
        return "\n".join(self.cluster.put(item) for item in found)

    def create(self, words: list[str]) -> str:
        if words[:1] == ["rolebinding"]:
            return self._role_binding(words[1:])
        if words[:1] == ["token"]:
            given = Words(words[1:], "-n")
            (name,) = given.args("")
            self.cluster.one("serviceaccount", name, given.flags.get("-n", ""))
            return "eyJhbGciOiJSUzI1NiJ9.standin"
        if words[:2] == ["secret", "generic"]:
            return self._of_file("Secret", "stringData", words[2:])
        if words[:1] == ["configmap"]:
            return self._of_file("ConfigMap", "data", words[1:])
        given = Words(words, "-f -o -n")
        given.args()
        (file,) = given.needs("-f")
        (item,) = documents(_content(file))
        if item["kind"] == "Pod":
            return self._pod(item, given.flags["-n"])
        if item["kind"] in REVIEWS:
            return text_of({**item, "status": {"allowed": self.cluster.data["admin"]}})
        return self.cluster.put(item, fresh=True)

    def _pod(self, item: Object, space: str) -> str:
        """A pod runs at once, to its end."""
        item["metadata"]["namespace"] = space
        (container,) = item["spec"]["containers"]
        ended = self._inside(container["command"])
        state = {"terminated": {"exitCode": ended.returncode}}
        item["status"] = {
            "phase": "Failed" if ended.returncode else "Succeeded",
            "containerStatuses": [{"state": state}],
            "said": ended.stdout + ended.stderr,
        }
        return self.cluster.put(item, fresh=True)

    def exec(self, words: list[str]) -> str:
        """What a command prints that runs in a pod of the cluster."""
        given = Words(words[: words.index("--")], "-n -c")
        (name,) = given.args("")
        self.cluster.one("pods", name, given.needs("-n")[0])
        ended = self._inside(words[words.index("--") + 1 :])
        print(ended.stderr, file=sys.stderr)
        if ended.returncode:
            raise Refused(f"command terminated with exit code {ended.returncode}")
        return str(ended.stdout).rstrip("\n")

    def _inside(self, command: list[str]) -> Any:
        """Run a command where the network is the cluster's: what it reaches is in its state."""
        import subprocess
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            for name, text in INSIDE.items():
                with open(f"{folder}/{name}", "w", encoding="utf-8") as stream:
                    stream.write(f"#!/bin/sh\n{text}")
                os.chmod(f"{folder}/{name}", 0o700)
            path = f"{folder}:{os.environ['PATH']}"
            reached = " ".join(self.cluster.data["reaches"])
            return subprocess.run(
                command,
                env={"PATH": path, "REACHED": f" {reached} "},
                capture_output=True,
                text=True,
                check=False,
            )

    def _of_file(self, kind: str, field: str, words: list[str]) -> str:
        given = Words(words, "-n --from-file")
        (name,) = given.args("")
        space, source = given.needs("-n", "--from-file")
        key, _, path = source.rpartition("=")
        metadata = {"name": name, "namespace": space}
        made = {"apiVersion": "v1", "kind": kind, "metadata": metadata,
                field: {key or path: _content(path)}}  # fmt: skip
        return self.cluster.put(made, fresh=True)

    def _role_binding(self, words: list[str]) -> str:
        given = Words(words, "-n --clusterrole --serviceaccount")
        (name,) = given.args("")
        space, role, account = given.needs("-n", "--clusterrole", "--serviceaccount")
        self.cluster.one("clusterrole", role)
        of, _, who = account.partition(":")
        self.cluster.one("serviceaccount", who, of)
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": space},
        }
        return self.cluster.put(binding, fresh=True)

    def replace(self, words: list[str]) -> str:
        given = Words(words, "-f -n")
        given.args()
        (file,) = given.needs("-f")
        (item,) = documents(_content(file))
        self.cluster.check(item)
        metadata = item["metadata"]
        if given.flags.get("-n", metadata.get("namespace")) != metadata.get("namespace"):
            raise Refused("error: the namespace from the provided object does not match -n")
        old = self.cluster.one(item["kind"], metadata["name"], metadata.get("namespace", ""))
        seen = metadata.get("resourceVersion", "")
        if seen not in ("", old["metadata"].get("resourceVersion", "")):
            raise Refused("Error from server (Conflict): the object has been modified")
        self.cluster.put(item)
        return f"{item['kind'].lower()}/{metadata['name']} replaced"

    def patch(self, words: list[str]) -> str:
        given = Words(words, "-n --type -p --patch-file")
        kind, name = given.args("", "")
        (space, form) = given.needs("-n", "--type")
        text = given.flags.get("-p") or _content(given.needs("--patch-file")[0])
        (change,) = documents(text)
        if form != "merge" or not isinstance(change, dict):
            raise Refused(f"error: --type {form} with {type(change).__name__}")
        old = self.cluster.one(kind, name, space)
        self.cluster.put(_merged(old, change))
        return f"{old['kind'].lower()}/{name} patched"

    def delete(self, words: list[str]) -> str:
        given = Words(words, "-n --wait", "--ignore-not-found")
        kind, name = given.args("", "")
        self.cluster.drop(self.cluster.one(kind, name, given.flags.get("-n", "")))
        return f'{kind} "{name}" deleted'

    def wait(self, words: list[str]) -> str:
        given = Words(words, "-n --for --timeout")
        (named,) = given.args("")
        space, wanted, timeout = given.needs("-n", "--for", "--timeout")
        kind, _, name = named.partition("/")
        item = self.cluster.one(kind, name, space)
        known = (item["kind"], wanted) == ("Job", "condition=complete")
        if not known or timeout[-1:] != "s" or not timeout[:-1].isdigit():
            raise Refused(f"error: {wanted} of a {item['kind']} within {timeout}")
        return f"job.batch/{name} condition met"

    def rollout(self, words: list[str]) -> str:
        """`rollout status`: the operator has taken over what the MigrationController says."""
        given = Words(words, "-n")
        (named,) = given.args("status", "")
        kind, _, name = named.partition("/")
        space = given.needs("-n")[0]
        if self.cluster.one(kind, name, space)["kind"] != "Deployment":
            raise Refused(f"error: no status of {named}")
        if name == "migration-controller":
            spec = self.cluster.one("migrationcontroller", name, space)["spec"]
            config = self.cluster.one("configmap", name, space)
            data = {**config["data"], "STUNNEL_TCP_PROXY": spec.get("stunnel_tcp_proxy", "")}
            self.cluster.put({**config, "data": data})
        return f'deployment "{name}" successfully rolled out'

    def config(self, words: list[str]) -> str:
        Words(words).args("get-contexts")
        return "\n".join(["NAME", *self.state["clusters"]])

    def logs(self, words: list[str]) -> str:
        """What a Job prints: its command runs here."""
        import subprocess

        given = Words(words, "-n")
        (named,) = given.args("")
        kind, _, name = named.rpartition("/")
        item = self.cluster.one(kind or "pods", name, given.needs("-n")[0])
        if item["kind"] == "Pod":
            return str(item["status"]["said"]).rstrip("\n")
        (container,) = item["spec"]["template"]["spec"]["containers"]
        command = [*container["command"], *container["args"]]
        names = [item["name"] for item in container["env"]]
        values = [item["value"] for item in container["env"]]
        environment = {**os.environ, **dict(zip(names, values, strict=True))}
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if told.returncode:
            raise Refused(told.stderr)
        return told.stdout

    def start_build(self, words: list[str]) -> str:
        given = Words(words, "-n --from-dir", "--follow")
        (name,) = given.args("")
        space, folder = given.needs("-n", "--from-dir")
        spec = self.cluster.one("buildconfig", name, space)["spec"]
        _content(f"{folder}/{spec['strategy']['dockerStrategy']['dockerfilePath']}")
        stream = spec["output"]["to"]["name"].partition(":")[0]
        self.cluster.one("imagestream", stream, space)
        return f"build.build.openshift.io/{name}-1 started"

    def adm(self, words: list[str]) -> str:
        if words[:2] == ["policy", "add-cluster-role-to-group"]:
            role, group = Words(words[2:]).args("", "")
            self.cluster.one("clusterrole", role)
            return f'clusterrole.rbac.authorization.k8s.io/{role} added: "{group}"'
        if words[:1] != ["must-gather"]:
            raise Refused(f"error: unknown command {words}")
        given = Words(words[1:], "--dest-dir --image --image-stream")
        given.args()
        known = {"--image": MTC_MUST_GATHER, "--image-stream": "openshift/must-gather"}
        for name, image in known.items():
            if given.flags.get(name, image) != image:
                raise Refused(f"error: {given.flags[name]}: manifest unknown")
        folder = given.flags.get("--dest-dir", "must-gather.local.1")
        mtc = "--image" in given.flags
        for path, text in must_gather(self.cluster.objects, self.state["now"], mtc=mtc):
            os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
            with open(f"{folder}/{path}", "w", encoding="utf-8") as stream:
                stream.write(text)
        return f"Gather-debug output in {folder}"


INSIDE = {
    "getent": 'case $REACHED in *" $2:53 "*) echo "192.0.2.1 $2" ;; *) exit 2 ;; esac',
    "curl": """\
for word in "$@"; do place=${word#https://}; done
place=${place%%/*}
case $REACHED in
  *" $place "*) printf '\\n401 000' ;;
  *) echo "curl: (28) Connection timed out"; printf '\\n000 000'; exit 28 ;;
esac
""",
    "timeout": """\
shift
case $* in *"</dev/tcp/"*) ;; *) exec "$@" ;; esac
place=${3#*/dev/tcp/}
case $REACHED in *" ${place%/*}:${place##*/} "*) ;; *) exit 124 ;; esac
""",
    "sleep": "",
}
"""Programs that know what the pods of a cluster reach."""


def _jsonpath(template: str, value: Any) -> str:
    """The part of JSONPath that kubectl has and the scripts use."""
    import re

    def found(path: str, item: Any) -> str:
        for step in re.findall(r"[^.\[\]]+", path):
            if isinstance(item, list):
                item = item[int(step)] if int(step) < len(item) else None
            else:
                item = item.get(step) if isinstance(item, dict) else None
        words = {None: "", True: "true", False: "false"}
        return words[item] if item is None or isinstance(item, bool) else str(item)

    def filled(text: str, item: Any) -> str:
        text = text.replace('{"\\n"}', "\n")
        return re.sub(r"\{\.([^{}]*)\}", lambda match: found(match[1], item), text)

    loop = re.fullmatch(r"\{range \.items\[\*\]\}(.*)\{end\}", template, re.DOTALL)
    if loop:
        return "".join(filled(loop[1], item) for item in value["items"]).rstrip("\n")
    return filled(template, value)


def _key_names(secrets: list[Object]) -> Iterator[str]:
    """What the template of the gather script makes of secrets."""
    yield "apiVersion: v1\nkind: SecretList\nitems:"
    for item in secrets:
        told = {key: item["metadata"][key] for key in ("name", "namespace")}
        where = ", ".join(f'{key}: "{value}"' for key, value in told.items())
        keys = "".join(f'"{key}": "", ' for key in item.get("data", {}))
        ends = "".join(
            f'"{key}": "{value}"'
            for key, value in item["metadata"].get("annotations", {}).items()
            if key == "auth.openshift.io/certificate-not-after"
        )
        metadata = f"{{{where}, annotations: {{{ends}}}}}"
        yield f"- {{apiVersion: v1, kind: Secret, metadata: {metadata}, data: {{ {keys}}}}}"


def _merged(old: Any, change: Any) -> Any:
    if not isinstance(change, dict) or not isinstance(old, dict):
        return change
    made = {key: value for key, value in old.items() if change.get(key, value) is not None}
    for key, value in change.items():
        if value is not None:
            made[key] = _merged(old.get(key), value)
    return made


def must_gather(objects: list[Object], now: str, *, mtc: bool) -> Iterator[tuple[str, str]]:
    """Members of a must-gather: cluster-scoped objects one by one, of OpenShift's own namespaces
    the lists (MTC's with its own image only), and nothing of the applications'."""
    top = "registry-redhat-io-openshift-release-sha256-0a1b"
    lists: dict[tuple[str, str], list[Object]] = {}
    for item in objects:
        group = item["apiVersion"].rpartition("/")[0] or "core"
        plural = _plural(item["kind"])
        space = item["metadata"].get("namespace", "")
        if not space:
            place = f"cluster-scoped-resources/{group}/{plural}"
            yield f"{top}/{place}/{item['metadata']['name']}.yaml", text_of(item)
        elif item["kind"] != "Secret" and (
            mtc if space == "openshift-migration" else space.startswith("openshift-")
        ):
            lists.setdefault((space, f"{group}/{plural}"), []).append(item)
    for (space, place), found in lists.items():
        kind = f"{found[0]['kind']}List"
        body = {"apiVersion": found[0]["apiVersion"], "kind": kind, "items": found}
        yield f"{top}/namespaces/{space}/{place}.yaml", text_of(body)
    yield f"{top}/timestamp", f"{now}\n{now}\n"


def _plural(kind: str) -> str:
    low = kind.lower()
    if low.endswith("s"):
        return f"{low}es"
    return f"{low[:-1]}ies" if low.endswith("y") and low[-2] not in "aeiou" else f"{low}s"


class Podman:
    """`podman build` and `podman run`."""

    def __init__(self, state: Object) -> None:
        self.state = state

    def run(self, words: list[str]) -> str:
        if words[:1] == ["build"]:
            given = Words(words[1:], "-t -f")
            (folder,) = given.args("")
            (tag,) = given.needs("-t")
            _content(f"{folder}/{given.flags.get('-f', 'Containerfile')}")
            self.state["images"].append(tag)
            return f"COMMIT {tag}"
        if words[:1] != ["run"]:
            raise Refused(f"Error: unrecognized command {words}")
        given = Words(words[1:], "--tmpfs -p -e", "--read-only --rm")
        (image,) = given.args("")
        if image not in self.state["images"]:
            raise Refused(f"Error: {image}: image not known")
        address, port, inner = given.needs("-p")[0].split(":")
        if (address, inner) != ("127.0.0.1", "8080") or not port.isdigit():
            raise Refused(f"Error: the service does not listen there: {given.flags['-p']}")
        return ""


def packed(state: Object) -> bytes:
    """The state for its file, the same bytes for the same state."""
    return marshal.dumps(state, 2)


def main(name: str) -> int:
    """Run one call of a program; the exit status."""
    file, words = os.environ["STANDIN_STATE"], sys.argv[1:]
    with open(file, "rb") as stream:
        before = stream.read()
    state = marshal.loads(before)
    sys.path += state["path"]
    with open(f"{file}.calls", "a", encoding="utf-8") as calls:
        calls.write(f"{name} {' '.join(words)}\n")
    program = Podman(state) if name == "podman" else Program(name, state)
    try:
        said = program.run(words)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    after = packed(state)
    if after != before:
        with open(file, "wb") as stream:
            stream.write(after)
    if said:
        print(said)
    return 0
