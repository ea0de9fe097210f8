"""Which image references mean an image of namespace openshift in the cluster's own registry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.values.imagerefs import InternalImage, internal_image, referred_image

OLD = "docker-registry.default.svc"
NEW = "image-registry.openshift-image-registry.svc"
ROUTE = "docker-registry-default.apps.example.com"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"{OLD}:5000/openshift/ruby:2.3", InternalImage("ruby", "2.3")),
        (f"{OLD}.cluster.local:5000/openshift/ruby:2.3", InternalImage("ruby", "2.3")),
        (f"{NEW}:5000/openshift/ruby:2.3", InternalImage("ruby", "2.3")),
        (f"{NEW}.cluster.local:5000/openshift/ruby:2.3", InternalImage("ruby", "2.3")),
        ("172.30.1.1:5000/openshift/ruby:2.3", InternalImage("ruby", "2.3")),
        ("172.30.1.1:5000/openshift/ruby", InternalImage("ruby", "latest")),
        ("172.30.1.1:5000/openshift/ruby@sha256:ab", InternalImage("ruby", "", "sha256:ab")),
        ("172.30.1.1:5000/openshift/ruby:2.3@sha256:ab", InternalImage("ruby", "2.3", "sha256:ab")),
        (f"{ROUTE}/openshift/ruby:2.3", InternalImage("ruby", "2.3")),
        ("quay.io/openshift/ruby:2.3", None),
        ("registry.example.com:5000/openshift/ruby:2.3", None),
        ("172.30.1.1:5000/shop/ruby:2.3", None),
        ("172.30.1.1:5000/openshift/nested/ruby:2.3", None),
        ("openshift/ruby:2.3", None),
        ("172.30.1.1:5000/openshift/", None),
        ("", None),
    ],
)  # fmt: skip
def test_images_of_pods(reference: str, expected: InternalImage | None) -> None:
    assert internal_image(reference, {ROUTE}) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("ImageStreamTag:ruby:2.3@openshift", InternalImage("ruby", "2.3")),
        ("ImageStreamImage:ruby@sha256:ab@openshift", InternalImage("ruby", "", "sha256:ab")),
        ("DockerImage:172.30.1.1:5000/openshift/ruby:2.3", InternalImage("ruby", "2.3")),
        ("DockerImage:1.1.1.1:5000/openshift/ruby@sha256:a", InternalImage("ruby", "", "sha256:a")),
        ("ImageStreamTag:ruby:2.3", None),
        ("ImageStreamTag:ruby:2.3@shop", None),
        ("DockerImage:docker.io/library/ruby:2.3", None),
        ("", None),
    ],
)  # fmt: skip
def test_references_of_image_streams(target: str, expected: InternalImage | None) -> None:
    assert referred_image(target) == expected


@given(st.text(alphabet="a1:/@.-", max_size=60), st.sampled_from(["", "DockerImage:", "X:"]))
def test_no_text_is_an_error(text: str, kind: str) -> None:
    internal_image(text)
    referred_image(kind + text)
    internal_image(f"1.2.3.4:5000/openshift/{text}")
