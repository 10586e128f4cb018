"""`python -m quality.run REQUEST VERDICT`: judge one DuckDB file in a process of its own.

REQUEST is a JSON file (`quality.request`), VERDICT is where the answer goes. Exits 0 when a
verdict was written, whatever it says; any other code means that there is none.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quality.request import Request


def main(argv: list[str]) -> int:
    """Read the request, judge, write the verdict with one rename."""
    if len(argv) != 2:
        sys.stderr.write(f"expected REQUEST and VERDICT, found {len(argv)} arguments\n")
        return 2
    request = Request.from_json(Path(argv[0]).read_text(encoding="utf-8"))
    from quality.suite import judge  # seconds of import, only once the request is known to be good

    verdict = judge(request.gate, request.database, request.rules)
    answer = Path(argv[1])
    unfinished = answer.with_suffix(".tmp")
    unfinished.write_text(verdict.to_json(), encoding="utf-8")
    unfinished.replace(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
