"""The weights of a trained model: one file for the mood, every intent and every aspect."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from enrichment.errors import ModelError
from enrichment.features import COLUMNS, UNIT, Features, Whole
from enrichment.grams import BITS
from enrichment.intent import ASPECTS, INTENTS
from enrichment.joined import Flags

MOOD: Final = "mood"
HEADS: Final = (
    MOOD,
    *(f"intent:{name}" for name in INTENTS),
    *(f"aspect:{name}" for name in ASPECTS),
)
"""What a model answers, each with yes or no; the mood's yes is positive, its no negative."""
WEIGHT_UNIT: Final = 256
"""Dense weights are whole parts of this."""
MOST_IN_FOUR: Final = (1 << 15) // 128
"""N-grams whose weights surely add up to a number of 16 bits, so that four fit into one."""
SLAB: Final = 256
"""Texts whose product is so small that BLAS starts no threads: every core has its own worker."""
_LANES: Final = (2, 4)


@dataclass(frozen=True)
class Trained:
    """Weights of all `HEADS`; whole numbers, so that sums are exact."""

    buckets: NDArray[np.uint32]
    """Buckets of the n-grams that say something, sorted."""
    grams: NDArray[np.int8]
    """A row for each of them, a column for each head, in parts of `gram_units`."""
    gram_units: NDArray[np.float64]
    dense: Whole
    """A row for each of `features.COLUMNS`, in parts of `WEIGHT_UNIT`."""
    constants: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    """Probability from which a head says yes; of the mood, from which either side is believed."""
    made_of: str = ""
    """Digest of what it was trained from (`training.digest_of_ours`)."""

    @cached_property
    def slots(self) -> NDArray[np.int32]:
        """Return the row of each bucket; -1 for one that says nothing."""
        table = np.full(1 << BITS, -1, np.int32)
        table[self.buckets] = np.arange(len(self.buckets))
        return table

    @cached_property
    def wanted(self) -> Flags:
        """Say of each bucket whether its n-grams say something."""
        return np.asarray(self.slots >= 0)

    @cached_property
    def _packed(self) -> dict[int, Whole]:
        """Return the weights of n-grams, those of two or four heads in one number: so much less
        to add up."""
        weights = self.grams.astype(np.int64).T
        missing = np.zeros((-len(weights) % max(_LANES), weights.shape[1]), np.int64)
        weights = np.concatenate((weights, missing))
        return {
            lanes: np.ascontiguousarray(
                sum(weights[lane::lanes] << (lane * 64 // lanes) for lane in range(lanes))
            )
            for lanes in _LANES
        }

    def logits(self, features: Features) -> NDArray[np.float64]:
        """Return the log odds of every head, a row for each text."""
        scaled = self._sums(features).T * features.scales[:, None] * self.gram_units
        dense = self._product(features.dense) / (UNIT * WEIGHT_UNIT)
        return np.asarray(dense + scaled + self.constants, np.float64)

    def _sums(self, features: Features) -> Whole:
        """Add up the weights of the n-grams of each text, a row for each head."""
        sums = np.zeros((len(HEADS), features.count), np.int64)
        owners = features.grams.owners
        if not len(owners):
            return sums
        firsts = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1])))
        rows, texts = self.slots.take(features.grams.buckets).astype(np.int64), owners[firsts]
        lanes = 4 if np.diff(firsts, append=len(owners)).max() <= MOST_IN_FOUR else 2
        for place, weights in enumerate(self._packed[lanes]):
            packed = np.add.reduceat(weights.take(rows), firsts)
            for head in range(place * lanes, min(place * lanes + lanes, len(HEADS))):
                low = packed.astype(np.int16 if lanes == 4 else np.int32)  # keeps its sign
                sums[head, texts] = low
                packed = (packed - low) >> (64 // lanes)
        return sums

    def _product(self, dense: Whole) -> Whole | NDArray[np.float64]:
        """Return dense features · weights: whole numbers, and exact in floats unless huge."""
        if np.abs(self.dense).max(initial=0) * UNIT * len(COLUMNS) >= 1 << 53:
            return dense @ self.dense
        product = np.empty((len(dense), len(HEADS)))
        for start in range(0, len(dense), SLAB):
            slab = dense[start : start + SLAB].astype(np.float64)
            np.matmul(slab, self._dense_floats, out=product[start : start + SLAB])
        return product

    @cached_property
    def _dense_floats(self) -> NDArray[np.float64]:
        return self.dense.astype(np.float64)

    def to_bytes(self) -> bytes:
        """Return the file; equal weights give equal bytes."""
        told = {
            "heads": np.array(HEADS),
            "columns": np.array(COLUMNS),
            "made_of": np.array(self.made_of),
            **{name: getattr(self, name) for name in _ARRAYS},
        }
        file = io.BytesIO()
        np.savez(file, **told)
        return file.getvalue()


_ARRAYS: Final = ("buckets", "grams", "gram_units", "dense", "constants", "thresholds")


def from_bytes(content: bytes) -> Trained:
    """Read a model; `ModelError` when it answers other questions, or was made of other columns."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as told:
            heads, columns = (tuple(told[name].tolist()) for name in ("heads", "columns"))
            arrays = {name: told[name] for name in _ARRAYS}
            made_of = str(told["made_of"])
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise ModelError(f"model: not a model of this engine ({error}); train it anew") from error
    for name, found, expected in (("heads", heads, HEADS), ("columns", columns, COLUMNS)):
        if found != expected:
            odd = sorted(set(found) ^ set(expected)) or ["another order"]
            raise ModelError(f"model: {name} differ in {', '.join(odd)}; train it anew")
    return Trained(**arrays, made_of=made_of)
