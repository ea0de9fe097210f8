"""What manifests of kinds that Kubernetes does not know must look like, written by hand.

A subset, as far as the manifests here go, strict in its keys: a misspelt field fails.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer", "minimum": 0}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def closed(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def choice(*values: str) -> Schema:
    return {"enum": list(values)}


def listed(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def kind(name: str, api_version: str, spec: Schema) -> Schema:
    metadata = closed(
        ("name", "namespace"), name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS
    )
    return closed(
        ("apiVersion", "kind", "metadata", "spec"),
        apiVersion=choice(api_version),
        kind=choice(name),
        metadata=metadata,
        spec=spec,
    )


_TO = closed(("kind", "name"), kind=choice("Service"), name=TEXT, weight={**NUMBER, "maximum": 256})
ROUTE = closed(
    ("to",),
    to=_TO,
    port=closed(("targetPort",), targetPort={"type": ["string", "integer"]}),
    tls=closed(
        ("termination",),
        termination=choice("edge", "passthrough", "reencrypt"),
        insecureEdgeTerminationPolicy=choice("None", "Allow", "Redirect"),
        destinationCACertificate=TEXT,
    ),
    host=TEXT,
    path=TEXT,
    wildcardPolicy=choice("None", "Subdomain"),
)
_KEY = closed(("key", "name"), key=TEXT, name=TEXT, optional={"type": "boolean"})
_ENDPOINT = closed(
    ("port",),
    port=TEXT,
    path=TEXT,
    interval={"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
    scheme=choice("http", "https"),
    authorization=closed(("credentials",), type=TEXT, credentials=_KEY),
    tlsConfig=closed(
        serverName=TEXT,
        ca={"oneOf": [closed(("configMap",), configMap=_KEY), closed(("secret",), secret=_KEY)]},
    ),
)
SERVICE_MONITOR = closed(
    ("selector", "endpoints"),
    selector=closed(("matchLabels",), matchLabels=TEXTS),
    endpoints=listed(_ENDPOINT),
    namespaceSelector=closed(matchNames=listed(TEXT)),
)
_RULE = closed(
    ("alert", "expr", "labels", "annotations"),
    alert={"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
    expr=TEXT,
    labels=closed(("severity",), severity=choice("critical", "warning", "info")),
    annotations=closed(("summary", "description"), summary=TEXT, description=TEXT),
    **{"for": {"type": "string", "pattern": "^[0-9]+(s|m|h)$"}},
)
PROMETHEUS_RULE = closed(
    ("groups",),
    groups=listed(closed(("name", "rules"), name=TEXT, rules=listed(_RULE))),
)
IMAGE_STREAM = closed(lookupPolicy=closed(("local",), local={"type": "boolean"}))
BUILD_CONFIG = closed(
    ("source", "strategy", "output"),
    source=closed(("type", "binary"), type=choice("Binary"), binary=closed(asFile=TEXT)),
    strategy=closed(
        ("type", "dockerStrategy"),
        type=choice("Docker"),
        dockerStrategy=closed(("dockerfilePath",), dockerfilePath=TEXT),
    ),
    output=closed(("to",), to=closed(("kind", "name"), kind=choice("ImageStreamTag"), name=TEXT)),
    runPolicy=choice("Parallel", "Serial", "SerialLatestOnly"),
    successfulBuildsHistoryLimit=NUMBER,
    failedBuildsHistoryLimit=NUMBER,
)

SCHEMAS: dict[tuple[str, str], Schema] = {
    (version, name): kind(name, version, spec)
    for version, name, spec in (
        ("route.openshift.io/v1", "Route", ROUTE),
        ("monitoring.coreos.com/v1", "ServiceMonitor", SERVICE_MONITOR),
        ("monitoring.coreos.com/v1", "PrometheusRule", PROMETHEUS_RULE),
        ("image.openshift.io/v1", "ImageStream", IMAGE_STREAM),
        ("build.openshift.io/v1", "BuildConfig", BUILD_CONFIG),
    )
}
