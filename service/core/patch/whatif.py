"""The evidence, as it would be with the patch applied; and what the policies then say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.core.engine import judge
from service.core.evidence import NotGathered
from service.core.facts.controllers import controllers, given_proxies
from service.core.facts.mtc_release import mtc_version
from service.core.facts.proxy import proxy_use
from service.core.inventory import Entry, Inventory, Shelf
from service.core.migration import Cluster, Migration
from service.core.outcome import Severity, Verdict
from service.core.patch.manifest import namespace_of
from service.core.patch.patch_model import PatchReason
from service.core.policy import Policy
from service.core.report import Finding
from service.core.values.versions import Version, parse_or_none
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import Origin, Pointer

EVIDENCE = "/evaluation"
PART = "controller"
SINGLE_PROXY = "MTC302"


def current(migration: Migration) -> Mapping[str, Any] | None:
    """The manifest that the evidence holds of the host's MigrationController; None if not one."""
    try:
        found = controllers(migration.host)
    except NotGathered:
        return None
    return found[0].manifest if len(found) == 1 else None


def installed(migration: Migration | None, manifest: Mapping[str, Any] | None) -> Version | None:
    """The MTC release of the host: of the evidence, else what the operator wrote back."""
    if migration is not None:
        try:
            return parse_or_none(mtc_version(migration, migration.host).value)
        except NotGathered:
            pass
    spec = manifest.get("spec") if manifest else None
    written = spec.get("version") if isinstance(spec, Mapping) else None
    return parse_or_none(written) if isinstance(written, str) else None


def of_other_cluster(
    migration: Migration, manifest: Mapping[str, Any], at: str
) -> list[PatchReason]:
    """Whether the posted manifest is that of a cluster that does not run the controller."""
    uid = _uid(manifest)
    for cluster in migration.clusters:
        if cluster is migration.host or not uid:
            continue
        if any(item.ref.uid == uid for item in cluster.known(MIGRATION_CONTROLLER)):
            return [_other(at, cluster, migration.host)]
    known = {item.ref.uid for item in migration.host.known(MIGRATION_CONTROLLER)} - {""}
    if uid and known and uid not in known:
        return [_other(at, None, migration.host)]
    return []


def _other(at: str, cluster: Cluster | None, host: Cluster) -> PatchReason:
    whose = f"cluster {cluster.name}" if cluster else "another cluster"
    text = f"the manifest is that of {whose}; the controller runs on {host.name}"
    found = cluster.name if cluster else "another uid"
    return PatchReason("MTC303", "not-host", Severity.BLOCKER, text, f"{at}/metadata/uid", found,
                  host.name)  # fmt: skip


def _uid(manifest: Mapping[str, Any]) -> str:
    metadata = manifest.get("metadata")
    uid = metadata.get("uid") if isinstance(metadata, Mapping) else None
    return uid if isinstance(uid, str) else ""


def several(migration: Migration, manifest: Mapping[str, Any] | None) -> list[PatchReason]:
    """A warning where the host has a MigrationController beside the one that is patched."""
    name = manifest["metadata"].get("name") if manifest else None
    try:
        found = [item.ref.name for item in controllers(migration.host)]
    except NotGathered:
        return []
    others = [item for item in found if item != name]
    if not others or (manifest is None and len(found) == 1):
        return []
    text = (
        f"namespace {MTC_NAMESPACE} holds {', '.join(others[:5])} too: the operator applies "
        "every MigrationController, and each overwrites the others; delete all but one first"
    )
    return [
        PatchReason("MTC801", "several", Severity.WARNING, text, EVIDENCE, str(len(found)), "one")
    ]


def patched(migration: Migration, manifest: Mapping[str, Any]) -> Migration:
    """The migration with this manifest as the host's MigrationController."""
    host = migration.host
    metadata = manifest["metadata"]
    namespace = namespace_of(manifest)
    entry = Entry(namespace, str(metadata.get("name", "")), manifest, Origin(PART), "")
    given = Pointer(entry.origin, "")
    shelf = Shelf(MIGRATION_CONTROLLER, host.name, [entry], {"": given})
    inventory = host.inventory
    shelves = {item.resource: item for item in inventory.shelves()}
    shelves[MIGRATION_CONTROLLER] = shelf
    new = replace(host, inventory=Inventory(inventory.role, shelves))
    return replace(
        migration,
        source=new if migration.source is host else migration.source,
        destination=new if migration.destination is host else migration.destination,
        host=new,
    )


def judged(migration: Migration, policies: Sequence[Policy[Any]]) -> tuple[Finding, ...]:
    """What these policies say of the migration as it would be."""
    return tuple(finding for policy in policies for finding in judge(migration, policy))


def of_findings(findings: Sequence[Finding], *, sets_proxy: bool) -> list[PatchReason]:
    """The findings that speak against the patch, or that are to be known.

    Only the single-proxy rule can refuse, and only a patch that sets the proxy: what else the
    evidence shows is not made by the patch. The spec itself is judged with the request.
    """
    reasons = []
    for finding in findings:
        both = finding.policy == SINGLE_PROXY and finding.key == "both"
        # Without a plan the policy cannot say that it matters; who sets the proxy says so.
        failed = finding.verdict is Verdict.FAIL or (both and finding.verdict is Verdict.UNKNOWN)
        of_the_spec = finding.policy == "MTC801" or (
            finding.policy == "MTC303" and finding.key != "not-host"
        )
        if not failed or of_the_spec:
            continue
        refuses = both and sets_proxy
        severity = Severity.BLOCKER if refuses else Severity.WARNING
        reasons.append(
            PatchReason(finding.policy, finding.key, severity, finding.message, EVIDENCE,
                   finding.found, finding.wanted)
        )  # fmt: skip
    return reasons


def needless(migration: Migration) -> list[PatchReason]:
    """A warning where the patch sets a proxy that the source does not need."""
    try:
        use = proxy_use(migration.source)
    except NotGathered:
        return []
    if use.value.in_use:
        return _not_the_sources(migration, use.value.endpoints)
    text = (
        "the source uses no proxy: every direct volume migration, also of other sources and "
        "inside a cluster, will go through this one"
    )
    return [PatchReason("MTC301", "not-needed", Severity.WARNING, text, EVIDENCE)]


def _not_the_sources(migration: Migration, endpoints: tuple[str, ...]) -> list[PatchReason]:
    given = given_proxies(migration.host)
    if not given or given[0].reading.endpoint.lower() not in endpoints:
        return []
    text = (
        "this is the source's cluster-wide proxy: it must tunnel TCP (CONNECT) to the "
        "destination's routes unopened; one that opens TLS (ssl_bump) breaks stunnel"
    )
    return [PatchReason("MTC301", "must-tunnel", Severity.INFO, text, EVIDENCE)]
