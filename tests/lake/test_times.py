import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.schemas import Precision
from lake.times import (
    Instant,
    TimeFormatError,
    localize,
    parse_ctime,
    parse_epoch,
    parse_excel_serial,
    parse_local,
    parse_relative,
    parse_rfc2822,
    parse_rfc3339,
    parse_roc,
    parse_time,
)

TAIPEI = ZoneInfo("Asia/Taipei")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 10, 9, 2, 0, tzinfo=UTC)  # 10:00 in Taipei


def shown(instant: Instant) -> str:
    return f"{instant.at:%Y-%m-%d %H:%M:%S} {instant.precision}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thu Oct  9 16:53:18 2025", "2025-10-09 08:53:18 second"),
        ("Thu Oct 08 21:05:11 +0800 2026", "2026-10-08 13:05:11 second"),
        ("thu oct 8 21:05 2026", "2026-10-08 13:05:00 minute"),
    ],
)
def test_ctime(text: str, expected: str) -> None:
    assert shown(parse_ctime(text, TAIPEI)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thu, 08 Oct 2026 13:05:11 +0000", "2026-10-08 13:05:11 second"),
        ("Thu, 8 Oct 2026 13:05:11 GMT", "2026-10-08 13:05:11 second"),
        ("08 Oct 2026 13:05 UT", "2026-10-08 13:05:00 minute"),
        ("Thu, 08 Oct 2026 21:05:11 GMT+8", "2026-10-08 13:05:11 second"),
        ("Thu, 08 Oct 2026 21:05:11 +08:00", "2026-10-08 13:05:11 second"),
        ("Thu, 08 Oct 2026 09:05:11 EDT (Eastern)", "2026-10-08 13:05:11 second"),
        ("週四, 08 Oct 2026 21:05:11 +0800", "2026-10-08 13:05:11 second"),
        ("星期四，08 Oct 2026 21:05:11 +0800", "2026-10-08 13:05:11 second"),
        ("Thu, 08 October 26 13:05:11 +0000", "2026-10-08 13:05:11 second"),
        ("Thu, 08-Oct-99 13:05:11 GMT", "1999-10-08 13:05:11 second"),
        ("Thu, 08 Oct 2026 21:05:11", "2026-10-08 13:05:11 inferred"),
        ("Thu, 08 Oct 2026 21:05:11 XYZ", "2026-10-08 13:05:11 inferred"),
        ("2026-10-08T21:05:11+08:00", "2026-10-08 13:05:11 second"),
        ("2026-10-08 21:05:11", "2026-10-08 13:05:11 inferred"),
    ],
)
def test_feed_dates_and_their_defects(text: str, expected: str) -> None:
    assert shown(parse_rfc2822(text, TAIPEI)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-08T13:05:11Z", "2026-10-08 13:05:11 second"),
        ("2026-10-08T13:05:11.123Z", "2026-10-08 13:05:11 second"),
        ("2026-10-08T13:05:11+0000", "2026-10-08 13:05:11 second"),
        ("2026-10-08 21:05:10 +0800", "2026-10-08 13:05:10 second"),
        ("2026-10-08t13:05z", "2026-10-08 13:05:00 minute"),
        ("2016-12-31T23:59:60Z", "2016-12-31 23:59:59 second"),
    ],
)
def test_rfc3339(text: str, expected: str) -> None:
    assert shown(parse_rfc3339(text)) == expected


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert parse_rfc3339("2026-10-08T13:05:11.1234567Z").at.microsecond == 123_456
    assert parse_epoch("1791464711.25").at.microsecond == 250_000


def test_an_offset_is_asked_for_when_no_zone_is_given() -> None:
    with pytest.raises(TimeFormatError, match="with its offset"):
        parse_rfc3339("2026-10-08T13:05:11")
    assert parse_rfc3339("2026-10-08T21:05:11", TAIPEI).at.hour == 13


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-1-5 09:07", "ymd", "2026-01-05 01:07:00 minute"),
        ("2026-1-5\u00a009:07:33", "ymd", "2026-01-05 01:07:33 second"),
        ("２０２６/１/５ ０９：０７", "ymd", "2026-01-05 01:07:00 minute"),
        ("2026/1/5 下午 3:05", "ymd", "2026-01-05 07:05:00 minute"),
        ("2026/1/5 上午 12:30:01", "ymd", "2026-01-04 16:30:01 second"),
        ("2026/1/5 下午12:30", "ymd", "2026-01-05 04:30:00 minute"),
        ("2026-01-05 11:20 PM", "ymd", "2026-01-05 15:20:00 minute"),
        ("2026年1月5日 9:07", "ymd", "2026-01-05 01:07:00 minute"),
        ("2026-10-08", "ymd", "2026-10-07 16:00:00 day"),
        ("10/09/2025 17:20:41", "mdy", "2025-10-09 09:20:41 second"),
        ("10/09/2025 5:20:41 PM", "mdy", "2025-10-09 09:20:41 second"),
        ("10/09/2025", "dmy", "2025-09-09 16:00:00 day"),
    ],
)
def test_local_times(text: str, order: str, expected: str) -> None:
    assert shown(parse_local(text, TAIPEI, order)) == expected


def test_years_of_the_republic() -> None:
    assert shown(parse_roc("115/10/08", TAIPEI)) == "2026-10-07 16:00:00 day"
    assert shown(parse_roc("民國115年10月8日 下午 3:05", TAIPEI)) == "2026-10-08 07:05:00 minute"
    assert shown(parse_roc("99.12.31", TAIPEI)) == "2010-12-30 16:00:00 day"


def test_spreadsheet_days() -> None:
    assert shown(parse_excel_serial(46303, TAIPEI)) == "2026-10-07 16:00:00 day"
    assert shown(parse_excel_serial("46303.5", TAIPEI)) == "2026-10-08 04:00:00 second"
    for bad in (3, "1e9", "x", "NaN", 10**9):
        with pytest.raises(TimeFormatError, match="day number"):
            parse_excel_serial(bad, TAIPEI)


@pytest.mark.parametrize("value", [1791464711, "1791464711", 1791464711000, "1791464711000000"])
def test_unix_times(value: int | str) -> None:
    assert shown(parse_epoch(value)) == "2026-10-08 13:05:11 second"


def test_a_unit_overrides_the_size() -> None:
    assert parse_epoch(5, "ms").at == datetime(1970, 1, 1, 0, 0, 0, 5000, tzinfo=UTC)
    for bad in ("x", "NaN", "Infinity", 10**30):
        with pytest.raises(TimeFormatError, match="Unix time"):
            parse_epoch(bad)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("刚刚", "2026-10-09 02:00:00 minute"),
        ("剛剛", "2026-10-09 02:00:00 minute"),
        ("30\u00a0秒前", "2026-10-09 01:59:30 minute"),
        ("5分钟前", "2026-10-09 01:55:00 minute"),
        ("半小时前", "2026-10-09 01:30:00 inferred"),
        ("3\u00a0小时前", "2026-10-08 23:00:00 inferred"),
        ("3 小時前", "2026-10-08 23:00:00 inferred"),
        ("今天 09:05", "2026-10-09 01:05:00 minute"),
        ("昨天 21:05", "2026-10-08 13:05:00 minute"),
        ("昨天\u00a021:05:09", "2026-10-08 13:05:09 second"),
        ("前天 下午 3:05", "2026-10-07 07:05:00 minute"),
        ("昨天", "2026-10-07 16:00:00 day"),
        ("3\u00a0天前", "2026-10-05 16:00:00 day"),
        ("2 週前", "2026-09-24 16:00:00 inferred"),
        ("10-08", "2026-10-07 16:00:00 day"),
        ("10-08 21:05", "2026-10-08 13:05:00 minute"),
        ("12-31", "2025-12-30 16:00:00 day"),
        ("2-29", "2024-02-28 16:00:00 day"),
        ("just now", "2026-10-09 02:00:00 minute"),
        ("5 minutes ago", "2026-10-09 01:55:00 minute"),
        ("an hour ago", "2026-10-09 01:00:00 inferred"),
        ("2d", "2026-10-06 16:00:00 day"),
        ("Yesterday at 9:05 PM", "2026-10-08 13:05:00 minute"),
    ],
)
def test_relative_times(text: str, expected: str) -> None:
    assert shown(parse_relative(text, NOW, TAIPEI)) == expected


def test_days_are_counted_where_the_platform_is() -> None:
    early = datetime(2026, 10, 8, 17, 0, tzinfo=UTC)  # already the 9th in Taipei
    assert parse_relative("昨天 21:05", early, TAIPEI).at == datetime(
        2026, 10, 8, 13, 5, tzinfo=UTC
    )
    assert parse_relative("昨天 21:05", early, UTC).at == datetime(2026, 10, 7, 21, 5, tzinfo=UTC)


def test_row_24_gaps_shift_forward_and_folds_are_the_first() -> None:
    assert parse_local("2026-03-08 02:30", NEW_YORK).at == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert parse_local("2026-11-01 01:30", NEW_YORK).at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    lord_howe = ZoneInfo("Australia/Lord_Howe")  # changes by half an hour
    assert localize(datetime(2026, 10, 4, 2, 15), lord_howe).hour == 15  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-08T13:05:11Z", "2026-10-08 13:05:11 second"),
        ("2026-10-08 21:05", "2026-10-08 13:05:00 minute"),
        ("20261008", "2026-10-07 16:00:00 day"),
        ("46303", "2026-10-07 16:00:00 day"),
        (46303.5, "2026-10-08 04:00:00 second"),
        ("1791464711", "2026-10-08 13:05:11 second"),
        (1791464711123, "2026-10-08 13:05:11 second"),
        ("115/10/08", "2026-10-07 16:00:00 day"),
        ("Thu Oct  8 21:05:11 2026", "2026-10-08 13:05:11 second"),
        ("Thu, 08 Oct 2026 13:05:11 +0000", "2026-10-08 13:05:11 second"),
        ("08 Oct 2026 13:05:11 +0000", "2026-10-08 13:05:11 second"),
        (datetime(2026, 10, 8, 13, 5, 11, tzinfo=UTC), "2026-10-08 13:05:11 second"),
        (datetime(2026, 10, 8, 21, 5, 11), "2026-10-08 13:05:11 second"),  # noqa: DTZ001
    ],
)
def test_a_time_of_untold_format(text: object, expected: str) -> None:
    assert shown(parse_time(text, TAIPEI)) == expected


def test_untold_formats_are_never_guessed() -> None:
    for text in ("10/08/2026", "26/10/08", "12345", "昨天 21:05", "soon", "", "2026-13-01"):
        with pytest.raises(TimeFormatError):
            parse_time(text, TAIPEI)
    assert parse_time("昨天 21:05", TAIPEI, NOW).precision is Precision.MINUTE


@pytest.mark.parametrize(
    "read",
    [
        lambda: parse_local("2026-02-30", TAIPEI),
        lambda: parse_local("2026-01-01 25:00", TAIPEI),
        lambda: parse_local("0001-01-01", TAIPEI),
        lambda: parse_ctime("Thu Foo  9 16:53:18 2025", TAIPEI),
        lambda: parse_rfc2822("Thu, 08 Oct 2026 13:05:11 +9900", TAIPEI),
        lambda: parse_relative("13-45", NOW, TAIPEI),
        lambda: parse_relative("9999 年前", NOW, TAIPEI),
        lambda: parse_roc("999/99/99", TAIPEI),
    ],
)
def test_impossible_times_are_errors(read: Callable[[], Instant]) -> None:
    with pytest.raises(TimeFormatError):
        read()


INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(INSTANTS, OFFSETS)
def test_what_is_written_with_its_offset_comes_back(at: datetime, zone: timezone) -> None:
    local = at.replace(microsecond=0).astimezone(zone)
    assert parse_rfc3339(local.isoformat()).at == local
    assert parse_rfc2822(local.strftime("%a, %d %b %Y %H:%M:%S %z"), TAIPEI).at == local
    assert parse_ctime(local.strftime("%a %b %d %H:%M:%S %z %Y"), TAIPEI).at == local
    assert parse_epoch(int(local.timestamp())).at == local


LOCAL_TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1))  # noqa: DTZ001


@given(LOCAL_TIMES, st.sampled_from([TAIPEI, NEW_YORK]))
def test_a_local_time_keeps_its_clock_outside_of_gaps(naive: datetime, zone: ZoneInfo) -> None:
    naive = naive.replace(microsecond=0)
    back = parse_local(f"{naive:%Y-%m-%d %H:%M:%S}".zfill(19), zone).at.astimezone(zone)
    assert back.replace(tzinfo=None) - naive in (timedelta(0), timedelta(hours=1))


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_a_clear_error(text: str) -> None:
    try:
        instant = parse_time(text, TAIPEI, NOW)
    except TimeFormatError:
        return
    assert instant.at.utcoffset() == timedelta(0)


HOST_CHECK = """
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from lake import Lake
from lake.times import *
from tests.lake.story import *
taipei, now = ZoneInfo("Asia/Taipei"), datetime(2026, 10, 9, 2, tzinfo=UTC)
import sys, tempfile
lake = Lake.open(tempfile.mkdtemp(dir=sys.argv[1]))
tell(lake)
print(parse_ctime("Thu Oct  9 16:53:18 2025", taipei))
print(parse_relative("昨天 21:05", now, taipei))
print([path.split("/", 4)[-1][-70:] for path in lake.segments("posts")])
print(lake.read("posts").to_pylist()[0], lake.ledger(NOW).num_rows)
"""


def test_row_24_the_host_has_no_say(tmp_path: object) -> None:
    outputs = set()
    for zone, locale in (
        ("UTC", "C"),
        ("America/New_York", "de_DE.UTF-8"),
        ("Asia/Kathmandu", "C"),
    ):
        environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONUTF8": "1"}
        argv = [sys.executable, "-c", HOST_CHECK, str(tmp_path)]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
        outputs.add(done.stdout)
    (output,) = outputs
    assert "collected_date=2026-10-09" in output
