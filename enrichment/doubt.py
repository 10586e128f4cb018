"""How much a model doubts what it says of a text: what is worth asking people about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from enrichment.batch import cut_into_pieces
from enrichment.features import FeatureFinder
from enrichment.folded import FoldedBatch
from enrichment.heard import hear
from enrichment.learning import probabilities
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
    trained = from_bytes(lexicon.model or shipped_model())
    segmenter, finder = open_segmenter(lexicon.frequencies), FeatureFinder()
    found = []
    for start, end in cut_into_pieces(list(map(len, texts))):
        heard = hear(texts[start:end], segmenter)
        features = finder.find(FoldedBatch(heard.own, heard.begins), trained.wanted)
        told = probabilities(trained.logits(features))
        mood = 1 - np.abs(2 * told[:, 0] - 1)
        others = _from_threshold(told[:, 1:], trained.thresholds[1:]).max(axis=1)
        found.append(np.where(heard.own_lengths >= LEAST_SAID, (mood + others) / 2, 0.0))
    return np.concatenate(found)


def _from_threshold(
    told: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return 1 at the threshold, falling to 0 at either end."""
    above = (told - thresholds) / (1 - thresholds)
    return np.asarray(1 - np.where(told < thresholds, 1 - told / thresholds, above), np.float64)
