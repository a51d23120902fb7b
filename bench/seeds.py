"""`python -m bench.seeds --davis FOLDER`: seeds of frames of one clip lie together (the paper's Figure 2)."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image, ImageDraw
from torch import Tensor

from oneseed import load
from oneseed.clip.read import read

COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#000000"]
SIDE, EDGE, DOT = 800, 60, 5  # pixels


def main(
    davis: Annotated[Path, typer.Option(help="Folder with one folder of frames per clip.")],
    output: Annotated[Path, typer.Option(help="The plot, a .png.")] = Path("seeds.png"),
    frames: str = "0:8",
    size: str = "256",
    prior: str = "tiny",
    steps: int = 4,
) -> None:
    """Every frame encoded and inverted to its seed; distances within clips and between them."""
    networks = load.load_prior(prior)
    clips = sorted(path for path in davis.iterdir() if path.is_dir())
    seeds = []
    for clip in clips:
        with torch.no_grad():
            latents = networks.encode(read(clip, frames, size).frames)
            seeds.append(torch.cat([networks.invert(one[None], steps, "trailing") for one in latents]).flatten(1))
        typer.echo(clip.name, err=True)
    within = torch.stack([_distances(one, one) for one in seeds]).mean()
    between = [_distances(a, b) for i, a in enumerate(seeds) for b in seeds[:i]]
    typer.echo(f"mean distance within clips {within:.4f}, between clips {torch.stack(between).mean():.4f} (per number)")
    _plot(_plane(torch.cat(seeds)).split([len(one) for one in seeds]), [clip.name for clip in clips], output)
    typer.echo(f"plot: {output}")


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Mean root-mean-square distance of all pairs; of one set with itself, of all pairs of two."""
    gaps = torch.cdist(a, b) / a.shape[1] ** 0.5
    return gaps.sum() / (gaps.numel() - (len(a) if a is b else 0))


def _plane(seeds: Tensor) -> Tensor:
    """The two principal components."""
    left, values, _ = torch.linalg.svd(seeds - seeds.mean(0), full_matrices=False)
    return left[:, :2] * values[:2]


def _plot(groups: tuple[Tensor, ...], names: list[str], output: Path) -> None:
    points = torch.cat(groups)
    low, span = points.amin(0), (points.amax(0) - points.amin(0)).clamp(min=1e-9)
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(picture)
    for number, (group, name) in enumerate(zip(groups, names, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        for x, y in (EDGE + (group - low) / span * (SIDE - 2 * EDGE)).tolist():
            draw.ellipse([x - DOT, y - DOT, x + DOT, y + DOT], fill=colour)
        draw.text((10, 8 + 14 * number), name, fill=colour)
    picture.save(output)


if __name__ == "__main__":
    typer.run(main)
