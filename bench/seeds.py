"""`python -m bench.seeds FOLDER`: do seeds of frames of one clip lie together, as in the paper's Figure 2?"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from bench.clips import Source, choose, clips
from oneseed.clip.read import read
from oneseed.load import load_prior
from oneseed.prior.base import Prior

NOISE = "i.i.d. Gaussian noise"
GREEN = "#009e73"  # the noise's colour in the paper's figure; this and the others are Okabe and Ito's
COLOURS = ("#0072b2", "#d55e00", "#cc79a7", "#56b4e9", "#e69f00", "#1b1b1c", "#f0e442")
SHAPES = "os^vDP*X"


def main(
    data: Annotated[Path, typer.Argument(help="DAVIS, REDS, SPMCS or UDM10 as unpacked, or a folder of clips.")],
    output: Annotated[Path, typer.Option(help="The plot, a .png, .svg or .pdf.")] = Path("runs/seeds.png"),
    only: Annotated[str, typer.Option("--clips", help="Names of clips, separated by blanks; all if empty.")] = "",
    frames: Annotated[str, typer.Option(help="A:B of each clip.")] = "0:8",
    size: str = "256",
    prior: Annotated[str, typer.Option(help="As `oneseed restore --prior`.")] = "tiny",
    steps: Annotated[int, typer.Option(help="Of the reverse process that is inverted.")] = 4,
    noise: Annotated[int, typer.Option(help="How many seeds are drawn from N(0, I) beside them.")] = 64,
    perplexity: Annotated[float, typer.Option(help="Of t-SNE: about as many as a clip has frames.")] = 10.0,
) -> None:
    """Every frame encoded and inverted to its seed; distances within clips and between them; a plot by t-SNE."""
    try:
        sources = choose(clips(data), only)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    networks = load_prior(prior)
    groups = {source.name: _seeds(networks, source, frames, size, steps) for source in sources}
    numbers = next(iter(groups.values())).shape[1]
    drawn = torch.randn(noise, numbers, generator=torch.Generator().manual_seed(0))
    within = torch.stack([_distance(one, one) for one in groups.values() if len(one) > 1])
    between = [_distance(a, b) for i, a in enumerate(groups.values()) for b in list(groups.values())[:i]]
    for words, found in (
        ("within clips", within),
        ("between clips", torch.stack(between) if between else within[:0]),
        ("within noise", _distance(drawn, drawn)[None]),
    ):
        typer.echo(f"root mean square distance {words}: {found.mean().item():.4f} per number")
    everything = {NOISE: drawn, **groups}
    near = _nearest_is_of_same(everything)
    typer.echo(
        f"nearest other seed, noise included, is of the same clip: {near} of {sum(map(len, groups.values()))} frames"
    )
    _plot(everything, perplexity, output)
    typer.echo(f"plot: {output}", err=True)


@torch.no_grad()
def _seeds(networks: Prior, source: Source, frames: str, size: str, steps: int) -> Tensor:
    latents = networks.encode(read(source.path, frames, size).frames)
    typer.echo(source.name, err=True)
    return torch.cat([networks.invert(one[None], steps, "trailing") for one in latents]).flatten(1)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean over all pairs; of one set with itself, over all pairs of two."""
    gaps = torch.cdist(a, b) / a.shape[1] ** 0.5
    return gaps.sum() / (gaps.numel() - (len(a) if a is b else 0))


def _nearest_is_of_same(groups: dict[str, Tensor]) -> int:
    """Of how many frames."""
    points = torch.cat(list(groups.values()))
    names = [name for name, group in groups.items() for _ in group]
    nearest = torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(1).tolist()
    return sum(name != NOISE and names[other] == name for name, other in zip(names, nearest, strict=True))


def _plane(seeds: Tensor, perplexity: float) -> Tensor:
    """t-SNE (van der Maaten and Hinton 2008), begun at the principal components: the same picture each time."""
    from sklearn.manifold import TSNE

    search = TSNE(perplexity=min(perplexity, (len(seeds) - 1) / 3), init="pca", random_state=0)
    return torch.from_numpy(search.fit_transform(seeds.numpy()))


def _plot(groups: dict[str, Tensor], perplexity: float, output: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    points = _plane(torch.cat(list(groups.values())), perplexity).split([len(one) for one in groups.values()])
    for number, (name, group) in enumerate(zip(groups, points, strict=True)):
        shape, colour, area = ("o", GREEN, 14) if name == NOISE else _look(number - 1)
        axes.scatter(
            *group.T.tolist(), s=area, marker=shape, color=colour, linewidths=0, label=f"{name} ({len(group)})"
        )
    axes.set(xticks=[], yticks=[], xlabel="t-SNE, first coordinate", ylabel="t-SNE, second coordinate")
    figure.legend(loc="outside right upper", frameon=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=150)


def _look(number: int) -> tuple[str, str, int]:
    """Shapes change before pairs of shape and colour come again."""
    return SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)], 45


if __name__ == "__main__":
    typer.run(main)
