"""A pod's program: Rucio's own REST application, where a Rucio is installed. FOLDER tables VO..., or FOLDER serve.

It runs where Rucio is installed, on Python 3.9 too, and imports nothing of the tests. Pods share their host's ports, so
each takes a free one and writes it to FOLDER/ports under its own name. As behind a Service with a preStop hook, it goes
on answering for a moment after it was asked to stop.
"""

import os
import signal
import sys
import threading
from pathlib import Path

GRACE = 2.0
"""Seconds in which clients learn that this pod goes."""


def tables(vos):
    """Rucio's tables in the SQLite file that rucio.cfg names, and the accounts root and alice of each VO."""
    from rucio.common.types import InternalAccount
    from rucio.core import account, identity
    from rucio.db.sqla import models, session
    from rucio.db.sqla.constants import AccountType, DatabaseOperationType, IdentityType

    models.register_models(session.get_engine())
    with session.db_session(DatabaseOperationType.WRITE) as database:
        for vo in vos:
            models.VO(vo=vo, description="", email="").save(session=database)
        for name in ("root", "alice"):
            identity.add_identity(name, IdentityType.USERPASS, "", password=name, session=database)
            for internal in (InternalAccount(name, vo=vo) for vo in vos):
                account.add_account(internal, AccountType.USER, "", session=database)
                identity.add_account_identity(name, IdentityType.USERPASS, internal, "", session=database)


def serve(folder):
    from rucio.web.rest.flaskapi.v1.main import application
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, application, threaded=True)
    (folder / "ports" / os.environ["POD_NAME"]).write_text(str(server.server_port))
    signal.signal(signal.SIGTERM, lambda *_: threading.Timer(GRACE, server.shutdown).start())
    Path("/run/site/ready").touch()
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[2] == "tables":
        tables(sys.argv[3:])
    else:
        serve(Path(sys.argv[1]))
