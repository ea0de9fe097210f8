"""Virtual machines of OpenShift Virtualization, as far as the migration of their disks needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import Object, drop, each, flag, inner, rows, table, text


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """A virtual machine; ``status`` is printableStatus (Running, Stopped …).

    ``shared``, ``luns`` and ``filesystems`` name disks that several machines write, disks that
    are handed through, and file systems of the host (virtio-fs).
    """

    ref: Ref
    status: str
    shared: tuple[str, ...]
    luns: tuple[str, ...]
    filesystems: tuple[str, ...]
    claims: tuple[str, ...]


def virtual_machine(value: Object, ref: Ref) -> VirtualMachine:
    """VirtualMachine."""
    at = "/spec/template/spec"
    template = table(table(value, "spec", ""), "template", "/spec")
    spec = table(template, "spec", "/spec/template")
    devices = table(table(spec, "domain", at), "devices", f"{at}/domain")
    disks = rows(devices, "disks", f"{at}/domain/devices")
    return VirtualMachine(
        ref=ref,
        status=text(table(value, "status", ""), "printableStatus", "/status"),
        shared=tuple(text(row, "name", at) for row in disks if flag(row, "shareable", at)),
        luns=tuple(text(row, "name", at) for row in disks if row.get("lun") is not None),
        filesystems=tuple(
            text(row, "name", at) for row in rows(devices, "filesystems", f"{at}/domain/devices")
        ),
        claims=tuple(name for row in rows(spec, "volumes", at) if (name := _claim(row, at))),
    )


def _claim(row: Object, at: str) -> str:
    claim = text(table(row, "persistentVolumeClaim", at), "claimName", at)
    return claim or text(table(row, "dataVolume", at), "name", at)


def _trim(value: dict[str, Any]) -> None:
    """What a machine is started with may hold passwords."""
    for volume in each(inner(value, "spec", "template", "spec", "volumes")):
        drop(volume, "cloudInitNoCloud", "cloudInitConfigDrive", "sysprep", "secret")
    drop(value.get("spec"), "dataVolumeTemplates")


VIRTUAL_MACHINE = Resource(
    "VirtualMachine", "virtualmachines", virtual_machine, ("kubevirt.io",), namespaced=True,
    releases=(4,), title="virtual machines and their disks", trim=_trim,
)  # fmt: skip
