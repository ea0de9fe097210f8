"""What an archive is, known only at its end: which folders are trees of must-gather or inspect.

A streamed archive may hold the marks of a tree after its files, so files that belong to no known
layout are held until the end: within a tree they are the output of tools, elsewhere they are what
somebody packed. The lists that must-gather collects whole are whole only if it ran to its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.intake.layout import (
    PLAIN,
    ROOT_MARKS,
    Hint,
    Wanted,
    enters,
    hint_of,
    noise_root,
    tree_root,
)
from service.kinds.cluster import NODE
from service.kinds.config import CLUSTER_VERSION
from service.kinds.network import ADMIN_NETWORK_POLICY, BASELINE_ADMIN_NETWORK_POLICY
from service.kinds.operators import CLUSTER_SERVICE_VERSION, SUBSCRIPTION
from service.kinds.resource import Resource
from service.kinds.storage import (
    CSI_DRIVER,
    PERSISTENT_VOLUME,
    STORAGE_CLASS,
    VOLUME_SNAPSHOT_CLASS,
)

GATHERED_WHOLE: frozenset[Resource[Any]] = frozenset(
    {
        NODE,
        CLUSTER_VERSION,
        STORAGE_CLASS,
        PERSISTENT_VOLUME,
        CSI_DRIVER,
        VOLUME_SNAPSHOT_CLASS,
        ADMIN_NETWORK_POLICY,
        BASELINE_ADMIN_NETWORK_POLICY,
    }
)
"""Of these the gather script of every release takes all that there are, one file for each object
(openshift/must-gather collection-scripts/gather, 4.6 to 4.22): where there is a file, the list is
whole. Where there is none, the call may have failed."""

OLM_WHOLE: dict[str, Resource[Any]] = {
    item.plural: item for item in (SUBSCRIPTION, CLUSTER_SERVICE_VERSION)
}
"""These are taken of all namespaces (gather_olm), in which the policies read only some: a file in
any namespace shows that the call was made."""
_OLM = re.compile(rf"namespaces/[^/]+/operators\.coreos\.com/({'|'.join(OLM_WHOLE)})/[^/]+\.yaml$")
_DEFAULT_IMAGE = re.compile(rb"^openshift/must-gather\s", re.MULTILINE)
_PARTIAL = re.compile(
    rb"Disk usage exceeds the volume percentage|inspection completed with the errors"
    rb"|skipping gathering|unable to retrieve|gather never finished|gather output not downloaded"
    rb"|Falling back to"
)
"""What the logs say where must-gather did not get everything."""


@dataclass(slots=True)
class Tree:
    """One folder of an archive that holds objects: what its marks say of it."""

    marked: bool = False
    default_image: bool = False
    partial: bool = False
    cluster: str = ""
    resources: set[Resource[Any]] = field(default_factory=set)
    broken: set[Resource[Any]] = field(default_factory=set)

    @property
    def whole(self) -> frozenset[Resource[Any]]:
        """The resources of which the tree holds every object of the cluster."""
        if not self.default_image or self.partial:
            return frozenset()
        return frozenset(self.resources - self.broken)


class Trees:
    """The trees of one archive, as far as it was walked.

    ``partial`` says that not all of it was read.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.partial = False
        self._wanted = wanted
        self._hints: dict[str, Hint] = {}
        self._folders: dict[str, Tree] = {}
        self._roots: dict[str, Tree] = {}

    def enters(self, path: str) -> bool:
        """Whether a member is an archive to be walked; asked first of every member."""
        self._see(path)
        return enters(path)

    def wants(self, path: str) -> bool:
        """Whether a member is to be read."""
        hint = hint_of(path, self._wanted)
        if hint is not None:
            self._hints[path] = hint
        return hint is not None

    def hint(self, path: str) -> Hint:
        """What the path of a member that is read says of it."""
        return self._hints.get(path, PLAIN)

    @property
    def known(self) -> bool:
        """Whether anything of it is known by its path."""
        return bool(self._hints)

    def _see(self, path: str) -> None:
        folder, slash, name = path.rpartition("/")
        if name in ROOT_MARKS:
            self._at(folder + slash).marked = True
        root = tree_root(path)
        if root is not None:
            self._roots[root] = self._at(root)
            found = _OLM.match(path, len(root))
            if found is not None:
                self._roots[root].resources.add(OLM_WHOLE[found[1]])
        if "inspect.local." in path:
            self.partial = True

    def note(self, path: str, kind: str, data: bytes) -> None:
        """Read a mark: the file ``version`` or a log."""
        folder, slash, _ = path.rpartition("/")
        here = self._at(folder + slash)
        if kind == "version":
            here.default_image = bool(_DEFAULT_IMAGE.search(data[:200]))
        elif kind == "log" and _PARTIAL.search(data):
            here.partial = True

    def took(self, path: str, hint: Hint, good: bool) -> None:
        """A file was read; ``good`` says that nothing of it was lost."""
        root = tree_root(path)
        if root is None or hint.resource is None:
            return
        tree = self._roots[root]
        tree.cluster = hint.cluster
        if not good:
            tree.broken.add(hint.resource)
        elif hint.resource in GATHERED_WHOLE and self._wanted.takes_all(hint.resource):
            tree.resources.add(hint.resource)

    def is_noise(self, path: str) -> bool:
        """Whether a file of no known layout is within a tree, once the archive is at its end."""
        root = noise_root(path)
        if root is not None and root in self._roots:
            return True
        return any(tree.marked and path.startswith(root) for root, tree in self._roots.items())

    def whole(self) -> Iterator[tuple[str, Resource[Any]]]:
        """Clusters ("" for that of the part) and resources of which every object was read.

        What the client says in the folder above (must-gather.logs) holds for the trees below.
        """
        above = [folder for folder, tree in self._folders.items() if tree.partial]
        for root, tree in self._roots.items():
            if self.partial or any(root.startswith(folder) for folder in above):
                continue
            for resource in tree.whole:
                yield tree.cluster, resource

    def _at(self, folder: str) -> Tree:
        return self._folders.setdefault(folder, Tree())
