"""The proxy settings of MTC's own registry, as a secret on each cluster."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.plan_policies import VALIDATION, SidePolicy
from service.core.facts.secrets import with_keys
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, passed
from service.core.values.wording import few
from service.kinds.cluster import SECRET
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.resource import Read

LABEL = "migration-proxy-config"
KEYS = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})


class ProxySecret(SidePolicy):
    """At most one secret is labelled migration-proxy-config, and it has a key that is read.

    Only the names of the keys are looked at, here as in the controller.
    """

    id = "MTC717"
    name = "proxy-secret"
    single = True
    title = "Each cluster has at most one proxy secret for the registry of MTC"
    why = "The plan never becomes Ready."
    reads = (Read(SECRET, MTC_NAMESPACE),)
    remedy = "Keep one secret with the label. It must have key HTTP_PROXY, HTTPS_PROXY or NO_PROXY."
    docs = (links.ADVANCED,)
    source = f"{VALIDATION} validateRegistryProxySecrets"
    upstream = (
        "SourceClusterProxySecretMisconfigured",
        "DestinationClusterProxySecretMisconfigured",
    )
    better = "Names the secrets."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        secrets = [
            item
            for item in cluster.all(SECRET, (MTC_NAMESPACE,))
            if item.labels.get(LABEL) == "true"
        ]
        if len(secrets) > 1:
            names = sorted(item.ref.name for item in secrets)
            yield failed(
                cluster.subject,
                f"{len(secrets)} secrets are labelled {LABEL}=true: {few(names)}",
                *(item.ref.at(f"/metadata/labels/{LABEL}", "true") for item in secrets[:5]),
                found=", ".join(names[:10]),
                wanted="at most one",
                key="several",
                commands=(f"oc get secrets -n {MTC_NAMESPACE} -l {LABEL}=true",),
                observed=len(secrets),
            )
            return
        for item in secrets:
            with_keys(cluster, item.ref.name, MTC_NAMESPACE)
            if not item.keys & KEYS:
                yield failed(
                    item.ref.subject,
                    f"secret {item.ref.name} has none of the keys {', '.join(sorted(KEYS))}",
                    item.ref.at("/data"),
                    found=", ".join(sorted(item.keys)) or "no key",
                    wanted="HTTP_PROXY, HTTPS_PROXY or NO_PROXY",
                    key="keys",
                    commands=(
                        f"oc set data {quote('secret/' + item.ref.name)} -n {MTC_NAMESPACE} "
                        "HTTPS_PROXY='<http://proxy:port>'",
                    ),
                )
                return
        yield passed(
            cluster.subject,
            "one proxy secret with a key that is read" if secrets else "no proxy secret",
            *(item.ref.at("/data") for item in secrets),
        )
