"""The manifests that let MTC's traffic through, as commands to run."""

from __future__ import annotations

from policies.network.network_policy import Outside
from service.core.facts.connecting import plain
from service.kinds.network import EgressPolicy

RSYNC_APPS = ("directvolumemigration-rsync-transfer", "directvolumemigration-rsync-transfer-block")
"""Values of the label app of rsync pods: for file system and for block volumes."""

_POLICY = """oc apply -f - <<'EOF'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-all-{direction}-{who}
  namespace: {namespace}
spec:
{selector}
  policyTypes: [{type}]
  {direction}: [{{}}]
EOF"""

_RSYNC = f"""  podSelector:
    matchLabels: {{owner: directvolumemigration}}
    matchExpressions:
    - {{key: app, operator: In, values: [{", ".join(RSYNC_APPS)}]}}"""


def allow_rsync(namespace: str, direction: str) -> str:
    """The command that lets all traffic of a direction through for rsync pods.

    After the documentation's example, for file system and block volumes alike.
    """
    who = "from-rsync-pods" if direction == "egress" else "to-rsync-pods"
    return _POLICY.format(
        direction=direction,
        who=who,
        namespace=plain(namespace, "namespace"),
        selector=_RSYNC,
        type=direction.capitalize(),
    )


def allow_all_egress(namespace: str) -> str:
    """The command that lets every pod of MTC's namespace out."""
    return _POLICY.format(
        direction="egress",
        who="from-mtc-pods",
        namespace=plain(namespace, "namespace"),
        selector="  podSelector: {}",
        type="Egress",
    )


def allow_first(policy: EgressPolicy, target: Outside) -> str:
    """The command that puts an Allow for the target before all other rules of a firewall.

    The documentation's own example says Deny there, which would block the transfer for good.
    """
    ref = policy.ref
    group = ref.api_version.rpartition("/")[0]
    kind = f"{ref.kind.lower()}.{group}" if group else ref.kind.lower()
    patch = '[{"op":"add","path":"/spec/egress/0","value":{"type":"Allow","to":{%s}}}]'
    return (
        f"oc patch {kind} {plain(ref.name, 'name')} -n {plain(ref.namespace, 'namespace')} "
        f"--type=json -p '{patch % _destination(target)}'"
    )


def _destination(target: Outside) -> str:
    if target.addresses:
        address = target.addresses[0]
        return f'"cidrSelector":"{address}/{address.max_prefixlen}"'
    if target.host:
        return f'"dnsName":"{plain(target.host, "host")}"'
    return '"cidrSelector":"<address of the other side>/32"'
