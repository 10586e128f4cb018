"""Scrapy's settings. Whatever is not its default says why.

`job_settings` adds what one job decides; `scrapy crawl` alone runs with what stands here.
"""

from __future__ import annotations

from typing import Any

from scrapers.job import CrawlJob

BOT_NAME = "tingchao"
SPIDER_MODULES = ["scrapers.spiders"]
USER_AGENT = "Tingchao"  # each job says with it whom to write to

# One request at a time to a host, spaced out; many hosts side by side.
CONCURRENT_REQUESTS = 16
CONCURRENT_REQUESTS_PER_DOMAIN = 1
CONCURRENT_ITEMS = 1  # records of a page land in its order, and the end of a channel lands last
DOWNLOAD_DELAY = 1.0
DOWNLOAD_DELAY_JITTER = 0.3

# Bounds on every single answer.
DOWNLOAD_TIMEOUT = 20  # a silent or dripping server; the default waits three minutes
DOWNLOAD_MAXSIZE = 8 * 1024 * 1024  # before and after decompression; the default is 1 GiB
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = True
REDIRECT_MAX_TIMES = 5
METAREFRESH_ENABLED = False  # a page must not steer us
DOWNLOAD_VERIFY_CERTIFICATES = True  # off by default
DOWNLOAD_HANDLERS = {"file": None, "ftp": None, "s3": None, "data": None}
HTTPPROXY_ENABLED = False  # a proxy resolves names itself and would undo the guard
HTTPERROR_ALLOW_ALL = True  # spiders tell 304, 404 and 410 apart
REFERER_ENABLED = True
REFERRER_POLICY = "no-referrer"
COOKIES_ENABLED = False  # only what a spider sets in its headers
HTTPCACHE_ENABLED = False
ROBOTSTXT_OBEY = False  # middlewares.robots obeys, and fails closed; Scrapy's lets pages through
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"  # two channels may share an address
DEPTH_LIMIT = 0  # a board is one long chain; job.limits bound it
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
EXTENSIONS = {
    "scrapy.extensions.memusage.MemoryUsage": None,  # takes the parent's memory for the crawl's
    "scrapers.memory.CurrentMemory": 0,
}
MEMUSAGE_CHECK_INTERVAL_SECONDS = 5.0
MEMUSAGE_LIMIT_MB = 512
DNS_RESOLVER = "scrapers.middlewares.guard.PublicResolver"  # for the process, never for a spider
TINGCHAO_ALLOW_HOSTS: list[str] = []

DOWNLOADER_MIDDLEWARES = {
    "scrapers.middlewares.guard.Guard": 50,
    "scrapers.middlewares.refusal.Refusals": 60,
    "scrapers.middlewares.robots.Robots": 100,
    "scrapers.middlewares.patience.Patience": 550,  # its answers are decompressed, its waits last
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # the guard sees redirects too
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,  # ignores Retry-After
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
}
ITEM_PIPELINES = {
    "scrapers.pipelines.ReportUnknownKeys": 100,
    "scrapers.pipelines.Pseudonymise": 200,
    "scrapers.pipelines.Land": 300,
}
WARN_ON_GENERATOR_RETURN_VALUE = False  # costs a look at the source of every callback
LOG_LEVEL = "INFO"
LOGSTATS_INTERVAL = 60.0


def job_settings(job: CrawlJob) -> dict[str, Any]:
    """Return what one job decides."""
    polite, limits = job.politeness, job.limits
    return {
        "USER_AGENT": job.user_agent,
        "DOWNLOAD_DELAY": polite.download_delay,
        "DOWNLOAD_DELAY_JITTER": polite.jitter,
        "DOWNLOAD_TIMEOUT": polite.timeout,
        "CLOSESPIDER_TIMEOUT": limits.max_seconds + 300,  # should the spider's own limit fail
        "MEMUSAGE_LIMIT_MB": limits.max_memory_mb,
        "TINGCHAO_ALLOW_HOSTS": list(job.allow_hosts),
        "TINGCHAO_RETRIES": polite.retries,
        "TINGCHAO_BACKOFF": polite.backoff,
        "TINGCHAO_BACKOFF_CAP": polite.backoff_cap,
        "TINGCHAO_JITTER": polite.jitter,
        "TINGCHAO_BREAKER": polite.breaker,
        "TINGCHAO_SEED": job.crawl_id,
        "LOG_FILE": str(job.log_folder / "crawl.log"),
    }
