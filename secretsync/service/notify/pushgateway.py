"""A Pushgateway, where the metrics of a run that has ended wait to be scraped.

Under the installation's name; what a run does not tell stays as an earlier one told it
(https://github.com/prometheus/pushgateway#put-method).
"""

from __future__ import annotations

from pathlib import Path

from secretsync import config
from secretsync.service.notify.http import post


def push(gateway: config.Pushgateway, base: Path, installation: str, metrics: bytes) -> None:
    """Raises SecretSyncError."""
    url = f"{gateway.url.rstrip('/')}/metrics/job/secretsync/installation/{installation}"
    post(url, metrics, {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}, gateway.access, base)
