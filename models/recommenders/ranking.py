"""The best of many, in an order that does not depend on how they were found or summed."""

import numpy as np

from stream_app.models.recommenders.types import FloatArray, IntArray


def leading(scores: FloatArray, latest: IntArray, most: int) -> IntArray:
    """Return the indices of the `most` highest scores, best first.

    Among equal scores, the one with the higher number in `latest` comes first; these must be distinct.
    """
    if len(scores) > most:
        least = np.partition(scores, -most)[-most]
        places = (scores >= least).nonzero()[0]
    else:
        places = np.arange(len(scores))
    order: IntArray = places[np.lexsort((-latest[places], -scores[places]))][:most]
    return order


def running_total(weights: FloatArray) -> float:
    """Return the sum of weights, added one after another as in compiled code; 0 if there are none."""
    return float(np.add.accumulate(weights)[-1]) if len(weights) else 0.0
