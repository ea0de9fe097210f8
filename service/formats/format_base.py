"""What every output format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from service.core.policy import Policy
from service.core.report import Report


@dataclass(frozen=True, slots=True)
class Options:
    """How a report is to be shown; a format takes what concerns it.

    ``color`` lets plain text use terminal colours. ``alerts`` leaves only
    alerts in SARIF. ``limit`` is the most characters of Markdown.
    ``group`` makes one ticket per ``owner``, ``policy`` or ``finding``. ``project`` and
    ``issue_type`` say where Jira issues go, ``jira_api`` which version of its REST API takes them,
    ``priorities`` are its names of high, medium and low, or ``none`` where a project has no
    priority. ``table``, ``assignment_group`` and ``caller`` are ServiceNow's. ``gather_for``
    is the cluster that a script of the missing evidence is for, or ``all``.
    """

    color: bool = False
    alerts: bool = False
    limit: int = 60_000
    group: str = "owner"
    project: str = ""
    issue_type: str = "Task"
    jira_api: str = "2"
    priorities: str = "High,Medium,Low"
    gather_for: str = "all"
    table: str = "incident"
    assignment_group: str = ""
    caller: str = ""


@dataclass(frozen=True)
class Context:
    """What a format may show in addition to the report.

    ``policies`` is the catalogue that the report was made with; ``version`` the product's;
    ``options`` what the caller asks of the form; ``again`` how the caller gets the script that
    gathers what is missing. ``url`` is the service's own, with a final slash, "" on the command
    line; ``guarded`` whether the caller had to send a token.
    """

    policies: tuple[Policy[Any], ...]
    version: str
    options: Options = field(default_factory=lambda: Options())
    again: str = "the same request with ?format=gather"
    url: str = ""
    guarded: bool = False

    @cached_property
    def by_id(self) -> Mapping[str, Policy[Any]]:
        """The policies by their ids."""
        return {policy.id: policy for policy in self.policies}


Render = Callable[[Report, Context], bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """An output format: its name for ``?format=``, its media type, and what makes the bytes.

    ``file`` is the name of a file that holds a report in this format.
    ``aliases`` are further media types by which an Accept header may ask for it.
    """

    name: str
    media_type: str
    file: str
    render: Render
    title: str
    aliases: tuple[str, ...] = field(default=())
