"""Traffic of MTC in a namespace, and what MTC506 reports where a rule stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from shlex import quote

from policies.network.admin_policy import Ruling
from policies.network.network_policy import Let, Peer
from policies.network.traffic import Space, TrafficTarget
from service.core.evidence import Missing
from service.core.migration import Cluster
from service.core.outcome import Outcome, failed, unknown
from service.core.values.wording import few
from service.kinds.cluster import NAMESPACE
from service.kinds.network import NetworkPolicy
from service.kinds.ref import Pointer, Subject
from service.kinds.resource import fetch_command


@dataclass(frozen=True, slots=True)
class Traffic:
    """Traffic of the pods in ``space.source``: its target, its name, and the command that allows
    it.
    """

    space: Space
    target: TrafficTarget
    what: str
    fix: Callable[[str], str]
    tag: str = ""
    """What separates its findings from those of other traffic of the same namespace."""

    def key(self, word: str) -> str:
        """The key of a finding about this traffic."""
        return f"{word}-{self.tag}" if self.tag and word else word or self.tag


SHOWN = 5
"""How many of a namespace's policies a finding names."""

_WHY = {
    "egress": "none of their rules allows it",
    "dns": "none of their rules allows DNS (UDP 53 and 5353 to openshift-dns)",
    "ingress": "none of their rules allows it from the router (TCP 6443)",
}


def of_administrators(
    cluster: Cluster, traffic: Traffic, ruling: Ruling, direction: str, missing: tuple[Missing, ...]
) -> Iterator[Outcome]:
    """The policies of the cluster's administrators deny traffic, or may; nothing if they do not."""
    if ruling.let is None or ruling.let is Let.ALLOWED:
        return
    name = traffic.space.source
    subject = Subject(cluster.name, "v1", "Namespace", "", name)
    evidence = tuple(policy.ref.at(f"/spec/{direction}") for policy in ruling.deniers[:SHOWN])
    kinds = {policy.ref.kind for policy in ruling.deniers}
    names = ", ".join(policy.ref.name for policy in ruling.deniers[:SHOWN])
    named = f"{' and '.join(sorted(kinds))} {names}"
    if ruling.let is Let.DENIED:
        yield failed(
            subject,
            f"namespace {name}: {named} denies {traffic.what}",
            *evidence,
            found=f"denied by {names}",
            wanted="a rule before it that passes or allows it",
            key=traffic.key(f"admin-{direction}"),
            commands=tuple(
                f"oc describe {policy.ref.kind.lower()}.policy.networking.k8s.io "
                f"{quote(policy.ref.name)}"
                for policy in ruling.deniers[:SHOWN]
            ),
        )
        return
    yield unknown(
        subject,
        f"namespace {name}: cannot verify whether {named} denies {traffic.what}",
        *missing,
        key=traffic.key(f"admin-{direction}"),
        evidence=evidence,
    )


def of_namespace(
    cluster: Cluster,
    traffic: Traffic,
    policies: list[NetworkPolicy],
    let: Let,
    key: str,
    missing: tuple[Missing, ...],
) -> Iterator[Outcome]:
    """The policies that isolate the pods do not allow traffic, or may not; nothing if they do."""
    if let is Let.ALLOWED:
        return
    name = traffic.space.source
    subject = Subject(cluster.name, "v1", "Namespace", "", name)
    section = "/spec/ingress" if key == "ingress" else "/spec/egress"
    policies = sorted(policies, key=lambda item: item.ref.name)  # whatever order they came in
    evidence: tuple[Pointer, ...] = tuple(policy.ref.at(section) for policy in policies[:SHOWN])
    names = few((policy.ref.name for policy in policies), SHOWN)
    if let is Let.DENIED:
        yield failed(
            subject,
            f"namespace {name}: {traffic.what} is blocked; NetworkPolicies select the pods "
            f"({names}) and {_WHY[key]}",
            *evidence,
            found=f"no rule of {names} allows it",
            wanted="a rule that allows it",
            key=traffic.key(key),
            commands=(traffic.fix(name),),
        )
        return
    undecided = unknown(
        subject,
        f"namespace {name}: cannot verify whether {traffic.what} is allowed; NetworkPolicies "
        f"select the pods ({names}), and their rules depend on information that is missing",
        *missing,
        key=traffic.key(key),
        evidence=evidence,
    )
    # No object shows it all (where the router's traffic seems to come from); this settles it.
    yield undecided._replace(commands=(traffic.fix(name),))


def namespace_labels(cluster: Cluster, pod: Peer, namespace: str) -> tuple[Missing, ...]:
    """The labels of a pod's namespace, where they are not known."""
    if pod.certain:
        return ()
    command = fetch_command(NAMESPACE, namespace)
    return (Missing(f"the labels of namespace {namespace}", cluster.role, command),)
