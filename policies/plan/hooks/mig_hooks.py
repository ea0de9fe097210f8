"""The MigHooks that a plan's hooks refer to."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.hooks.plan_hooks import HOOK_READS, HookPolicy, HookUse, mig_hook
from policies.plan.plan_policies import VALIDATION
from service.core.evidence import Missing, NotGathered, Role
from service.core.facts.plan_refs import blocking, reported_ready
from service.core.migration import Migration
from service.core.outcome import Outcome, failed, passed, passes_alone
from service.kinds.mtc import MIG_HOOK, MigHook
from service.kinds.resource import fetch_command


class HookReady(HookPolicy):
    """The controller has found every MigHook of the plan Ready."""

    id = "MTC761"
    name = "hook-ready"
    title = "The plan's MigHooks are Ready"
    why = "The plan does not become Ready and no migration starts."
    reads = HOOK_READS
    remedy = "Fix what the conditions of the MigHook report (see MTC764)."
    docs = (links.ADVANCED,)
    source = f"{VALIDATION} validateHooks"
    upstream = ("HookNotReady",)
    better = "Names the hook and the reasons."

    def check(self, migration: Migration, use: HookUse) -> Iterator[Outcome]:
        hook = mig_hook(migration, use)
        show = fetch_command(MIG_HOOK, hook.ref.name, hook.ref.namespace)
        ready = reported_ready(hook.conditions)
        if ready is None:
            fact = f"the status of MigHook {hook.ref.name}"
            raise NotGathered(Missing(fact, Role.HOST, show))
        if ready:
            pointer = hook.ref.at("/status/conditions", "Ready")
            yield passed(hook.ref.subject, f"MigHook {hook.ref.name} is Ready", pointer)
            return
        reasons = sorted(item.type for item in blocking(hook.conditions))
        yield failed(
            hook.ref.subject,
            f"MigHook {hook.ref.name} is not Ready",
            hook.ref.at("/status/conditions", ", ".join(reasons) or "no Ready"),
            found=", ".join(reasons) or "no condition Ready",
            wanted="condition Ready with status True",
            key=f"ready {use.index}",
            commands=(show,),
        )


TARGETS = ("source", "destination")
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
IMAGE = re.compile(
    rf"(?:{_HOST}(?:\.{_HOST})*(?::[0-9]+)?/)?{_NAME}(?:/{_NAME})*"
    r"(?::\w[\w.-]{0,127})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
"""A reference to an image: the grammar of github.com/distribution/reference."""


class HookDefinition(HookPolicy):
    """Every MigHook of the plan is well formed: image, cluster, and playbook or its own logic."""

    id = "MTC764"
    name = "hook-definition"
    title = "The plan's MigHooks are well formed"
    why = "The MigHook, and with it the plan, never becomes Ready."
    reads = HOOK_READS
    remedy = "Correct the field in the MigHook's spec."
    docs = (links.ADVANCED, links.ABOUT)
    source = "mig-controller pkg/controller/mighook/validation.go, regexp.go"
    upstream = (
        "InvalidImage",
        "InvalidTarget",
        "InvalidPlaybookData",
        "InvalidCustomHook",
        "InvalidAnsibleHook",
    )
    better = (
        "Works before the MigHook is created. Also detects a deadline that ends it immediately."
    )

    @passes_alone
    def check(self, migration: Migration, use: HookUse) -> Iterator[Outcome]:
        hook = mig_hook(migration, use)
        for field, found, wanted in _faults(hook):
            yield failed(
                hook.ref.subject,
                f"MigHook {hook.ref.name}: {field} is {found}",
                hook.ref.at(f"/spec/{field}"),
                found=found,
                wanted=wanted,
                key=f"{field} {use.index}",
                commands=(
                    f"oc edit mighook {quote(hook.ref.name)} -n {quote(hook.ref.namespace)}",
                ),
            )
        yield passed(
            hook.ref.subject, f"MigHook {hook.ref.name} is well formed", hook.ref.at("/spec")
        )


def _faults(hook: MigHook) -> Iterator[tuple[str, str, str]]:
    if not IMAGE.fullmatch(hook.image):
        yield "image", hook.image or "not set", "a reference to an image"
    if hook.target_cluster not in TARGETS:
        yield "targetCluster", hook.target_cluster or "not set", "source or destination"
    deadline = hook.active_deadline_seconds
    if deadline is not None and deadline < 0:
        yield "activeDeadlineSeconds", str(deadline), "a positive number of seconds"
    if hook.custom and hook.playbook:
        yield "playbook", "set", "no playbook, or custom: false"
    elif not hook.custom and not hook.playbook:
        yield "playbook", "not set", "an Ansible playbook, or custom: true"
    elif hook.playbook and not _is_base64(hook.playbook):
        yield "playbook", "not base64", "the playbook in base64"


def _is_base64(text: str) -> bool:
    """As Go's base64.StdEncoding, which overlooks line ends and nothing else."""
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
