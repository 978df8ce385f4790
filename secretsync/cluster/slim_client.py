"""The official client's configuration, authentication and transport, without what its package imports beside them.

``kubernetes/__init__.py`` imports the dynamic client, watches, streams and leader election, and ``kube_config`` imports
requests for the refresh of an OIDC token alone: a sixth of the time that the client takes at a start.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_OAUTH = "requests_oauthlib"


def _prepare_import() -> None:
    """Make ``kubernetes`` a package whose modules are imported one by one; nothing happens where it was imported."""
    spec = find_spec("kubernetes")
    if "kubernetes" in sys.modules or spec is None:
        return
    sys.modules["kubernetes"] = module_from_spec(spec)
    if _OAUTH in sys.modules:
        return
    sys.modules[_OAUTH] = _lazy_oauth()
    try:
        importlib.import_module("kubernetes.config.kube_config")
    finally:
        del sys.modules[_OAUTH]


def _lazy_oauth() -> ModuleType:
    """What stands for requests_oauthlib while the client is imported; the session is the real one."""

    def session(**named: Any) -> Any:
        return importlib.import_module(_OAUTH).OAuth2Session(**named)

    module = ModuleType(_OAUTH)
    module.OAuth2Session = session  # type: ignore[attr-defined]
    return module


_prepare_import()

from kubernetes.client.api_client import ApiClient  # noqa: E402
from kubernetes.client.configuration import Configuration  # noqa: E402
from kubernetes.client.exceptions import ApiException  # noqa: E402
from kubernetes.config import ConfigException, load_incluster_config  # noqa: E402
from kubernetes.config.kube_config import FileOrData, KubeConfigLoader, KubeConfigMerger  # noqa: E402

__all__ = [
    "ApiClient",
    "ApiException",
    "ConfigException",
    "Configuration",
    "FileOrData",
    "KubeConfigLoader",
    "KubeConfigMerger",
    "load_incluster_config",
]
