"""From a kubeconfig context, the pod's own account or MTC's credentials to an API client.

The kubernetes package is imported when the first client is made: it takes a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.collect.collect_errors import NoConnection

Connect = Callable[[], Any]
"""Makes a kubernetes ``ApiClient``; called again where credentials have run out."""

IMPERSONATION = {"as": "Impersonate-User", "as-uid": "Impersonate-Uid"}
"""Keys of a kubeconfig user that the kubernetes package passes over; kubectl does not."""


@dataclass(frozen=True, slots=True)
class KubeContext:
    """A context of a kubeconfig; "" is the current one, and the default kubeconfig."""

    name: str = ""
    kubeconfig: str = ""

    def __call__(self) -> Any:
        """An API client. Raises NoConnection.

        Tokens, client certificates, exec plugins, proxies and impersonation are as kubectl has
        them.
        """
        from kubernetes import client, config
        from yaml import YAMLError

        settings = client.Configuration()
        loader: Any = config  # its functions carry no types
        try:
            loader.load_kube_config(
                config_file=self.kubeconfig or None,
                context=self.name or None,
                client_configuration=settings,
                persist_config=False,
            )
            user = self._user()
            headers = _impersonation(user)
        except config.ConfigException as error:
            raise NoConnection(f"kubeconfig: {str(error)[:300]}{self._others()}") from None
        except (OSError, ValueError, YAMLError) as error:
            # The text of a YAML error quotes the file, tokens included.
            raise NoConnection(f"kubeconfig: {type(error).__name__}") from None
        plugin = user.get("exec")
        if isinstance(plugin, Mapping) and not settings.api_key and not settings.cert_file:
            # The package logs why and continues without credentials.
            raise NoConnection(
                f"kubeconfig: not logged in: the credential plugin {plugin.get('command')} gave no "
                "credentials; run `oc whoami` with this context to see why"
            )
        made = _client(settings)
        made.default_headers.update(headers)
        return made

    def _others(self) -> str:
        """The contexts that there are, where there is none of this name."""
        from kubernetes.config import ConfigException, kube_config

        merger: Any = kube_config.KubeConfigMerger
        place = self.kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
        try:
            names = [str(item["name"]) for item in merger(place).config["contexts"].value]
        except (ConfigException, AttributeError, KeyError, TypeError):
            return ""
        if not self.name or self.name in names:
            return ""
        return f"; its contexts are: {', '.join(names[:20])}"

    def _user(self) -> Mapping[str, Any]:
        """The entry of the context's user in the kubeconfig, empty where it has none."""
        from kubernetes.config import kube_config

        place = self.kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
        merger: Any = kube_config.KubeConfigMerger
        whole = merger(place).config
        name = self.name or whole["current-context"]
        user = whole["contexts"].get_with_name(name)["context"].value.get("user")
        if not user:
            return {}
        found: Mapping[str, Any] = whole["users"].get_with_name(user)["user"].value or {}
        return found


def _impersonation(user: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a user that acts as another. Raises NoConnection."""
    if user.get("as-groups") or user.get("as-user-extra"):
        raise NoConnection("kubeconfig: the user impersonates groups, which is not supported")
    return {header: str(user[key]) for key, header in IMPERSONATION.items() if user.get(key)}


def _client(settings: Any) -> Any:
    """A client of these settings; one set not to verify does not warn at each request."""
    from kubernetes import client
    from urllib3 import disable_warnings
    from urllib3.exceptions import InsecureRequestWarning

    if not settings.verify_ssl:
        disable_warnings(InsecureRequestWarning)
    return client.ApiClient(settings)


def in_cluster() -> Any:
    """An API client with the service account of the pod that runs this. Raises NoConnection."""
    from kubernetes import client, config

    settings = client.Configuration()
    loader: Any = config
    try:
        loader.load_incluster_config(client_configuration=settings)
    except config.ConfigException as error:
        raise NoConnection(f"this does not run in a cluster: {error}") from None
    return _client(settings)


def with_token(url: str, token: str, ca: str | None, *, insecure: bool) -> Any:
    """An API client as MTC makes it of a MigCluster (mig-controller, BuildRestConfig).

    ``ca`` is PEM; where there is none, the system's authorities count.
    """
    from kubernetes import client

    settings = client.Configuration(host=url.rstrip("/"))
    settings.api_key["authorization"] = f"Bearer {token}"
    settings.verify_ssl = not insecure
    if ca and not insecure:
        settings.ca_cert_data = ca
    return _client(settings)
