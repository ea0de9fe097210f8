"""Names that Kubernetes takes (k8s.io/apimachinery pkg/util/validation)."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


def is_label(text: str) -> bool:
    """Whether a text is a DNS-1123 label, as a namespace's name must be (IsDNS1123Label)."""
    return _LABEL.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """Whether a text is a DNS-1123 subdomain, as most objects' names (IsDNS1123Subdomain)."""
    return len(text) <= 253 and _SUBDOMAIN.fullmatch(text) is not None
