"""The spiders in their own process, against servers that misbehave: the matrix rows of crawling.

One crawl visits every fault, each on a host of its own, so that the whole costs one start.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lake import Lake, StopReason
from scrapers.job import CrawlJob, JobChannel, Span
from scrapers.outcome import ChannelOutcome, CrawlOutcome
from scrapers.source import Limits, Politeness
from tests.scrapers import faults
from tests.scrapers.faults import FEED, Fault, _handler, answers, busy_then, feed, serving

END = datetime(2026, 10, 9, tzinfo=UTC)
SECRET = "cafe" * 16
CHALLENGE = b"<html><head><title>Just a moment...</title></head></html>"
INTERNAL = Fault(feed)


def make_faults() -> dict[str, Fault]:
    return {
        "good": Fault(feed),
        "busy": Fault(busy_then(1, Retry_After="1")),
        "always_busy": Fault(answers(503)),
        "too_patient": Fault(answers(429, Retry_After="9999")),
        "silent": Fault(faults.silent),
        "dripping": Fault(faults.dripping),
        "reset": Fault(faults.reset),
        "bomb": Fault(faults.bomb),
        "deflated": Fault(faults.deflated),
        "flood": Fault(faults.flood),
        "long_header": Fault(faults.long_header),
        "cookies": Fault(faults.cookies),
        "huge": Fault(answers(200, FEED, Content_Length=str(10**9))),
        "endless": Fault(faults.endless),
        "to_file": Fault(answers(302, Location="file:///etc/passwd")),
        "robots_says_no": Fault(feed, robots=(200, "User-agent: *\nDisallow: /feed\n")),
        "robots_busy": Fault(feed, robots=(503, "")),
        "robots_slow": Fault(feed, robots=(200, "User-agent: *\nCrawl-delay: 1\n")),
        "challenge": Fault(answers(403, CHALLENGE)),
        "forbidden": Fault(answers(403, b"no")),
        "not_a_feed": Fault(answers(200, b"<html><title>hi</title></html>")),
        "internal": Fault(feed),
    }


@dataclass
class Crawled:
    """What came of the one crawl."""

    faults: dict[str, Fault]
    outcomes: dict[str, ChannelOutcome]
    returncode: int
    output: str
    folder: Path
    lake: Lake


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    folder = tmp_path_factory.mktemp("faults")
    hosts = make_faults()
    heavy = b"\1" * (600 * 1024 * 1024)  # the parent's memory, more than the crawl may take
    with serving(hosts), tls_server(folder) as tls:
        # What redirects elsewhere can only be told once the others have their addresses.
        hosts["to_internal"] = Fault(
            answers(302, Location=f"http://{hosts['internal'].address}/feed")
        )
        hosts["dead"] = Fault(feed, address="127.0.0.99:9")
        with serving({"x": hosts["to_internal"]}):
            job = make_job(folder, hosts, tls)
            child = run(job)
    del heavy
    outcome = CrawlOutcome.model_validate_json((folder / "outcome.json").read_text())
    yield Crawled(
        hosts,
        {channel.channel_id: channel for channel in outcome.channels},
        child.returncode,
        child.stdout + child.stderr + (folder / "crawl.log").read_text(),
        folder,
        Lake.open(job.lake_uri),
    )


def make_job(folder: Path, hosts: dict[str, Fault], tls: str) -> CrawlJob:
    # "internal" stands for what no crawl may reach: a server, but no channel and no exemption.
    urls = {n: f"http://{f.address}/feed" for n, f in hosts.items() if n != "internal"}
    urls |= {f"robots_says_no_{i}": f"{urls['robots_says_no']}/{i}" for i in range(3)}
    urls |= {f"robots_slow_{i}": f"{urls['robots_slow']}/{i}" for i in range(1)}
    urls |= {f"forbidden_{i}": f"{urls['forbidden']}/{i}" for i in range(3)}
    urls["challenge_1"] = f"{urls['challenge']}/1"
    urls["tls"] = f"https://{tls}/feed?token={SECRET}"
    urls["private"] = f"http://{hosts['internal'].address}/feed"
    allowed = [f.address for n, f in hosts.items() if n != "internal"]
    return CrawlJob(
        source="feed",
        crawl_id="faults",
        lake_uri=str(folder / "lake"),
        log_folder=folder,
        channels=tuple(make_channel(name, url) for name, url in urls.items()),
        politeness=Politeness(
            download_delay=0, timeout=1.5, retries=1, backoff=0.05, backoff_cap=5, breaker=2
        ),
        limits=Limits(max_pages=5, max_seconds=60, max_bytes=10**7),
        allow_hosts=(*allowed, tls),
        user_agent="Tingchao/test (+https://example.org/bot)",
        now=END,
    )


def make_channel(name: str, url: str) -> JobChannel:
    start = END - timedelta(days=7)
    return JobChannel(
        id=name.replace("_", "-"),
        url=url,
        address=url,
        time_zone="UTC",
        asked=Span(start=start, end=END),
        start=start,
        floor=start,
    )


def run(job: CrawlJob) -> subprocess.CompletedProcess[str]:
    job_file = job.log_folder / "job.json"
    job_file.write_text(job.model_dump_json(), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "scrapers.run", str(job_file)],
        env={**os.environ, "TINGCHAO_PSEUDONYM_KEY": SECRET},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class tls_server:  # noqa: N801  a context manager
    """A server whose certificate nobody signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> str:
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        files = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1"]
        subprocess.run([*request, *files], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(INTERNAL))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return f"127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def told(crawled: Crawled, name: str) -> tuple[StopReason, str]:
    outcome = crawled.outcomes[name.replace("_", "-")]
    return outcome.stop_reason, outcome.detail or ""


def test_a_good_feed_lands_beside_all_the_bad_ones(crawled: Crawled) -> None:
    assert crawled.outcomes["good"].landed == 1
    assert crawled.outcomes["good"].stop_reason is StopReason.EXHAUSTED


def test_the_process_says_that_channels_failed(crawled: Crawled) -> None:
    assert crawled.returncode == 1


def test_every_channel_has_its_end_in_the_ledger(crawled: Crawled) -> None:
    rows = crawled.lake.read("crawls").to_pylist()
    assert {row["channel_id"] for row in rows} == set(crawled.outcomes)
    assert all(row["is_last"] for row in rows)


def test_row_08_retry_after_is_waited_for(crawled: Crawled) -> None:
    busy = crawled.faults["busy"]
    assert crawled.outcomes["busy"].landed == 1
    assert busy.times[-1] - busy.times[-2] >= 0.95


def test_row_08_retries_are_bounded(crawled: Crawled) -> None:
    assert told(crawled, "always_busy")[0] is StopReason.BLOCKED
    assert len(crawled.faults["always_busy"].pages) == 2
    assert "come back in 9,999 s" in told(crawled, "too_patient")[1]
    assert len(crawled.faults["too_patient"].pages) == 1


@pytest.mark.parametrize("name", ["silent", "dripping"])
def test_row_09_a_silent_or_dripping_server_is_left(crawled: Crawled, name: str) -> None:
    reason, detail = told(crawled, name)
    assert reason is StopReason.ERROR
    assert "Timeout" in detail
    assert len(crawled.faults[name].pages) == 2


def test_row_10_a_truncated_body_is_no_page(crawled: Crawled) -> None:
    assert told(crawled, "reset")[0] is StopReason.ERROR
    assert crawled.outcomes["reset"].landed == 0
    assert len(crawled.faults["reset"].pages) == 2


def test_row_11_a_dead_network_is_told_and_lands_nothing(crawled: Crawled) -> None:
    reason, detail = told(crawled, "dead")
    assert reason is StopReason.BLOCKED  # robots.txt cannot be had, so nothing may be fetched
    assert "could not be had" in detail
    assert crawled.outcomes["dead"].landed == 0


@pytest.mark.parametrize("name", ["bomb", "deflated", "flood", "huge"])
def test_row_12_bombs_do_not_go_off(crawled: Crawled, name: str) -> None:
    reason, detail = told(crawled, name)
    assert reason is StopReason.ERROR
    assert "8388608" in detail or "maxsize" in detail.lower()
    assert len(crawled.faults[name].pages) == 1


def test_row_12_a_header_of_two_megabytes_is_refused(crawled: Crawled) -> None:
    assert told(crawled, "long_header")[0] is StopReason.ERROR
    assert crawled.outcomes["long-header"].landed == 0


def test_row_12_eight_megabytes_of_cookies_are_not_kept(crawled: Crawled) -> None:
    assert crawled.outcomes["cookies"].landed == 1
    assert "x" * 4000 not in crawled.output


def test_row_13_endless_redirects_end(crawled: Crawled) -> None:
    reason, detail = told(crawled, "endless")
    assert reason is StopReason.ERROR
    assert "redirect" in detail
    assert len(crawled.faults["endless"].pages) == 6


def test_row_15_a_private_address_is_never_connected_to(crawled: Crawled) -> None:
    assert "public address" in told(crawled, "private")[1] or "ports" in told(crawled, "private")[1]
    assert crawled.faults["internal"].seen == []


def test_row_15_a_redirect_to_a_private_address_is_refused(crawled: Crawled) -> None:
    reason, detail = told(crawled, "to_internal")
    assert reason is StopReason.ERROR
    assert "expected" in detail or "another site" in detail
    assert crawled.faults["internal"].seen == []


def test_row_16_a_redirect_to_a_file_is_not_followed(crawled: Crawled) -> None:
    assert told(crawled, "to_file")[0] is StopReason.ERROR
    assert "root:" not in json.dumps(crawled.lake.read("posts").to_pylist(), default=str)


def test_row_18_what_robots_forbid_is_never_fetched(crawled: Crawled) -> None:
    names = ["robots_says_no", *(f"robots_says_no_{i}" for i in range(3))]
    assert {told(crawled, name)[0] for name in names} == {StopReason.BLOCKED}
    assert crawled.faults["robots_says_no"].seen == ["/robots.txt"]


def test_row_18_robots_that_cannot_be_had_forbid_everything(crawled: Crawled) -> None:
    reason, detail = told(crawled, "robots_busy")
    assert reason is StopReason.BLOCKED
    assert "forbids everything" in detail
    assert crawled.faults["robots_busy"].pages == []


def test_crawl_delay_is_kept(crawled: Crawled) -> None:
    slow = crawled.faults["robots_slow"]
    pages = [at for at, path in zip(slow.times, slow.seen, strict=True) if path != "/robots.txt"]
    assert len(pages) == 2
    assert pages[1] - pages[0] >= 0.6  # a second, less the jitter


def test_robots_are_kept_as_evidence(crawled: Crawled) -> None:
    address = crawled.faults["robots_says_no"].address.replace(":", "_")
    kept = (crawled.folder / "robots" / f"{address}.txt").read_text(encoding="utf-8")
    assert kept.startswith("# http://")
    assert END.isoformat() in kept
    assert "Disallow: /feed" in kept


def test_row_19_a_certificate_that_nobody_signed_is_refused(crawled: Crawled) -> None:
    assert crawled.outcomes["tls"].is_failed
    assert INTERNAL.seen == []


def test_a_challenge_stops_its_host(crawled: Crawled) -> None:
    assert told(crawled, "challenge")[0] is StopReason.BLOCKED
    assert "stopped earlier" in told(crawled, "challenge_1")[1]
    assert len(crawled.faults["challenge"].pages) == 1


def test_refusals_in_a_row_open_the_breaker(crawled: Crawled) -> None:
    assert len(crawled.faults["forbidden"].pages) == 2
    assert "2 refusals in a row" in told(crawled, "forbidden_2")[1]


def test_we_say_who_we_are(crawled: Crawled) -> None:
    agents = {headers.get("user-agent") for headers in crawled.faults["good"].headers}
    assert agents == {"Tingchao/test (+https://example.org/bot)"}
    assert "cookie" not in crawled.faults["good"].headers[-1]


def test_row_52_no_secret_and_no_handle_is_written_anywhere(crawled: Crawled) -> None:
    job = (crawled.folder / "job.json").read_text(encoding="utf-8")
    assert job.count(SECRET) == 2  # the configured address itself, as url and as address
    everything: dict[str, Any] = {
        table: crawled.lake.read(table).drop_columns("query").to_pylist()
        if table == "crawls"
        else crawled.lake.read(table).to_pylist()
        for table in ("posts", "crawls", "quarantine")
    }
    said = json.dumps(everything, default=str) + crawled.output
    said += (crawled.folder / "outcome.json").read_text(encoding="utf-8")
    assert SECRET not in said
    assert "canary-handle" not in said
