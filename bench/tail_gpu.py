"""`python -m bench.tail_gpu`: what each frame adds at Stable Diffusion's size, fused beside plain: time and memory on a GPU.

Plain is eq 12 as it is written, all feature maps at once, and autograd's way back to the factors. PyTorch's settings are left
as they are: its convolution may then round to TF32, and the fused kernels do not.
"""

import statistics
from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch
import typer
from torch import Tensor

from oneseed import tail_triton
from oneseed.last_layer import LastLayer

MEMORY, TIME = 0.2, 0.5
"""The ratios, fused to plain, that are aimed at."""

WARM = 3
"""First times, in which kernels are compiled and chosen."""


class Problem(NamedTuple):
    h: Tensor
    A: Tensor
    B: Tensor
    layer: LastLayer
    g: Tensor

    @classmethod
    def of(cls, frames: int, size: int, rank: int, channels: int, device: str = "cuda") -> "Problem":
        generator = torch.Generator(device).manual_seed(0)
        shapes = (
            (1, channels, size, size), (frames, channels, size, rank), (frames, channels, rank, size),
            (3, channels, 3, 3), (3,), (frames, 3, size, size),
        )  # fmt: skip
        h, A, B, weight, bias, g = (torch.randn(shape, generator=generator, device=device) for shape in shapes)
        return cls(h, A, B, LastLayer(weight / (9 * channels) ** 0.5, bias), g)


Found = tuple[Tensor, Tensor, Tensor]
"""Frames, dA, dB."""


def plain(given: Problem) -> Found:
    """All of a frame, with what all share: it is there to be added to."""
    A, B = given.A.detach().requires_grad_(), given.B.detach().requires_grad_()
    x = given.layer(given.h + A @ B)
    return x.detach(), *torch.autograd.grad(x, (A, B), given.g)


def fused(given: Problem) -> Found:
    """The same frames: what all share is made once."""
    x = given.layer(given.h).expand_as(given.g).contiguous()
    tail_triton.add_residual(x, given.A, given.B, given.layer.weight)
    return x, *tail_triton.residual_back(given.g, given.A, given.B, given.layer.weight)


def milliseconds(run: Callable[[], object], times: int) -> float:
    """The median."""
    taken = []
    for _ in range(WARM + times):
        began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        began.record()
        run()
        ended.record()
        torch.cuda.synchronize()
        taken.append(began.elapsed_time(ended))
    return statistics.median(taken[WARM:])


def peak_mib(run: Callable[[], object]) -> float:
    """Above what is given."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def errors(found: Found, given: Problem) -> list[float]:
    """Of the first frame, its dA and its dB: the largest, beside the largest value of float64."""
    layer = LastLayer(given.layer.weight.double(), given.layer.bias.double())
    exact = plain(Problem(given.h.double(), given.A[:1].double(), given.B[:1].double(), layer, given.g[:1].double()))
    return [float((t[:1] - right).abs().max() / right.abs().max()) for t, right in zip(found, exact, strict=True)]


def main(
    frames: Annotated[int, typer.Option(min=1)] = 25,
    size: Annotated[int, typer.Option(min=1, help="Sides of the frames, pixels.")] = 512,
    rank: Annotated[int, typer.Option(min=1)] = 16,
    channels: Annotated[int, typer.Option(min=1, help="Of the last layer: 128 in Stable Diffusion.")] = 128,
    times: Annotated[int, typer.Option(min=1, help="Times to run each.")] = 20,
) -> None:
    """One line for each way, and their ratios."""
    if not torch.cuda.is_available():
        typer.echo("No GPU was found; bench.tail_gpu measures kernels for CUDA. Run it where nvidia-smi lists a GPU.")
        raise typer.Exit(1)
    given = Problem.of(frames, size, rank, channels)
    typer.echo(f"{torch.cuda.get_device_name()}, {frames} frames, {size}x{size}, {channels} channels, rank {rank}\n")
    typer.echo("| | there and back (ms) | peak (MiB) | error of x | of dA | of dB |\n|" + " --- |" * 6)
    rows = []
    for way in (plain, fused):
        wrong = [f"{error:.1e}" for error in errors(way(given), given)]
        row = milliseconds(lambda: way(given), times), peak_mib(lambda: way(given))  # noqa: B023  called at once
        typer.echo(f"| {way.__name__} | {row[0]:.2f} | {row[1]:.0f} | " + " | ".join(wrong) + " |")
        rows.append(row)
    time, memory = (fast / slow for slow, fast in zip(*rows, strict=True))
    typer.echo(f"| ratio | {time:.2f} | {memory:.3f} | | | |\n| aim | {TIME} | {MEMORY} | | | |")


if __name__ == "__main__":
    typer.run(main)
