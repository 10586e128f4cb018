"""What a model thinks of texts, in numbers, and how much it doubts: what is worth asking about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from enrichment.batch import cut_into_pieces
from enrichment.features import FeatureFinder
from enrichment.folded import FoldedBatch
from enrichment.heard import hear
from enrichment.joined import Places
from enrichment.learning import Matrix, probabilities
from enrichment.lexicon import Lexicon
from enrichment.tables import shipped_model
from enrichment.trained import from_bytes
from enrichment.words import open_segmenter

LEAST_SAID: Final = 4
"""Letters and digits of own words below which nobody could tell, either."""


def doubts(texts: Sequence[str], lexicon: Lexicon) -> NDArray[np.float64]:
    """Return the doubt about each text, at least one: 1 where a head cannot decide, 0 for none.

    It is the doubt about the mood and the greatest about an intent or aspect, in the mean.
    """
    told, lengths = thoughts(texts, lexicon)
    thresholds = from_bytes(lexicon.model or shipped_model()).thresholds
    mood = 1 - np.abs(2 * told[:, 0] - 1)
    others = _from_threshold(told[:, 1:], thresholds[1:]).max(axis=1)
    return np.where(lengths >= LEAST_SAID, (mood + others) / 2, 0.0)


def thoughts(texts: Sequence[str], lexicon: Lexicon) -> tuple[Matrix, Places]:
    """Return the probability of every head for texts, at least one, and their own lengths."""
    trained = from_bytes(lexicon.model or shipped_model())
    segmenter, finder = open_segmenter(lexicon.frequencies), FeatureFinder()
    told, lengths = [], []
    for start, end in cut_into_pieces(list(map(len, texts))):
        heard = hear(texts[start:end], segmenter)
        features = finder.find(FoldedBatch(heard.own, heard.begins), trained.wanted)
        told.append(probabilities(trained.logits(features)))
        lengths.append(heard.own_lengths)
    return np.concatenate(told), np.concatenate(lengths)


def _from_threshold(
    told: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return 1 at the threshold, falling to 0 at either end."""
    above = (told - thresholds) / (1 - thresholds)
    return np.asarray(1 - np.where(told < thresholds, 1 - told / thresholds, above), np.float64)
