"""When certificates end: what bundles hold, and what OpenShift writes beside its own."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

NOT_AFTER = "auth.openshift.io/certificate-not-after"
"""The annotation of a secret whose certificate OpenShift made."""
MANAGED = "auth.openshift.io/managed-certificate-type"
"""The label of one that OpenShift renews by itself."""


def bundle_ends(bundle: str) -> tuple[datetime, ...]:
    """When the certificates of a bundle (base64 of PEM) end; () where none can be read."""
    # Imported here: it costs more than a small evaluation, and few bundles come.
    from cryptography.x509 import load_pem_x509_certificates

    try:
        plain = base64.b64decode("".join(bundle.split()), validate=True)
        return tuple(item.not_valid_after_utc for item in load_pem_x509_certificates(plain))
    except (binascii.Error, ValueError):
        return ()


def moment_of(text: str) -> datetime | None:
    """The time of the annotation, None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
