"""The gate's page: inert whatever is in it, and no value of any row."""

from __future__ import annotations

import re

from quality.page import render_verdict
from quality.rules import Severity
from quality.verdict import Outcome, Verdict

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def page(verdict: Verdict) -> str:
    return render_verdict(verdict, subject="marts.duckdb", at="2026-11-01T00:00:00+00:00")


def outcome(name: str, **changes: object) -> Outcome:
    facts = {"severity": Severity.STOP, "holds": False, "found": 3, "error": None, **changes}
    return Outcome(rule=name, table="coverage", says="no such row", **facts)  # type: ignore[arg-type]


def test_row_44_nothing_on_the_page_can_run() -> None:
    hostile = outcome(HOSTILE, error=HOSTILE)
    html = page(Verdict(HOSTILE, (hostile,), (HOSTILE,)))
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_the_page_allows_its_own_style_and_nothing_else() -> None:
    html = page(Verdict("marts", (outcome("unique(id)"),)))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert " style=" not in html
    assert not re.search(r"(src|href)=", html)


def test_refusals_are_open_and_counted() -> None:
    html = page(Verdict("marts", (outcome("unique(id)"), outcome("complete", holds=True, found=0))))
    assert "拒絕" in html
    assert "<details open>" in html
    assert 'class="stop"' in html
    assert 'class="holds"' in html


def test_a_verdict_that_passed_says_so() -> None:
    html = page(Verdict("landing", (outcome("complete", holds=True, found=0),)))
    assert "通過" in html
    assert "<details open>" not in html
