"""`python -m quality.run VERDICT < REQUEST`: judge one DuckDB file in a process of its own.

REQUEST is JSON (`quality.request`) and may come late: Great Expectations is imported before it is
read. VERDICT is where the answer goes. Exits 0 when a verdict was written, whatever it says; any
other code means that there is none.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quality.request import Request
from quality.suite import judge


def main(argv: list[str]) -> int:
    """Read the request, judge, write the verdict with one rename."""
    if len(argv) != 1:
        sys.stderr.write(f"expected VERDICT, found {len(argv)} arguments\n")
        return 2
    request = Request.from_json(sys.stdin.read())
    verdict = judge(request.gate, request.database, request.rules)
    answer = Path(argv[0])
    unfinished = answer.with_suffix(".tmp")
    unfinished.write_text(verdict.to_json(), encoding="utf-8")
    unfinished.replace(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
