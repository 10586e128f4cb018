"""One crawl, one process: `python -m scrapers.run JOB.json`.

A reactor cannot be started twice, so every crawl has a process of its own. The pseudonym key comes
from the environment; the job file holds no secret. The outcome lies beside the job's log.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from scrapy.crawler import CrawlerProcess
from scrapy.settings import Settings

from scrapers.access.secrets import last_words
from scrapers.job import CrawlJob
from scrapers.outcome import CrawlOutcome
from scrapers.pipelines import OUTCOME_FILE
from scrapers.settings import job_settings

EXIT_FAILED = 1


def run(job: CrawlJob) -> CrawlOutcome:
    """Crawl and return what became of each channel; only once in the life of a process."""
    settings = Settings()
    settings.setmodule("scrapers.settings", priority="project")
    settings.setdict(job_settings(job), priority="cmdline")
    process = CrawlerProcess(settings)
    # Scrapy's root logger makes a record of every item and drops it afterwards.
    logging.getLogger("scrapy").setLevel(settings["LOG_LEVEL"])
    process.crawl(job.source, job=job)
    process.start()
    written = Path(job.log_folder) / OUTCOME_FILE
    return CrawlOutcome.model_validate_json(written.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Read the job file and crawl; 0 when no channel failed."""
    sys.excepthook = last_words
    job = CrawlJob.model_validate_json(Path(arguments[0]).read_text(encoding="utf-8"))
    (job.log_folder / OUTCOME_FILE).unlink(missing_ok=True)
    outcome = run(job)
    return EXIT_FAILED if any(c.is_failed for c in outcome.channels) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
