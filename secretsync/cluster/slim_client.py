"""The official client's configuration, authentication and transport, without what its packages import beside them.

``kubernetes/__init__.py`` imports the dynamic client, watches, streams and leader election, ``kubernetes.config`` the
reader of a kubeconfig, which a pod does not have, and ``kubernetes.utils`` what creates objects from YAML.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec

from secretsync.core.deferred_imports import deferred_imports

_PACKAGES = "kubernetes", "kubernetes.config", "kubernetes.utils"
_DEFERRED = "dateutil.parser", "multiprocessing.pool", "oauthlib", "oauthlib.oauth2", "requests_oauthlib"
"""For typed models, threads of its own and the refresh of an OIDC token."""


@contextmanager
def slim_imports() -> Iterator[None]:
    """In here a module of the client is imported without its package; afterwards packages are imported as ever."""
    packages = [name for name in _PACKAGES if name not in sys.modules]
    for name in packages:
        if spec := find_spec(name):
            sys.modules[name] = module_from_spec(spec)
    try:
        with deferred_imports(*_DEFERRED):
            yield
    finally:
        for name in packages:
            sys.modules.pop(name, None)


with slim_imports():
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.incluster_config import load_incluster_config

__all__ = ["ApiClient", "ApiException", "ConfigException", "Configuration", "load_incluster_config", "slim_imports"]
