"""How long the tokens of MigClusters are good, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from shlex import quote

from policies import links
from policies.connections.mig_clusters import CLUSTER_READS, TOKEN_KEY, RemotePolicy
from service.core.evidence import Missing, NotGathered
from service.core.facts.connecting import plain
from service.core.facts.secrets import with_keys
from service.core.migration import Cluster, Migration
from service.core.outcome import Command, Outcome, Severity, failed, passed
from service.core.policy import NotApplicable, Parameter
from service.kinds.cluster import SECRET, Token
from service.kinds.mtc import MTC_NAMESPACE, MigCluster, ObjectRef
from service.kinds.resource import Read

ACCOUNT = f"system:serviceaccount:{MTC_NAMESPACE}:"
LASTS = Parameter(
    "lasts", 7, "days", 1, 3650, "a token that expires sooner may expire during the migration"
)


class TokensLast(RemotePolicy):
    """The token of a remote MigCluster does not end before the migration does.

    `oc create token` gives one for an hour. Of the token two facts are read: when it ends, and
    whose it is; one that has no expiration time is good as long as its secret. What is no token of
    a service account is a user's, and ends after a day by default.
    """

    id = "MTC842"
    name = "cluster-token-lasts"
    title = "The token of a remote MigCluster lasts longer than the migration"
    why = "Every request is rejected with Unauthorized. A migration that is running fails."
    unsure = Severity.WARNING
    reads = (*CLUSTER_READS, Read(SECRET, "openshift-config"), Read(SECRET, MTC_NAMESPACE))
    remedy = (
        "Create a secret of type kubernetes.io/service-account-token for account "
        "migration-controller on the remote cluster, and put its token into the secret here."
    )
    docs = (links.ABOUT, links.TROUBLE)
    source = "MTC documentation, Adding a cluster; mig-controller issue 217"
    better = "The controller notices only when the token has expired."
    parameters = (LASTS,)

    def judge(self, migration: Migration, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        reference = item.service_account_secret
        if not reference.is_set:
            raise NotApplicable(f"MigCluster {item.ref.name} names no secret (MTC771)")
        try:
            secret = with_keys(migration.host, reference.name, reference.namespace)
        except NotGathered:
            raise NotGathered(_untold(migration, reference)) from None
        if secret is None or TOKEN_KEY not in secret.keys:
            raise NotApplicable(f"secret {reference} has no token (MTC771)")
        if secret.token is None:
            raise NotGathered(_untold(migration, reference))
        faults = list(_faults(migration, cluster, item, secret.token, self.value("lasts")))
        yield from faults
        if not faults:
            until = secret.token.ends
            said = f"lasts until {until:%Y-%m-%d}" if until else "has no expiration time"
            pointer = secret.ref.at(f"/data/{TOKEN_KEY}")
            yield passed(
                cluster.subject, f"the token of MigCluster {item.ref.name} {said}", pointer
            )


def _faults(
    migration: Migration, cluster: Cluster, item: MigCluster, token: Token, days: float
) -> Iterator[Outcome]:
    now = migration.requested.as_of
    name, role = item.ref.name, cluster.role
    if not token.readable:
        yield _failed(
            item,
            role,
            f"the token of MigCluster {name} is not from a service account: the token of a user "
            "expires after one day by default",
            "not a service account token",
            "kind",
            Severity.WARNING,
        )
        return
    if token.ends is not None and token.ends < now + timedelta(days=days):
        over = token.ends <= now
        when = f"{token.ends:%Y-%m-%d %H:%M} UTC"
        said = f"the token of MigCluster {name} {'expired' if over else 'expires'} at {when}"
        lasting = token.ends > now + timedelta(days=1)
        yield _failed(item, role, said, when, "end", Severity.WARNING if lasting else None)
    if token.account and not token.account.startswith(ACCOUNT):
        yield _failed(item, role, f"the token of MigCluster {name} is from {token.account}",
                      token.account, "account", Severity.WARNING)  # fmt: skip


def _failed(
    item: MigCluster, role: str, said: str, found: str, key: str, severity: Severity | None
) -> Outcome:
    reference = item.service_account_secret
    return failed(
        item.ref.subject,
        said,
        item.ref.at("/spec/serviceAccountSecretRef", reference),
        found=found,
        wanted=f"a token of {ACCOUNT}migration-controller that does not expire",
        key=key,
        commands=(
            Command(f"oc sa get-token migration-controller -n {MTC_NAMESPACE}", role),
            f"oc edit secret {quote(reference.name)} -n {quote(reference.namespace)}",
        ),
        severity=severity,
    )


def _untold(migration: Migration, reference: ObjectRef) -> Missing:
    """Print the secret with the middle of its token only, which opens nothing by itself."""
    name, space = plain(reference.name, "name"), plain(reference.namespace, "namespace")
    template = f'{{{{.metadata.resourceVersion}}}} {{{{index .data "{TOKEN_KEY}" | base64decode}}}}'
    shown = (
        f"{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: {space}, "
        f'resourceVersion: "\\1"}}, stringData: {{{TOKEN_KEY}: '
    )
    command = (
        f"oc get secret {name} -n {space} -o go-template='{template}' | sed -nE "
        f'\'s/^([0-9]+) [^.]*(\\.[^.]*\\.).*/{shown}"\\2"}}}}/p;t;'
        f's/^([0-9]+) .*/{shown}"-"}}}}/p\''
    )
    return Missing("when the token expires, and whose token it is", migration.host.role, command)
