"""The report: true numbers, honest gaps, and nothing on the page that could run."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from lxml import html

from reports.drawing import draw_slopes, draw_spark, round_up
from reports.exports import export
from reports.figures import Figures, Reason, State, read_figures
from reports.manifest import Manifest
from reports.marts_file import read_published
from reports.report import render
from reports.words import LANGUAGES, REASONS, WORDS
from tests.reports.candidate import FACTS, VERSION, write_candidate
from tingchao.building.inputs import REASONS as RULE_REASONS
from tingchao.config import Noise
from tingchao.marts import load_marts

HIDES = {mart.name: mart.hides for mart in load_marts()}
BRANDS = {"chaoming": ("潮鳴茶", True), "yunwu": ("雲霧手搖", False)}
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'"
MANIFEST = Manifest(
    version=VERSION,
    published_at="2026-11-01T01:00:00+00:00",
    as_of_at=FACTS.as_of_at.isoformat(),
    facts=asdict(FACTS),
    tables={},
    gate={"rules": 203, "accepted_drops": []},
)
REPORTS = Path(__file__).parents[2] / "reports"


def figures_of(path: Path, brands: dict[str, tuple[str, bool]] = BRANDS) -> Figures:
    with read_published(path) as connection:
        return read_figures(connection, HIDES, brands)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return figures_of(write_candidate(tmp_path_factory.mktemp("report") / "marts.duckdb"))


@pytest.fixture(scope="module")
def page(figures: Figures) -> str:
    return render("zh-Hant", figures, MANIFEST)


def row_of(page: str, channel: str) -> dict[str, str]:
    """The scorecard's row of a channel: column label to what is written there."""
    for row in html.fromstring(page).cssselect("table.scorecard tbody tr"):
        if row.cssselect("th")[0].text == channel:
            for part in row.cssselect("td .part"):
                part.drop_tree()
            return {
                cell.get("data-label"): " ".join(cell.text_content().split())
                for cell in row.cssselect("td")
            }
    raise AssertionError(f"no row for {channel}")


def test_the_last_whole_month_is_shown(figures: Figures, page: str) -> None:
    assert str(figures.month) == "2026-10-01"
    assert figures.is_complete
    assert "2026 年 10 月" in page
    assert WORDS["zh-Hant"]["partial"][:8] not in page


def test_known_numbers_are_those_of_the_marts(page: str) -> None:
    row = row_of(page, "潮鳴茶部落格")
    assert row["粉絲數"] == "640"
    assert row["活躍粉絲"] == "56"
    assert row["活躍率"] == "8.8%"
    assert row["轉換率"] == "25.0%–50.0%"
    assert row["涵蓋率"] == "100.0%"
    assert row["名次 (粉絲／活躍／轉換)"] == "4 / 1 / 1"


def test_what_is_unknown_says_why_and_is_never_zero(page: str) -> None:
    row = row_of(page, "雲霧手搖粉絲團")
    assert row["粉絲數"] == "120,450"
    for column in ("活躍粉絲", "活躍率", "購買粉絲", "轉換率"):
        assert row[column] == "未知平台看不出是誰", column
    assert row_of(page, "新開的部落格")["粉絲數"] == "未知沒有觀測到粉絲數"


def test_engaged_fans_stand_below_the_active_ones(page: str) -> None:
    parts = [p.text_content().split() for p in html.fromstring(page).cssselect("td .part")]
    assert len(parts) == 4, "one for each channel that tells who is active, and of enough people"
    assert {name for name, _ in parts} == {"實質互動"}
    assert {number.isdigit() for _, number in parts} == {True, False}
    assert "<5" not in [number for _, number in parts], "few are left, which is not few engaged"


def test_noise_is_shown_by_reason_and_can_be_listed(figures: Figures, page: str) -> None:
    rows = {
        row.cssselect("th")[0].text: [cell.text_content() for cell in row.cssselect("td")]
        for row in html.fromstring(page).cssselect("section[aria-labelledby=noise] tbody tr")
    }
    assert set(rows) == {"抽獎與參加抽獎", "重複文案", "沒有自己話的轉貼", "引用他人的話"}
    assert rows["引用他人的話"][:2] == ["–", "–"], "what is quoted is no noise"
    posts = sum(int(cells[0]) for cells in rows.values() if cells[0].isdigit())
    assert posts == figures.noise_posts > 0
    assert f"雜訊已排除 {posts} 則" in page
    assert "tingchao trace left_out_mentions brand_id=" in page


def test_without_noise_nothing_is_said_of_it(tmp_path: Path) -> None:
    nothing = "delete from noise_acts; delete from left_out_mentions"
    figures = figures_of(write_candidate(tmp_path / "marts.duckdb", nothing))
    assert "雜訊已排除" not in render("zh-Hant", figures, MANIFEST)


def test_every_reason_has_its_words() -> None:
    rules = dict(Noise())
    reasons = {RULE_REASONS.get(rule, rule) for rule in rules} | {"quoted"}
    assert [set(words) for words in REASONS.values()] == [reasons, reasons]


def test_few_people_are_a_mark_and_never_a_number(page: str) -> None:
    row = row_of(page, "巷口小社團")
    assert [row[c] for c in ("活躍粉絲", "活躍率", "購買粉絲", "轉換率")] == ["<5"] * 4
    few_buyers = row_of(page, "新開的部落格")
    assert (few_buyers["活躍粉絲"], few_buyers["購買粉絲"]) == ("24", "<5")
    assert few_buyers["活躍率"].startswith("未知"), "unknown for want of fans, not hidden"


def test_zero_is_shown_as_zero(tmp_path: Path) -> None:
    nobody = (
        "update channel_scorecard set active_fan_count = 0, activity_rate = 0, buyer_count = 0, "
        "conversion_rate = null, conversion_rate_hi = null where channel_id = 'ptt-drink'"
    )
    figures = figures_of(write_candidate(tmp_path / "marts.duckdb", nobody))
    row = row_of(render("zh-Hant", figures, MANIFEST), "PTT 飲料板")
    assert (row["活躍粉絲"], row["活躍率"], row["購買粉絲"]) == ("0", "0.0%", "0")
    assert row["轉換率"] == "未知這段期間沒有活躍粉絲"


def test_without_a_shop_buyers_are_unknown(tmp_path: Path) -> None:
    no_shop = (
        "update channel_scorecard set buyer_count = null, conversion_rate = null, "
        "conversion_rate_hi = null"
    )
    page = render(
        "zh-Hant", figures_of(write_candidate(tmp_path / "marts.duckdb", no_shop)), MANIFEST
    )
    assert 'id="conversion"' not in page
    row = row_of(page, "PTT 飲料板")
    assert (row["購買粉絲"], row["轉換率"]) == ("未知還沒有訂單資料", "未知還沒有訂單資料")


def test_without_members_buyers_are_unknown_and_nobody_leads(tmp_path: Path) -> None:
    no_members = (
        "update channel_scorecard set identified_fan_count = null, buyer_count = null, "
        "conversion_rate = null, conversion_rate_hi = null, conversion_rank = null"
    )
    figures = figures_of(write_candidate(tmp_path / "marts.duckdb", no_members))
    page = render("zh-Hant", figures, MANIFEST)
    row = row_of(page, "PTT 飲料板")
    assert row["購買粉絲"] == row["轉換率"] == "未知沒有會員資料可以對照這裡的帳號"
    assert row["名次 (粉絲／活躍／轉換)"] == "3 / 3 / –"
    assert WORDS["zh-Hant"]["best_conversion"] not in page


def test_every_heading_leads_to_its_definition(page: str) -> None:
    tree = html.fromstring(page)
    targets = {element.get("id") for element in tree.iter() if element.get("id")}
    links = {a.get("href")[1:] for a in tree.cssselect("thead a")}
    assert links <= targets
    assert {"channel_scorecard.activity_rate", "share_of_voice.share_rate"} <= links


def test_an_unfinished_month_says_so(tmp_path: Path) -> None:
    path = write_candidate(
        tmp_path / "marts.duckdb", "update channel_scorecard set is_complete_period = false"
    )
    assert "本月尚未結束，數字只到 2026-10-31" in render("zh-Hant", figures_of(path), MANIFEST)


def test_an_installation_without_a_month_has_a_page(tmp_path: Path) -> None:
    path = write_candidate(
        tmp_path / "marts.duckdb", "delete from channel_scorecard", "delete from coverage"
    )
    for language in LANGUAGES:
        assert WORDS[language]["nothing"] in render(language, figures_of(path), MANIFEST)


def test_an_accepted_loss_stands_on_the_page(figures: Figures) -> None:
    accepted = Manifest(**{**vars(MANIFEST), "gate": {"rules": 9, "accepted_drops": ["mentions"]}})
    assert "經人工確認的列數下降：mentions" in render("zh-Hant", figures, accepted)


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_44_hostile_names_are_inert(tmp_path: Path, language: str) -> None:
    sql = HOSTILE.replace("'", "''")
    path = write_candidate(
        tmp_path / "marts.duckdb", f"update channel_scorecard set channel_name = '{sql}'"
    )
    brands = dict.fromkeys(BRANDS, (HOSTILE, True))
    written = render(language, figures_of(path, brands), MANIFEST)
    assert "<script" not in written
    assert "<img" not in written
    assert written.count("&lt;script&gt;") >= 12


def test_row_44_formulas_in_csv_are_text(tmp_path: Path) -> None:
    formulas = ["=HYPERLINK(1)", "+1", "-1", "@SUM", "\t=1", "  =1", "＝1", "\r=1", "plain", "1-2"]
    values = ", ".join("('" + formula + "')" for formula in formulas)
    path = write_candidate(tmp_path / "marts.duckdb")
    with_names = tmp_path / "names.duckdb"
    import duckdb

    with duckdb.connect(str(with_names)) as connection:
        connection.execute(f"create table names as from (values {values}) n (name)")
    export(with_names, [("names", ("name",))], tmp_path)
    export(path, [("coverage", ("channel_id", "coverage_date"))], tmp_path)
    content = (tmp_path / "csv" / "names.csv").read_text(encoding="utf-8-sig")
    cells = [row[0] for row in csv.reader(content.splitlines(keepends=True)[1:])]
    assert {"plain", "1-2"} <= set(cells)
    assert all(cell.startswith("'") for cell in cells if cell not in ("plain", "1-2", "=1"))
    assert content.count("'") == 8
    numbers = (tmp_path / "csv" / "coverage.csv").read_text(encoding="utf-8-sig")
    assert "'" not in numbers


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_fetched_and_nothing_can_run(figures: Figures, language: str) -> None:
    written = render(language, figures, MANIFEST)
    tree = html.fromstring(written)
    references = {v for e in tree.iter() for k, v in e.items() if k in ("href", "src", "action")}
    assert all(r.startswith("#") or r in ("index.html", "en.html", "gate.html") for r in references)
    assert not tree.cssselect("script, iframe, object, embed, link, form, img")
    assert not [k for e in tree.iter() for k in e.attrib if k == "style" or k.startswith("on")]
    assert "@import" not in written
    assert not re.search(r"url\((?!#)", written)


def test_the_policy_allows_exactly_the_style_sheet(page: str) -> None:
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert html.fromstring(page).cssselect("meta[http-equiv]")[0].get("content") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_picture_is_named_or_left_to_the_table(page: str) -> None:
    pictures = html.fromstring(page).cssselect("svg")
    assert pictures
    for picture in pictures:
        named = picture.get("aria-label") or picture.get("aria-labelledby")
        assert picture.get("aria-hidden") == "true" or (picture.get("role") == "img" and named)


def test_both_languages_say_the_same_things() -> None:
    assert list(WORDS["zh-Hant"]) == list(WORDS["en"])
    for key, words in WORDS["zh-Hant"].items():
        assert set(re.findall(r"{(\w+)}", words)) == set(re.findall(r"{(\w+)}", WORDS["en"][key]))
    assert {str(reason) for reason in Reason} <= set(WORDS["en"])


def test_every_word_is_said_somewhere() -> None:
    template = (REPORTS / "templates" / "report.html.j2").read_text(encoding="utf-8")
    said = set(re.findall(r"\bw\.(\w+)", template)) | set(
        re.findall(r'heading\("(\w+)"\)', template)
    )
    assert set(WORDS["en"]) == said | {str(reason) for reason in Reason}


def test_the_english_page_is_english(figures: Figures) -> None:
    written = render("en", figures, MANIFEST)
    assert '<html lang="en">' in written
    assert "October 2026" in written
    own_words = " ".join(WORDS["en"][k] for k in WORDS["en"] if not k.startswith("other_"))
    assert not re.search(r"[\u4e00-\u9fff]", own_words)


def test_slopes_leave_out_who_cannot_be_ranked(figures: Figures) -> None:
    slopes = draw_slopes(figures.channels)
    assert [s.channel.channel_id for s in slopes] == ["brand-page", "ptt-drink", "tea-blog"]
    assert [s.climbed for s in slopes] == [-2, 0, 2]
    assert slopes[0].path == "M0 28 C45 28 55 140 100 140"


def test_a_gap_breaks_a_line() -> None:
    assert draw_spark([0.0, 1.0, None, 0.5]) == ["0.00,26.00 33.33,2.00", "100.00,14.00"]
    assert draw_spark([None, None]) == []
    assert draw_spark([0.0]) == ["0.00,26.00"]


@pytest.mark.parametrize(
    ("value", "end"), [(0, 1), (0.013, 0.02), (0.2, 0.2), (0.21, 0.25), (0.5, 0.5), (0.7, 1)]
)
def test_axes_end_at_round_numbers(value: float, end: float) -> None:
    assert round_up(value) == pytest.approx(end)


def test_days_nobody_knows_of_are_hatched(figures: Figures, page: str) -> None:
    mute = next(strip for strip in figures.strips if strip.name == "雲霧手搖粉絲團")
    states = [cell.state for _, cell in mute.days if cell]
    assert states.count(State.UNKNOWN) == 28
    assert page.count('class="hatched"') == 28 + 1, "and one in the legend"
