"""Posts two archives and a plan with a generated client: `make test-clients` runs it.

Run it with the Python that has the client; the argument is the service's command.
"""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import tarfile
import time

import preflight_client
from preflight_client.exceptions import ApiException
from urllib3.exceptions import HTTPError


def main(command: str) -> None:
    """Start the service, post, and print the verdict. Raises where the answer is not a report."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    service = subprocess.Popen([command, "serve", "--bind", address, "--workers", "1"])  # noqa: S603 -- our own command
    try:
        with preflight_client.ApiClient(
            preflight_client.Configuration(host=f"http://{address}")
        ) as client:
            _wait(preflight_client.OperationsApi(client))
            report = preflight_client.EvaluationsApi(client).evaluate(
                source=[("source.tar.gz", _archive("4.14.9"))],
                destination=[("destination.tar.gz", _archive("4.16.3"))],
                plan=[("plan.yaml", b"namespaces: [shop]\n")],
                fail_on="blocker",
                _content_type="multipart/form-data",
            )
    finally:
        service.terminate()
        service.wait(20)
    versions = [item.openshift for item in report.clusters if item.given]
    print(report.verdict, versions, len(report.findings), "findings")
    if versions != ["4.14.9", "4.16.3"] or not report.findings:
        sys.exit("the report is not that of the archives")


def _archive(version: str) -> bytes:
    """A must-gather that holds the version of a cluster."""
    document = {
        "apiVersion": "config.openshift.io/v1",
        "kind": "ClusterVersion",
        "metadata": {"name": "version"},
        "status": {"history": [{"state": "Completed", "version": version}]},
    }
    data = json.dumps(document).encode()
    path = "must-gather/cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml"
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        member = tarfile.TarInfo(path)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return written.getvalue()


def _wait(operations: preflight_client.OperationsApi) -> None:
    for _ in range(120):
        try:
            operations.ready()
        except (ApiException, HTTPError):
            time.sleep(0.5)
        else:
            return
    sys.exit("the service does not answer")


if __name__ == "__main__":
    main(sys.argv[1])
