"""What a policy pack may use; docs/own-policies.md shows how.

These names stay as they are within a major version. Whatever else is in ``service`` and
``policies`` may change with any release.
"""

from service.core.evidence import Missing, NotGathered
from service.core.facts.cloud import READS as PLACE_READS
from service.core.facts.cloud import platform, regions
from service.core.facts.mtc_release import READS as MTC_READS
from service.core.facts.mtc_release import mtc_version
from service.core.facts.namespaces import READS as NAMESPACE_READS
from service.core.facts.namespaces import is_there
from service.core.facts.proxy import READS as PROXY_READS
from service.core.facts.proxy import proxy_use
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import major, openshift
from service.core.link import Link
from service.core.migration import Cluster, Declared, Migration, Probe
from service.core.objects import AnyObject, kind
from service.core.outcome import (
    Command,
    Outcome,
    Severity,
    Verdict,
    at_destination,
    at_host,
    failed,
    not_applicable,
    passed,
    unknown,
)
from service.core.policy import ClusterPolicy, MigrationPolicy, NotApplicable, Parameter, Policy
from service.kinds.ref import Pointer, Subject
from service.kinds.resource import Read

__all__ = [
    "MTC_READS",
    "NAMESPACE_READS",
    "PLACE_READS",
    "PROXY_READS",
    "RELEASE_READS",
    "AnyObject",
    "Cluster",
    "ClusterPolicy",
    "Command",
    "Declared",
    "Link",
    "Migration",
    "MigrationPolicy",
    "Missing",
    "NotApplicable",
    "NotGathered",
    "Outcome",
    "Parameter",
    "Pointer",
    "Policy",
    "Probe",
    "Read",
    "Severity",
    "Subject",
    "Verdict",
    "at_destination",
    "at_host",
    "failed",
    "is_there",
    "kind",
    "major",
    "mtc_version",
    "not_applicable",
    "openshift",
    "passed",
    "platform",
    "proxy_use",
    "regions",
    "unknown",
]
