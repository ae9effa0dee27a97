"""Read, orient, normalise and write images and label maps, with their affine."""

from core.images.dicom_series import is_dicom_folder, series_in, series_of
from core.images.folders import list_cases, read_case, scan_folder, series_cases
from core.images.intensities import normalise
from core.images.labels import looks_like_mask, read_labels
from core.images.pairing import find_reference, pair, pairs_with, sample_name
from core.images.reading import read_image, read_series
from core.images.sniffing import READABLE, sniff_image
from core.images.writing import write_labels, write_probability

__all__ = [
    "READABLE",
    "find_reference",
    "is_dicom_folder",
    "list_cases",
    "looks_like_mask",
    "normalise",
    "pair",
    "pairs_with",
    "read_case",
    "read_image",
    "read_labels",
    "read_series",
    "sample_name",
    "scan_folder",
    "series_cases",
    "series_in",
    "series_of",
    "sniff_image",
    "write_labels",
    "write_probability",
]
