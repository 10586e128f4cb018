"""`python -m tests.reports.readers MARTS SECONDS`: read like a dashboard, again and again.

Every connection reads two tables and the version, which must belong together. Prints how many
readings there were, of how many versions; the first error ends it with exit code 1.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from reports.marts_file import read_published


def main(argv: list[str]) -> int:
    """Read until the time is over."""
    path, until = Path(argv[0]), time.monotonic() + float(argv[1])
    versions, readings = set(), 0
    while time.monotonic() < until or len(versions) < 2:
        with read_published(path) as connection:
            version, total = connection.execute(
                "select any_value(version_id), (select sum(landed_post_count) from coverage) "
                "from publication"
            ).fetchone() or (None, None)
            again = connection.execute("select sum(landed_post_count) from coverage").fetchone()
            assert again == (total,)
        versions.add((version, total))
        readings += 1
    print(readings, len(versions))
    return 0 if len({version for version, _ in versions}) == len(versions) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
