"""A volume is turned within its own memory, or not at all."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import nibabel
import numpy as np
import pytest

from core.images import read_image
from core.images.turning import turned_in_place
from core.records import Array


def stored(*shape: int) -> Array:
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


@pytest.mark.parametrize("shape", [(5, 4, 3), (4, 6, 2), (1, 3, 4), (3, 1, 1), (6, 5), (7,)])
def test_reversed_axes_come_out_straight_in_the_same_memory(shape: tuple[int, ...]) -> None:
    for steps in product((1, -1), repeat=len(shape)):
        owner = stored(*shape)
        view = owner[tuple(slice(None, None, step) for step in steps)]
        expected = view.copy()
        turned = turned_in_place(view)
        assert turned is not None
        assert np.shares_memory(turned, owner)
        assert turned.flags.c_contiguous
        np.testing.assert_array_equal(turned, expected)


def test_numbers_in_bare_bytes_are_turned_there() -> None:
    raw = np.frombuffer(stored(4, 3, 2).tobytes(), np.uint8).copy()
    view = raw.view(np.int16).reshape((2, 3, 4), order="F").transpose(2, 1, 0)[::-1, :, ::-1]
    expected = view.copy()
    turned = turned_in_place(view)
    assert turned is not None
    assert np.shares_memory(turned, raw)
    np.testing.assert_array_equal(turned, expected)


def test_what_is_not_whole_not_ours_or_in_another_order_is_left_alone() -> None:
    whole, read_only = stored(4, 3, 2), stored(4, 3, 2)
    read_only.setflags(write=False)
    before = whole.copy()
    views = (
        whole.transpose(0, 2, 1),
        whole[:3],
        whole[::-2],
        np.broadcast_to(whole[:1], (4, 3, 2)),
        read_only[::-1],
        np.frombuffer(bytearray(whole.tobytes()), np.int16).reshape(4, 3, 2)[::-1],
        whole.view(np.uint16)[::-1],
        whole[:0],
    )
    assert [turned_in_place(view) for view in views] == [None] * len(views)
    np.testing.assert_array_equal(whole, before)


@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_a_volume_of_any_direction_opens_read_only_and_as_nibabel_turns_it(
    tmp_path: Path, signs: tuple[int, int, int]
) -> None:
    path = tmp_path / "scan.nii"
    nibabel.save(nibabel.Nifti1Image(stored(4, 5, 6), np.diag([*signs, 1])), path)
    image = read_image(path)
    theirs = nibabel.load(path)
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(theirs.affine), nibabel.orientations.axcodes2ornt("LPS")
    )
    expected = nibabel.orientations.apply_orientation(np.asarray(theirs.dataobj), turn).transpose(2, 1, 0)
    np.testing.assert_array_equal(image.voxels, expected)
    assert not image.voxels.flags.writeable
    assert image.voxels.flags.c_contiguous
