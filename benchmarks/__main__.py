"""``python -m benchmarks [WORKLOADS …]``: the one table of what secretsync costs, as ratios.

Over 30, 300 and 1,000 workloads, an idle pass stands beside the shell cron job, git2kube's way and the imports alone, a
change beside ``kubectl rollout restart``; and an idle pass over a target in git beside ``git ls-remote``. Each result
is kept in ``benchmarks/results`` and drawn beside it, and one of the usual numbers of workloads is put on docs/cost.md;
``python -m benchmarks --last`` prints the last one again.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import fleet, page, plot, repository
from benchmarks.ratios import table
from benchmarks.record import RESULTS, begun, keep


def main() -> None:
    if sys.argv[1:] == ["--last"]:
        record = json.loads(max(RESULTS.glob("*.json")).read_text())
    else:
        record = begun()
        for count, found in fleet.measured(sys.argv[1:]):
            record["workloads"][str(count)] = found
            path = keep(record)
        record["repository"] = repository.measured()
        path = keep(record)
        path.with_suffix(".svg").write_text(plot.drawing(record))
        if not sys.argv[1:]:
            page.write(record)
        print(path)
    print(*table(record), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.output}")
