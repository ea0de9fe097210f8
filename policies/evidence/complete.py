"""Whether the evidence is complete, as far as this is known."""

from __future__ import annotations

from collections.abc import Iterator

from policies.evidence.common import (
    MUST_GATHER,
    RELEASE_READS,
    collect_command,
    parts_of,
    parts_of_none,
)
from service.core.evidence import Missing
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy
from service.kinds.ref import Origin, Pointer
from service.kinds.resource import fetch_command


class EvidenceComplete(ClusterPolicy):
    """Nothing says that the evidence is partial.

    Marks of a partial collection (a failed login, a list that is cut short, a damaged archive,
    a refused read) are warnings one by one; that what they lack is not known keeps the whole
    from being ready. So does a source or destination of which nothing was given.
    """

    id = "MTC903"
    name = "evidence-complete"
    title = "The evidence is complete"
    why = "The problem that stops the migration may be in what was not collected."
    reads = RELEASE_READS
    declares = ("gathered", "notes")
    remedy = "Collect the evidence again with cluster-admin rights, until every step succeeds."
    docs = (MUST_GATHER,)
    source = "login_error.txt of MTC's must-gather; metadata.continue of lists; gathered.error"

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        if not cluster.given:
            yield _nothing_given(cluster)
            return
        denied = list(_denied(cluster))
        notes = list(_notes(migration, cluster, denied))
        yield from (outcome for _, outcome in denied)
        yield from (outcome for _, outcome in notes)
        if denied or any(not _elsewhere(migration, note) for note, _ in notes):
            need = tuple(item for _, outcome in denied for item in outcome.missing)
            again = Missing("the rest of the evidence", cluster.role, collect_command(cluster))
            yield unknown(
                cluster.subject,
                f"the evidence of the {cluster.role} cluster is partial, and what is missing is "
                "not known",
                *(need or (again,)),
                key="partial",
            )
        elif not notes:
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


def _denied(cluster: Cluster) -> Iterator[tuple[str, Outcome]]:
    for resource in cluster.inventory.resources():
        shelf = cluster.inventory.shelf(resource)
        for namespace, reason in sorted((shelf.denied if shelf else {}).items()):
            if shelf is not None and shelf.covers(namespace):
                continue  # it was given another way
            where = f" in namespace {namespace}" if namespace else ""
            command = fetch_command(resource, "", namespace)
            outcome = failed(
                cluster.subject,
                f"{resource.title or resource.plural}{where} not gathered: {reason}",
                found=reason,
                wanted="collected",
                key=f"denied {resource} {namespace}".strip(),
                commands=(command,),
                severity=Severity.WARNING,
            )
            need = Missing(f"every {resource.kind}{where}", cluster.role, command, reason)
            yield f"{resource}: {reason}", outcome._replace(missing=(need,))


def _notes(
    migration: Migration, cluster: Cluster, denied: list[tuple[str, Outcome]]
) -> Iterator[tuple[str, Outcome]]:
    told = {note for note, _ in denied}
    count = 0
    loose = parts_of_none(migration) if migration.is_host(cluster) else []
    for part in (*parts_of(migration, cluster), *loose):
        for note in part.notes:
            if note in told:
                continue
            told.add(note)
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


def _elsewhere(migration: Migration, note: str) -> bool:
    """Whether what the note misses came another way: all clusters were given in spite of it."""
    return "could not log in" in note and all(item.given for item in migration.clusters)
