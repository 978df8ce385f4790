"""A scratch database with Rucio's tables and the rows that the examples name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .examples import DEFAULT_VO, NOBODY, ROW, internal_account
from .failures import Causes, failure
from .report import Report

if TYPE_CHECKING:
    from configparser import ConfigParser

ROWS = (
    "VO", "Account", "Scope", "RSE", "RSEAttrAssociation", "DataIdentifier", "ReplicationRule", "Subscription",
    "LifetimeException",
)  # fmt: skip
"""Rucio's models of which the scratch database has rows, each after those that it refers to."""


def use_database(folder: Path) -> None:
    """Rucio's configuration as it is, but for the database."""
    from rucio.common.config import get_config

    config = get_config()
    config.remove_section("database")
    config.read_dict({"database": {"default": f"sqlite:///{folder}/rucio.db"}})
    use_configuration(config, folder / "rucio.cfg")


def use_configuration(config: ConfigParser, path: Path) -> None:
    """As a file: Rucio drops what it has read and reads it again, now and then."""
    from rucio.common.config import clean_cached_config

    with path.open("w", encoding="utf-8") as stream:
        config.write(stream)
    os.environ["RUCIO_CONFIG"] = str(path)
    clean_cached_config()


def make_tables(report: Report, vo: str, folder: Path) -> None:
    """Rucio's tables, made in a process without the package: here, Rucio must be loaded in the server's own order."""
    child = os.fork()
    if child == 0:
        unmade: dict[str, Causes] = {}
        error = failure(lambda: unmade.update(create_tables(vo, folder)))
        if error:
            report["died"] = error
            report.save()
        (folder / "unmade.json").write_text(json.dumps(unmade), encoding="utf-8")
        os._exit(1 if error else 0)
    if os.waitpid(child, 0)[1]:
        os._exit(0)  # the child has reported why
    report["unmade"] = json.loads((folder / "unmade.json").read_text(encoding="utf-8"))


def create_tables(vo: str, folder: Path) -> dict[str, Causes]:
    """What of the rows could not be made, by the name of the model."""
    without_package(folder)
    from rucio.db.sqla import models
    from rucio.db.sqla.session import get_engine

    models.register_models(get_engine())
    return {name: error for name, error in ((name, make_rows(name, vo)) for name in ROWS) if error}


def make_rows(name: str, vo: str) -> Causes:
    """The rows that the examples name; why they could not be made, as each release has its own columns."""
    from rucio.db.sqla import models
    from rucio.db.sqla.session import get_engine
    from sqlalchemy.orm import Session

    def make() -> None:
        with Session(get_engine()) as session:
            session.add_all([getattr(models, name)(**row) for row in rows(name, vo)])
            session.commit()

    return failure(make)


def rows(name: str, vo: str) -> list[dict[str, Any]]:
    """The rows of a table in an example database, for the VO, so that questions find what they name."""
    from rucio.common.types import InternalScope
    from rucio.db.sqla import constants

    vo, root = vo or DEFAULT_VO, internal_account("root", vo)
    dataset = {
        "scope": InternalScope("mock", vo=vo),
        "name": "example",
        "account": root,
        "did_type": constants.DIDType.DATASET,
    }
    if name == "VO":
        return [{"vo": vo, "description": "", "email": ""}]
    if name == "Account":
        accounts = [internal_account(account, vo) for account in ("root", NOBODY)]
        status = constants.AccountStatus.ACTIVE
        return [
            {"account": account, "account_type": constants.AccountType.USER, "status": status} for account in accounts
        ]
    row: dict[str, dict[str, Any]] = {
        "Scope": {"scope": dataset["scope"], "account": root, "status": constants.ScopeStatus.OPEN},
        "RSE": {"id": ROW, "rse": "MOCK", "vo": vo, "rse_type": constants.RSEType.DISK, "deterministic": True},
        "RSEAttrAssociation": {"rse_id": ROW, "key": "MOCK", "value": True},
        "DataIdentifier": {**dataset, "is_open": True},
        "ReplicationRule": {"id": ROW, **dataset, "rse_expression": "MOCK", "state": constants.RuleState.OK},
        "Subscription": {"id": ROW, "name": "example", "account": root, "filter": "{}", "replication_rules": "[]"},
        "LifetimeException": {"id": ROW, **dataset, "state": constants.LifetimeExceptionsState.WAITING},
    }
    return [row[name]]


def without_package(folder: Path) -> None:
    """Rucio's configuration without the package, from now on: what remains is the generic one."""
    from rucio.common.config import get_config

    for name in [name for name in os.environ if name.startswith("RUCIO_POLICY_PACKAGE")]:
        del os.environ[name]
    config = get_config()
    config.remove_section("policy")
    use_configuration(config, folder / "without-package.cfg")
