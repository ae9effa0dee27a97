"""Data sets of cases with references: the producers' folders, nnU-Net and BIDS trees, folders by name, a CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import FlowglassError
from core.evaluation.records import LAYOUTS, DataSet, EvaluationCase, Layout
from core.images import sample_name, scan_folder
from core.images.pairing import choose_label, has_image_extension, stem
from core.records import CasePaths, Finding
from core.text import one_line
from core.walk import walk

SPLITS = ("test", "val", "train")
LISTED = 5
"""Names that a finding spells out."""
MAX_CSV_BYTES = 64 << 20
COLUMNS = {
    "image": ("image", "img", "image_path", "scan"),
    "reference": ("reference", "label", "mask", "gt", "ground_truth", "segmentation", "label_path", "mask_path"),
    "case": ("case", "name", "id", "case_id", "sample"),
    "patient": ("patient", "patient_id", "subject", "subject_id"),
    "region": ("region", "roi", "fov"),
}
_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)")
_BIDS_MASK = re.compile(r"_(dseg|mask|probseg)$")


class DataRefused(FlowglassError):
    """A data set without a single usable pair, or one that can be read in no layout."""


def find_data_set(
    path: Path | str, *, layout: str = "auto", split: str | None = None, regions: Path | str | None = None
) -> DataSet:
    """The pairs of image and reference in `path`, a folder or a CSV file, in a fixed order.

    `layout`: one of `LAYOUTS`, or `auto` for the first that fits. `split`: `test`, `val`, `train` of a producers' or
    nnU-Net tree; the test part unless said otherwise. `regions`: a folder of masks, paired by name, inside which
    alone is measured. Images without a reference are left out, with a finding. Raises DataRefused.
    """
    path = Path(path).absolute()
    if layout not in ("auto", *LAYOUTS):
        raise DataRefused(f"There is no layout {layout!r}. Use auto, {', '.join(LAYOUTS)}.")
    if not path.exists():
        raise DataRefused(f"{path}: there is no such folder or file. Check --data.")
    readers: dict[Layout, Callable[[Path, str | None], DataSet | None]] = {
        "csv": _from_csv,
        "nnunet": _from_nnunet,
        "bids": _from_bids,
        "producers": _from_producers,
        "folders": _from_folders,
    }
    for name, read in readers.items():
        found = read(path, split) if layout in ("auto", name) else None
        if found is not None and found.cases:
            if split is not None and name in ("csv", "bids"):
                raise DataRefused(f"{path.name} has no parts called test, val and train. Leave --split out.")
            return found if regions is None else _with_regions(found, Path(regions).absolute())
    raise DataRefused(_nothing_found(path, layout))


def _nothing_found(path: Path, layout: str) -> str:
    how = "in any known layout" if layout == "auto" else f"in the layout {layout}"
    return (
        f"{path.name}: no image with a reference was found {how}. Flowglass knows <split>/image and <split>/label, "
        "imagesTs and labelsTs (nnU-Net), BIDS with derivatives, folders paired by name, and a CSV with the columns "
        "image and reference."
    )


# ---- the producers' folders ------------------------------------------------------------------------------------------


def _from_producers(path: Path, split: str | None) -> DataSet | None:
    """`<split>/image/x` with `<split>/label/x` of the very same name, in plain string order (evaluation spec 2.1)."""
    base = _split_folder(path, split)
    if base is None:
        return None
    images, labels = base / "image", base / "label"
    names = sorted(entry.name for entry in images.iterdir() if entry.is_file() and not entry.name.startswith("."))
    paired = [name for name in names if (labels / name).is_file()]
    cases = tuple(
        EvaluationCase(
            paths=CasePaths(
                name=name, image=str(images / name), reference=str(labels / name), sample=sample_name(images / name)
            )
        )
        for name in paired
    )
    return DataSet(path=str(path), layout="producers", cases=cases, findings=_left_out(names, paired))


def _split_folder(path: Path, split: str | None) -> Path | None:
    """The folder that holds `image` and `label`: `path` itself, or its split."""
    wanted = [split] if split else list(SPLITS)
    candidates = [path / name for name in wanted]
    if split is None or path.name == split:
        candidates.insert(0, path)
    return next((base for base in candidates if (base / "image").is_dir() and (base / "label").is_dir()), None)


# ---- nnU-Net ---------------------------------------------------------------------------------------------------------


def _from_nnunet(path: Path, split: str | None) -> DataSet | None:
    """`imagesTs/<case>_0000.nii.gz` with `labelsTs/<case>.nii.gz`; `Tr` for the training part."""
    endings = {"test": ["Ts"], "train": ["Tr"], None: ["Ts", "Tr"]}.get(split, [])
    for ending in endings:
        images, labels = path / f"images{ending}", path / f"labels{ending}"
        if images.is_dir() and labels.is_dir():
            return _nnunet_part(path, images, labels)
    return None


def _nnunet_part(path: Path, images: Path, labels: Path) -> DataSet:
    names, references = _image_names(images), {stem(name): name for name in _image_names(labels)}
    channels = [name for name in names if re.search(r"_\d{4}$", stem(name))]
    firsts = [name for name in names if name not in channels or stem(name).endswith("_0000")]
    pairs = {name: references.get(stem(name).removesuffix("_0000")) for name in firsts}
    cases = tuple(
        _case(stem(name).removesuffix("_0000"), images / name, labels / label) for name, label in pairs.items() if label
    )
    findings = _left_out(firsts, [name for name, label in pairs.items() if label])
    if len(firsts) < len(names):
        findings += (
            Finding(
                severity="warning",
                code="data.first-channel",
                message=f"{len(names) - len(firsts)} files are further channels (_0001, ...); channel 0000 is used.",
                remedy="The networks that Flowglass runs take one channel. Choose other files with a CSV of pairs.",
            ),
        )
    return DataSet(path=str(path), layout="nnunet", cases=cases, findings=findings)


# ---- BIDS ------------------------------------------------------------------------------------------------------------


def _from_bids(path: Path, split: str | None) -> DataSet | None:
    """`sub-*/**/<entities>_<suffix>` with a `_dseg` or `_mask` file of the same subject (and session, and run) below
    `derivatives`, or beside it."""
    if not path.is_dir() or not any(_SUBJECT.fullmatch(entry.name) for entry in path.iterdir()):
        return None
    files = [folder / name for folder, names in walk(path).files.items() for name in names if has_image_extension(name)]
    masks = [file for file in files if _BIDS_MASK.search(stem(file.name))]
    raw = sorted(file for file in files if file not in set(masks) and "derivatives" not in file.parts)
    pairs = {image: _bids_mask(image, masks) for image in raw}
    cases = tuple(
        replace(_case(stem(image.name), image, mask), patient=_subject(image)) for image, mask in pairs.items() if mask
    )
    names = [image.name for image in raw]
    return DataSet(
        path=str(path),
        layout="bids",
        cases=cases,
        findings=_left_out(names, [image.name for image, mask in pairs.items() if mask]),
    )


def _bids_mask(image: Path, masks: Sequence[Path]) -> Path | None:
    """The one mask whose entities hold all of the image's; None when none or several fit equally."""
    wanted = _entities(image)
    fitting = [mask for mask in masks if wanted <= _entities(mask)]
    least = min((len(_entities(mask)) for mask in fitting), default=0)
    closest = [mask for mask in fitting if len(_entities(mask)) == least]
    return closest[0] if len(closest) == 1 else None


def _entities(file: Path) -> frozenset[str]:
    """`sub-01_ses-2_T1w` -> {sub-01, ses-2}: the suffix names the kind of picture, not the picture."""
    return frozenset(part for part in stem(file.name).split("_") if "-" in part)


def _subject(file: Path) -> str | None:
    found = _SUBJECT.search(file.name)
    return found.group(1) if found else None


# ---- folders paired by name ------------------------------------------------------------------------------------------


def _from_folders(path: Path, split: str | None) -> DataSet | None:
    """Whatever a dropped folder of cases is understood as, without the images that have no reference."""
    base = path / split if split else path
    if not base.is_dir():
        return None
    contents = scan_folder(base)
    paired = [case for case in contents.cases if case.reference]
    findings = _left_out([case.name for case in contents.cases], [case.name for case in paired])
    return DataSet(
        path=str(path),
        layout="folders",
        cases=tuple(EvaluationCase(paths=case) for case in paired),
        findings=(*findings, *contents.findings),
    )


# ---- a CSV of pairs --------------------------------------------------------------------------------------------------


def _from_csv(path: Path, split: str | None) -> DataSet | None:
    """A table with the columns image and reference, and if there are, case, patient and region; paths are relative to
    the file."""
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_CSV_BYTES:
        raise DataRefused(f"{path.name}: a CSV of pairs of more than 64 MB is not read. Split it.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataRefused(f"{path.name} is not text in UTF-8. Save the table as CSV in UTF-8.") from error
    lines = text.splitlines()
    if not lines:
        raise DataRefused(f"{path.name} is empty.")
    separator = max(",;\t", key=lines[0].count)
    rows = list(csv.DictReader(lines, delimiter=separator))
    columns = _columns(rows[0].keys() if rows else (), path)
    cases = tuple(_csv_case(row, columns, path, number) for number, row in enumerate(rows, 2))
    _refuse_double_names(cases, path)
    return DataSet(path=str(path), layout="csv", cases=cases)


def _columns(header: Iterable[str | None], path: Path) -> dict[str, str]:
    """Our name of a column -> the file's."""
    given = {name.strip().lower(): name for name in header if name}
    found = {
        ours: given[theirs[0]]
        for ours, names in COLUMNS.items()
        if (theirs := [name for name in names if name in given])
    }
    for needed in ("image", "reference"):
        if needed not in found:
            raise DataRefused(
                f"{path.name} has no column {needed!r} (its columns: {one_line(', '.join(given), 200) or 'none'}). "
                f"Name one of them {' or '.join(COLUMNS[needed][:3])}."
            )
    return found


def _csv_case(row: dict[str, str], columns: dict[str, str], path: Path, line: int) -> EvaluationCase:
    def cell(name: str) -> str | None:
        return (row.get(columns.get(name, "")) or "").strip() or None

    image, reference, region = cell("image"), cell("reference"), cell("region")
    if image is None or reference is None:
        raise DataRefused(f"{path.name}, line {line}: the image or the reference is missing. Fill it in.")
    placed = [None if one is None else path.parent / one for one in (image, reference, region)]
    for file in placed:
        if file is not None and not file.exists():
            raise DataRefused(f"{path.name}, line {line}: there is no {one_line(str(file), 300)}. Correct the path.")
    case = _case(cell("case") or image, path.parent / image, path.parent / reference)
    return replace(case, patient=cell("patient"), region=None if placed[2] is None else str(placed[2]))


def _refuse_double_names(cases: Sequence[EvaluationCase], path: Path) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.name in seen:
            raise DataRefused(f"{path.name}: two rows are called {one_line(case.name, 100)!r}. Rename one of them.")
        seen.add(case.name)


# ---- what they share -------------------------------------------------------------------------------------------------


def _case(name: str, image: Path, reference: Path) -> EvaluationCase:
    return EvaluationCase(
        paths=CasePaths(name=name, image=str(image), reference=str(reference), sample=sample_name(image))
    )


def _image_names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_file() and has_image_extension(entry.name))


def _left_out(names: Sequence[str], paired: Sequence[str]) -> tuple[Finding, ...]:
    missing = [name for name in names if name not in set(paired)]
    if not missing:
        return ()
    shown = one_line(", ".join(missing[:LISTED]), 300) + (", ..." if len(missing) > LISTED else "")
    return (
        Finding(
            severity="warning",
            code="data.no-reference",
            message=f"{len(missing)} of {len(names)} images have no reference and are left out: {shown}.",
            remedy="Put a mask of the same name in the folder of references, or name the pairs in a CSV.",
        ),
    )


def _with_regions(data: DataSet, folder: Path) -> DataSet:
    """Each case with the region mask of its name; a case without one is an error, not measured elsewhere."""
    if not folder.is_dir():
        raise DataRefused(f"{folder}: there is no such folder of regions.")
    names = _image_names(folder)
    cases = []
    for case in data.cases:
        chosen = choose_label(Path(case.paths.image).name, names)
        if chosen is None:
            raise DataRefused(f"{folder.name} has no region for {case.name}. Add one, or leave --regions out.")
        cases.append(replace(case, region=str(folder / chosen)))
    return replace(data, cases=tuple(cases))
