"""Make resources/demo: four synthetic angiograms with references, and four small checkpoints that segment them.

    python tools/make_demo.py --out resources/demo                everything, in order
    python tools/make_demo.py --only vlm                          one part; vlm starts from dfm, soft2hard from cfm
    python tools/make_demo.py --only real --limit 8 --shrink 2

Seeded, one thread: the same torch on the same kind of processor gives the same files. `--minutes M` ends each training
after M minutes at the latest; then the files depend on the machine's speed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from core.checkpoints.reader import open_checkpoint, read_many  # noqa: E402
from tools.demo.cases import write_cases  # noqa: E402
from tools.demo.checkpoint_file import write_run  # noqa: E402
from tools.demo.profiles import write_profiles  # noqa: E402
from tools.demo.recipes import BY_NAME, Recipe  # noqa: E402
from tools.demo.table import print_demo_table, print_real_table  # noqa: E402
from tools.demo.training import train  # noqa: E402

PARTS = ("cases", *BY_NAME, "profiles", "table", "real")


def say(text: str) -> None:
    print(text, flush=True)


def make_checkpoint(out: Path, recipe: Recipe, minutes: float | None) -> None:
    began = time.monotonic()
    weights = train(recipe, _start(out, recipe), minutes, say)
    path = write_run(out, recipe, weights)
    say(f"{recipe.name}: {path}, {path.stat().st_size / 1e6:.2f} MB, {(time.monotonic() - began) / 60:.1f} min")


def _start(out: Path, recipe: Recipe) -> dict[str, torch.Tensor] | None:
    """Weights of the recipe that this one starts from, read as any checkpoint is."""
    if recipe.start_from is None:
        return None
    path = out / BY_NAME[recipe.start_from].checkpoint
    if not path.is_file():
        sys.exit(f"{recipe.name} starts from {recipe.start_from}, and {path} is not there: make that one first.")
    contents = open_checkpoint(path)
    return {name: torch.from_numpy(array) for name, array in read_many(contents, contents.root["state_dict"])}


def make_part(part: str, options: argparse.Namespace) -> None:
    out: Path = options.out
    others: dict[str, Callable[[], object]] = {
        "cases": lambda: write_cases(out),
        "profiles": lambda: write_profiles(out, BY_NAME["vlm"]),
        "table": lambda: print_demo_table(out, say),
        "real": lambda: print_real_table(out, options.xca, options.limit, options.shrink, say),
    }
    if part in BY_NAME:
        make_checkpoint(out, BY_NAME[part], options.minutes)
    elif part == "real" and not options.xca.is_dir():
        say(f"No real angiograms in {options.xca}: that table is left out.")
    else:
        others[part]()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "demo")
    parser.add_argument("--only", choices=PARTS, help="make this part only")
    parser.add_argument("--minutes", type=float, default=None, help="longest time of one training")
    parser.add_argument("--xca", type=Path, default=ROOT.parent / "shared" / "data" / "xca", help="real angiograms")
    parser.add_argument("--limit", type=int, default=None, help="how many real angiograms; all if left out")
    parser.add_argument("--shrink", type=int, default=1, help="average blocks of this many pixels of them first")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in PARTS if options.only is None else (options.only,):
        make_part(part, options)


if __name__ == "__main__":
    main()
