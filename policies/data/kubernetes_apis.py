"""Which Kubernetes releases serve which API versions of the kinds that applications use."""

from __future__ import annotations

from service.core.values.versions import Version

SOURCE = "Kubernetes, Deprecated API Migration Guide; API changes of the release notes"

Served = tuple[int, int | None]
"""The first minor release (of Kubernetes 1) that serves it, and the first that does not any more.

None is served to this day.
"""

SERVED: dict[tuple[str, str, str], Served] = {
    ("batch", "v1beta1", "CronJob"): (8, 25),
    ("batch", "v2alpha1", "CronJob"): (5, 21),
    ("batch", "v1", "CronJob"): (21, None),
    ("policy", "v1beta1", "PodDisruptionBudget"): (5, 25),
    ("policy", "v1", "PodDisruptionBudget"): (21, None),
    ("autoscaling", "v1", "HorizontalPodAutoscaler"): (2, None),
    ("autoscaling", "v2beta1", "HorizontalPodAutoscaler"): (8, 25),
    ("autoscaling", "v2beta2", "HorizontalPodAutoscaler"): (12, 26),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"): (23, None),
    ("extensions", "v1beta1", "Ingress"): (1, 22),
    ("networking.k8s.io", "v1beta1", "Ingress"): (14, 22),
    ("networking.k8s.io", "v1", "Ingress"): (19, None),
    ("extensions", "v1beta1", "Deployment"): (1, 16),
    ("apps", "v1beta1", "Deployment"): (6, 16),
    ("apps", "v1beta2", "Deployment"): (8, 16),
    ("apps", "v1", "Deployment"): (9, None),
    ("apps", "v1beta1", "StatefulSet"): (5, 16),
    ("apps", "v1beta2", "StatefulSet"): (8, 16),
    ("apps", "v1", "StatefulSet"): (9, None),
    ("extensions", "v1beta1", "DaemonSet"): (1, 16),
    ("apps", "v1beta2", "DaemonSet"): (8, 16),
    ("apps", "v1", "DaemonSet"): (9, None),
    ("extensions", "v1beta1", "NetworkPolicy"): (3, 16),
    ("networking.k8s.io", "v1", "NetworkPolicy"): (7, None),
}
"""By group, version and kind; alpha versions as far as OpenShift enables them."""


def kubernetes_minor(openshift: Version) -> int:
    """The minor Kubernetes release that an OpenShift release is made of."""
    if openshift.major == 3:
        return openshift.minor
    return openshift.minor + (12 if openshift.minor < 3 else 13)


def served_by(openshift: Version, group: str, version: str, kind: str) -> bool | None:
    """Whether an OpenShift release serves a kind in a version; None where the table has none."""
    found = SERVED.get((group, version, kind))
    if found is None:
        return None
    first, gone = found
    minor = kubernetes_minor(openshift)
    return first <= minor and (gone is None or minor < gone)


ONE_OBJECT = frozenset({"Deployment", "StatefulSet", "DaemonSet", "NetworkPolicy"})
"""Kinds that are backed up once, in their stable version, whichever one `oc` prints."""


def stable(openshift: Version, kind: str) -> tuple[str, str] | None:
    """The stable group and version of a kind of ``ONE_OBJECT`` that a release serves, or None."""
    for group, version, name in SERVED:
        if name == kind and version == "v1" and served_by(openshift, group, version, kind):
            return group, version
    return None
