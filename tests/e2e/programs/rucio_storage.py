"""A storage element on a disk, in Rucio's tables: FOLDER add, or FOLDER obsolete NAME for a replica to be deleted.

It runs where Rucio is installed, on Python 3.9 too, and imports nothing of the tests.
"""

import sys

RSE, SCOPE = "DISK", "tests"


def add(folder, database):
    """A deterministic RSE whose files are below FOLDER/disk: where, the lfn2pfn algorithm says."""
    from rucio.common.types import InternalAccount, InternalScope
    from rucio.core import rse, scope

    rse_id = rse.add_rse(RSE, deterministic=True, session=database)
    everything = {"read": 1, "write": 1, "delete": 1}
    protocol = {
        "scheme": "file",
        "hostname": "localhost",
        "port": 0,
        "prefix": folder + "/disk",
        "impl": "rucio.rse.protocols.posix.Default",
        "domains": {"lan": everything, "wan": {**everything, "third_party_copy_read": 1, "third_party_copy_write": 1}},
    }
    rse.add_protocol(rse_id, protocol, session=database)
    scope.add_scope(InternalScope(SCOPE), InternalAccount("root"), session=database)


def obsolete(name, database):
    """A replica that no rule holds: the reaper's next cycle deletes it."""
    from rucio.common.types import InternalAccount, InternalScope
    from rucio.core import replica, rse
    from rucio.db.sqla.constants import OBSOLETE

    rse_id, root = rse.get_rse_id(RSE, session=database), InternalAccount("root")
    replica.add_replica(rse_id, InternalScope(SCOPE), name, 1, root, tombstone=OBSOLETE, session=database)


if __name__ == "__main__":
    from rucio.db.sqla.constants import DatabaseOperationType
    from rucio.db.sqla.session import db_session

    with db_session(DatabaseOperationType.WRITE) as session:
        if sys.argv[2] == "add":
            add(sys.argv[1], session)
        else:
            obsolete(sys.argv[3], session)
