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
    def _pairs(self) -> Whole:
        """Return the weights of n-grams, those of two heads in one number: half the work."""
        weights = self.grams.astype(np.int64).T
        if len(weights) % 2:
            weights = np.concatenate((weights, np.zeros_like(weights[:1])))
        return np.ascontiguousarray(weights[0::2] + (weights[1::2] << 32))

    def logits(self, features: Features) -> NDArray[np.float64]:
        """Return the log odds of every head, a row for each text."""
        sums = np.zeros((len(HEADS) + 1, features.count), np.int64)
        owners = features.grams.owners
        if len(owners):
            firsts = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1])))
            rows, texts = self.slots[features.grams.buckets], owners[firsts]
            for head, weights in enumerate(self._pairs):
                both = np.add.reduceat(weights[rows], firsts)
                low = both.astype(np.int32)  # keeps the lower half, with its sign
                sums[2 * head, texts], sums[2 * head + 1, texts] = low, (both - low) >> 32
        sparse = sums[: len(HEADS)].T * features.scales[:, None] * self.gram_units
        dense = (features.dense @ self.dense) / (UNIT * WEIGHT_UNIT)
        return np.asarray(dense + sparse + self.constants, np.float64)

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
