"""What is masked, what is counted, and what others said."""

from __future__ import annotations

import pytest

from enrichment import Reading, reader_of
from enrichment.masking import is_mainland_id
from tests.enrichment.sayings import lexicon

LEXICON = lexicon()


def read(text: str) -> Reading:
    return reader_of(LEXICON).read(text)


@pytest.mark.parametrize(
    ("text", "shown", "counted"),
    [
        ("寫信到 a.b@mail.tw 問", "写信到 *********** 问", "email_count"),
        ("打0912-345-678", "打************", "phone_count"),
        ("打 02-2345-6789", "打 ************", "phone_count"),
        ("电话13812345678哦", "电话***********哦", "phone_count"),
        ("身分證A123456789", "身分证**********", "identity_count"),
        ("证件11010519491231002X", "证件******************", "identity_count"),
        ("謝謝@小明 ", "谢谢@** ", "account_count"),
    ],
)
def test_people_are_masked_and_counted(text: str, shown: str, counted: str) -> None:
    reading = read(text)
    assert reading.folded_text == shown
    assert {name for name, count in reading.masked_counts.items() if count} == {counted}
    assert reading.masked_counts[counted] == 1


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/wTK0912345678q0A",
        "https://shop.com;0912345678",
        "訂單編號20260912345678000",
        "11010519491231002Y",
        "@",
        "3@",
        "2026-11-07 12:30",
    ],
)
def test_other_numbers_and_signs_stay(text: str) -> None:
    reading = read(text)
    assert "*" not in reading.folded_text
    assert not any(reading.masked_counts.values())


def test_check_digits_tell_an_identity_number() -> None:
    assert is_mainland_id("11010519491231002x")
    assert not is_mainland_id("110105194912310020")


@pytest.mark.parametrize(
    ("text", "quoted", "own"),
    [
        (
            "※ 引述《abc》之銘言：\n: 潮鳴茶難喝\n我覺得不會",
            ["※ 引述《abc》之銘言：", ": 潮鳴茶難喝"],
            5,
        ),
        ("> 誰說的\n才怪", ["> 誰說的"], 2),
        ("才怪//@小明:潮鳴茶難喝", ["//@小明:潮鳴茶難喝"], 2),
        (
            "引用: 小明 發表於 2026-1-2 10:00\n潮鳴茶難喝\n\n才怪",
            ["引用: 小明 發表於 2026-1-2 10:00\n潮鳴茶難喝"],
            2,
        ),
        ("比例是 3: 2，1 > 0", [], 7),
    ],
)
def test_words_of_others_are_told_apart(text: str, quoted: list[str], own: int) -> None:
    reading = read(text)
    assert [text[start:end] for start, end in reading.quotes] == quoted
    assert reading.own_length == own
    assert reading.mood.sentiment == "unknown"
    assert all(mention.is_quoted for mention in reading.mentions)
