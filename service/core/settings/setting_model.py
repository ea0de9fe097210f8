"""What a setting of the MigrationController is: its kind, and since when the operator reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SettingKind(StrEnum):
    """How a value is read, which decides what it may be."""

    SWITCH = "boolean (true or false, not as text)"
    """Used bare in an Ansible ``when``, where every text that is not empty counts as true."""
    BOOL = "boolean"
    """Passed through Ansible's ``bool`` filter, which also takes yes, no, on, off, 1 and 0."""
    GO_BOOL = "boolean (true, false)"
    """Read by Go's strconv.ParseBool; what that does not know is silently the default."""
    LIMIT = "integer, at least 1"
    """Read by mig-controller's getEnvLimit: anything else stops the controller at its start."""
    BANDWIDTH = "integer; 0 for no limit"
    GROUPS = "group ids, separated by commas"
    GROUP_LIST = "list of group ids"
    TEXT = "text"
    NAME = "name of an object (lower-case letters, digits, - and .)"
    """The operator makes an object of this name."""
    PLAIN = "text without ': ' and ' #'"
    """Written into YAML without quotes by the operator's template."""
    URL = "proxy URL: http://[<user>:<password>@]<host>:<port>"
    """As PLAIN, and read by Go's HTTP client."""
    NO_PROXY = "host names, domains and addresses, separated by commas"
    """As PLAIN, and read by Go's HTTP client."""
    DOMAIN = "domain, without a scheme"
    """The operator makes host names below it."""
    PROXY = "proxy URL"
    IMAGE = "image name"
    QUANTITY = "Kubernetes quantity"
    DURATION = "Go duration"
    NAMES = "list of names"
    EXCLUDED = "list of names, in place of the default list"
    CHOICE = "one of"
    MAP = "mapping"
    ANY = "anything"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of ``MigrationController.spec``.

    ``default`` is shown to people. ``since`` is the first operator release known to read it, "" if
    older than the oldest release looked at; ``until`` the first known not to. ``unread`` says why
    the value has no effect today, "" where it has. ``internal`` marks variables of the operator's
    role that must not be set. ``most`` is the largest number that has an effect, 0 where there is
    none.
    """

    name: str
    kind: SettingKind
    meaning: str
    source: str
    default: str = ""
    since: str = ""
    until: str = ""
    required: bool = False
    most: int = 0
    choices: tuple[str, ...] = ()
    unread: str = ""
    internal: bool = False

    @property
    def wanted(self) -> str:
        """What a value must be, for people."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return self.kind.value + (f" and at most {self.most}" if self.most else "")
