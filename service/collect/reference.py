"""Collect for a plan that is only named, from within the cluster that runs MTC.

Nothing of the request is used to connect: the host's API is that of the pod, and those of the
other clusters come from the MigClusters, with the tokens that MTC itself uses
(mig-controller, pkg/apis/migration/v1alpha1/migcluster_types.go BuildRestConfig).
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from service.collect.api import Api
from service.collect.collect_errors import Absent, CollectError, NoConnection
from service.collect.collection import Collected, CollectRequest, collect
from service.collect.kubeconfig import Connect, in_cluster, with_token
from service.collect.plans import NoPlan, namespaces_of
from service.collect.writer import BundleWriter
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.resource import Read

NAMESPACES = (MTC_NAMESPACE, "openshift-config")
"""Where plans, MigClusters and the secrets of tokens are taken from by default: where MTC's console
puts them, and where only administrators write."""
PREFIX = "/apis/migration.openshift.io/v1alpha1/namespaces"
TOKEN_KEY = "saToken"
CONTROLLER = f"system:serviceaccount:{MTC_NAMESPACE}:migration-controller"
"""Who migrates on the host: the controller's own account (mig-operator, the bundle's CSV)."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class PlanName:
    """Which plan is meant. Raises NoPlan for what cannot be names of objects."""

    namespace: str
    name: str

    def __post_init__(self) -> None:
        for text in (self.namespace, self.name):
            if not isinstance(text, str) or not _NAME.fullmatch(text):
                raise NoPlan("migPlan takes a namespace and a name of Kubernetes objects")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def collect_plan(
    plan: PlanName,
    reads: tuple[Read[Any], ...],
    stream: BinaryIO,
    *,
    seconds: float = 60.0,
    namespaces: Collection[str] = NAMESPACES,
    host: Connect | None = None,
    more: Mapping[str, Any] | None = None,
) -> Collected:
    """Write the bundle of a plan's migration. ``seconds`` bound all of it.

    The plan, its MigClusters and the secrets of their tokens must be in one of ``namespaces``: a
    MigCluster decides which token goes to which address.

    ``host`` is the way to the cluster that runs MTC, by default that of this pod. ``more`` are
    other keys of the envelope: waivers, a baseline, options.

    A remote cluster that cannot be read is noted in the bundle, as everything else that is
    missing. Raises NoPlan, and NoConnection or another CollectError where the host itself cannot
    be asked.
    """
    if plan.namespace not in namespaces:
        allowed = ", ".join(sorted(namespaces))
        raise NoPlan(f"plans are accepted only from these namespaces: {allowed}")
    host = host or in_cluster
    end = time.monotonic() + seconds
    api = Api(host, deadline=end)
    try:
        manifest = _plan(api, plan)
        clusters, own = _clusters(api, manifest, host, namespaces)
    finally:
        api.close()
    request = CollectRequest(
        clusters=clusters,
        reads=reads,
        namespaces=namespaces_of(manifest) or None,
        plan=manifest,
        others=own,
        facts={role: {"user": CONTROLLER} for role in own},
        seconds=end - time.monotonic(),
    )
    writer = BundleWriter(stream)
    done = collect(request, writer)
    rest = dict(more or {})
    given = rest.get("options")
    options = given if isinstance(given, dict) else {}
    own_options = {"planName": str(plan), "controllerOn": min(own)}
    # First, for of two names of one option the first is taken.
    rest["options"] = {**own_options, **options, **own_options}
    writer.end(rest)
    return done


def _plan(api: Api, plan: PlanName) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = api.get(f"{PREFIX}/{plan.namespace}/migplans/{plan.name}")
    except Absent:
        raise NoPlan(
            f"MigPlan {plan} does not exist on the cluster that runs this service"
        ) from None
    return found


def _clusters(
    api: Api, manifest: Mapping[str, Any], host: Connect, namespaces: Collection[str]
) -> tuple[dict[str, Connect], frozenset[str]]:
    """The way to each cluster by its role, and the roles of the one that runs MTC.

    A plan may move within the host: both roles are then the same cluster.
    """
    spec = manifest.get("spec") or {}
    found: dict[str, Connect] = {}
    own = set()
    for role, key in (("source", "srcMigClusterRef"), ("destination", "destMigClusterRef")):
        remote = _Remote(api, spec.get(key) or {}, key, namespaces)
        if remote.is_host:
            own.add(role)
        found[role] = host if remote.is_host else remote.connect()
    if not own:
        own.add("host")
        found["host"] = host
    return found, frozenset(own)


class _Remote:
    """A MigCluster that a plan refers to. Its faults are reported when it is connected to, so that
    the other cluster is still read."""

    def __init__(
        self, api: Api, reference: Mapping[str, Any], key: str, namespaces: Collection[str]
    ) -> None:
        self._api = api
        self._namespaces = namespaces
        self._spec: Mapping[str, Any] = {}
        self._problem = ""
        namespace, name = reference.get("namespace"), reference.get("name")
        if not _is_name(namespace) or not _is_name(name):
            self._problem = f"the plan's {key} is not set"
            return
        if namespace not in namespaces:
            self._problem = self._outside(f"MigCluster {namespace}/{name}")
            return
        try:
            answer = api.get(f"{PREFIX}/{namespace}/migclusters/{name}")
        except CollectError as error:
            self._problem = f"MigCluster {namespace}/{name}: {error}"
            return
        self._spec = answer.get("spec") or {}

    def _outside(self, what: str) -> str:
        allowed = ", ".join(sorted(self._namespaces))
        return f"{what} is not in an allowed namespace: {allowed}"

    @property
    def is_host(self) -> bool:
        return self._spec.get("isHostCluster") is True

    def connect(self) -> Connect:
        """A connection with MTC's own credentials, or one that says why there is none."""
        try:
            if self._problem:
                raise NoConnection(self._problem)
            url, token, ca = self._url(), self._token(), self._ca()
        except CollectError as error:
            return _broken(str(error))
        insecure = self._spec.get("insecure") is True
        return lambda: with_token(url, token, ca, insecure=insecure)

    def _url(self) -> str:
        url = self._spec.get("url")
        if not isinstance(url, str) or not url.startswith("https://"):
            raise NoConnection("spec.url of the MigCluster is not an https URL")
        return url

    def _token(self) -> str:
        reference = self._spec.get("serviceAccountSecretRef") or {}
        namespace, name = reference.get("namespace"), reference.get("name")
        if not _is_name(namespace) or not _is_name(name):
            raise NoConnection("the MigCluster's serviceAccountSecretRef is not set")
        if namespace not in self._namespaces:
            raise NoConnection(self._outside(f"secret {namespace}/{name}"))
        try:
            secret = self._api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
            token = base64.b64decode((secret.get("data") or {})[TOKEN_KEY], validate=True)
            text = token.decode("ascii").strip()
        except CollectError as error:
            raise NoConnection(f"secret {namespace}/{name}: {error}") from None
        except (KeyError, TypeError, ValueError):
            raise NoConnection(f"secret {namespace}/{name} has no {TOKEN_KEY}") from None
        if not text or not text.isprintable():
            raise NoConnection(f"secret {namespace}/{name} has no usable {TOKEN_KEY}")
        return text

    def _ca(self) -> str | None:
        bundle = self._spec.get("caBundle")
        if not bundle:
            return None
        try:
            return base64.b64decode(str(bundle), validate=True).decode("ascii")
        except ValueError:
            raise NoConnection("caBundle of the MigCluster is not base64-encoded PEM") from None


def _broken(reason: str) -> Callable[[], Any]:
    def connect() -> Any:
        raise NoConnection(reason)

    return connect


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))
