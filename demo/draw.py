"""Chance that can be told again: every drawn thing has a stream of its own.

A stream is named by what it decides (`seed/person/17/2026-07`), so adding people or days adds
streams and leaves the others as they were. Only `Random.random` is drawn from: it is the one method
whose sequence Python promises to keep between versions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def open_stream(*name: object) -> Random:
    """Return the stream of that name; independent of hash seed, host and locale."""
    return Random("/".join(map(str, name)))  # noqa: S311 -- made-up people, no secrets


def pick(stream: Random, things: Sequence[T]) -> T:
    """Return one of the things, each as likely as the others."""
    return things[int(stream.random() * len(things))]


def pick_weighted(stream: Random, things: Sequence[tuple[T, float]]) -> T:
    """Return one of the things, as likely as its weight; weights need not sum to 1."""
    left = stream.random() * sum(weight for _, weight in things)
    for thing, weight in things:
        left -= weight
        if left < 0:
            return thing
    return things[-1][0]


def happens(stream: Random, probability: float) -> bool:
    """Say whether it happens; always draws once, so that what follows does not shift."""
    return stream.random() < probability


def between(stream: Random, low: int, high: int) -> int:
    """Return a whole number from low to high, both included."""
    return low + int(stream.random() * (high - low + 1))


def wait(stream: Random, mean: float) -> float:
    """Return an exponential waiting time of that mean, in the unit of the mean."""
    return -mean * math.log(1.0 - stream.random())
