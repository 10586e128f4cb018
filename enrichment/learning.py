"""Fitting several yes-or-no questions at once: logistic regression with an L2 penalty, in numpy.

The penalty makes the best weights unique, and nothing here depends on the machine: sums run in a
fixed order without BLAS, and the exponential is our own (numpy's differs in the last bit between
processors). So the same rows give the same weights everywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from enrichment.joined import Places

Matrix = NDArray[np.float64]

STEPS: Final = 60
ENOUGH: Final = 1e-6  # of the gradient's largest part
_MEMORY: Final = 8
_HALVINGS: Final = 20


@dataclass(frozen=True)
class Rows:
    """Texts as numbers: entry `k` says that text `owners[k]` has column `slots[k]`.

    Entries lie text by text; all of one text have the value `scales[text]`. `dense` holds further
    columns that every text has.
    """

    slots: Places
    owners: Places
    scales: NDArray[np.float64]
    dense: Matrix
    width: int

    def __len__(self) -> int:
        return len(self.scales)

    def times(self, weights: Matrix) -> Matrix:
        """Return rows · weights (width + dense columns + 1 for the constant, one column a head)."""
        width = self.width
        sums = _added(weights[:width], self.slots, self.owners, len(self))
        return sums * self.scales[:, None] + _product(self.dense, weights[width:-1]) + weights[-1]

    def back(self, errors: Matrix) -> Matrix:
        """Return rowsᵀ · errors, of the same shape as the weights."""
        scaled = errors * self.scales[:, None]
        sparse = _added(scaled, self.owners, self.slots, self.width)
        constant = np.add.reduce(errors, axis=0, keepdims=True)
        return np.concatenate((sparse, _product(self.dense.T, errors), constant))


def _added(values: Matrix, sources: Places, targets: Places, count: int) -> Matrix:
    """Add row `sources[k]` of values to row `targets[k]` of `count` rows, in the order of `k`."""
    sums, taken = np.empty((values.shape[1], count)), np.empty(len(sources))
    for head, column in enumerate(np.ascontiguousarray(values.T)):
        np.take(column, sources, out=taken, mode="clip")  # any other mode makes a copy
        sums[head] = np.bincount(targets, weights=taken, minlength=count)
    return sums.T


def _product(left: Matrix, right: Matrix) -> Matrix:
    """Return left · right, each sum in one order, whatever BLAS would do."""
    columns = np.ascontiguousarray(right.T)
    if left.shape[0] < left.shape[1]:  # a transposed matrix: one long sum for each cell
        part, sums = np.empty_like(columns), np.empty((len(left), len(columns)))
        for row, values in enumerate(np.ascontiguousarray(left)):
            np.add.reduce(np.multiply(columns, values, out=part), axis=1, out=sums[row])
        return sums
    part, product = np.empty((len(columns), len(left))), np.zeros((len(columns), len(left)))
    for values, weights in zip(np.ascontiguousarray(left.T), right, strict=True):
        product += np.multiply(weights[:, None], values, out=part)
    return product.T


def fit(
    rows: Rows,
    targets: Matrix,
    *,
    sparse_penalty: float,
    dense_penalty: float,
    importance: Matrix | None = None,
    steps: int = STEPS,
) -> Matrix:
    """Return weights as `Rows.times` takes them: one column for each column of `targets` (0 to 1).

    `importance` weighs each text and head; 0 leaves it out. Penalties are halves of the factor of
    the squared weight, per text; the constant has none.
    """
    weighed = np.ones_like(targets) if importance is None else importance
    weighed = weighed / np.add.reduce(weighed, axis=0)
    penalty = np.zeros((rows.width + rows.dense.shape[1] + 1, 1))
    penalty[: rows.width] = sparse_penalty
    penalty[rows.width : -1] = dense_penalty

    def slope(weights: Matrix) -> Matrix:
        errors = (probabilities(rows.times(weights)) - targets) * weighed
        return rows.back(errors) + penalty * weights

    return _minimise(slope, np.zeros((len(penalty), targets.shape[1])), steps)


def probabilities(logits: Matrix) -> Matrix:
    """Return 1 / (1 + e^-x)."""
    return np.asarray(1 / (1 + exponential(-logits)), np.float64)


def exponential(x: Matrix) -> Matrix:
    """Return e^x, the same bits on every machine; |x| above 60 counts as 60.

    e^x = 2^k · e^r with |r| ≤ ln 2 / 2, and Taylor's series for e^r.
    """
    bounded = np.clip(x, -60, 60)
    k = np.rint(bounded * 1.4426950408889634)
    r = bounded - k * 0.6931471805599453
    power = np.ones_like(r)
    for n in range(13, 0, -1):
        power *= r
        power /= n
        power += 1
    power *= ((k.astype(np.int64) + 1023) << 52).view(np.float64)  # 2^k, by its exponent's bits
    return power


def _minimise(slope: Callable[[Matrix], Matrix], start: Matrix, steps: int) -> Matrix:
    """Go downhill by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4).

    The function is convex, so its slope along the way says enough to find a good step.
    """
    place, here = start, slope(start)
    memory: deque[tuple[Matrix, Matrix, float]] = deque(maxlen=_MEMORY)
    for _ in range(steps):
        if np.abs(here).max() < ENOUGH:
            break
        way = _direction(here, memory)
        moved, there = _step(slope, place, here, way, 1.0 if memory else _first(here))
        step, change = moved - place, there - here
        curvature = _dot(step, change)
        if curvature > 0:
            memory.append((step, change, curvature))
        place, here = moved, there
    return place


def _first(here: Matrix) -> float:
    return 1 / max(1.0, float(np.abs(here).sum()))


def _direction(here: Matrix, memory: deque[tuple[Matrix, Matrix, float]]) -> Matrix:
    way = -here
    shares: list[float] = []
    for step, change, curvature in reversed(memory):
        share = _dot(step, way) / curvature
        way = way - share * change
        shares.append(share)
    if memory:
        step, change, curvature = memory[-1]
        way = way * (curvature / _dot(change, change))
    for (step, change, curvature), share in zip(memory, reversed(shares), strict=True):
        way = way + (share - _dot(change, way) / curvature) * step
    return way


def _step(
    slope: Callable[[Matrix], Matrix], place: Matrix, here: Matrix, way: Matrix, size: float
) -> tuple[Matrix, Matrix]:
    """Return a place along the way that is neither too near nor beyond the valley, and its slope.

    Neither: the slope along the way has lost a tenth, and has not turned by as much as it was.
    """
    steepness = _dot(here, way)
    low, high = 0.0, np.inf
    for _ in range(_HALVINGS):
        moved = place + size * way
        there = slope(moved)
        rest = _dot(there, way) / steepness  # 1 at the start, 0 in the valley
        if rest > 0.9:
            low = size
        elif rest < -0.9:
            high = size
        else:
            break
        size = 2 * size if high == np.inf else (low + high) / 2
    return moved, there


def _dot(left: Matrix, right: Matrix) -> float:
    return float((left * right).sum())
