"""The client is imported without what it does not need, and does what it did."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests import ROOT

pytestmark = pytest.mark.slow


PROGRAM = """
import json, sys
import secretsync.cluster.api
before = sorted(sys.modules)
from kubernetes.config import kube_config
session = kube_config.OAuth2Session(client_id="rucio")
import kubernetes.watch
print(json.dumps([before, type(session).__module__, kubernetes.watch.__name__]))
"""


@pytest.fixture(scope="module")
def answer() -> tuple[list[str], str, str]:
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    imported, session, watch = json.loads(run.stdout)
    return imported, session, watch


@pytest.mark.parametrize("name", ["requests", "websocket", "kubernetes.dynamic", "kubernetes.watch"])
def test_the_client_is_imported_without_what_no_call_needs(answer: tuple[list[str], str, str], name: str) -> None:
    assert name not in answer[0]


def test_an_oidc_token_is_still_refreshed_by_the_real_session(answer: tuple[list[str], str, str]) -> None:
    assert answer[1].startswith("requests_oauthlib")


def test_other_modules_of_the_client_can_be_imported_as_ever(answer: tuple[list[str], str, str]) -> None:
    assert answer[2] == "kubernetes.watch"
