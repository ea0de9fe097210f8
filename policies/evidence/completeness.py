"""Whether the evidence is complete, as far as this is known."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.evidence.collect_again import collect_command, parts_of, parts_of_none
from service.core.evidence import Missing
from service.core.facts.release import READS as RELEASE_READS
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy
from service.core.summary import is_given
from service.kinds.ref import Origin, Pointer
from service.kinds.resource import fetch_command


class EvidenceComplete(ClusterPolicy):
    """There is no sign that the evidence is partial.

    Marks of a partial collection are warnings one by one. A list that was refused, or left out by
    choice, is unknown to the policies that read it, and blocks nothing here. What a failed login,
    a list that is cut short or a damaged archive lacks is not known: that keeps the whole from
    being ready. So does a source or destination of which nothing was given.
    """

    id = "MTC903"
    name = "evidence-complete"
    title = "The evidence is complete"
    why = "The problem that stops the migration may be in what was not collected."
    reads = RELEASE_READS
    declares = ("gathered", "notes")
    remedy = "Collect the evidence again with cluster-admin rights, until every step succeeds."
    docs = (links.MUST_GATHER,)
    source = "login_error.txt of MTC's must-gather; metadata.continue of lists; gathered.error"

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        if not is_given(cluster):
            yield _nothing_given(cluster)
            return
        denied = list(_denied(cluster))
        notes = list(_notes(migration, cluster))
        yield from denied
        yield from (outcome for _, outcome in notes)
        if any(not _elsewhere(migration, note) for note, _ in notes):
            yield unknown(
                cluster.subject,
                f"the evidence of the {cluster.role} cluster is partial, and what is missing is "
                "not known",
                Missing("the rest of the evidence", cluster.role, collect_command(cluster)),
                key="partial",
            )
        elif not denied and not notes:
            count = len(parts_of(migration, cluster))
            yield passed(cluster.subject, "no mark of a partial collection", examined=max(1, count))


def _nothing_given(cluster: Cluster) -> Outcome:
    need = Missing(
        f"any evidence of the {cluster.role} cluster: send its must-gather, its objects or a "
        f"descriptor as part {cluster.role}",
        cluster.role,
        collect_command(cluster),
    )
    return unknown(
        cluster.subject,
        f"there is no evidence of the {cluster.role} cluster",
        need,
        key="not-given",
    )


def _denied(cluster: Cluster) -> Iterator[Outcome]:
    for shelf in cluster.inventory.shelves():
        resource = shelf.resource
        for namespace, reason in sorted(shelf.denied.items()):
            if shelf.covers(namespace):
                continue  # it was given another way
            where = f" in namespace {namespace}" if namespace else ""
            command = fetch_command(resource, "", namespace)
            yield failed(
                cluster.subject,
                f"{resource.title or resource.plural}{where} not gathered: {reason}; policies that "
                "read it are unknown",
                found=reason,
                wanted="collected",
                key=f"denied {resource} {namespace}".strip(),
                commands=(command,),
                severity=Severity.WARNING,
            )._replace(
                missing=(Missing(f"every {resource.kind}{where}", cluster.role, command, reason),)
            )


def _notes(migration: Migration, cluster: Cluster) -> Iterator[tuple[str, Outcome]]:
    reported = set(_reasons(cluster))
    count = 0
    loose = parts_of_none(migration) if migration.is_host(cluster) else []
    for part in (*parts_of(migration, cluster), *loose):
        for note in part.notes:
            if note in reported:
                continue
            reported.add(note)
            count += 1
            yield (
                note,
                failed(
                    cluster.subject,
                    f"the collection is partial: {note}",
                    Pointer(Origin(part.name), "", note),
                    found=note,
                    wanted="a complete collection",
                    key=f"note-{count}",
                    commands=(collect_command(cluster),),
                    severity=Severity.WARNING,
                ),
            )


def _reasons(cluster: Cluster) -> Iterator[str]:
    """The notes that refused reads leave, each a finding of its own already."""
    for shelf in cluster.inventory.shelves():
        for reason in shelf.denied.values():
            yield f"{shelf.resource}: {reason}"


def _elsewhere(migration: Migration, note: str) -> bool:
    """Whether what the note misses came another way: all clusters were given in spite of it."""
    return "could not log in" in note and all(item.given for item in migration.clusters)
