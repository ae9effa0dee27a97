"""Network + sampler + value range + decision rule: what the producer's own test step did with an image."""

from core.segmenters.segmenter import Segmenter

__all__ = ["Segmenter"]
