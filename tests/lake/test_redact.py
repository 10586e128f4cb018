import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.redact import mask_text, redact

# Made-up numbers of the right form.
PRIVATE = {
    "[ip]": ["203.0.113.7", "203.0.113.*", "2001:db8::1", "::ffff:203.0.113.7", "fe80::1:2:3:4"],
    "[email]": [
        "a.b+c@example.org",
        "小明@example.com.tw",
        "x_1@sub.example.org",
        "a＠example.org",
    ],
    "[phone]": [
        "0912345678",
        "0912-345-678",
        "0912 345 678",
        "+886 912 345 678",
        "+886-2-2345-6789",
        "02-2345-6789",
        "(02) 2345-6789",
        "(04)2345-6789",
        "037-234-5678",
        "13812345678",
        "138-1234-5678",
        "+86 138 1234 5678",
        "010-12345678",
        "0755-1234-5678",
        "０９１２３４５６７８",
    ],
    "[id]": ["A123456789", "A800000014", "11010519491231002X"],
    "@user": ["@alice_01", "＠小明", "@a_b·c"],
}


@pytest.mark.parametrize(("mask", "private"), [(m, p) for m, ps in PRIVATE.items() for p in ps])
def test_contacts_are_masked(mask: str, private: str) -> None:
    for text in (private, f"推 {private} 10/09 17:02", f"「{private}」", f"看,{private},好"):
        masked = mask_text(text)
        assert private not in masked
        assert mask in masked
    assert mask_text(f"請洽{private}。").endswith(f"{mask}。")


@pytest.mark.parametrize(
    "text",
    [
        "M.1760000000.A.1B2",
        "1791464711",
        "1791464711123",
        "5080000000000001",
        "110105194912310021",
        "2026-10-08 21:05:11",
        "21:05:11",
        "std::vector<int>",
        "NT$1,280",
        "iPhone 17 Pro 256GB",
        "v1.2.3",
        "v1.2.3.4",
        "3.14159265358979",
        "https://www.ptt.cc/bbs/Demo_Phone/M.1760000000.A.1B2.html",
        "9f86d081884c7d65",
        "推 20 噓 3 → 5",
        "::",
        "12345678",
    ],
)
def test_what_is_no_contact_stays(text: str) -> None:
    assert mask_text(text) == text


def test_person_fields_go_at_any_depth_and_in_any_case() -> None:
    record = {
        "id": 1,
        "User": {"name": "王小明"},
        "thread": [{"author": "alice", "likes": 2}, {"AUTHOR": "bob"}],
        "note": "hi @alice",
    }
    redacted = json.loads(redact(record, {"user", "author"}))
    assert redacted == {"id": 1, "thread": [{"likes": 2}, {}], "note": "hi @user"}


def test_an_address_takes_no_text_with_it() -> None:
    text = "客服信箱service@example.org，或電０９１２345678"
    assert mask_text(text) == "客服信箱[email]，或電[phone]"


def test_numbers_names_and_keys_are_masked_too() -> None:
    record = {"phone": 13812345678, "a@example.org": 1, "ok": 12, "list": ("1.2.3.4", b"\xff@bob")}
    assert json.loads(redact(record)) == {
        "phone": "[phone]",
        "[email]": 1,
        "ok": 12,
        "list": ["[ip]", "\ufffd@user"],
    }


def test_what_json_cannot_say_is_said_as_text() -> None:
    at = datetime(2026, 10, 8, tzinfo=UTC)
    record = {"nan": float("nan"), "at": at, "half": "\ud800", "none": None, "yes": True}
    text = redact(record)
    assert json.loads(text) == {
        "nan": "nan",
        "at": "2026-10-08 00:00:00+00:00",
        "half": "\ufffd",
        "none": None,
        "yes": True,
    }
    text.encode()


def test_a_bottomless_record_is_cut() -> None:
    record: dict[str, object] = {}
    inner = record
    for _ in range(5000):
        inner["x"] = inner = {}
    assert "[too deep]" in redact(record)


HOSTILE = ["a", "1", "0", ".", ":", "@", "1.", "1:", "a.", "a@", "@a", "09", "a@a.", "+886 ", "(0"]


@pytest.mark.parametrize("unit", [*HOSTILE, "1.1.1.1", "aA1", "1 ", "文", "\ud800", "f:f:", "a-"])
def test_hostile_text_takes_time_in_proportion(unit: str) -> None:
    text = unit * (400_000 // len(unit))
    started = time.process_time()
    mask_text(text)
    assert time.process_time() - started < 2


@given(st.text(st.characters(codec=None, exclude_categories=[]), max_size=60))
def test_any_text_is_masked_to_something_storable(text: str) -> None:
    masked = mask_text(text)
    masked.encode()
    assert mask_text(masked) == masked


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4), st.sets(st.text(max_size=5)))
def test_any_record_becomes_json_without_its_person_fields(record: dict, fields: set) -> None:
    redacted = json.loads(redact(record, fields))
    folded = {name.casefold() for name in fields}
    assert not folded & {name.casefold() for name in redacted} - {
        "[ip]",
        "[email]",
        "[phone]",
        "@user",
    }
