"""NRRD, MetaImage, MGH, GIPL, .npz and TIFF pages made here: the rules that no file of the shared data covers."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import ImageRefused
from core.images import read_image, read_labels
from core.records import Image, LabelMap

VALUES = np.arange(60, dtype=np.int16).reshape(3, 4, 5, order="F")  # (i, j, k)
SPACE = "space: left-posterior-superior\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (-10,-20,-30)\n"


def codes(image: Image | LabelMap) -> list[str]:
    return [finding.code for finding in image.findings]


def nrrd(path: Path, values: Any, *, fields: str = SPACE, encoding: str = "raw", data: bytes | None = None) -> Path:
    sizes = " ".join(map(str, values.shape))
    kind = {"int16": "short", "uint8": "uchar", "float32": "float"}[str(values.dtype)]
    head = f"NRRD0004\ntype: {kind}\ndimension: {values.ndim}\nsizes: {sizes}\nencoding: {encoding}\nendian: little\n"
    raw = values.tobytes(order="F") if data is None else data
    path.write_bytes((head + fields + "\n").encode() + (gzip.compress(raw) if encoding == "gzip" else raw))
    return path


def lps(image: Image) -> Any:
    """Where the first voxel of the file lies, as the file counts: it is the corner with the smallest LPS numbers."""
    assert image.affine is not None
    return image.affine @ [0, 0, 0, 1] * [-1, -1, 1, 1]


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_an_nrrd_lies_where_it_says(tmp_path: Path, encoding: str) -> None:
    image = read_image(nrrd(tmp_path / "a.nrrd", VALUES, encoding=encoding))
    assert image.voxels.dtype == np.int16
    np.testing.assert_array_equal(image.voxels, VALUES.transpose(2, 1, 0))
    assert image.spacing_mm == (4, 3, 2)
    np.testing.assert_allclose(lps(image), [-10, -20, -30, 1])


def test_an_nrrd_that_only_knows_its_spacing_has_no_orientation(tmp_path: Path) -> None:
    image = read_image(nrrd(tmp_path / "a.nrrd", VALUES, fields="spacings: 2 3 4\n"))
    assert codes(image) == ["image.orientation-unknown"]
    assert (image.affine, image.spacing_mm) == (None, (4, 3, 2))
    image = read_image(nrrd(tmp_path / "b.nrrd", VALUES, fields=SPACE.replace("left-posterior", "scanner-odd")))
    assert image.affine is None


def test_a_list_axis_of_an_nrrd_counts_frames(tmp_path: Path) -> None:
    four = np.stack([VALUES, VALUES + 100])
    fields = SPACE.replace("directions: ", "directions: none ")
    for frame in range(2):
        image = read_image(nrrd(tmp_path / "a.nrrd", four, fields=fields), frame=frame)
        assert image.frames == 2
        np.testing.assert_array_equal(image.voxels, four[frame].transpose(2, 1, 0))


@pytest.mark.parametrize(
    "named", ["/etc/passwd", "../b.raw", "file:b.raw", "C:\\b.raw", "link.raw", "sub/../b.raw", "\\\\host\\b"]
)
@pytest.mark.parametrize("kind", ["nhdr", "mhd"])
def test_a_header_may_not_point_out_of_its_folder(tmp_path: Path, named: str, kind: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "b.raw").write_bytes(VALUES.tobytes(order="F"))
    (folder / "link.raw").symlink_to(tmp_path / "b.raw")
    with pytest.raises(ImageRefused, match="outside its folder"):
        read_image(detached(folder, kind, named))


def detached(folder: Path, kind: str, named: str) -> Path:
    if kind == "nhdr":
        return nrrd(folder / "a.nhdr", VALUES, fields=SPACE + f"data file: {named}\n", data=b"")
    return mha(folder / "a.mhd", VALUES, named=named)


@pytest.mark.parametrize("kind", ["nhdr", "mhd"])
def test_a_header_with_its_data_beside_it_is_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "b.raw").write_bytes(VALUES.tobytes(order="F"))
    np.testing.assert_array_equal(read_image(detached(tmp_path, kind, "b.raw")).voxels, VALUES.transpose(2, 1, 0))
    (tmp_path / "b.raw").write_bytes(VALUES.tobytes(order="F")[:-1])
    with pytest.raises(ImageRefused, match="incomplete"):
        read_image(detached(tmp_path, kind, "b.raw"))
    (tmp_path / "b.raw").unlink()
    with pytest.raises(ImageRefused, match="no such file"):
        read_image(detached(tmp_path, kind, "b.raw"))


def segmentation(path: Path, layers: Any, segments: list[tuple[str, int, int]]) -> Path:
    fields = SPACE.replace("directions: ", "directions: none ") if layers.ndim == 4 else SPACE
    for number, (name, layer, value) in enumerate(segments):
        fields += (
            f"Segment{number}_ID:=Segment_{number}\nSegment{number}_Name:={name}\nSegment{number}_Color:=1 0.5 0\n"
        )
        fields += f"Segment{number}_Layer:={layer}\nSegment{number}_LabelValue:={value}\n"
        fields += f"Segment{number}_Tags:=TerminologyEntry:List~SCT^1^Structure~SCT^10200004^Liver~^^~^^~^^|\n"
    return nrrd(path, layers, fields=fields)


def test_overlapping_layers_become_one_label_map_with_a_warning(tmp_path: Path) -> None:
    layers = np.zeros((2, 3, 4, 5), np.uint8)
    layers[0, :2] = 1
    layers[1, 1:] = 1
    labels = read_labels(segmentation(tmp_path / "a.seg.nrrd", layers, [("liver", 0, 1), ("lesion", 1, 1)]))
    assert labels.names == {1: "liver", 2: "lesion"}
    assert labels.colours == {1: (255, 128, 0), 2: (255, 128, 0)}
    assert labels.codes == {1: "SCT:10200004", 2: "SCT:10200004"}
    assert codes(labels) == ["labels.renumbered", "labels.overlap"]
    assert labels.labels[0, 0].tolist() == [1, 2, 2]
    assert "20 voxels" in labels.findings[1].message


def test_a_segmentation_that_names_a_layer_it_does_not_have_is_refused(tmp_path: Path) -> None:
    layers = np.zeros((2, 3, 4, 5), np.uint8)
    with pytest.raises(ImageRefused, match="contradicts itself"):
        read_labels(segmentation(tmp_path / "a.seg.nrrd", layers, [("liver", 5, 1)]))


def test_a_segmentation_cut_to_what_it_marks_is_put_back_into_its_image(tmp_path: Path) -> None:
    image = read_image(nrrd(tmp_path / "a.nrrd", VALUES))
    cut = np.ones((2, 2, 2), np.uint8)
    moved = SPACE.replace("(-10,-20,-30)", "(-8,-17,-26)")  # one voxel further along each axis
    path = segmentation(tmp_path / "a.seg.nrrd", cut, [("liver", 0, 1)])
    path.write_bytes(path.read_bytes().replace(SPACE.encode(), moved.encode()))
    labels = read_labels(path, like=image)
    assert labels.labels.shape == image.voxels.shape
    np.testing.assert_array_equal(labels.affine, image.affine)
    assert np.argwhere(labels.labels).min(axis=0).tolist() == [1, 1, 1]
    assert np.count_nonzero(labels.labels) == 8
    between = path.read_bytes().replace(b"(-8,-17,-26)", b"(-8.6,-17,-26)")
    path.write_bytes(between)
    with pytest.raises(Exception, match="has shape"):
        read_labels(path, like=image)


def mha(
    path: Path, values: Any, *, named: str = "LOCAL", packed: bool = False, turn: str = "1 0 0 0 1 0 0 0 1"
) -> Path:
    raw = values.tobytes(order="F")
    head = (
        f"ObjectType = Image\nNDims = {values.ndim}\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"CompressedData = {packed}\nTransformMatrix = {turn}\nOffset = -10 -20 -30\nElementSpacing = 2 3 4\n"
        f"DimSize = {' '.join(map(str, values.shape))}\nElementType = MET_SHORT\nElementDataFile = {named}\n"
    )
    path.write_bytes(head.encode() + (b"" if named != "LOCAL" else zlib.compress(raw) if packed else raw))
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_metaimage_lies_where_it_says(tmp_path: Path, packed: bool) -> None:
    image = read_image(mha(tmp_path / "a.mha", VALUES, packed=packed))
    np.testing.assert_array_equal(image.voxels, VALUES.transpose(2, 1, 0))
    assert image.spacing_mm == (4, 3, 2)
    np.testing.assert_allclose(lps(image), [-10, -20, -30, 1])


def test_each_row_of_a_metaimage_matrix_is_one_axis(tmp_path: Path) -> None:
    """Turned by 30 degrees in the plane: the second voxel along i lies at the first row of the matrix times spacing."""
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turn = f"{cosine} {sine} 0 {-sine} {cosine} 0 0 0 1"
    image = read_image(mha(tmp_path / "a.mha", VALUES, turn=turn))
    assert image.affine is not None
    place = np.array([10 - 2 * cosine, 20 - 2 * sine, -30, 1])  # RAS
    index = np.rint(np.linalg.inv(image.affine) @ place)[:3].astype(int)
    assert image.voxels[tuple(index)] == VALUES[1, 0, 0]


@pytest.mark.parametrize("kind", ["nrrd", "mha"])
def test_missing_voxels_are_refused_before_anything_is_allocated(tmp_path: Path, kind: str) -> None:
    write = {"nrrd": nrrd, "mha": mha}[kind]
    path = write(tmp_path / f"a.{kind}", VALUES)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ImageRefused, match="incomplete"):
        read_image(path)


@pytest.mark.parametrize("ending", [".mgh", ".mgz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_an_mgh_file_lies_where_nibabel_says(tmp_path: Path, ending: str, dtype: Any) -> None:
    affine = np.array([[0, 0, 2, -10], [-1.5, 0, 0, 20], [0, -3, 0, 30], [0, 0, 0, 1.0]])
    stored = nibabel.MGHImage(VALUES.astype(dtype), affine)
    nibabel.save(stored, tmp_path / f"a{ending}")
    image = read_image(tmp_path / f"a{ending}")
    assert image.voxels.dtype == dtype
    assert image.affine is not None
    for index in np.ndindex(VALUES.shape):
        there = np.rint(np.linalg.inv(image.affine) @ affine @ [*index, 1])[:3].astype(int)
        assert image.voxels[tuple(there)] == VALUES[index]


def test_an_mgh_file_of_several_frames_and_one_without_orientation(tmp_path: Path) -> None:
    four = np.stack([VALUES, VALUES + 100], axis=-1)
    nibabel.save(nibabel.MGHImage(four, np.diag([-1, -1, 1, 1.0])), tmp_path / "a.mgz")
    image = read_image(tmp_path / "a.mgz", frame=1)
    assert image.frames == 2
    np.testing.assert_array_equal(image.voxels, four[..., 1].transpose(2, 1, 0))
    whole = bytearray(gzip.decompress((tmp_path / "a.mgz").read_bytes()))
    whole[28:30] = struct.pack(">h", 0)
    (tmp_path / "b.mgh").write_bytes(whole)
    assert read_image(tmp_path / "b.mgh").affine is None
    assert "image.orientation-unknown" in codes(read_image(tmp_path / "b.mgh"))


def test_an_archive_with_one_array_is_read_and_of_several_none_is_chosen(tmp_path: Path) -> None:
    plane = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.savez(tmp_path / "a.npz", image=plane, name=np.array("text"), spacing=np.array([1.0, 2.0]))
    np.testing.assert_array_equal(read_image(tmp_path / "a.npz").voxels[0], plane)
    np.savez_compressed(tmp_path / "b.npz", image=plane, mask=plane)
    with pytest.raises(ImageRefused, match="image, mask"):
        read_image(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes((tmp_path / "b.npz").read_bytes()[:-40])
    with pytest.raises(ImageRefused, match=r"\.npz"):
        read_image(tmp_path / "c.npz")


def test_pages_of_a_tiff_are_slices_when_they_are_alike(tmp_path: Path) -> None:
    pages = [Pillow.fromarray((np.arange(12, dtype=np.uint16) * 1000 + n).reshape(3, 4)) for n in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    image = read_image(tmp_path / "a.tif")
    assert image.voxels.shape == (3, 3, 4)
    assert image.voxels.dtype == np.uint16
    assert image.voxels[:, 0, 0].tolist() == [0, 1, 2]
    assert codes(image) == ["image.pages"]
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=[pages[1].resize((8, 8))])
    assert read_image(tmp_path / "b.tif").frames == 2
    assert read_image(tmp_path / "b.tif", frame=1).voxels.shape == (1, 8, 8)


def test_a_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(np.full((4, 4), 60 * n, np.uint8)) for n in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif").frames == 3
    with pytest.raises(ImageRefused, match="no frame 3"):
        read_image(tmp_path / "a.gif", frame=3)


MEASURE = """
import re, sys
from pathlib import Path
import nibabel
from core.images import read_image

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

before = peak()
image = read_image(sys.argv[1])
print(image.voxels.nbytes, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process")
@pytest.mark.parametrize("kind", ["nii", "nrrd", "mha"])
def test_a_volume_costs_at_most_2_2_times_its_size(tmp_path: Path, kind: str) -> None:
    """In a process of its own, since a peak is remembered."""
    values = np.zeros((256, 256, 500), np.int16, order="F")
    values[0, 0, 0] = 1
    path = tmp_path / f"a.{kind}"
    if kind == "nii":
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    else:
        {"nrrd": nrrd, "mha": mha}[kind](path, values)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, cwd=root, check=True
    )
    size, extra = map(int, done.stdout.split())
    assert size == values.nbytes
    assert 0.9 * size < extra < 2.2 * size
