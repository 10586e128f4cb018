"""Fitting: known optima, numbers worked out by hand, and the same bits every time."""

from __future__ import annotations

import numpy as np
import pytest

from enrichment.learning import Rows, exponential, fit, probabilities

NOTHING = np.zeros(0, np.int64)


def dense_rows(*columns: list[float]) -> Rows:
    dense = np.array(columns, np.float64).T
    return Rows(NOTHING, NOTHING, np.ones(len(dense)), dense, 0)


def test_the_exponential_is_the_exponential() -> None:
    x = np.linspace(-60, 60, 4001)
    assert np.allclose(exponential(x), np.exp(x), rtol=1e-14, atol=0)
    assert exponential(np.array([1e9, -1e9])) == pytest.approx(np.exp([60.0, -60.0]))


def test_a_constant_alone_learns_the_share() -> None:
    """Three of four say yes: the log odds of that are ln 3."""
    weights = fit(
        dense_rows([0.0, 0.0, 0.0, 0.0]),
        np.array([[1.0], [1.0], [1.0], [0.0]]),
        sparse_penalty=1,
        dense_penalty=1e-3,
    )
    assert weights[:, 0] == pytest.approx([0, np.log(3)], abs=1e-5)


def test_the_penalty_pulls_as_far_as_it_says() -> None:
    """One text each side: where the slope of the loss is that of the penalty."""
    weights = fit(
        dense_rows([1.0, -1.0]), np.array([[1.0], [0.0]]), sparse_penalty=1, dense_penalty=0.1
    )
    weight = weights[0, 0]
    assert weight == pytest.approx(1 / (1 + np.exp(weight)) / 0.1, abs=1e-5)
    assert weights[1, 0] == pytest.approx(0, abs=1e-9)


def test_what_does_not_count_is_not_learned() -> None:
    rows = dense_rows([1.0, -1.0, 1.0])
    targets, importance = np.array([[1.0], [0.0], [0.0]]), np.array([[1.0], [1.0], [0.0]])
    weights = fit(rows, targets, sparse_penalty=1, dense_penalty=0.1, importance=importance)
    few = fit(dense_rows([1.0, -1.0]), targets[:2], sparse_penalty=1, dense_penalty=0.1)
    assert weights == pytest.approx(few, abs=1e-6)


def test_sparse_and_dense_columns_are_the_same_thing() -> None:
    """Text 0 has columns 0 and 1, text 1 column 1 twice; every n-gram counts a half."""
    sparse = Rows(
        np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), np.array([0.5, 0.5]), np.ones((2, 1)), 2
    )
    weights = np.array([[4.0], [2.0], [1.0], [10.0]])  # two n-grams, a dense column, a constant
    assert sparse.times(weights).tolist() == [[0.5 * (4 + 2) + 1 + 10], [0.5 * (2 + 2) + 1 + 10]]
    assert sparse.back(np.array([[1.0], [2.0]]))[:, 0].tolist() == [0.5, 0.5 + 2, 3, 3]


def test_fitting_gives_the_same_bits_and_heads_do_not_touch() -> None:
    draw = np.random.default_rng(3)
    rows = Rows(
        draw.integers(0, 20, 400),
        np.sort(draw.integers(0, 60, 400)),
        np.ones(60),
        draw.normal(size=(60, 2)),
        20,
    )
    targets = draw.integers(0, 2, (60, 3)).astype(float)
    once = fit(rows, targets, sparse_penalty=1e-2, dense_penalty=1e-2, steps=200)
    again = fit(rows, targets, sparse_penalty=1e-2, dense_penalty=1e-2, steps=200)
    assert once.tobytes() == again.tobytes()
    alone = fit(rows, targets[:, 1:2], sparse_penalty=1e-2, dense_penalty=1e-2, steps=200)
    assert once[:, 1:2] == pytest.approx(alone, abs=1e-3)


def test_half_the_odds_is_one_half() -> None:
    assert probabilities(np.array([[0.0, np.log(3)]]))[0].tolist() == pytest.approx([0.5, 0.75])
