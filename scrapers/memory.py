"""How much memory a crawl holds now, whatever its parent once held.

Scrapy's own extension reads the peak of the process. A child inherits its parent's peak through
fork and exec (getrusage(2), Linux), so a crawl started by a large Airflow worker would be stopped
before its first page.
"""

from __future__ import annotations

import psutil  # type: ignore[import-untyped]
from scrapy.extensions.memusage import MemoryUsage


class CurrentMemory(MemoryUsage):
    """Closes the crawl when its resident memory passes `MEMUSAGE_LIMIT_MB`."""

    def get_virtual_size(self) -> int:
        """Return the resident memory in bytes."""
        return int(psutil.Process().memory_info().rss)
