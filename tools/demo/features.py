"""What stands in for the vision-language model in the demo: sixteen numbers about a window.

There is no Qwen here. The first number is the polarity, known to the maker of the picture (+1 vessels dark, -1 bright),
as the real model might see it; the others are statistics of the window. float16, as the producers store it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tools.demo.recipes import FEATURE_WIDTH

Floats = NDArray[np.float32]
QUANTILES = (2, 10, 25, 50, 75, 90, 98)


def window_feature(window: Floats, polarity: float) -> NDArray[np.float16]:
    """(rows, columns) float32 in [-1, 1] -> (1, 16) float16."""
    narrow, wide = (gaussian_filter(window, scale) for scale in (1.5, 4.0))
    ridge = wide - narrow  # positive where a line is darker than what lies around it
    grain = window - gaussian_filter(window, 0.8)
    values = [
        polarity,
        1.0,
        *np.percentile(ridge, (5, 50, 95)),
        *np.percentile(window, QUANTILES),
        window.mean(),
        window.std(),
        grain.std(),
        np.abs(np.diff(narrow, axis=0)).mean(),
    ]
    assert len(values) == FEATURE_WIDTH
    return np.asarray(values, dtype=np.float16)[None]
