"""dbt in a process that holds a Spark session: `python -m tingchao.building.on_spark build …`.

A session is dbt's own way of working on one machine and over Spark Connect; with
`TINGCHAO_SPARK_METHOD=thrift` dbt speaks to a Thrift server and no session is opened here.
"""

from __future__ import annotations

import os
import sys

from tingchao.errors import TingchaoError
from tingchao.spark import SESSION, open_session


def main() -> None:
    """Run dbt with the arguments of the command line and end as it ends."""
    from dbt.cli.main import cli

    if os.environ.get("TINGCHAO_SPARK_METHOD", "session") == "session":
        try:
            open_session("tingchao build")
        except TingchaoError as error:
            sys.exit(str(error))
    _say_our_settings()
    cli()


def _say_our_settings() -> None:
    """Give every connection of dbt's our settings.

    dbt-spark turns ANSI off, under which a sum that overflows and a cast that fails are NULL: no
    error, and a wrong number.
    """
    from dbt.adapters.spark.connections import SparkCredentials

    theirs = SparkCredentials.__post_init__

    def post_init(credentials: SparkCredentials) -> None:
        theirs(credentials)
        credentials.server_side_parameters = dict(SESSION)

    SparkCredentials.__post_init__ = post_init


if __name__ == "__main__":
    main()
