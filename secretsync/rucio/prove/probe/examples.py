"""The example values of questions and rows: accounts, a scope, a dataset, an RSE."""

from __future__ import annotations

from typing import Any

DEFAULT_VO = "def"

NOBODY = "nobody"
"""An account without attributes."""

ROW = "0" * 32
"""The id of every row of the scratch database."""

EXAMPLES: dict[str, Any] = {
    **dict.fromkeys(("account", "issuer", "new_account"), NOBODY),
    **dict.fromkeys(("scope", "did_scope", "root_scope"), "mock"),
    **dict.fromkeys(
        ("rse", "rse_name", "rse_expression", "source_replica_expression", "source", "destination"), "MOCK"
    ),
    **dict.fromkeys(("rse_id", "dest_rse_id", "src_rse_id", "dst_rse_id", "exception_id", "child_rule_id"), ROW),
    **dict.fromkeys(("rule_id", "request_id", "subscription_id"), ROW),
    **dict.fromkeys(("locked", "ignore_availability", "split_container", "recursive", "approve"), False),
    **dict.fromkeys(("ask_approval", "asynchronous", "override", "purge_replicas"), False),
    **dict.fromkeys(("copies", "bytes_", "bytes", "limit", "used", "free", "priority", "max_transfers"), 1),
    **dict.fromkeys(("lifetime", "expires_at", "weight", "grouping", "notify", "delay_injection"), None),
    **{name: {} for name in ("meta", "options", "parameters", "metadata", "filter_", "filter", "data", "statuses")},
    **{name: [] for name in ("files", "replicas", "pfns", "rses", "requests", "rules", "replication_rules", "lfns")},
    "accounts": [NOBODY],
    "dids": [{"scope": "mock", "name": "example", "type": "DATASET"}],
    "attachment": {"scope": "mock", "name": "example", "dids": [{"scope": "mock", "name": "example"}]},
    "attachments": [{"scope": "mock", "name": "example", "dids": [{"scope": "mock", "name": "example"}]}],
    "type": "USER",
    "did_type": "DATASET",
    "vo": DEFAULT_VO,
}
"""What the gateway is given for the arguments of that name, as text where it makes an object of it."""


def internal_account(account: str, vo: str) -> object:
    """The account as Rucio's core names it."""
    from rucio.common.types import InternalAccount

    return InternalAccount(account, vo=vo or DEFAULT_VO)
