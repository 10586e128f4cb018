"""Geometry of the report's pictures; the template turns it into SVG.

Pictures are stretched to the width there is (`preserveAspectRatio="none"`, strokes that do not
scale), so x runs from 0 to 100 on a phone and on a desk alike; labels are text beside them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures import ChannelRow

ROW_HEIGHT = 56
SPARK_HEIGHT = 28


@dataclass(frozen=True)
class Slope:
    """One channel's way from its place by fans to its place by activity; places count from 0."""

    channel: ChannelRow
    left: int
    right: int

    @property
    def climbed(self) -> int:
        """Places won (positive) or lost by counting activity instead of fans."""
        return self.left - self.right

    @property
    def direction(self) -> str:
        return "up" if self.climbed > 0 else "down" if self.climbed < 0 else "level"

    @property
    def path(self) -> str:
        y0, y1 = (ROW_HEIGHT * place + ROW_HEIGHT / 2 for place in (self.left, self.right))
        return f"M0 {y0:g} C45 {y0:g} 55 {y1:g} 100 {y1:g}"


def is_ranked(channel: ChannelRow) -> bool:
    """Whether both numbers that the picture compares are known and ranked."""
    ranks = (channel.fan_rank, channel.activity_rank)
    return None not in ranks and channel.fans.is_known and channel.activity_rate.is_known


def draw_slopes(channels: Sequence[ChannelRow]) -> list[Slope]:
    """Order the channels that have both ranks; those without stay out and are named beside."""
    ranked = [c for c in channels if is_ranked(c)]
    by_fans = sorted(ranked, key=lambda c: (c.fan_rank or 0, c.channel_id))
    by_activity = sorted(ranked, key=lambda c: (c.activity_rank or 0, c.channel_id))
    return [Slope(c, by_fans.index(c), by_activity.index(c)) for c in by_fans]


def draw_spark(values: Sequence[float | None]) -> list[str]:
    """Lines of a small chart from 0 to its own maximum; a gap breaks the line."""
    top = max((v for v in values if v is not None), default=0) or 1
    step = 100 / max(len(values) - 1, 1)
    lines: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            lines.append([])
            continue
        y = SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * value / top
        lines[-1].append(f"{index * step:.2f},{y:.2f}")
    return [" ".join(points) for points in lines if points]


def round_up(value: float) -> float:
    """The next number a person would put at the end of an axis: 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-9))
