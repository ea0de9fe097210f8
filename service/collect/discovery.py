"""Which API groups, versions and resources a server has."""

from __future__ import annotations

from typing import Any

from service.collect.api import Api
from service.collect.collect_errors import Absent, ApiError, Forbidden
from service.kinds.resource import Resource

LEGACY = "/oapi/v1"
"""Where OpenShift 3 serves its own kinds without a group."""


class Discovery:
    """The server's own account of what it serves, read as far as needed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._groups: dict[str, list[str]] | None = None
        self._lists: dict[str, frozenset[str]] = {}
        self._silent: set[str] = set()

    def place(self, resource: Resource[Any]) -> tuple[str, str] | None:
        """Path prefix and apiVersion under which a resource is served; None if it is not.

        A group that is served in another version than ours is taken in that version; where
        discovery is forbidden, today's path is tried. Raises ApiError, NoConnection.
        """
        for group in resource.groups:
            for prefix, api_version in self._candidates(resource, group):
                if resource.plural in self._plurals(prefix, resource.plural):
                    return prefix, api_version
        return None

    def _candidates(self, resource: Resource[Any], group: str) -> list[tuple[str, str]]:
        if not group:
            legacy = resource.groups[0] != ""
            return [(LEGACY if legacy else "/api/v1", "v1")]
        try:
            served = self._served().get(group, [])
        except Forbidden:
            served = [resource.version] if group == resource.group else []
        versions = sorted(served, key=lambda version: version != resource.version)
        return [(f"/apis/{group}/{version}", f"{group}/{version}") for version in versions]

    def _served(self) -> dict[str, list[str]]:
        if self._groups is None:
            answer = self._api.get("/apis")
            self._groups = {
                str(group.get("name")): [str(item["version"]) for item in group["versions"]]
                for group in answer.get("groups") or ()
            }
        return self._groups

    def _plurals(self, prefix: str, plural: str) -> frozenset[str]:
        if prefix in self._silent:
            return frozenset((plural,))
        if prefix not in self._lists:
            try:
                answer = self._api.get(prefix)
            except ApiError as error:
                if isinstance(error, Absent) or (prefix == LEGACY and isinstance(error, Forbidden)):
                    # OpenShift 4 has no such path, and refuses what it does not have.
                    self._lists[prefix] = frozenset()
                    return self._lists[prefix]
                # The group is registered but does not answer (or may not be asked): the list itself
                # will show why, and absence is not proved.
                self._silent.add(prefix)
                return frozenset((plural,))
            else:
                rows = answer.get("resources") or ()
                self._lists[prefix] = frozenset(str(row.get("name")) for row in rows)
        return self._lists[prefix]
