"""A changed lexicon reads again what it can change, and takes over the rest as it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from enrichment import lexicon as lexicons
from lake import LogicalRun
from tests.enrichment.sayings import SAYINGS
from tests.enrichment.test_enrich_step import DAY, NOW, rows_of
from tingchao.config import Config
from tingchao.context import Context
from tingchao.enriching import carrying
from tingchao.enriching.files import EnrichedFiles
from tingchao.steps.enrich import enrich, lexicon_of

LATER = NOW + timedelta(days=1)


def land(context: Context) -> None:
    run = LogicalRun("ptt", "drink", "one", window=DAY)
    with context.lake.write(run, now=context.now) as out:
        for number, text in enumerate(filter(str.strip, SAYINGS)):
            out.add("posts", {"post_id": f"M.{number}", "kind": "article", "body_text": text})
        out.finish("exhausted", covered=DAY)


def listening_for(home: Path, *aliases: Any, at: Any = NOW) -> Context:
    brand = {"id": "chaoming", "name": "潮鳴茶", "aliases": list(aliases)}
    topic = {"id": "price", "name": "價格", "aliases": ["太貴"]}
    config = {"version": 1, "brands": [brand], "channels": [], "topics": [topic]}
    said = Config.model_validate({**config, "path": home / "config.yml"})
    return Context(said, now=lambda: at)


def understood(home: Path, version: str) -> list[dict[str, Any]]:
    rows = [row for row in rows_of(home) if row["version"] == version]
    return [{k: v for k, v in row.items() if k != "enriched_at"} for row in rows]


@pytest.mark.parametrize(
    "aliases",
    [
        ["雲霧手搖"],
        ["雲霧", "客服"],
        ["YUNWU", {"text": "電池", "require_context": ["發燙"]}],
        [{"text": "店員", "blockers": ["店員很"]}],
    ],
)
def test_a_version_taken_over_equals_one_read_afresh(tmp_path: Path, aliases: list[Any]) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home, other):
        land(listening_for(folder))
    first = enrich(listening_for(home, "潮鳴"))
    second = enrich(listening_for(home, *aliases, at=LATER))
    afresh = enrich(listening_for(other, *aliases))
    assert (second.version, second.carried_count + second.enriched_count) == (
        afresh.version,
        afresh.enriched_count,
    )
    assert second.carried_count > second.enriched_count > 0
    assert understood(home, second.version) == understood(other, afresh.version)
    assert len(understood(home, first.version)) == first.enriched_count, "the old one stays"


def test_only_texts_that_hold_the_old_or_the_new_alias_are_read(tmp_path: Path) -> None:
    land(listening_for(tmp_path))
    first = enrich(listening_for(tmp_path, "高雄"))
    second = enrich(listening_for(tmp_path, "新竹", at=LATER))
    holding = [text for text in SAYINGS if "高雄" in text or "新竹" in text]
    assert second.enriched_count == len(holding) == 2
    assert "taken over" in str(second)
    rows = [row for row in rows_of(tmp_path) if row["version"] == second.version]
    assert (
        sorted(row["enriched_at"] for row in rows)
        == [NOW] * (first.enriched_count - 2) + [LATER] * 2
    )


def test_another_engine_takes_nothing_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land(listening_for(tmp_path))
    enrich(listening_for(tmp_path))
    monkeypatch.setattr(lexicons, "ENGINE_VERSION", "next")
    assert enrich(listening_for(tmp_path, at=LATER)).carried_count == 0


def test_what_a_killed_run_took_over_is_not_taken_twice(tmp_path: Path) -> None:
    land(listening_for(tmp_path))
    enrich(listening_for(tmp_path))
    later = listening_for(tmp_path, "高雄", at=LATER)
    lexicon = lexicon_of(later.config)
    files = EnrichedFiles(later.data / "enriched", lexicon.version)
    taken = carrying.carry_over(lexicon, files)
    assert taken > 0
    assert carrying.carry_over(lexicon, files) == 0
    summary = enrich(later)
    assert (summary.known_count, summary.carried_count) == (taken, 0)
    hashes = [row["text_hash"] for row in understood(tmp_path, lexicon.version)]
    assert len(hashes) == len(set(hashes))
