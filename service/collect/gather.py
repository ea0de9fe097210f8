"""Read one cluster: everything that the policies need, and an account of what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from service.collect.api import Api
from service.collect.collect_errors import (
    Absent,
    ApiError,
    CollectError,
    Forbidden,
    NoConnection,
    TimeSpent,
    Unauthorized,
)
from service.collect.discovery import Discovery
from service.collect.listing import PAGE, objects
from service.collect.needs import ResourceNeed
from service.collect.plans import secrets_of
from service.collect.served import served
from service.collect.trim import trim
from service.kinds.apis import API_GROUP, CRD
from service.kinds.cluster import NAMESPACE, SECRET
from service.kinds.config import SERVER_VERSION
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MIG_STORAGE, MTC_NAMESPACE
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.resource import Resource

LARGE: tuple[Resource[Any], ...] = (CRD, CLUSTER_SERVICE_VERSION)
LARGE_PAGE = 25
"""Objects of hundreds of kilobytes, of which little is kept: fewer of them at a time."""
MOST_NAMESPACES = 40
"""With more namespaces than this one list of the whole cluster is cheaper."""

LEFT_OUT = "left out by --no-secrets"
"""Why there are no secrets where whoever collects does not want them read."""
GUARDED = "left out: the user is no cluster-admin"
"""Why there are no secrets of the control plane."""

_REVIEW = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "SelfSubjectAccessReview",
    "spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}},
}
METADATA = ",".join(
    f"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v={version}"
    for version in ("v1", "v1beta1")
)
"""Names and labels alone: the API server leaves everything else out, values of secrets as well."""
PROXY_LABEL = "migration-proxy-config"
"""Secrets with this label hold the proxy settings of MTC's registry."""
_WHOAMI = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


class Sink(Protocol):
    """Where objects go as they come; see :class:`service.collect.writer.BundleWriter`."""

    def add(self, value: dict[str, Any]) -> None:
        """Take an object."""

    def gathered(self, resource: str, namespace: str = "", error: str = "", name: str = "") -> None:
        """Note that a list is whole, or one object was asked for, or why it is not there."""


@dataclass(slots=True)
class CollectTally:
    """What came of one cluster."""

    objects: int = 0
    lists: int = 0
    errors: list[str] = field(default_factory=list)


class Gatherer:
    """Reads needs from one API server into a sink. A failing list never stops the others;
    a lost connection, or the end of the allowed time, is noted for all that is left."""

    def __init__(
        self, api: Api, sink: Sink, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._api = api
        self._sink = sink
        self._say = say
        self._discovery = Discovery(api)
        self._over = ""
        self.tally = CollectTally()
        self.facts: dict[str, Any] = {}
        self.plans: list[dict[str, Any]] = []
        """The MigPlans among what was read: they say which namespaces are meant."""
        self._referenced: set[tuple[str, str]] = set()
        """Namespace and name of the secrets that MTC's own resources refer to."""
        self._admin = False
        self._names: list[str] = []
        self._namespaces: set[str] | None = None
        """The namespaces of the cluster, where the list of them is whole."""
        self._absent: set[str] = set()
        """Namespaces that were asked for one by one and do not exist."""

    def take_namespaces(self, planned: Sequence[str] | None) -> None:
        """Read the namespaces first: what is in one that does not exist need not be asked for.

        Where they may not be listed, those of the plan are read one by one.
        """
        try:
            self._whole(NAMESPACE, "")
        except CollectError as error:
            self._error(NAMESPACE, "", error)
            if isinstance(error, Forbidden):
                for name in planned or ():
                    self._one(NAMESPACE, "", name)
            return
        self._sink.gathered(NAMESPACE.argument)
        self.tally.lists += 1
        self._namespaces = set(self._names)

    def take(self, needs: Sequence[ResourceNeed], planned: Sequence[str] | None) -> None:
        """Read these needs; ``planned`` are the plan's namespaces, None for all."""
        for need in needs:
            self._say(f"{need.resource}")
            if not need.listed:
                for namespace, name in need.names:
                    self._one(need.resource, namespace, name)
                continue
            for scope in _scopes(need, planned):
                self._list(need, scope, planned)

    def take_specials(self, resources: Sequence[Resource[Any]]) -> None:
        """The server's version, who is logged in, and whether that is a cluster-admin."""
        readers = {
            SERVER_VERSION: self._version,
            USER: self._user,
            ACCESS_REVIEW: self._review,
            API_GROUP: self._served,
        }
        for resource in resources:
            if resource not in readers:
                continue
            try:
                self._check()
                readers[resource]()
            except CollectError as error:
                self._error(resource, "", error)

    def _list(self, need: ResourceNeed, scope: str, planned: Sequence[str] | None) -> None:
        try:
            if self._exists(scope):
                self._whole(need.resource, scope)
        except Forbidden as error:
            self._error(need.resource, scope, error)
            self._instead(need, scope, planned)
        except CollectError as error:
            self._error(need.resource, scope, error)
        else:
            self._sink.gathered(need.resource.argument, scope)
            self.tally.lists += 1

    def _exists(self, namespace: str) -> bool:
        """False for a namespace that is known not to exist: it holds nothing of anything."""
        if not namespace:
            return True
        known = self._namespaces
        return namespace not in self._absent and (known is None or namespace in known)

    def _whole(self, resource: Resource[Any], scope: str) -> None:
        """Read every object of a scope; a kind that the server does not have has none."""
        self._check()
        place = self._discovery.place(resource)
        if place is None:
            return
        inner = f"/namespaces/{scope}" if scope else ""
        page = LARGE_PAGE if resource in LARGE else PAGE
        for value in objects(self._api, f"{place[0]}{inner}/{resource.plural}", page):
            self._add(value, resource)

    def _instead(self, need: ResourceNeed, scope: str, planned: Sequence[str] | None) -> None:
        """Where a list is forbidden: narrower lists, and single objects by name."""
        if not scope and need.resource.namespaced:
            narrower = {*need.namespaces, *(planned or () if need.planned else ())}
            for namespace in sorted(narrower):
                self._list(need, namespace, planned)
        for namespace, name in need.names:
            if namespace == scope:
                self._one(need.resource, namespace, name)

    def _one(self, resource: Resource[Any], namespace: str, name: str) -> bool:
        """Read one object; whether it was read. That it does not exist is noted."""
        try:
            self._check()
            place = self._discovery.place(resource)
            if place is None:
                return False
            if not self._exists(namespace):
                raise Absent(404, f"namespace {namespace} does not exist")
            inner = f"/namespaces/{namespace}" if namespace else ""
            self._add(self._api.get(f"{place[0]}{inner}/{resource.plural}/{name}"), resource)
        except Absent:
            if resource is NAMESPACE:
                self._absent.add(name)
            self._sink.gathered(resource.argument, namespace, name=name)
        except CollectError as error:
            self._error(resource, namespace, error, name)
        else:
            return True
        return False

    def _version(self) -> None:
        try:
            self._add(self._api.get("/version/openshift"), SERVER_VERSION)
        except (Absent, Forbidden):
            self._add(self._api.get("/version"), SERVER_VERSION)

    def _served(self) -> None:
        found, whole = served(self._api)
        for value in found:
            self._add(value, API_GROUP)
        if whole:
            self._sink.gathered(API_GROUP.argument)

    def take_secrets(self, listed: Sequence[str], guarded: Sequence[str], *, allowed: bool) -> None:
        """The names and labels of the secrets of MTC's and of the ``listed`` namespaces, and the
        names of the keys of those whose keys matter: secrets that MigClusters and MigStorages
        refer to, and those with the proxy settings of MTC's registry.

        A list is asked for as metadata alone; of single secrets, values are dropped as they come.
        ``guarded`` are namespaces of the control plane: whoever may list their secrets may read
        the keys of the cluster, so that only an administrator's collection asks for them.
        """
        own = (MTC_NAMESPACE, *listed, *(guarded if self._admin else ()))
        wanted = dict.fromkeys(own if allowed else ())
        for namespace in dict.fromkeys((*own, *guarded)):
            if namespace not in wanted:
                reason = GUARDED if allowed else LEFT_OUT
                self._sink.gathered(SECRET.argument, namespace, reason)
        known: dict[tuple[str, str], dict[str, Any]] = {}
        for namespace in wanted:
            self._metadata(namespace, known)
        for place in sorted(self._referenced) if allowed else ():
            if not self._one(SECRET, *place) and place in known:
                self._add(known[place], SECRET)

    def _metadata(self, namespace: str, known: dict[tuple[str, str], dict[str, Any]]) -> None:
        """The secrets of a namespace without data; ``known`` takes those whose keys matter."""
        path = f"/api/v1/namespaces/{namespace}/secrets"
        try:
            self._check()
            there = self._exists(namespace)
            for value in objects(self._api, path, PAGE, METADATA) if there else ():
                value |= {"apiVersion": "v1", "kind": "Secret", "data": None}
                found = value.get("metadata") or {}
                place = namespace, str(found.get("name"))
                if (found.get("labels") or {}).get(PROXY_LABEL) == "true":
                    self._referenced.add(place)
                if place in self._referenced:
                    known[place] = value
                else:
                    self._add(value, SECRET)
        except CollectError as error:
            self._error(SECRET, namespace, error)
        else:
            self._sink.gathered(SECRET.argument, namespace)
            self.tally.lists += 1

    def _user(self) -> None:
        place = self._discovery.place(USER)
        if place is not None:
            self._add(self._api.get(f"{place[0]}/users/~"), USER)
            return
        answer = self._api.review("/apis/authentication.k8s.io/v1/selfsubjectreviews", _WHOAMI)
        who = answer.get("status", {}).get("userInfo", {})
        if who.get("username"):
            self.facts |= {"user": who["username"], "groups": who.get("groups") or []}

    def _review(self) -> None:
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self._api.review(path, _REVIEW)
        self._admin = answer.get("status", {}).get("allowed") is True
        self._add(answer, ACCESS_REVIEW)

    def _check(self) -> None:
        if self._over:
            raise CollectError(self._over)

    def _add(self, value: dict[str, Any], resource: Resource[Any]) -> None:
        self._sink.add(trim(value, resource))
        self.tally.objects += 1
        if value.get("kind") == MIG_PLAN.kind:
            self.plans.append(value)
        elif value.get("kind") in (MIG_CLUSTER.kind, MIG_STORAGE.kind):
            self._referenced |= set(secrets_of(value))
        elif value.get("kind") == NAMESPACE.kind:
            self._names.append(str(value.get("metadata", {}).get("name")))

    def _error(
        self, resource: Resource[Any], scope: str, error: CollectError, name: str = ""
    ) -> None:
        if isinstance(error, NoConnection | TimeSpent | Unauthorized):
            self._over = self._over or _reason(resource, scope, error, name)
        text = _reason(resource, scope, error, name)
        self._sink.gathered(resource.argument, scope, text[:200])
        self.tally.errors.append(f"{resource}{f' of {scope}' if scope else ''}: {text}")


def _scopes(need: ResourceNeed, planned: Sequence[str] | None) -> Iterator[str]:
    """The scopes of the lists to read: "" is the whole cluster."""
    if not need.resource.namespaced or need.everywhere:
        yield ""
        return
    if need.planned and (planned is None or len(planned) > MOST_NAMESPACES):
        yield ""
        return
    yield from sorted({*need.namespaces, *(planned or () if need.planned else ())})


def _reason(resource: Resource[Any], scope: str, error: CollectError, name: str = "") -> str:
    """Why something is missing, with the right that would help."""
    if isinstance(error, Forbidden):
        verbs = "get" if name else "list"
        where = f" in namespace {scope}" if scope else ""
        right = f"forbidden: needs {verbs} on {resource}{f'/{name}' if name else ''}{where}"
        return f"{right} ({error})"
    if isinstance(error, Unauthorized):
        return f"not logged in: {error}"
    if isinstance(error, Absent):
        return f"not found: {error}"
    if isinstance(error, ApiError):
        return f"the API server answered {error.status}: {error}"
    return str(error)
