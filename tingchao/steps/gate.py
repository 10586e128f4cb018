"""Check what landed, or what is about to be published; a refusal ends with exit code 3."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lake import Lake, LogicalRun, StopReason
from lake.schemas import ADDED
from quality.landing import (
    LOOKED_AT,
    OF_ONE_BATCH,
    USUAL_RUNS,
    LandedFile,
    Refusal,
    Stopped,
    read_refusals,
    read_stopped,
    rules_for_landing,
    stage_landing,
)
from quality.marts import Expected, TextLimits, rules_for_marts
from quality.page import render_verdict
from quality.verdict import NAMED, RUNBOOK, Verdict, write_verdict
from reports.errors import PublicationError
from reports.manifest import Manifest
from reports.shelf import Shelf
from scrapers.source import load_source, source_names
from tingchao.context import Context
from tingchao.errors import ConfigurationError, GateRefusedError, TingchaoError
from tingchao.fence import exclusive
from tingchao.judge import Judge, hire_judge
from tingchao.marts import load_marts
from tingchao.verdicts import COLLECTED, judged_segments

TEXTS = "texts"
"""Name under which a person confirms a new share of noise."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class GateSummary:
    """What a gate that passed has found."""

    gate: str
    rule_count: int
    judged: str
    refused_count: int
    page: Path | None

    def __str__(self) -> str:
        if not self.rule_count:
            return f"gate {self.gate}: {self.judged}"
        refused = f", {self.refused_count:,} rows to quarantine" if self.refused_count else ""
        return (
            f"gate {self.gate}: {self.rule_count} rules hold for {self.judged}{refused}; "
            f"{self.page}"
        )


def gate_landing(
    context: Context,
    *,
    run_id: str | None = None,
    accept: Collection[str] = (),
    discard: Collection[str] = (),
) -> GateSummary:
    """Judge every committed segment that no gate has judged; bad rows go to quarantine.

    `accept`: crawl ids whose odd batches a person has looked at; `discard`: crawl ids of which no
    row shall count. `GateRefusedError` stops on a broken batch, which gets no verdict; the others
    get theirs, unless what is broken speaks against all of them.
    """
    with exclusive(context.lock("gate-landing")):
        batches = list(_ungated(context, accept))
        _require_known("--accept/--discard", {*accept, *discard}, {b["crawl_id"] for b in batches})
        if not batches:
            return GateSummary("landing", 0, "nothing has landed since the last verdict", 0, None)
        folder = _gates_folder(context, "landing", run_id)
        with (
            hire_judge("landing") as judge,
            tempfile.TemporaryDirectory(dir=folder, prefix=".landing-") as scratch,
        ):
            staged = Path(scratch) / "landing.duckdb"
            _stage(context, staged, batches, discard)
            quality = context.config.quality
            rules = rules_for_landing(
                quality.max_quarantine_share, stop_on_empty_file=quality.stop_on_empty_file
            )
            verdict = judge.judge(staged, rules)
            verdict = replace(verdict, waived=tuple(sorted({*accept, *discard})))
            stopped = read_stopped(staged, rules, {o.rule for o in verdict.stopping})
            passing = _passing(batches, verdict, stopped)
            refusals = read_refusals(staged)
        page = _keep(context, verdict, folder, f"{len(batches):,} batches")
        _note(context, passing, refusals)
        _require_passed(verdict, page, culprits=_name(stopped, len(passing)))
    judged = f"{len(batches):,} batches, {sum(b['landed_count'] for b in batches):,} rows"
    return GateSummary("landing", len(verdict.outcomes), judged, len(refusals), page)


def gate_marts(
    context: Context,
    *,
    path: Path | None = None,
    accept_drop: Sequence[str] = (),
    run_id: str | None = None,
) -> GateSummary:
    """Judge a marts file; without one, read the published version back and judge that.

    `GateRefusedError` says which rules refused, `TingchaoError` which published bytes are damaged.
    """
    shelf = Shelf(context.data / "published")
    version = shelf.current
    if path is None:
        path = shelf.folder / "marts.duckdb"
        if version is None:
            raise TingchaoError(f"{path}: nothing is published yet; run `tingchao publish`")
        _require_whole(shelf, version)
    folder = _gates_folder(context, "marts", run_id)
    with hire_judge("marts") as judge:
        verdict = judge_marts(context, judge, path, shelf, accept_drop, folder)
    return GateSummary("marts", len(verdict.outcomes), str(path), 0, folder / "marts.html")


def judge_marts(
    context: Context,
    judge: Judge,
    path: Path,
    shelf: Shelf,
    accept_drop: Collection[str],
    folder: Path,
) -> Verdict:
    """Judge a marts file against its contracts and the last published manifest, or refuse."""
    marts = load_marts()
    _require_known("--accept-drop", accept_drop, {TEXTS, *(mart.name for mart in marts)})
    version = shelf.current
    manifest = shelf.manifest(version) if version and shelf.has(version) else None
    expected = Expected(
        suppress_below=context.config.reporting.suppress_below,
        max_row_drop=context.config.quality.max_row_drop,
        last_counts=manifest.mart_rows if manifest else {},
        accepted_drops=frozenset(accept_drop),
        texts=_text_limits(context, manifest, accept_drop),
    )
    if not path.is_file():
        raise GateRefusedError(f"gate marts: {path}: no such file; run `tingchao publish`")
    verdict = judge.judge(path, rules_for_marts(marts, expected))
    verdict = replace(verdict, waived=tuple(sorted(accept_drop)))
    _require_passed(verdict, _keep(context, verdict, folder, path.name))
    return verdict


def _text_limits(
    context: Context, manifest: Manifest | None, accept_drop: Collection[str]
) -> TextLimits:
    """Hold texts against the configuration, and noise against what was published last."""
    limits = context.config.quality
    facts = manifest.facts if manifest and TEXTS not in accept_drop else {}
    noisy, texts = facts.get("noisy_text_count"), facts.get("text_count")
    return TextLimits(
        max_noise_jump=limits.max_noise_jump,
        max_unknown_mood_share=limits.max_unknown_mood_share,
        max_wordless_share=limits.max_wordless_share,
        min_same_share=limits.min_same_share,
        last_noisy_share=noisy / texts if noisy is not None and texts else None,
    )


def _gates_folder(context: Context, gate: str, run_id: str | None) -> Path:
    folder = context.run_folder(run_id or f"gate-{gate}-{context.now():%Y%m%dT%H%M%SZ}") / "gates"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _keep(context: Context, verdict: Verdict, folder: Path, subject: str) -> Path:
    """Keep a verdict as JSON and as a page, whose path is returned."""
    write_verdict(verdict, folder)
    page = folder / f"{verdict.gate}.html"
    at = context.now().isoformat(timespec="seconds")
    page.write_text(render_verdict(verdict, subject=subject, at=at), encoding="utf-8")
    return page


def _require_passed(verdict: Verdict, page: Path, culprits: str = "") -> None:
    if not verdict.passed:
        raise GateRefusedError(
            f"{verdict.explain()}{culprits}\nWhat was published before stays. Look at {page}, "
            f"then {RUNBOOK}"
        )


def _passing(batches: Sequence[Row], verdict: Verdict, stopped: Sequence[Stopped]) -> Sequence[Row]:
    """Return the batches that get a verdict: none while anything stops that may be about all."""
    of_one = OF_ONE_BATCH & {one.rule for one in stopped}
    if not verdict.outcomes or any(o.rule not in of_one or o.error for o in verdict.stopping):
        return ()
    held = {one.batch for one in stopped}
    return [b for b in batches if (b["source"], b["channel_id"], b["crawl_id"]) not in held]


def _name(stopped: Sequence[Stopped], passing: int) -> str:
    """Say which batches stopped the gate, and what a person types who has looked at them."""
    if not stopped:
        return ""
    lines = [f"\n    {batch}" for batch in stopped[:NAMED]]
    hidden = len(stopped) - len(lines)
    more = f"\n    and {hidden:,} more" if hidden else ""
    one = stopped[0].crawl_id
    others = f"the {passing:,} others have passed" if passing else "no other has passed"
    return (
        f"{''.join(lines)}{more}\nThey wait until somebody decides, {others}: it is right, "
        f"tingchao gate landing --accept {one}; it is wrong, --discard {one}. Both options can be "
        "repeated"
    )


def _require_known(option: str, found: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(found) - set(known)):
        raise ConfigurationError(
            f"{option}: expected some of {', '.join(sorted(known)) or 'nothing'}; "
            f"found {', '.join(unknown)}"
        )


def _require_whole(shelf: Shelf, version: str) -> None:
    try:
        problems = shelf.problems(version) or shelf.misread(version, shelf.folder)
    except PublicationError as error:
        problems = [str(error)]
    if problems:
        raise TingchaoError(
            "published files are damaged:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + "\nRun `tingchao publish`, which writes them anew, and check the disk"
        )


# ---- what landed


def _ungated(context: Context, accept: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield one row per logical run that has segments without a verdict (`BATCH_TYPES`)."""
    ledger = context.lake.ledger()
    judged = frozenset(judged_segments(ledger).to_pylist())
    collected = [row for row in ledger.to_pylist() if row["route"] in COLLECTED]
    full_runs = _full_runs(collected, judged)
    runs: dict[tuple[str, str, str], list[Row]] = {}
    for row in collected:
        if row["segment_id"] not in judged:
            run = (row["source"], row["channel_id"], row["crawl_id"])
            runs.setdefault(run, []).append(row)
    for (source, channel_id, crawl_id), segments in runs.items():
        closing = [row["stop_reason"] for row in segments if row["is_last"]]
        yield {
            "route": segments[0]["route"],
            "source": source,
            "channel_id": channel_id,
            "crawl_id": crawl_id,
            "stop_reason": closing[-1] if closing else None,
            **{name: sum(row[name] for row in segments) for name in _SUMMED},
            "full_run_count": full_runs.get((source, channel_id), 0),
            "is_identity_visible": _is_identity_visible(context, source, channel_id),
            "is_accepted": crawl_id in accept,
            "segment_ids": sorted(row["segment_id"] for row in segments),
        }


_SUMMED = ("byte_count", "landed_count", "unchanged_count", "quarantined_count")


def _full_runs(rows: Iterable[Row], judged: Collection[str]) -> dict[tuple[str, str], int]:
    """How many of each channel's last judged runs brought something."""
    seen: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        if row["segment_id"] in judged:
            runs = seen.setdefault((row["source"], row["channel_id"]), {})
            count = row["landed_count"] + row["unchanged_count"]
            runs[row["crawl_id"]] = runs.get(row["crawl_id"], 0) + count
    return {
        channel: sum(count > 0 for count in list(runs.values())[-USUAL_RUNS:])
        for channel, runs in seen.items()
    }


def _is_identity_visible(context: Context, source: str, channel_id: str) -> bool | None:
    """Whether authors can be seen; None when nothing says so."""
    for channel in context.config.channels:
        if channel.id == channel_id and channel.author_identity is not None:
            return channel.author_identity
    if source in source_names():
        return load_source(source).capabilities.author_identity
    return None


def _stage(
    context: Context, staged: Path, batches: Sequence[Row], discard: Collection[str]
) -> None:
    lake = context.lake
    root = lake.mirror(context.data / "warehouse" / "mirror")
    wanted = {segment for batch in batches for segment in batch["segment_ids"]}
    files = [
        LandedFile(table, path.stem, path)
        for table in (*LOOKED_AT, "quarantine")
        for path in _local_paths(lake, root, table)
        if path.stem in wanted
    ]
    empty = {
        table: root / table / "source=_schema" / "collected_date=1970-01-01" / "empty.parquet"
        for table in (*LOOKED_AT, "quarantine")
    }
    stage_landing(staged, files, empty, batches, discard, ADDED)


def _local_paths(lake: Lake, root: Path, table: str) -> Iterator[Path]:
    for address in lake.segments(table):
        yield root / address.removeprefix(lake.address).lstrip("/")


def _note(context: Context, batches: Sequence[Row], refusals: Sequence[Refusal]) -> None:
    """Write one verdict per logical run into the ledger, its refused rows into quarantine."""
    by_segment: dict[str, list[Refusal]] = {}
    for refusal in refusals:
        by_segment.setdefault(refusal.segment_id, []).append(refusal)
    for batch in batches:
        segments: list[str] = batch["segment_ids"]
        mine = [r for segment in segments for r in by_segment.get(segment, ())]
        run = LogicalRun(
            source=batch["source"],
            channel_id=batch["channel_id"],
            crawl_id=f"gate:{batch['crawl_id']}",
            route="gate",
            file_digest=hashlib.sha256(" ".join(segments).encode()).hexdigest(),
            query=" ".join(segments),
        )
        with context.lake.write(run, context.now) as writer:
            for r in mine:
                writer.refuse_landed(
                    r.table, r.segment_id, r.record_id, r.rule, r.says, r.content_hash
                )
            writer.finish(
                StopReason.EXHAUSTED, covered=None, stop_detail=f"{len(mine)} rows refused"
            )
