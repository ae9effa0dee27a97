"""The scrub from noise to mask as a film: GIF by Pillow, MP4 by PyAV, one picture after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib import util
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from core.errors import FigureRefused, ShapeMismatch
from core.figures import colours
from core.figures.moments import largest_cross, moments
from core.figures.scene import BACKGROUND, MUTED, TEXT, WARNING, Scene
from core.files import write_whole
from core.images.sections import section_of
from core.progress import Progress, Report
from core.records import AnimationFile, AnimationOptions, FigureColumn, Finding, Image, LabelMap

FORMATS = (".gif", ".mp4")
NO_VIDEO = (
    "MP4 needs PyAV, which is not installed. Install it with the extra `video`: pip install 'flowglass[video]'. "
    "GIF needs nothing more."
)
FASTEST_GIF = 50.0
"""GIF counts hundredths of a second, and players slow down what is shorter than two of them."""
GREYS = 144


def video_missing() -> str:
    """Why no MP4 can be written here; empty when it can."""
    return "" if util.find_spec("av") is not None else NO_VIDEO


def animate(
    columns: Sequence[FigureColumn],
    image: Image,
    path: Path,
    reference: LabelMap | None,
    options: AnimationOptions,
    report: Report,
) -> AnimationFile:
    """See `core.pipeline.animate`."""
    _check(columns, image, path, options)
    predictions = [column.prediction for column in columns]
    section = section_of(image, options.view, options.cross or largest_cross(predictions, image), options.convention)
    scene = Scene(columns, image, reference, section, options)
    times, left_out = moments(predictions)
    film = _Film(scene, times, options, report)
    write_whole(path, film.write_gif if path.suffix.lower() == ".gif" else film.write_mp4)
    width, height = scene.size
    findings = _findings(scene, left_out, len(times))
    return AnimationFile(
        path=str(path), frames=film.frames, seconds=film.seconds, width=width, height=height, findings=findings
    )


class _Film:
    """Writes the pictures of a scene. `frames` and `seconds` are known afterwards."""

    def __init__(self, scene: Scene, times: Sequence[float | None], options: AnimationOptions, report: Report) -> None:
        self._scene, self._times, self._options, self._report = scene, times, options, report
        self.frames, self.seconds = 0, 0.0

    def _pictures(self) -> Iterator[Pillow.Image]:
        for number, t in enumerate(self._times):
            self._report(Progress(done=number, total=len(self._times), stage="animation"))
            yield self._scene.draw(t, (number + 1) / len(self._times))

    def write_gif(self, part: Path) -> None:
        """One palette for the whole film, so that nothing flickers; the last picture stays longer."""
        palette = _palette(self._scene)
        pictures = (picture.quantize(palette=palette, dither=Pillow.Dither.NONE) for picture in self._pictures())
        durations = self._durations_ms()
        first = next(pictures)
        shown = {"duration": durations, "loop": 0, "disposal": 1, "optimize": False}
        first.save(part, format="GIF", save_all=True, append_images=pictures, **shown)
        self.frames, self.seconds = len(self._times), sum(durations) / 1000

    def _durations_ms(self) -> list[int]:
        """Of each picture, in the tens of milliseconds that GIF has; rounded so that no error adds up."""
        ends = [round(100 * number / self._options.fps) * 10 for number in range(len(self._times))]
        steps = [end - start for start, end in pairwise(ends)]
        return [*steps, max(round(100 * self._options.hold_seconds) * 10, 20)]

    def write_mp4(self, part: Path) -> None:
        """H.264 in the form that every player knows; only one picture is in memory at a time."""
        import av

        rate = Fraction(self._options.fps).limit_denominator(1000)
        held = max(1, math.ceil(self._options.hold_seconds * self._options.fps))
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=rate, options={"crf": "16", "preset": "medium"})
            stream.width, stream.height = self._scene.size
            stream.pix_fmt = "yuv420p"
            for number, picture in enumerate(self._pictures()):
                for _ in range(held if number == len(self._times) - 1 else 1):
                    container.mux(stream.encode(av.VideoFrame.from_image(picture)))
                    self.frames += 1
            container.mux(stream.encode(None))
        self.seconds = float(self.frames / rate)


def _palette(scene: Scene) -> Pillow.Image:
    """256 colours: those that are drawn as they are, greys, and what each mask makes of them."""
    drawn = [colours.rgb(colour) for colour in (*scene.colours, BACKGROUND, TEXT, MUTED, WARNING, "#3A424B")]
    greys = np.linspace(0, 255, GREYS).round()[:, None].repeat(3, axis=1)
    rest = 256 - len(drawn) - GREYS
    if scene.mapped:
        others = colours.viridis()[np.linspace(0, 255, rest).round().astype(int)]
    else:
        tints = scene.colours[:-1]
        each = rest // len(tints)
        ramp = np.linspace(0, 255, each)[:, None]
        others = np.concatenate([ramp * (1 - scene.opacity) + np.array(colours.rgb(t)) * scene.opacity for t in tints])
    table = np.concatenate([np.array(drawn), greys, others]).round().astype(np.uint8)
    picture = Pillow.new("P", (1, 1))
    picture.putpalette(table.tobytes())
    return picture


def _check(columns: Sequence[FigureColumn], image: Image, path: Path, options: AnimationOptions) -> None:
    """Raises FigureRefused or ShapeMismatch for what cannot be drawn."""
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise FigureRefused(f"{path.name}: an animation is written as .gif or .mp4.")
    if ending == ".mp4" and video_missing():
        raise FigureRefused(NO_VIDEO)
    if not columns:
        raise FigureRefused("An animation shows at least one result, and there is none.")
    if not 0 < options.fps <= (FASTEST_GIF if ending == ".gif" else 240) or options.scale <= 0:
        raise FigureRefused(
            f"{options.fps:g} frames per second at scale {options.scale:g} cannot be written as {ending}: "
            f"a GIF has up to {FASTEST_GIF:g} frames per second, and a scale is above 0."
        )
    for column in columns:
        if column.prediction.mask.shape != image.voxels.shape:
            raise ShapeMismatch(
                f"{column.name} is a result of shape {column.prediction.mask.shape}, and the image has "
                f"{image.voxels.shape}: they cannot be drawn over each other."
            )


def _findings(scene: Scene, left_out: int, shown: int) -> tuple[Finding, ...]:
    findings = []
    if scene.letters.missing:
        letters = " ".join(sorted(scene.letters.missing))
        findings.append(
            Finding(
                severity="warning",
                code="figure.no-glyphs",
                message=f"No font of this machine has these letters, and ? is drawn for them: {letters}",
                remedy="Install a font that has them, for Korean for instance fonts-nanum, and save again.",
            )
        )
    if left_out:
        findings.append(
            Finding(
                severity="note",
                code="figure.steps-left-out",
                message=f"The animation shows {shown - 1} evenly spaced steps and leaves out {left_out}.",
            )
        )
    return tuple(findings)
