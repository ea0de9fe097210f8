"""Masked values are not gathered, and of several copies the one that says most counts."""

from __future__ import annotations

import io
from base64 import b64encode

import must_gather as mg
import pytest

from policies import catalogue
from service.core.engine import evaluate
from service.core.evidence import NotGathered
from service.core.facts.cloud import regions
from service.core.facts.proxy import proxy_use
from service.intake.parts import read_pieces
from service.intake.pieces import Piece
from service.kinds.cluster import SECRET
from service.kinds.config import INFRASTRUCTURE, PROXY
from service.kinds.mtc import MIG_CLUSTER, MTC_NAMESPACE
from service.kinds.network import NETWORK_POLICY

READS = tuple(dict.fromkeys(read for policy in catalogue() for read in policy.reads))
CONFIG = "config.openshift.io/v1"


def read(*texts, part="source", **others):
    pieces = [Piece(part, io.BytesIO(data)) for data in texts]
    pieces += [Piece(name, io.BytesIO(data)) for name, data in others.items()]
    return read_pieces(pieces, {"as_of": "2026-11-27T12:00:00Z"}, reads=READS).migration


def problems(migration):
    found = (item for cluster in migration.clusters for item in cluster.inventory.problems())
    return [(item.code, item.message, item.blocks) for item in found]


def proxy(url, **metadata):
    half = {"httpProxy": url}
    return mg.text(mg.obj(CONFIG, "Proxy", "cluster", metadata=metadata, spec=half, status=half))


def infrastructure(url, version="7"):
    value = {"apiServerURL": url, "platformStatus": {"type": "AWS", "aws": {"region": "us-east-2"}}}
    meta = {"resourceVersion": version}
    return mg.text(mg.obj(CONFIG, "Infrastructure", "cluster", metadata=meta, status=value))


PLACEHOLDERS = {
    "an address": "https://x-ipv4-0000000001-x:6443",
    "an address of version 6": "https://[x-ipv6-0000000012-x]:6443",
    "an address, all alike": "https://xxx.xxx.xxx.xxx:6443",
    "a domain": "https://api.domain0000000001:6443",
    "a domain, all alike": "https://api.obfuscated.com:6443",
    "the cluster's domain": "https://api.<CLUSTER_BASE_DOMAIN>:6443",
}


@pytest.mark.parametrize("url", PLACEHOLDERS.values(), ids=PLACEHOLDERS)
def test_a_placeholder_is_no_value_and_the_rest_of_the_object_counts(url):
    (found,) = read(infrastructure(url)).source.known(INFRASTRUCTURE)
    assert (found.api_url, found.platform, found.region) == ("", "AWS", "us-east-2")


CLEAR = ("https://x.example.com:6443", "https://xxx.example.com:6443", "https://domain1.example:1")


@pytest.mark.parametrize("url", CLEAR)
def test_what_only_looks_like_one_is_a_value(url):
    (found,) = read(infrastructure(url)).source.known(INFRASTRUCTURE)
    assert found.api_url == url


def test_letters_are_masks_in_insights_archives_only():
    assert proxy_use(read(proxy("http://x:3128")).source).value.endpoints == ("x:3128",)
    with pytest.raises(NotGathered) as missing:
        proxy_use(read(mg.insights()).source)
    assert missing.value.missing[0].reason == "/spec/httpProxy is masked"


def test_an_object_that_says_nothing_without_a_masked_value_is_not_gathered():
    spec = {"url": "https://api.domain0000000001:6443", "insecure": True}
    remote = mg.obj(mg.MIGRATION, "MigCluster", "src", namespace=MTC_NAMESPACE, spec=spec)
    listed = mg.listed(mg.MIGRATION, "MigCluster", remote)
    migration = read(mg.text(listed), part="destination")
    with pytest.raises(NotGathered) as missing:
        migration.destination.all(MIG_CLUSTER, [MTC_NAMESPACE])
    assert missing.value.missing[0].reason == "/spec/url is masked"
    assert problems(migration) == []


def test_an_address_deep_in_a_list_is_found():
    rule = {
        "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}, {"ipBlock": {"cidr": "x-ipv4-0000000003-x/24"}}]
    }
    policy = mg.obj("networking.k8s.io/v1", "NetworkPolicy", "p", namespace="shop")
    policy["spec"] = {"podSelector": {}, "egress": [rule]}
    migration = read(mg.text(mg.listed("networking.k8s.io/v1", "NetworkPolicy", policy)))
    with pytest.raises(NotGathered) as missing:
        migration.source.all(NETWORK_POLICY, ["shop"])
    assert missing.value.missing[0].reason == "/spec/egress/0/to/1/ipBlock/cidr is masked"


def test_equal_placeholders_of_two_clusters_are_not_compared():
    same = infrastructure("https://api.domain0000000001:6443")
    url = "https://api.domain0000000001:6443"
    remote = mg.obj(mg.MIGRATION, "MigCluster", "src", namespace=MTC_NAMESPACE, spec={"url": url})
    migration = read(same, destination=same + mg.text(remote), plan=mg.plan())
    report = evaluate(migration, catalogue())
    mixed = [item for item in report.findings if item.policy == "MTC902" and item.verdict == "fail"]
    assert mixed == []
    shown = [f"{item.message} {item.commands} {item.missing}" for item in report.findings]
    assert not any("domain0000000001" in text for text in shown)


def test_the_clear_copy_of_a_proxy_counts_in_any_order():
    clear, masked = proxy("http://u:s3cr3t@squid:3128"), proxy("http://u:****@squid:3128")
    for order in ((clear, masked), (masked, clear)):
        migration = read(*order)
        (found,) = migration.source.known(PROXY)
        assert (found.http, problems(migration)) == ("http://u:s3cr3t@squid:3128", [])


def test_of_a_masked_password_the_address_is_known():
    migration = read(proxy("http://u:****@squid.example.com:3128"))
    assert proxy_use(migration.source).value.endpoints == ("squid.example.com:3128",)


def test_clear_counts_before_a_newer_masked_copy():
    old = infrastructure("https://api.example.com:6443", "7")
    new = infrastructure("https://api.domain0000000001:6443", "9")
    for order in ((old, new), (new, old)):
        migration = read(*order)
        (found,) = migration.source.known(INFRASTRUCTURE)
        assert (found.api_url, problems(migration)) == ("https://api.example.com:6443", [])


def test_of_clear_copies_the_newer_counts():
    old, new = (
        infrastructure(f"https://{host}:6443", rv) for host, rv in (("a", "9"), ("b", "10"))
    )
    for order in ((old, new), (new, old)):
        migration = read(*order)
        (found,) = migration.source.known(INFRASTRUCTURE)
        assert (found.api_url, problems(migration)) == ("https://b:6443", [])


def test_insights_beside_a_must_gather_fills_gaps_and_contradicts_nothing():
    files = {path: data for path, data in mg.image().items() if "insights-data" not in path}
    migration = read(mg.archive(mg.outer(files)), mg.insights())
    report = evaluate(migration, catalogue())
    assert report.problems == ()
    (found,) = migration.source.known(PROXY)
    assert (found.in_use, regions(migration.source).value) == (False, {"us-east-2"})


def test_two_copies_of_equal_rank_that_differ_are_a_problem():
    one, other = infrastructure("https://a:6443"), infrastructure("https://b:6443")
    migration = read(one, other)
    report = evaluate(migration, catalogue())
    (problem,) = report.problems
    assert (problem.code, problem.part, problem.blocks) == ("contradicting-copies", "source", True)
    assert problem.message == (
        "Infrastructure 'cluster' is also in source with other values, and neither copy is newer"
    )


def test_copies_that_differ_only_in_what_no_policy_reads_are_no_problem():
    one = infrastructure("https://a:6443")
    migration = read(one, one.replace(b"metadata:", b"metadata:\n  annotations: {a: b}"))
    assert problems(migration) == []


def test_a_declaration_fills_the_gap():
    migration = read(mg.insights(), b"proxy: http://squid.example.com:3128\n")
    assert proxy_use(migration.source).value.endpoints == ("squid.example.com:3128",)


TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YTpiIn0.x"


def secret(token, **metadata):
    data = {"saToken": b64encode(token.encode()).decode()}
    kind = mg.obj("v1", "Secret", "old", namespace="openshift-config", metadata=metadata)
    return mg.text(kind | {"data": data})


def test_the_length_of_a_token_is_no_token_and_the_token_counts_wherever_it_comes_from():
    (masked,) = read(secret("912 bytes long")).source.known(SECRET)
    assert (masked.keys, masked.token) == ({"saToken"}, None)
    texts = (secret("912 bytes long", resourceVersion="9"), secret(TOKEN))
    for given in (texts, reversed(texts)):
        migration = read(*given)
        (clear,) = migration.source.known(SECRET)
        assert (clear.token.account, problems(migration)) == ("system:serviceaccount:a:b", [])


@pytest.mark.parametrize("value", ["flase", "none", "proxy"])
def test_a_declared_proxy_that_is_neither_a_url_nor_true_or_false_is_not_known(value):
    source = read(f"openshiftVersion: 4.18.52\nproxy: {value}\n".encode()).source
    with pytest.raises(NotGathered) as missing:
        proxy_use(source)
    assert f"`proxy: {value}`" in missing.value.missing[0].reason
