"""Which access modes a provisioner's volumes can have."""

from __future__ import annotations

RWO = "ReadWriteOnce"
ROX = "ReadOnlyMany"
RWX = "ReadWriteMany"
RWOP = "ReadWriteOncePod"
AUTO = "auto"
SELECTABLE = frozenset({RWO, ROX, RWX, AUTO})
"""What MTC takes as selection.accessMode (mig-controller migplan/validation.go)."""

Modes = frozenset[str]
_NONE: Modes = frozenset()
_ONE: Modes = frozenset({RWO})
_READ: Modes = frozenset({RWO, ROX})
_SHARED: Modes = frozenset({RWO, RWX})
_ALL: Modes = frozenset({RWO, ROX, RWX})

_OF_MTC: dict[str, tuple[Modes, Modes]] = {
    "kubernetes.io/aws-ebs": (_ONE, _ONE),
    "kubernetes.io/azure-disk": (_ONE, _ONE),
    "kubernetes.io/cinder": (_ONE, _ONE),
    "kubernetes.io/vsphere-volume": (_ONE, _ONE),
    "kubernetes.io/storageos": (_ONE, _NONE),
    "kubernetes.io/gce-pd": (_READ, _READ),
    "kubernetes.io/rbd": (_READ, _READ),
    "kubernetes.io/scaleio": (_READ, _NONE),
    "kubernetes.io/portworx-volume": (_SHARED, _NONE),
    "kubernetes.io/azure-file": (_ALL, _NONE),
    "kubernetes.io/glusterfs": (_ALL, _NONE),
    "kubernetes.io/quobyte": (_ALL, _NONE),
    "netapp.io/trident": (_READ, _ALL),
    "csi.kubevirt.io": (_ONE, _ONE),
}
"""Filesystem modes as mig-controller has them (api/migcluster_types.go), and Block modes where the
plugin has raw block volumes at all (Kubernetes documentation, Persistent Volumes)."""

_OF_OPENSHIFT: dict[str, Modes] = {
    "ebs.csi.aws.com": _ONE,
    "disk.csi.azure.com": _ONE,
    "cinder.csi.openstack.org": _ONE,
    "efs.csi.aws.com": _ALL,
    "file.csi.azure.com": _ALL,
    "manila.csi.openstack.org": _ALL,
}
"""Filesystem modes of CSI drivers that mig-controller does not know.

From the OpenShift storage documentation, supported access modes of persistent volumes.
"""


def modes_of(provisioner: str, volume_mode: str) -> Modes | None:
    """The access modes that a provisioner's volumes can have, None if not known."""
    block = volume_mode == "Block"
    known = _OF_MTC.get(provisioner)
    if known is not None:
        return known[block]
    if provisioner.startswith("gluster.org/glusterblock"):
        return _READ
    if provisioner.endswith("cephfs.csi.ceph.com"):
        return _NONE if block else _ALL
    if provisioner.endswith("rbd.csi.ceph.com"):
        return _ALL if block else _ONE
    if block and _OF_OPENSHIFT.get(provisioner) == _ALL:
        return _NONE  # shared file systems
    return None if block else _OF_OPENSHIFT.get(provisioner)


def has_block(provisioner: str) -> bool:
    """Whether raw block volumes (ReadWriteOnce) are known of a driver that MTC does not know."""
    return _OF_OPENSHIFT.get(provisioner) == _ONE
