"""`python -m oneseed.demo FOLDER`: degrade the clip that ships, restore it, score it, and show both side by side.

The clip is cut from Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, CC BY 3.0.
"""

import sys
from pathlib import Path

import torch

from oneseed.clip.clip import Clip
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.errors import RequestError
from oneseed.pipeline import degrade_file
from oneseed.presets import preset
from oneseed.progress import Live, print_score
from oneseed.restore_file import restore_file
from oneseed.sample import save_picture
from oneseed.score import score
from oneseed.task import Task

CLIP = Path(__file__).parent / "clip.mp4"
SPECS = ["mask:missing=0.5,seed=0"]
SHOWN = (0, 1 / 2, 1)  # where in the clip the frames of the picture are taken


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("python -m oneseed.demo FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    measured, restored, recipe = folder / "measured.mkv", folder / "restored.mp4", preset("balanced")
    try:
        degrade_file(CLIP, measured, SPECS, overwrite=True)
        with Live(recipe, CLIP, None, None, None) as live:
            task = Task(source=measured, recipe=recipe)
            done = restore_file(task, restored, overwrite=True, begin=live.begin, watch=live.show, stop=live.stopped)
    except RequestError as error:
        sys.exit(f"oneseed: {error}")
    before, after, clean = read(measured), read(restored), read(CLIP)
    write(folder / "degraded.mp4", before, bits=8, overwrite=True)
    write(folder / "side-by-side.mp4", _beside(before, after), bits=8, overwrite=True)
    chosen = [round(share * (len(clean.frames) - 1)) for share in SHOWN]
    rows = [torch.cat([clip.frames[n] for n in chosen], -1) for clip in (before, after, clean)]
    save_picture(torch.cat(rows, -2)[None], folder / "frames.png")
    print(f"{', '.join(SPECS)}: {done.frames} frames of {done.size[0]}x{done.size[1]} restored in {done.seconds:.0f} s")
    for name, clip in (("degraded", before), ("restored", after)):
        print(f"{name}:")
        print_score(score(clip.frames, clean.frames, lpips="none"))
    print(f"{folder}: degraded.mp4, restored.mp4, side-by-side.mp4, frames.png (degraded, restored, clean)")


def _beside(left: Clip, right: Clip) -> Clip:
    return right.with_frames(torch.cat([left.frames, right.frames], -1))


if __name__ == "__main__":
    main()
