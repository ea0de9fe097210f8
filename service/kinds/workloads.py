"""Pods and what makes them, image streams and build configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import (
    Object,
    drop,
    each,
    flag,
    inner,
    metadata,
    number,
    rows,
    strings,
    table,
    text,
    texts,
)


class ContainerState(NamedTuple):
    """A container's image and what keeps it from running ("" if nothing).

    ``requests`` and ``limits`` are quantities by resource, as written. ``sidecar`` marks an init
    container that keeps running beside the others (restartPolicy Always). ``ended`` is why it
    last ended (``OOMKilled``), ``user`` the user id that it asks for, itself or with its pod.
    ``escalates`` says that it asks for capabilities or for allowPrivilegeEscalation.
    (A named tuple for speed, as :class:`Ref`.)
    """

    name: str
    image: str
    ready: bool
    waiting: str
    restarts: int
    init: bool
    requests: Mapping[str, Any] = {}
    limits: Mapping[str, Any] = {}
    sidecar: bool = False
    ended: str = ""
    user: int | None = None
    escalates: bool = False


class Pod(NamedTuple):
    """A pod. (A named tuple for speed, as :class:`Ref`.)

    ``deadline`` says whether it has activeDeadlineSeconds, ``cross_namespace`` whether a term of
    its pod affinity names other namespaces: scopes of quotas ask for both. ``owner`` is what
    controls it (``ReplicaSet/web``, "" if nothing), ``scc`` the security context constraint that
    let it in. ``started`` is a time as written.
    """

    ref: Ref
    phase: str
    labels: Mapping[str, str]
    containers: tuple[ContainerState, ...]
    claims: tuple[str, ...]
    node_selector: Mapping[str, str]
    host_network: bool
    conditions: tuple[tuple[str, str, str], ...]
    """Triples of type, status and reason."""
    deadline: bool = False
    priority_class: str = ""
    cross_namespace: bool = False
    node: str = ""
    owner: str = ""
    deleting: bool = False
    scc: str = ""
    account: str = ""
    runtime_class: str = ""
    scheduler: str = ""
    started: str = ""


class Workload(NamedTuple):
    """What makes pods from a template (Deployment, StatefulSet, CronJob …), and these pods.

    ``owner`` is what controls it (``Kafka/shop``, "" if nothing). ``wanted`` and ``ready`` are
    numbers of pods, None where there is no status yet. ``templates`` are the storage classes of
    its volumeClaimTemplates, "" for the default. ``triggers`` are the images whose change starts a
    DeploymentConfig, in the form of :attr:`ImageStream.spec_tags`. ``finished`` says that a Job
    is complete. ``images``, ``claims`` and the rest are of its pod template; ``users`` are the
    user ids that its containers ask for, None where one asks for none.
    (A named tuple for speed, as :class:`Ref`.)
    """

    ref: Ref
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owner: str
    wanted: int | None
    ready: int | None
    images: tuple[str, ...]
    claims: tuple[str, ...]
    priority_class: str
    runtime_class: str
    scheduler: str
    templates: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = {}
    account: str = ""
    finished: bool = False
    users: tuple[int | None, ...] = ()
    pull_secrets: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The JSON pointer of the pod template."""
        return template_of(self.ref.kind) + "/template"


def template_of(kind: str) -> str:
    """The JSON pointer of what holds the pod template of a kind."""
    return "/spec/jobTemplate/spec" if kind == "CronJob" else "/spec"


@dataclass(frozen=True, slots=True)
class ImageStream:
    """An image stream; ``tags`` are the tags that its status really holds images for."""

    ref: Ref
    tags: tuple[str, ...]
    repository: str
    spec_tags: tuple[tuple[str, str], ...] = ()
    """Pairs of tag and what it refers to: ``DockerImage:<image>``, or
    ``ImageStreamTag:<stream>:<tag>@<namespace>`` (no ``@`` for the same namespace)."""
    images: tuple[tuple[str, str], ...] = ()
    """Pairs of tag and the digest of an image that it holds or held (``sha256:…``)."""


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """A build configuration; ``images`` are pairs of JSON pointer and the image it refers to.

    The references have the form of :attr:`ImageStream.spec_tags`, as has ``output``.
    """

    ref: Ref
    images: tuple[tuple[str, str], ...]
    output: str = ""


def pod(value: Object, ref: Ref) -> Pod:
    """Pod."""
    meta, spec, status = metadata(value), table(value, "spec", ""), table(value, "status", "")
    annotations = table(meta, "annotations", "/metadata") if "annotations" in meta else _NONE
    containers = _containers(spec, status, "containers", "containerStatuses", init=False)
    if "initContainers" in spec or "initContainerStatuses" in status:
        first = _containers(spec, status, "initContainers", "initContainerStatuses", init=True)
        containers = first + containers
    return Pod(
        ref=ref,
        phase=text(status, "phase", "/status"),
        labels=table(meta, "labels", "/metadata"),
        containers=tuple(containers),
        claims=_claims(spec) if "volumes" in spec else (),
        node_selector=strings(spec, "nodeSelector", "/spec") if "nodeSelector" in spec else _NONE,
        host_network=flag(spec, "hostNetwork", "/spec"),
        conditions=_conditions(status) if "conditions" in status else (),
        deadline=spec.get("activeDeadlineSeconds") is not None,
        priority_class=text(spec, "priorityClassName", "/spec"),
        cross_namespace="affinity" in spec and _crosses_namespaces(spec),
        node=text(spec, "nodeName", "/spec"),
        owner=_owner(meta) if "ownerReferences" in meta else "",
        deleting=meta.get("deletionTimestamp") is not None,
        scc=text(annotations, SCC, "/metadata/annotations") if SCC in annotations else "",
        account=text(spec, "serviceAccountName", "/spec"),
        runtime_class=text(spec, "runtimeClassName", "/spec"),
        scheduler=text(spec, "schedulerName", "/spec"),
        started=text(status, "startTime", "/status"),
    )


_NONE: Object = {}
SCC = "openshift.io/scc"
"""The annotation that names the security context constraint that a pod was let in by."""


def _owner(meta: Object) -> str:
    """What controls an object, as Kind/name."""
    at = "/metadata/ownerReferences"
    for row in rows(meta, "ownerReferences", "/metadata"):
        if flag(row, "controller", at):
            return f"{text(row, 'kind', at)}/{text(row, 'name', at)}"
    return ""


def _user(of: Object, at: str) -> int | None:
    """The runAsUser of a pod's or a container's security context."""
    if not of.get("securityContext"):
        return None
    found = table(of, "securityContext", at)
    asked = found.get("runAsUser") is not None
    return number(found, "runAsUser", f"{at}/securityContext") if asked else None


def _claims(spec: Object) -> tuple[str, ...]:
    found = []
    for index, row in enumerate(rows(spec, "volumes", "/spec")):
        claim = row.get("persistentVolumeClaim")
        if type(claim) is dict:
            at = f"/spec/volumes/{index}/persistentVolumeClaim"
            found.append(text(claim, "claimName", at))
    return tuple(found)


def _crosses_namespaces(spec: Object) -> bool:
    """Whether a term of the pod's affinity to pods, or against them, names namespaces."""
    affinity, at = table(spec, "affinity", "/spec"), "/spec/affinity"
    for key in ("podAffinity", "podAntiAffinity"):
        side, there = table(affinity, key, at), f"{at}/{key}"
        terms = list(rows(side, "requiredDuringSchedulingIgnoredDuringExecution", there))
        terms += [
            table(row, "podAffinityTerm", there)
            for row in rows(side, "preferredDuringSchedulingIgnoredDuringExecution", there)
        ]
        if any(term.get("namespaces") or "namespaceSelector" in term for term in terms):
            return True
    return False


def _conditions(status: Object) -> tuple[tuple[str, str, str], ...]:
    at = "/status/conditions"
    found = []
    for row in rows(status, "conditions", "/status"):
        kind, holds, reason = row.get("type"), row.get("status"), row.get("reason", "")
        if not (type(kind) is str and type(holds) is str and type(reason) is str):
            # Null, or an error: four calls for each of a pod's four conditions, so only then.
            kind, holds = text(row, "type", at), text(row, "status", at)
            reason = text(row, "reason", at)
        found.append((kind, holds, reason))
    return tuple(found)


def _containers(
    spec: Object, status: Object, key: str, states_key: str, *, init: bool
) -> list[ContainerState]:
    there = f"/status/{states_key}"
    states = {text(row, "name", there): row for row in rows(status, states_key, "/status")}
    at = f"/spec/{key}"
    found = []
    user = _user(spec, "/spec")
    declared = [(text(row, "name", at), row) for row in rows(spec, key, "/spec")]
    # An excerpt may show the state of a container alone.
    stray: list[tuple[str, Object]] = [
        (name, {}) for name in sorted(states.keys() - {name for name, _ in declared})
    ]
    for name, row in (*declared, *stray):
        image, state = text(row, "image", at), states.get(name)
        asked, most = _NONE, _NONE
        if row.get("resources"):
            resources = table(row, "resources", at)
            asked = table(resources, "requests", f"{at}/resources")
            most = table(resources, "limits", f"{at}/resources")
        ready, waiting, restarts, ended = False, "", 0, ""
        if state is not None:
            current = table(state, "state", there)
            if "waiting" in current:
                waiting = text(table(current, "waiting", there), "reason", there)
            ready, restarts = flag(state, "ready", there), number(state, "restartCount", there)
            if state.get("lastState"):
                last = table(table(state, "lastState", there), "terminated", there)
                ended = text(last, "reason", there)
        secured = "securityContext" in row
        own = _user(row, at) if secured else None
        sidecar = init and row.get("restartPolicy") == "Always"
        found.append(
            ContainerState(
                name,
                image,
                ready,
                waiting,
                restarts,
                init,
                asked,
                most,
                sidecar,
                ended,
                user if own is None else own,
                secured and _escalates(row, at),
            )
        )
    return found


def _escalates(container: Object, at: str) -> bool:
    context, at = table(container, "securityContext", at), f"{at}/securityContext"
    if flag(context, "allowPrivilegeEscalation", at):
        return True
    return bool(texts(table(context, "capabilities", at), "add", f"{at}/capabilities"))


def workload(value: Object, ref: Ref) -> Workload:
    """Whatever makes pods from a template: Deployment, StatefulSet, Job, CronJob …"""
    meta, spec, status = metadata(value), table(value, "spec", ""), table(value, "status", "")
    holder, where = spec, template_of(ref.kind)
    if ref.kind == "CronJob":
        holder = table(table(spec, "jobTemplate", "/spec"), "spec", "/spec/jobTemplate")
    template = table(holder, "template", where)
    pods, at = table(template, "spec", f"{where}/template"), f"{where}/template/spec"
    wanted, ready = _scale(ref.kind, spec, status)
    return Workload(
        ref=ref,
        labels=strings(meta, "labels", "/metadata"),
        annotations=strings(meta, "annotations", "/metadata"),
        owner=_owner(meta) if "ownerReferences" in meta else "",
        wanted=wanted,
        ready=ready,
        images=tuple(
            text(row, "image", at)
            for key in ("containers", "initContainers")
            for row in rows(pods, key, at)
        ),
        claims=_claims(pods) if "volumes" in pods else (),
        priority_class=text(pods, "priorityClassName", at),
        runtime_class=text(pods, "runtimeClassName", at),
        scheduler=text(pods, "schedulerName", at),
        templates=tuple(
            text(table(row, "spec", "/spec/volumeClaimTemplates"), "storageClassName", "/spec")
            for row in rows(spec, "volumeClaimTemplates", "/spec")
        ),
        triggers=tuple(_triggers(spec)) if ref.kind == "DeploymentConfig" else (),
        node_selector=strings(pods, "nodeSelector", at) if "nodeSelector" in pods else _NONE,
        account=text(pods, "serviceAccountName", at),
        finished=ref.kind == "Job" and status.get("completionTime") is not None,
        users=tuple(_users(pods, at)),
        pull_secrets=tuple(
            text(row, "name", f"{at}/imagePullSecrets")
            for row in rows(pods, "imagePullSecrets", at)
        ),
    )


def _users(pods: Object, at: str) -> Iterator[int | None]:
    common = _user(pods, at)
    for row in rows(pods, "containers", at):
        own = _user(row, f"{at}/containers")
        yield common if own is None else own


def _triggers(spec: Object) -> Iterator[str]:
    """What the image changes of a DeploymentConfig refer to."""
    for index, row in enumerate(rows(spec, "triggers", "/spec")):
        at = f"/spec/triggers/{index}"
        target = _target(table(row, "imageChangeParams", at), f"{at}/imageChangeParams")
        if target:
            yield target


def _scale(kind: str, spec: Object, status: Object) -> tuple[int | None, int | None]:
    """How many pods there should be, and how many are ready; None without a status."""
    if kind == "DaemonSet":
        if "desiredNumberScheduled" not in status:
            return None, None
        ready = number(status, "numberReady", "/status")
        return number(status, "desiredNumberScheduled", "/status"), ready
    wanted = 1 if spec.get("replicas") is None else number(spec, "replicas", "/spec")
    if not status:
        return wanted, None
    return wanted, max(
        number(status, f"{key}Replicas", "/status") for key in ("ready", "available")
    )


def image_stream(value: Object, ref: Ref) -> ImageStream:
    """ImageStream. A tag without items in the status holds no image."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    tags = tuple(
        text(row, "tag", f"/status/tags/{index}")
        for index, row in enumerate(rows(status, "tags", "/status"))
        if row.get("items")
    )
    spec_tags = []
    for index, row in enumerate(rows(spec, "tags", "/spec")):
        at = f"/spec/tags/{index}"
        spec_tags.append((text(row, "name", at), _target(row, at)))
    return ImageStream(
        ref=ref,
        tags=tags,
        repository=text(status, "dockerImageRepository", "/status"),
        spec_tags=tuple(spec_tags),
        images=tuple(_held(status)),
    )


def _held(status: Object) -> Iterator[tuple[str, str]]:
    for index, row in enumerate(rows(status, "tags", "/status")):
        at = f"/status/tags/{index}"
        for item in rows(row, "items", at):
            digest = text(item, "image", f"{at}/items")
            if digest:
                yield text(row, "tag", at), digest


def _target(of: Object, at: str, key: str = "from") -> str:
    """What a ``from`` or ``to`` refers to: ``Kind:name``, with ``@namespace`` where it has one."""
    origin = table(of, key, at)
    if not origin:
        return ""
    where = f"{at}/{key}"
    target = f"{text(origin, 'kind', where)}:{text(origin, 'name', where)}"
    namespace = text(origin, "namespace", where)
    return f"{target}@{namespace}" if namespace else target


def build_config(value: Object, ref: Ref) -> BuildConfig:
    """BuildConfig: the images of its strategy and those that it takes files from."""
    spec = table(value, "spec", "")
    strategy = table(spec, "strategy", "/spec")
    places = [
        (table(strategy, key, "/spec/strategy"), f"/spec/strategy/{key}")
        for key in ("sourceStrategy", "dockerStrategy", "customStrategy")
    ]
    source = table(spec, "source", "/spec")
    places += [
        (row, f"/spec/source/images/{index}")
        for index, row in enumerate(rows(source, "images", "/spec/source"))
    ]
    found = ((f"{at}/from", _target(of, at)) for of, at in places)
    output = table(spec, "output", "/spec")
    return BuildConfig(
        ref,
        tuple((pointer, target) for pointer, target in found if target),
        _target(output, "/spec/output", "to"),
    )


def trim_pod_spec(spec: Any) -> None:
    """Environments and commands of containers go, for people put passwords there."""
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for container in each(inner(spec, key)):
            drop(
                container, "env", "envFrom", "command", "args", "livenessProbe", "readinessProbe",
                "startupProbe", "lifecycle", "volumeMounts",
            )  # fmt: skip


def _trim_pod(value: dict[str, Any]) -> None:
    trim_pod_spec(value.get("spec"))


def _trim_workload(value: dict[str, Any]) -> None:
    trim_pod_spec(inner(value, "spec", "template", "spec"))


def _trim_cron_job(value: dict[str, Any]) -> None:
    trim_pod_spec(inner(value, "spec", "jobTemplate", "spec", "template", "spec"))


def _trim_build_config(value: dict[str, Any]) -> None:
    strategy = inner(value, "spec", "strategy")
    for part in strategy.values() if isinstance(strategy, dict) else ():
        drop(part, "env", "buildArgs")
    drop(value.get("spec"), "triggers", "postCommit")
    drop(inner(value, "spec", "source"), "dockerfile")


POD = Resource(
    "Pod", "pods", pod, namespaced=True, title="pods and the images that they use", trim=_trim_pod
)
IMAGE_STREAM = Resource(
    "ImageStream", "imagestreams", image_stream, ("image.openshift.io", ""), namespaced=True,
    title="image streams",
)  # fmt: skip
BUILD_CONFIG = Resource(
    "BuildConfig", "buildconfigs", build_config, ("build.openshift.io", ""), namespaced=True,
    title="build configurations and the images that they build from",
    trim=_trim_build_config,
)  # fmt: skip
DEPLOYMENT = Resource(
    "Deployment", "deployments", workload, ("apps", "extensions"), namespaced=True,
    title="deployments: MTC's own, and what controls those of the application",
    trim=_trim_workload,
)  # fmt: skip
DEPLOYMENT_CONFIG = Resource(
    "DeploymentConfig", "deploymentconfigs", workload, ("apps.openshift.io", ""), namespaced=True,
    title="deployment configurations and what controls them", trim=_trim_workload,
)  # fmt: skip
STATEFUL_SET = Resource(
    "StatefulSet", "statefulsets", workload, ("apps",), namespaced=True,
    title="stateful sets and what controls them", trim=_trim_workload,
)  # fmt: skip
DAEMON_SET = Resource(
    "DaemonSet", "daemonsets", workload, ("apps", "extensions"), namespaced=True,
    title="daemon sets: the agents that copy files, and what controls those of the application",
    trim=_trim_workload,
)  # fmt: skip
REPLICATION_CONTROLLER = Resource(
    "ReplicationController", "replicationcontrollers", workload, namespaced=True,
    title="replication controllers and the images that they use", trim=_trim_workload,
)  # fmt: skip
JOB = Resource(
    "Job", "jobs", workload, ("batch",), namespaced=True,
    title="jobs and the images that they use", trim=_trim_workload,
)  # fmt: skip
CRON_JOB = Resource(
    "CronJob", "cronjobs", workload, ("batch",), namespaced=True,
    title="cron jobs: their API versions and the images that they use", trim=_trim_cron_job,
)  # fmt: skip
