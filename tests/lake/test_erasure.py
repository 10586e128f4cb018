"""A person can be taken out of what landed, at any instant of a kill, and does not come back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lake import Added, Lake, LogicalRun
from lake.erasure import EMPTIED, named_columns
from lake.schemas import TABLES
from tests.lake.story import NOW, clock, person, post
from tests.lake.test_kills import DiedError, DyingDisk, die

ANN, BOB = person("ann"), person("bob")
CRM = LogicalRun("crm", "members", "file", route="import", file_digest="f")
ORDER = {"ordered_at": NOW, "status": "paid", "amount": 5, "currency": "TWD"}
MEMBERS = {
    "m1": [{"source": "ptt", "key": ANN}, {"source": "shop", "key": person("c")}],
    "m2": [{"source": "ptt", "key": BOB}],
    "m3": [{"source": "ptt", "key": ANN}],
}


def land(lake: Lake, crawl_id: str = "monday") -> Counter[Added]:
    """Ann and Bob write, push, visit, buy and are members."""
    run = LogicalRun("ptt", "board", crawl_id, route="import", file_digest=crawl_id)
    added: Counter[Added] = Counter()
    with lake.write(run, clock()) as out:
        for key, name in ((ANN, "ann"), (BOB, "bob")):
            added[out.add("posts", post(1, post_id=f"p-{name}", author_key=key))] += 1
            liked = {"post_id": "p-bob", "kind": "like", "actor_key": key}
            added[out.add("reactions", liked)] += 1
            added[out.add("authors", {"author_key": key, "observed_at": NOW})] += 1
            visit = {"visit_id": f"v-{name}", "visitor_key": key, "occurred_at": NOW}
            added[out.add("visits", visit)] += 1
            order = {**ORDER, "order_id": f"o-{name}", "customer_key": key, "visitor_key": key}
            added[out.add("orders", order)] += 1
        for member, handles in MEMBERS.items():
            row = {"member_key": person(member), "observed_at": NOW, "handles": handles}
            added[out.add("members", row)] += 1
        out.refuse_landed("authors", "0" * 32, ANN, "rule", "reason")
        out.finish("exhausted", covered=None)
    return added


def speaks_of(lake: Lake, key: str) -> set[str]:
    """Tables in which any value of any row holds the pseudonym."""
    return {
        table for table in TABLES if any(key in str(row) for row in lake.read(table).to_pylist())
    }


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.open(tmp_path / "landing")
    land(lake)
    return lake


def test_the_story_names_the_person_wherever_a_person_can_be_named(lake: Lake) -> None:
    assert speaks_of(lake, ANN) == {table for table in TABLES if named_columns(table)}


def test_a_person_is_gone_and_the_others_stay(lake: Lake) -> None:
    before = {table: lake.read(table).to_pylist() for table in TABLES}
    assert sum(lake.segments_naming({ANN}).values()) == 8
    lake.suppress({ANN}, NOW)
    lake.erase({ANN})
    assert lake.segments_naming({ANN}) == {}
    assert speaks_of(lake, ANN) == set()
    for table in ("posts", "reactions", "authors", "visits", "orders"):
        kept = [row for row in before[table] if BOB in str(row)]
        assert [row for row in lake.read(table).to_pylist() if BOB in str(row)] == kept
    orders = {row["order_id"]: row for row in lake.read("orders").to_pylist()}
    assert orders["o-ann"]["amount"] == 5, "the shop's revenue stays, to the cent"
    assert orders["o-ann"]["customer_key"] is orders["o-ann"]["visitor_key"] is None
    handles = [row["handles"] for row in lake.read("members").to_pylist()]
    assert handles == [MEMBERS["m1"][1:], MEMBERS["m2"], None]


def test_an_erased_person_does_not_come_back(lake: Lake) -> None:
    lake.suppress({ANN}, NOW)
    lake.erase({ANN})
    again = Lake.open(lake.address)
    assert land(again, "tuesday")[Added.SUPPRESSED] == 3
    assert speaks_of(again, ANN) == {"quarantine"}, "a gate's verdict is no landing"


def test_pseudonyms_are_remembered_once_and_for_good(lake: Lake) -> None:
    lake.suppress({ANN}, NOW)
    lake.suppress({ANN, BOB}, NOW)
    assert Lake.open(lake.address)._suppressed == {ANN, BOB}


def test_death_at_every_change_can_be_finished(tmp_path: Path) -> None:
    root = tmp_path / "counted"
    land(Lake.open(root))
    for at, _ in enumerate(_changes(root)):
        folder = tmp_path / str(at)
        land(Lake.open(folder))
        with pytest.raises(DiedError):
            _erase(Lake.open(folder), DyingDisk(at, die))
        half = Lake.open(folder)
        assert "bob" in str(half.read("posts")["post_id"].to_pylist())
        assert half.read("orders").num_rows == 2
        _erase(half)
        assert speaks_of(Lake.open(folder), ANN) == set()


def _changes(root: Path) -> list[str]:
    disk = DyingDisk(-1, die)
    _erase(Lake.open(root), disk)
    assert len(disk.done) > 3 * (len(EMPTIED) + 4)
    return disk.done


def _erase(lake: Lake, disk: DyingDisk | None = None) -> None:
    if disk:
        lake._store.disk = disk
    lake.suppress({ANN}, NOW)
    lake.erase({ANN})
