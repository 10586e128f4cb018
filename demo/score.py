"""The score card: how close the marts came to what the town knows of itself.

Each measure is held against two answers. Against what a tireless reader could have seen, most must
agree row for row; against the full truth, the rest of the distance is what no reader sees, and the
card says why. A measure that is an estimate by nature (mood) is marked as such.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from demo.answers import KEYS, MARTS, read_answers

Rows = dict[tuple[Any, ...], dict[str, Any]]
TOLERANCE = 1e-9


class Expected(StrEnum):
    """How near a measure can come to what could be seen."""

    EXACT = "exact"
    APPROXIMATE = "approximate"


_MOOD = "a lexicon reads moods that people meant otherwise; the town knows what they meant"
_GONE = "removed before the first look, or hidden in the middle of a long page"
_NAMELESS = "nobody is named there, so people cannot be counted"
_HANDLES = "the CRM knows a handle of some fans only; the truth lies between lower and upper rate"
_LOST_LINKS = "links lose their tracking on the way, and some visitors were never measured"
_NICKNAMES = "the town also says nicknames that nobody configured"
_GUESTS = "guests who buy twice are two buyers to the shop and one person in town"

# (measure or * for all others) of a mart: how near to the seen answer, why it is off the truth
EXPECTATIONS: dict[str, dict[str, tuple[Expected, str]]] = {
    "channel_activity": {
        "active_fan_count": (Expected.EXACT, _NAMELESS),
        "fan_count": (Expected.EXACT, "one channel does not say how many fans it has"),
        "*": (Expected.EXACT, _GONE),
    },
    "fan_lifecycle": {"*": (Expected.EXACT, f"{_GONE}; {_NAMELESS}")},
    "conversions": {
        "buyer_count": (Expected.EXACT, _GUESTS),
        "*": (Expected.EXACT, _LOST_LINKS),
    },
    "channel_conversion": {
        "active_fan_count": (Expected.EXACT, _NAMELESS),
        "visit_count": (Expected.EXACT, _LOST_LINKS),
        "visitor_count": (Expected.EXACT, _LOST_LINKS),
        "order_count": (Expected.EXACT, _LOST_LINKS),
        "*": (Expected.EXACT, _HANDLES),
    },
    "mentions": {"*": (Expected.EXACT, f"{_GONE}; {_NICKNAMES}")},
    "share_of_voice": {"*": (Expected.EXACT, f"{_GONE}; {_NICKNAMES}")},
    "sentiment_daily": {
        "post_count": (Expected.EXACT, f"{_GONE}; {_NICKNAMES}"),
        "*": (Expected.APPROXIMATE, _MOOD),
    },
    "channel_scorecard": {
        "fan_count": (Expected.EXACT, "one channel does not say how many fans it has"),
        "*": (Expected.EXACT, f"{_NAMELESS}; {_HANDLES}"),
    },
}


@dataclass(frozen=True)
class Closeness:
    """How one measure of a mart agrees with one answer.

    `exact_share` is over the rows that both have. Deviation is absolute, `median_error` relative
    to the answer; both over rows in which both know a number.
    """

    rows: int
    exact_share: float | None
    largest_deviation: float | None
    median_error: float | None


@dataclass(frozen=True)
class Score:
    """One line of the card."""

    mart: str
    measure: str
    expected: Expected
    seen: Closeness
    truth: Closeness
    missing_rows: int
    extra_rows: int
    reason: str

    @property
    def holds(self) -> bool:
        """Whether the measure is as near as it was expected to come."""
        if self.expected is Expected.APPROXIMATE:
            return True
        return not self.missing_rows and not self.extra_rows and self.seen.exact_share == 1.0


@dataclass(frozen=True)
class Bounds:
    """Whether the true conversion rate lies between the mart's lower and upper rate."""

    rows: int
    holding: int


@dataclass(frozen=True)
class ScoreCard:
    """All scores of one warehouse."""

    scores: tuple[Score, ...]
    bounds: Bounds

    @property
    def holds(self) -> bool:
        return all(score.holds for score in self.scores) and self.bounds.rows == self.bounds.holding

    def failing(self) -> list[Score]:
        return [score for score in self.scores if not score.holds]

    def to_json(self) -> str:
        card = {
            "holds": self.holds,
            "bounds": asdict(self.bounds),
            "scores": [{**asdict(score), "holds": score.holds} for score in self.scores],
        }
        return json.dumps(card, ensure_ascii=False, indent=1)


def score(answers: Path, warehouse: Path, *, schema: str | None = None) -> ScoreCard:
    """Compare the marts in a DuckDB file with the answers in a folder.

    `schema` is where the marts are; by default the one schema of the file that has them all.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        home = schema or _find_schema(connection, warehouse)
        marts = {mart: _read_mart(connection, home, mart) for mart in MARTS}
    scores = [line for mart in MARTS for line in _score_mart(mart, marts[mart], answers)]
    truth = _by_key("channel_conversion", read_answers(answers, "channel_conversion"))
    return ScoreCard(tuple(scores), _check_bounds(marts["channel_conversion"], truth))


def _find_schema(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> str:
    found = connection.execute(
        "select table_schema from information_schema.tables where list_contains(?, table_name) "
        "group by table_schema having count(*) = ? order by table_schema",
        [list(MARTS), len(MARTS)],
    ).fetchall()
    if not found:
        raise FileNotFoundError(
            f"{warehouse}: expected the marts {', '.join(MARTS)} in one schema, found none such; "
            "run `tingchao build` first"
        )
    return str(found[0][0])


def _read_mart(connection: duckdb.DuckDBPyConnection, schema: str, mart: str) -> Rows:
    cursor = connection.execute(f'select * from "{schema}"."{mart}"')
    names = [column[0] for column in cursor.description or []]
    return _by_key(mart, (dict(zip(names, row, strict=True)) for row in cursor.fetchall()))


def _by_key(mart: str, rows: Iterator[dict[str, Any]] | Sequence[dict[str, Any]]) -> Rows:
    return {tuple(row[name] for name in KEYS[mart]): row for row in rows}


def _score_mart(mart: str, found: Rows, answers: Path) -> Iterator[Score]:
    seen = _by_key(mart, read_answers(answers / "seen", mart))
    truth = _by_key(mart, read_answers(answers, mart))
    planned = EXPECTATIONS[mart]
    for measure in _measures(mart, seen):
        expected, reason = planned.get(measure, planned["*"])
        yield Score(
            mart=mart,
            measure=measure,
            expected=expected,
            seen=compare(found, seen, measure),
            truth=compare(found, truth, measure),
            missing_rows=len(seen.keys() - found.keys()),
            extra_rows=len(found.keys() - seen.keys()),
            reason=reason,
        )


def _measures(mart: str, rows: Rows) -> list[str]:
    first = next(iter(rows.values()), {})
    return [n for n in first if n not in KEYS[mart] and not n.endswith(("_date", "_period"))]


def compare(found: Rows, answer: Rows, measure: str) -> Closeness:
    """Hold one measure of a mart against one answer, row by row."""
    pairs = [(found[key][measure], answer[key][measure]) for key in found.keys() & answer.keys()]
    known = [(float(a), float(b)) for a, b in pairs if a is not None and b is not None]
    errors = [abs(a - b) / abs(b) for a, b in known if b]
    return Closeness(
        rows=len(pairs),
        exact_share=sum(map(_agree, pairs)) / len(pairs) if pairs else None,
        largest_deviation=max((abs(a - b) for a, b in known), default=None),
        median_error=statistics.median(errors) if errors else None,
    )


def _agree(pair: tuple[Any, Any]) -> bool:
    """Unknown agrees with unknown only; numbers agree to the last bit but one."""
    found, answer = pair
    if found is None or answer is None:
        return found is None and answer is None
    return math.isclose(float(found), float(answer), rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _check_bounds(found: Rows, truth: Rows) -> Bounds:
    holding = rows = 0
    for key in found.keys() & truth.keys():
        low, high = found[key]["conversion_rate"], found[key]["conversion_rate_hi"]
        rate = truth[key]["conversion_rate"]
        if low is not None and high is not None and rate is not None:
            rows += 1
            # what was never seen may shift a true rate by one person
            slack = 1 / found[key]["active_fan_count"]
            holding += low - slack <= rate <= high + slack
    return Bounds(rows, holding)


def print_score(card: ScoreCard, console: Console | None = None) -> None:
    """Print the card as a table: one line per measure, what is off and why."""
    console = console or Console()
    table = Table(title="成績單 Score card", title_justify="left", header_style="bold")
    for header in ("資料表 mart", "量值 measure", "列 rows", "缺/多", "可見 seen", "事實 truth"):
        table.add_column(header, justify="left" if "a" in header[-8:] else "right", no_wrap=True)
    table.add_column("最大差 max off", justify="right")
    table.add_column("中位誤差 median error", justify="right")
    table.add_column("事實之差的原因 why the truth differs", overflow="fold")
    for line in card.scores:
        table.add_row(*_cells(line), style=None if line.holds else "red")
    console.print(table)
    bounds = card.bounds
    console.print(
        f"真實轉換率落在上下限之間 true conversion rate within its bounds: "
        f"{bounds.holding}/{bounds.rows}"
    )
    failing = len(card.failing())
    verdict = "全部如預期 all as expected" if card.holds else f"不如預期 not as expected: {failing}"
    console.print(verdict)


def _cells(line: Score) -> tuple[str, ...]:
    approximate = "≈ " if line.expected is Expected.APPROXIMATE else ""
    is_off = line.truth.exact_share != 1.0
    return (
        line.mart,
        line.measure,
        str(line.seen.rows),
        f"{line.missing_rows}/{line.extra_rows}",
        approximate + _percent(line.seen.exact_share),
        _percent(line.truth.exact_share),
        _number(line.truth.largest_deviation),
        _percent(line.truth.median_error),
        line.reason if is_off else "",
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{math.floor(share * 1000) / 10:.1f}%"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}"


_SCORECARD_COLUMNS = (
    ("channel_name", "頻道"),
    ("fan_count", "粉絲數"),
    ("active_fan_count", "活躍粉絲"),
    ("activity_rate", "活躍率"),
    ("buyer_count", "購買者"),
    ("conversion_rate", "轉換率（下限）"),
    ("conversion_rate_hi", "轉換率（上限）"),
    ("fan_rank", "粉絲數名次"),
    ("activity_rank", "活躍率名次"),
    ("conversion_rank", "轉換率名次"),
)


def print_scorecard(
    warehouse: Path, console: Console | None = None, *, schema: str | None = None
) -> None:
    """Print the channel scorecard of the last complete month: many fans against good fans."""
    console = console or Console()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        home = schema or _find_schema(connection, warehouse)
        mart = f'"{home}"."channel_scorecard"'
        columns = ", ".join(name for name, _ in _SCORECARD_COLUMNS)
        rows = connection.execute(
            f"select period_start_date, {columns} from {mart} where period_start_date = "
            f"(select max(period_start_date) from {mart} where is_complete_period) "
            "order by fan_rank nulls last, channel_id"
        ).fetchall()
    month = rows[0][0].strftime("%Y-%m") if rows else "–"
    table = Table(title=f"頻道成績 Channel scorecard {month}", title_justify="left")
    for name, header in _SCORECARD_COLUMNS:
        table.add_column(header, justify="left" if name == "channel_name" else "right")
    for _, *values in rows:
        cells = zip(_SCORECARD_COLUMNS, values, strict=True)
        table.add_row(*(_scorecard_cell(name, value) for (name, _), value in cells))
    console.print(table)


def _scorecard_cell(name: str, value: Any) -> str:
    """Unknown is said to be unknown; a rate is a percentage."""
    if value is None:
        return "未知"
    if "_rate" in name:
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else str(value)
