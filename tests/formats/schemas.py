"""The parts of published schemas that our formats use, closed against anything else.

SARIF: the property names, types, enumerations and required properties of the OASIS standard
"Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01",
https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json

PolicyReport: of the custom resource definition in kubernetes-sigs/wg-policy-prototypes,
policy-report/crd/v1alpha2 (wgpolicyk8s.io/v1alpha2); fields that we do not write are left out.
"""

from __future__ import annotations

from typing import Any

STRING = {"type": "string"}
BOOLEAN = {"type": "boolean"}
BAG = {"type": "object"}
INDEX = {"type": "integer", "minimum": -1}
URI = {"type": "string", "format": "uri"}
REFERENCE = {"type": "string", "format": "uri-reference"}
STRINGS = {"type": "object", "additionalProperties": STRING}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def one_of(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


def many(item: dict[str, Any], unique: bool = False) -> dict[str, Any]:
    return {"type": "array", "items": item, "uniqueItems": unique}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


MESSAGE = {**closed(text=STRING, markdown=STRING, id=STRING), "anyOf": [{"required": ["text"]}]}
TEXT = closed(("text",), text=STRING, markdown=STRING)
ARTIFACT_LOCATION = closed(uri=REFERENCE, uriBaseId=STRING, index=INDEX)
REGION = closed(
    startLine={"type": "integer", "minimum": 1}, startColumn={"type": "integer", "minimum": 1}
)
PHYSICAL = {
    **closed(artifactLocation=ARTIFACT_LOCATION, region=REGION),
    "anyOf": [{"required": ["artifactLocation"]}],
}
LOGICAL = closed(name=STRING, fullyQualifiedName=STRING, kind=STRING)
LOCATION = closed(physicalLocation=PHYSICAL, logicalLocations=many(LOGICAL, unique=True))
DESCRIPTOR_REFERENCE = {**closed(id=STRING, index=INDEX), "anyOf": [{"required": ["id"]}]}
NOTIFICATION = closed(
    ("message",),
    descriptor=DESCRIPTOR_REFERENCE,
    associatedRule=DESCRIPTOR_REFERENCE,
    level=LEVEL,
    message=MESSAGE,
    locations=many(LOCATION),
)
RULE = closed(
    ("id",),
    id=STRING,
    name=STRING,
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=closed(("text",), text=STRING, markdown=STRING),
    helpUri=URI,
    defaultConfiguration=closed(level=LEVEL),
    properties=BAG,
)
SUPPRESSION = closed(
    ("kind",),
    kind=one_of("inSource", "external"),
    status=one_of("accepted", "underReview", "rejected"),
    justification=STRING,
    properties=BAG,
)
RESULT = closed(
    ("message",),
    ruleId=STRING,
    ruleIndex=INDEX,
    kind=one_of("notApplicable", "pass", "fail", "review", "open", "informational"),
    level=LEVEL,
    message=MESSAGE,
    locations=many(LOCATION),
    partialFingerprints=STRINGS,
    suppressions=many(SUPPRESSION, unique=True),
    baselineState=one_of("new", "unchanged", "updated", "absent"),
    properties=BAG,
)
RUN = closed(
    ("tool",),
    tool=closed(
        ("driver",),
        driver=closed(
            ("name",),
            name=STRING,
            version=STRING,
            informationUri=URI,
            rules=many(RULE, unique=True),
            properties=BAG,
        ),
    ),
    automationDetails=closed(id=STRING),
    columnKind=one_of("utf16CodeUnits", "unicodeCodePoints"),
    invocations=many(
        closed(
            ("executionSuccessful",),
            executionSuccessful=BOOLEAN,
            endTimeUtc={"type": "string", "format": "date-time"},
            toolExecutionNotifications=many(NOTIFICATION),
            toolConfigurationNotifications=many(NOTIFICATION),
        )
    ),
    results=many(RESULT),
    artifacts=many(
        closed(location=ARTIFACT_LOCATION, parentIndex=INDEX),
        unique=True,
    ),
    properties=BAG,
)
SARIF = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **closed(
        ("version", "runs"), **{"$schema": URI, "version": {"const": "2.1.0"}, "runs": many(RUN)}
    ),
}

OBJECT_REFERENCE = closed(
    apiVersion=STRING,
    kind=STRING,
    name=STRING,
    namespace=STRING,
    uid=STRING,
    fieldPath=STRING,
    resourceVersion=STRING,
)
COUNT = {"type": "integer"}
POLICY_REPORT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **closed(
        ("apiVersion", "kind", "metadata"),
        apiVersion={"const": "wgpolicyk8s.io/v1alpha2"},
        kind={"const": "PolicyReport"},
        metadata=closed(
            ("name", "namespace"),
            name={"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},
            namespace={"const": "openshift-migration"},
            labels=STRINGS,
            annotations=STRINGS,
        ),
        summary=closed(**dict.fromkeys(("pass", "fail", "warn", "error", "skip"), COUNT)),
        results=many(
            closed(
                ("policy",),
                category=STRING,
                message=STRING,
                policy=STRING,
                properties=STRINGS,
                resources=many(OBJECT_REFERENCE),
                result=one_of("pass", "fail", "warn", "error", "skip"),
                rule=STRING,
                scored=BOOLEAN,
                severity=one_of("high", "medium", "low"),
                source=STRING,
                timestamp=closed(
                    ("nanos", "seconds"),
                    nanos={"type": "integer", "minimum": 0, "maximum": 999_999_999},
                    seconds=COUNT,
                ),
            )
        ),
    ),
}
