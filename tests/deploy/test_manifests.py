"""The manifests under deploy/: they build, they fit their schemas, and they fit each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from crd_schemas import SCHEMAS
from kustomized import DEPLOY, FOLDERS, OPENSHIFT_ONLY, build, of_kind, one

from service.api.answers.problems import KINDS
from service.api.app import create_app
from service.api.schemas.admission_schemas import API_VERSION
from service.api.server.processors import IDLE
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MIG_STORAGE, MIGRATION_CONTROLLER
from service.settings import Settings, from_environment, size

# The oldest and the newest OpenShift 4 that are likely to be met: 4.12 and 4.19.
RELEASES = ("1.25", "1.32")
ROOT = Path(__file__).parents[2]


def pods(folder: str) -> list[tuple[str, dict[str, Any]]]:
    """The pod specs of the deployments, by their names."""
    return [
        (item["metadata"]["name"], item["spec"]["template"]["spec"])
        for item in of_kind(folder, "Deployment")
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_manifest_fits_its_schema(folder: str) -> None:
    for item in build(folder):
        key = (item["apiVersion"], item["kind"])
        if key in SCHEMAS:
            jsonschema.validate(item, SCHEMAS[key])
            continue
        # overlays/fail has matchConditions, which the older one does not know.
        for release in RELEASES[1:] if folder == "admission/overlays/fail" else RELEASES:
            kubernetes_validate.validate(item, release, strict=True)


def test_a_misspelt_field_does_not_fit() -> None:
    """That the check above can fail, for both kinds of schema."""
    deployment = json.loads(json.dumps(one("overlays/openshift", "Deployment", "mtc-preflight")))
    deployment["spec"]["template"]["spec"]["container"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, RELEASES[0], strict=True)
    route = json.loads(json.dumps(one("overlays/openshift", "Route", "mtc-preflight")))
    route["spec"]["tls"]["terminaton"] = "edge"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(route, SCHEMAS["route.openshift.io/v1", "Route"])


def test_plain_kubernetes_gets_nothing_that_only_openshift_knows() -> None:
    versions = {item["apiVersion"] for item in build("overlays/kubernetes")}
    assert versions.isdisjoint(OPENSHIFT_ONLY)
    assert "monitoring.coreos.com/v1" not in versions


@pytest.mark.parametrize("folder", FOLDERS)
def test_pods_fit_the_restricted_standard_and_restricted_v2(folder: str) -> None:
    assert pods(folder)
    for name, pod in pods(folder):
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }, name
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            assert key not in pod
        assert {next(iter(set(item) - {"name"})) for item in pod["volumes"]} <= {
            "configMap",
            "emptyDir",
            "secret",
        }
        for container in pod["containers"]:
            # No user is named: OpenShift gives one out of the range of the namespace.
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"]
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_written_to_is_mounted(folder: str) -> None:
    for _, pod in pods(folder):
        volumes = {item["name"]: item for item in pod["volumes"]}
        mounts = {item["mountPath"]: item for item in pod["containers"][0]["volumeMounts"]}
        assert "emptyDir" in volumes[mounts["/tmp"]["name"]]
        assert all(item.get("readOnly") for path, item in mounts.items() if path != "/tmp")
        assert {item["name"] for item in mounts.values()} == set(volumes)


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_the_settings_allow_fits_the_limits_of_the_pod(folder: str) -> None:
    for _, pod in pods(folder):
        (container,) = pod["containers"]
        given = {item["name"]: item["value"] for item in container["env"]}
        settings = from_environment(given)
        memory = settings.workers * (settings.memory + IDLE) + IDLE
        assert memory <= size(container["resources"]["limits"]["memory"])
        (volume,) = [item["emptyDir"] for item in pod["volumes"] if item["name"] == "tmp"]
        uploads = settings.workers * settings.upload_bytes
        assert uploads <= size(volume["sizeLimit"])
        assert uploads <= size(container["resources"]["limits"]["ephemeral-storage"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_selectors_meet_their_pods_and_no_others(folder: str) -> None:
    labels = {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in of_kind(folder, "Deployment")
    }
    for item in of_kind(folder, "Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment"):
        spec = item["spec"]
        selector = spec.get("selector", spec.get("podSelector"))
        wanted = selector.get("matchLabels", selector)
        assert wanted, item["kind"]
        met = [name for name, own in labels.items() if wanted.items() <= own.items()]
        assert met == [item["metadata"]["name"]], item["kind"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_environment_holds_settings_that_the_service_takes(folder: str) -> None:
    for _, pod in pods(folder):
        variables = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
        settings = from_environment(variables)
        assert settings.auth in ("tokens", "kubernetes")
        mounts = [item["mountPath"] for item in pod["containers"][0]["volumeMounts"]]
        files = [value for name, value in variables.items() if name.endswith("_FILE")]
        assert all(any(file.startswith(f"{path}/") for path in mounts) for file in files)
        grace = pod["terminationGracePeriodSeconds"]
        pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
        assert grace > pause + settings.graceful_timeout


@pytest.mark.parametrize("folder", FOLDERS)
def test_probes_ask_paths_that_there_are(folder: str) -> None:
    for _, pod in pods(folder):
        (container,) = pod["containers"]
        has_tls = any(item["name"] == "MTC_PREFLIGHT_TLS_CERT_FILE" for item in container["env"])
        ready = {"path": "/readyz", "port": "api", **({"scheme": "HTTPS"} if has_tls else {})}
        assert container["readinessProbe"]["httpGet"] == ready
        for probe in ("startupProbe", "livenessProbe"):
            assert container[probe]["httpGet"] == {"path": "/livez", "port": "health"}
        variables = {item["name"]: item["value"] for item in container["env"]}
        ports = {item["name"]: item["containerPort"] for item in container["ports"]}
        assert variables["MTC_PREFLIGHT_HEALTH_ADDRESS"] == f"0.0.0.0:{ports['health']}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_everything_is_in_the_namespace(folder: str) -> None:
    outside = ("Namespace", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration")
    for item in build(folder):
        wanted = None if item["kind"] in outside else "mtc-preflight"
        assert item["metadata"].get("namespace") == wanted, item["kind"]


def test_the_route_and_the_monitor_meet_the_service() -> None:
    folder = "overlays/openshift"
    service = one(folder, "Service", "mtc-preflight")
    api, health = service["spec"]["ports"]
    route = one(folder, "Route", "mtc-preflight")["spec"]
    assert route["to"]["name"] == "mtc-preflight"
    assert route["port"]["targetPort"] == api["targetPort"]
    assert route["tls"] == {
        "termination": "reencrypt",
        "insecureEdgeTerminationPolicy": "Redirect",
    }
    monitor = one(folder, "ServiceMonitor", "mtc-preflight")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == (health["name"], "/metrics")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_port_of_health_is_not_open_to_all(folder: str) -> None:
    """It asks for no token."""
    for policy in of_kind(folder, "NetworkPolicy"):
        for rule in policy["spec"]["ingress"]:
            assert rule.get("from") or "health" not in [port["port"] for port in rule["ports"]]


def test_the_alerts_ask_metrics_that_there_are() -> None:
    """Each name of an expression, as the service exposes it after one request of each kind."""
    client = create_app(Settings(log_level="ERROR")).test_client()
    client.post("/v1/evaluations", json={"clusters": [{"role": "source", "facts": {}}]})
    exposed = set(re.findall(r"^(\w+)(?:{| )", client.get("/metrics").text, re.MULTILINE))
    (rule,) = of_kind("overlays/openshift", "PrometheusRule")
    alerts = [alert for group in rule["spec"]["groups"] for alert in group["rules"]]
    asked = {name for alert in alerts for name in re.findall(r"mtc_preflight_\w+", alert["expr"])}
    assert len(alerts) == 4
    assert asked - exposed == {"mtc_preflight_problems_total"} - exposed
    codes = {code for alert in alerts for code in re.findall(r'code="([^"]+)"', alert["expr"])}
    assert codes <= set(KINDS)
    assert codes == {"busy"}


def test_the_certificate_of_the_service_is_what_the_pod_mounts() -> None:
    for folder, name in (
        ("overlays/openshift", "mtc-preflight"),
        ("admission/base", "mtc-preflight-admission"),
    ):
        annotations = one(folder, "Service", name)["metadata"]["annotations"]
        secret = annotations["service.beta.openshift.io/serving-cert-secret-name"]
        volumes = one(folder, "Deployment", name)["spec"]["template"]["spec"]["volumes"]
        assert secret in [item.get("secret", {}).get("secretName") for item in volumes]


def test_bindings_meet_roles_and_accounts() -> None:
    folder = "overlays/openshift"
    roles = {item["metadata"]["name"] for item in of_kind(folder, "ClusterRole")}
    accounts = {item["metadata"]["name"] for item in of_kind(folder, "ServiceAccount")}
    bindings = of_kind(folder, "ClusterRoleBinding")
    assert {item["roleRef"]["name"] for item in bindings} - roles == {"system:auth-delegator"}
    assert {row["name"] for item in bindings for row in item["subjects"]} == accounts


@pytest.mark.parametrize(
    ("folder", "policy"), [("admission/base", "Ignore"), ("admission/overlays/fail", "Fail")]
)
def test_the_webhook_leads_to_the_service(folder: str, policy: str) -> None:
    configuration = one(folder, "ValidatingWebhookConfiguration", "mtc-preflight")
    annotations = configuration["metadata"]["annotations"]
    assert annotations["service.beta.openshift.io/inject-cabundle"] == "true"
    (webhook,) = configuration["webhooks"]
    assert webhook["failurePolicy"] == policy
    assert webhook["sideEffects"] == "None"
    assert [f"admission.k8s.io/{item}" for item in webhook["admissionReviewVersions"]] == [
        API_VERSION
    ]
    assert webhook["clientConfig"]["service"] == {
        "namespace": "mtc-preflight",
        "name": "mtc-preflight-admission",
        "path": "/v1/admission/validate",
        "port": one(folder, "Service", "mtc-preflight-admission")["spec"]["ports"][0]["port"],
    }
    (rule,) = webhook["rules"]
    kinds = (MIGRATION_CONTROLLER, MIG_PLAN, MIG_CLUSTER, MIG_STORAGE)
    assert rule["resources"] == [kind.plural for kind in kinds]
    assert {f"{rule['apiGroups'][0]}/{rule['apiVersions'][0]}"} == {
        kind.api_version for kind in kinds
    }
    assert rule["operations"] == ["CREATE", "UPDATE"]


def test_the_webhook_of_admission_is_the_only_thing_that_is_open() -> None:
    for folder in FOLDERS:
        for name, pod in pods(folder):
            variables = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
            wanted = "admission" if name == "mtc-preflight-admission" else ""
            assert variables.get("MTC_PREFLIGHT_OPEN_SCOPES", "") == wanted


def test_an_image_change_is_rolled_out() -> None:
    for folder, name in (
        ("overlays/openshift", "mtc-preflight"),
        ("admission/base", "mtc-preflight-admission"),
    ):
        manifest = one(folder, "Deployment", name)
        (trigger,) = json.loads(manifest["metadata"]["annotations"]["image.openshift.io/triggers"])
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        assert f'@.name=="{container["name"]}"' in trigger["fieldPath"]
        assert container["image"].endswith(trigger["from"]["name"])


def test_the_image_listens_where_the_manifests_say() -> None:
    containerfile = (ROOT / "Containerfile").read_text()
    assert re.search(r"^EXPOSE 8080$", containerfile, re.MULTILINE)
    assert re.search(r"0\.0\.0\.0:8080", containerfile)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="compares with kubectl")
@pytest.mark.parametrize("folder", FOLDERS)
def test_kubectl_makes_the_same_of_a_folder(folder: str) -> None:
    made = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / folder)], capture_output=True, text=True, check=True
    )
    assert "Warning" not in made.stderr

    def order(item: Any) -> tuple[str, str]:
        return item["kind"], item["metadata"]["name"]

    assert sorted(build(folder), key=order) == sorted(yaml.safe_load_all(made.stdout), key=order)
