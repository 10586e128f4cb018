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
from typing import Any, Literal

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


_MOOD = "詞典判讀語氣，與作者本意不盡相同 a lexicon reads moods that people meant otherwise"
_GONE = "讀到之前已刪除，或藏在過長頁面、過短訂閱源之外 removed before it was read, or never shown"
_NAMELESS = "該頻道不顯示作者，人數未知 nobody is named there, so people cannot be counted"
_NO_COUNT = "有一個頻道不公布粉絲數 one channel does not say how many fans it has"
_HANDLES = "CRM 只知道部分粉絲的帳號，真值在上下限之間 the CRM knows the handles of some fans only"
_LOST_LINKS = (
    "連結遺失追蹤參數，或訪客拒絕量測 links lose their tracking, visitors refuse to be measured"
)
_NICKNAMES = "鎮上也用設定裡沒有的暱稱 the town says nicknames that nobody configured"
_GUESTS = "訪客結帳每單算一人 a guest who buys twice is two buyers to the shop, one person in town"

# measure of a mart (* for all others): how near to the seen answer, why it is off the truth
EXPECTATIONS: dict[str, dict[str, tuple[Expected, tuple[str, ...]]]] = {
    "channel_activity": {
        "active_fan_count": (Expected.EXACT, (_NAMELESS, _GONE)),
        "fan_count": (Expected.EXACT, (_NO_COUNT, _GONE)),
        "activity_rate": (Expected.EXACT, (_NAMELESS, _NO_COUNT, _GONE)),
        "engaged_fan_count": (Expected.EXACT, (_NAMELESS, _GONE)),
        "*": (Expected.EXACT, (_GONE,)),
    },
    "fan_lifecycle": {"*": (Expected.EXACT, (_NAMELESS, _GONE))},
    "conversions": {
        "buyer_count": (Expected.EXACT, (_GUESTS, _LOST_LINKS)),
        "*": (Expected.EXACT, (_LOST_LINKS,)),
    },
    "channel_conversion": {
        "active_fan_count": (Expected.EXACT, (_NAMELESS, _GONE)),
        "visit_count": (Expected.EXACT, (_LOST_LINKS, _GONE)),
        "visitor_count": (Expected.EXACT, (_LOST_LINKS, _GONE)),
        "order_count": (Expected.EXACT, (_LOST_LINKS, _GONE)),
        "*": (Expected.EXACT, (_NAMELESS, _HANDLES, _GONE)),
    },
    "mentions": {
        "author_count": (Expected.EXACT, (_NAMELESS, _GONE, _NICKNAMES)),
        "*": (Expected.EXACT, (_GONE, _NICKNAMES)),
    },
    "left_out_mentions": {"*": (Expected.EXACT, (_GONE, _NICKNAMES))},
    "noise_acts": {"*": (Expected.EXACT, (_GONE,))},
    "share_of_voice": {"*": (Expected.EXACT, (_GONE, _NICKNAMES))},
    "sentiment_daily": {
        "post_count": (Expected.EXACT, (_GONE, _NICKNAMES)),
        "left_out_post_count": (Expected.EXACT, (_GONE, _NICKNAMES)),
        "*": (Expected.APPROXIMATE, (_MOOD, _GONE)),
    },
    "channel_scorecard": {
        "fan_count": (Expected.EXACT, (_NO_COUNT, _GONE)),
        "fan_rank": (Expected.EXACT, (_NO_COUNT, _GONE)),
        "active_fan_count": (Expected.EXACT, (_NAMELESS, _GONE)),
        "activity_rate": (Expected.EXACT, (_NAMELESS, _NO_COUNT, _GONE)),
        "activity_rank": (Expected.EXACT, (_NAMELESS, _NO_COUNT, _GONE)),
        "*": (Expected.EXACT, (_NAMELESS, _HANDLES, _GONE)),
    },
}


@dataclass(frozen=True)
class Closeness:
    """How one measure of a mart agrees with one answer.

    `rows` are the answer's, and a row that the mart lacks is not exact. Deviation is absolute,
    `median_error` relative to the answer; both over rows in which both know a number.
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
    reasons: tuple[str, ...]

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
        expected, reasons = planned.get(measure, planned["*"])
        yield Score(
            mart=mart,
            measure=measure,
            expected=expected,
            seen=compare(found, seen, measure),
            truth=compare(found, truth, measure),
            missing_rows=len(seen.keys() - found.keys()),
            extra_rows=len(found.keys() - seen.keys()),
            reasons=reasons,
        )


def _measures(mart: str, rows: Rows) -> list[str]:
    first = next(iter(rows.values()), {})
    return [n for n in first if n not in KEYS[mart] and not n.endswith(("_date", "_period"))]


def compare(found: Rows, answer: Rows, measure: str) -> Closeness:
    """Hold one measure of a mart against one answer, row by row of the answer."""
    pairs = [(found[key][measure], row[measure]) for key, row in answer.items() if key in found]
    known = [(float(a), float(b)) for a, b in pairs if a is not None and b is not None]
    errors = [abs(a - b) / abs(b) for a, b in known if b]
    return Closeness(
        rows=len(answer),
        exact_share=sum(map(_agree, pairs)) / len(answer) if answer else None,
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
    """Print the card: one line per measure, red when it is not as near as it must be.

    The last column numbers the reasons why the truth is further off; they stand below the table.
    """
    console = console or Console()
    notes = _notes(card)
    table = Table(title="成績單 Score card", title_justify="left", header_style="bold")
    for header, justify in _CARD_COLUMNS:
        table.add_column(header, justify=justify, no_wrap=True)
    for line in card.scores:
        table.add_row(*_cells(line, notes), style=None if line.holds else "red")
    console.print(table)
    for note, number in notes.items():
        console.print(f"{number}  {note}", highlight=False)
    console.print(_verdict(card), highlight=False)


_CARD_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("資料表 mart", "left"),
    ("量值 measure", "left"),
    ("列 rows", "right"),
    ("缺/多", "right"),
    ("可見 seen", "right"),
    ("事實 truth", "right"),
    ("最大差", "right"),
    ("中位誤差", "right"),
    ("註", "right"),
)


def _notes(card: ScoreCard) -> dict[str, int]:
    reasons = (note for line in card.scores if _is_off(line) for note in line.reasons)
    return {note: number for number, note in enumerate(dict.fromkeys(reasons), start=1)}


def _is_off(line: Score) -> bool:
    return line.truth.exact_share is not None and line.truth.exact_share < 1.0


def _cells(line: Score, notes: dict[str, int]) -> tuple[str, ...]:
    approximate = "≈ " if line.expected is Expected.APPROXIMATE else ""
    return (
        line.mart,
        line.measure,
        str(line.seen.rows),
        f"{line.missing_rows}/{line.extra_rows}",
        approximate + _percent(line.seen.exact_share),
        _percent(line.truth.exact_share),
        _number(line.truth.largest_deviation),
        _percent(line.truth.median_error),
        ",".join(str(notes[note]) for note in line.reasons) if _is_off(line) else "",
    )


def _verdict(card: ScoreCard) -> str:
    bounds, failing = card.bounds, len(card.failing())
    said = "全部如預期 all as expected" if card.holds else f"不如預期 not as expected: {failing}"
    return (
        f"真實轉換率落在上下限之間 true conversion rate within its bounds: "
        f"{bounds.holding}/{bounds.rows}\n{said}"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{math.floor(share * 1000) / 10:.1f}%"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}"


_SCORECARD_MEASURES = (
    "channel_name",
    "fan_count",
    "active_fan_count",
    "activity_rate",
    "buyer_count",
    "conversion_rate",
    "conversion_rate_hi",
    "fan_rank",
    "activity_rank",
    "conversion_rank",
)
_SCORECARD_HEADERS = ("頻道", "粉絲", "活躍粉絲", "活躍率", "購買者", "轉換率", "名次*")


def print_scorecard(
    warehouse: Path, console: Console | None = None, *, schema: str | None = None
) -> None:
    """Print the channel scorecard of the last complete month: many fans against good fans."""
    console = console or Console()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        home = schema or _find_schema(connection, warehouse)
        month, rows = _last_month(connection, f'"{home}"."channel_scorecard"')
    table = Table(title=f"頻道成績 Channel scorecard {month}", title_justify="left")
    for index, header in enumerate(_SCORECARD_HEADERS):
        table.add_column(header, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*_scorecard_cells(row))
    console.print(table)
    console.print(
        "* 粉絲數／活躍率／轉換率的名次 rank by fans / activity / conversion; ? 未知 unknown"
    )


def _last_month(
    connection: duckdb.DuckDBPyConnection, mart: str
) -> tuple[str, list[dict[str, Any]]]:
    rows = connection.execute(
        f"select period_start_date, {', '.join(_SCORECARD_MEASURES)} from {mart} "
        f"where period_start_date = (select max(period_start_date) from {mart} "
        "where is_complete_period) order by fan_rank nulls last, channel_id"
    ).fetchall()
    named = [dict(zip(_SCORECARD_MEASURES, row[1:], strict=True)) for row in rows]
    return (rows[0][0].strftime("%Y-%m") if rows else "–"), named


def _scorecard_cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Unknown is said to be unknown; a conversion rate is the interval that holds it."""
    low, high = _rate(row["conversion_rate"]), _rate(row["conversion_rate_hi"])
    ranks = (row[f"{measure}_rank"] for measure in ("fan", "activity", "conversion"))
    return (
        str(row["channel_name"]),
        _count(row["fan_count"]),
        _count(row["active_fan_count"]),
        _rate(row["activity_rate"]),
        _count(row["buyer_count"]),
        low if low == high else f"{low}–{high}",
        "/".join(_count(rank) for rank in ranks),
    )


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _rate(value: float | None) -> str:
    return "?" if value is None else f"{value:.1%}"
