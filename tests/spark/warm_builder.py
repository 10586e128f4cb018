"""A process that keeps one Spark session open and runs one dbt after the other in it.

Reads one JSON line per run, `{"arguments", "environment", "folder"}`, and answers with `{"code"}`.
What Spark needs to start and to warm up is then paid once, not once a build.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from tingchao.building import on_spark


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Spark and dbt print is no answer
    for line in sys.stdin:
        answers.write(json.dumps({"code": _run(json.loads(line))}) + "\n")
        answers.flush()


def _run(asked: dict[str, Any]) -> int:
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["dbt", *asked["arguments"]]
    try:
        on_spark.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:
        traceback.print_exc()
        return 2
    return 0


if __name__ == "__main__":
    main()
