"""`python -m bench.speed`: an epoch of the chain, fast beside plain, in one process and by turns; and how far the floor is.

Plain is eq 12 as it is written, all frames at once, networks in float32. The floor is what the arithmetic of an epoch takes at
the rates that this machine reaches at convolutions and matrix products of that kind, measured in the same minute.
"""

import ctypes
import gc
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
import typer
from torch.utils.flop_counter import FlopCounterMode

from oneseed.degrade.mask import Mask
from oneseed.device import fast_in_bfloat16, give_memory_back
from oneseed.flow.dis import Dis
from oneseed.load import load_prior
from oneseed.prior.base import Joint, Prior
from oneseed.recipe import Recipe
from oneseed.registry import find
from oneseed.restore import Epoch, optimise
from oneseed.shapes import Frames

LEFT_OUT = 2
"""First epochs, in which motion is estimated and buffers are made."""


@dataclass(frozen=True)
class Case:
    frames: int
    size: int
    joint: Joint = "feature"

    @property
    def recipe(self) -> Recipe:
        """That of `balanced`, where it has to do with an epoch, from a start that takes no time."""
        return Recipe(
            joint=self.joint, follow_motion=self.joint == "feature", epochs=10_000, flow_every=10_000, patience=0,
            fit_epochs=0, first_steps=1, rounds=0, finish_rounds=0, denoise_rounds=0, exact_steps=0,
        )  # fmt: skip

    def video(self) -> Frames:
        """A picture that drifts."""
        small = torch.rand(1, 3, self.size // 8 + 2, self.size // 8 + 2, generator=torch.Generator().manual_seed(0))
        picture = torch.nn.functional.interpolate(small, scale_factor=8, mode="bicubic")[0].clamp(0, 1)
        return torch.stack([picture[:, n % 16 :, n % 16 :][:, : self.size, : self.size] for n in range(self.frames)])

    def __str__(self) -> str:
        return f"{self.frames} frames, {self.size}x{self.size}, {self.joint}"


def prior_of(plain: bool) -> Prior:
    return find("prior", "tiny")() if plain else load_prior("tiny")


def epochs_of(case: Case, plain: bool) -> Iterator[Epoch]:
    """Each step of it is one epoch."""
    A = Mask(missing=0.5)
    return optimise(A(case.video()), A, prior_of(plain), Dis(), case.recipe, 0.0, plain=plain)


def seconds_by_turns(case: Case, count: int) -> tuple[float, float]:
    """Medians of the seconds of an epoch, plain and fast."""
    runs = [epochs_of(case, plain) for plain in (True, False)]
    taken: list[list[float]] = [[], []]
    for _ in range(LEFT_OUT + count):
        for run, seconds in zip(runs, taken, strict=True):
            began = time.perf_counter()
            next(run)
            seconds.append(time.perf_counter() - began)
    plain, fast = (statistics.median(seconds[LEFT_OUT:]) for seconds in taken)
    return plain, fast


def peak_mb(case: Case, plain: bool, count: int = 3) -> float:
    """Of epochs, above the idle process with its libraries; the median of `count` processes. Linux alone tells it.

    Memory goes back to the system as it does for `oneseed restore`; times are those of the allocator left alone.
    """
    given = case, plain, torch.get_num_threads()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return statistics.median(pool.apply(_peak, given) for _ in range(count))


def _peak(case: Case, plain: bool, threads: int) -> float:
    torch.set_num_threads(threads)
    give_memory_back()  # as the command line does
    small = epochs_of(Case(2, 64, case.joint), plain)
    for _ in range(LEFT_OUT):  # what libraries set up once
        next(small)
    del small
    _give_back()
    idle, run = _status_mb("VmRSS"), epochs_of(case, plain)
    for _ in range(LEFT_OUT):
        next(run)
    _give_back()  # what the start has done with does not count
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    for _ in range(3):
        next(run)
    return _status_mb("VmHWM") - idle


def _give_back() -> None:
    """Have the allocator return what is free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


@dataclass(frozen=True)
class Floor:
    """Of one fast epoch."""

    network_flops: float
    """D2, there and back; R is left out after a start."""
    frame_flops: float
    """Of each frame A B, K r, their three transposes and that of what is shared; and K h once."""
    network_rate: float
    """FLOP a second at a convolution, in the precision that D2 has."""
    product_rate: float
    """FLOP a second at a matrix product."""

    @property
    def seconds(self) -> float:
        return self.network_flops / self.network_rate + self.frame_flops / self.product_rate


def floor_of(case: Case) -> Floor:
    prior = prior_of(plain=False)
    z = torch.randn(1, *prior.seed_shape(case.size, case.size)).requires_grad_()
    with FlopCounterMode(display=False) as counter:
        prior.decode_body(z).sum().backward()
    channels, rank, pixels = prior.last_layer().weight.shape[1], case.recipe.rank, case.size**2
    taps = prior.last_layer().weight[:, 0].numel()
    factors, mixing = 2 * pixels * channels * rank, 2 * pixels * channels * taps
    frames = case.frames * (3 * factors + 3 * mixing) + mixing
    return Floor(counter.get_total_flops(), frames, _convolution_rate(), _product_rate())


def _convolution_rate(channels: int = 96, side: int = 64) -> float:
    """In the middle of D2."""
    dtype = torch.bfloat16 if fast_in_bfloat16(torch.device("cpu")) else torch.float32
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1, dtype=dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(1, channels, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return 2 * layer.weight.numel() * side**2 / _fastest(lambda: layer(x))


def _product_rate(side: int = 1024) -> float:
    one, other = torch.randn(side, side), torch.randn(side, side)
    return 2 * side**3 / _fastest(lambda: one @ other)


@torch.no_grad()
def _fastest(run: Callable[[], Any], count: int = 30) -> float:
    best = float("inf")
    for _ in range(count):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best


class Measured(NamedTuple):
    """Of an epoch."""

    plain_s: float
    fast_s: float
    plain_mb: float
    fast_mb: float


MANY = [Case(frames, 256) for frames in (4, 8, 16, 32)]
LARGE = [Case(8, size) for size in (256, 384, 512)]
CASES = (*MANY, *LARGE[1:], *(Case(8, 256, joint) for joint in ("latent", "seed")))


def exponent(work: Sequence[float], seconds: Sequence[float]) -> float:
    """p of the fit seconds = a work^p: 1 is linear."""
    x, y = (torch.tensor(values, dtype=torch.float64).log() for values in (work, seconds))
    x = x - x.mean()
    return float((x * (y - y.mean())).sum() / x.square().sum())


def main(
    output: Annotated[Path | None, typer.Option("--json", help="File for the figures.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs to time in each case.")] = 7,
    threads: Annotated[int, typer.Option(help="0: as many as PyTorch takes.")] = 0,
) -> None:
    """Medians, ratios, peaks above the idle process, and the distance to the floor."""
    if threads:
        torch.set_num_threads(threads)
    typer.echo("| | plain (s) | fast (s) | ratio | plain (MB) | fast (MB) | ratio |\n|" + " --- |" * 7)
    rows: dict[Case, Measured] = {}
    floors: dict[Case, Floor] = {}
    for case in CASES:
        seconds = seconds_by_turns(case, epochs)
        if case == LARGE[0]:
            floors[case] = floor_of(case)  # in the same minute
        row = rows[case] = Measured(*seconds, peak_mb(case, True), peak_mb(case, False))
        typer.echo(
            f"| {case} | {row.plain_s:.3f} | {row.fast_s:.3f} | {row.fast_s / row.plain_s:.2f} "
            f"| {row.plain_mb:.0f} | {row.fast_mb:.0f} | {row.fast_mb / row.plain_mb:.2f} |"
        )
    floor, figures = floors[LARGE[0]], _figures(rows)
    figures["floor_seconds"] = floor.seconds
    figures["floor_distance"] = rows[LARGE[0]].fast_s / floor.seconds
    typer.echo(
        f"\nfloor of {LARGE[0]}: {floor.seconds:.3f} s ({floor.network_flops / 1e9:.1f} GFLOP of networks at "
        f"{floor.network_rate / 1e9:.0f} GFLOP/s, {floor.frame_flops / 1e9:.1f} of frames at {floor.product_rate / 1e9:.0f})"
    )
    for name, value in figures.items():
        typer.echo(f"{name}: {value:.3g}")
    if output:
        cases = {str(case): row._asdict() for case, row in rows.items()}
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps({**figures, "threads": torch.get_num_threads(), "cases": cases}, indent=1))


def _figures(rows: dict[Case, Measured]) -> dict[str, float]:
    _, eight, sixteen, most = (rows[case] for case in MANY)
    recipe, (channels, height, width) = CASES[0].recipe, (prior_of(False).last_layer().weight.shape[1], 256, 256)
    own = 4 * (channels * recipe.rank * (height + width) + 3 * height * width) / 2**20  # A, B and pixels of one frame
    return {
        "ratio_epoch_8": eight.fast_s / eight.plain_s,
        "ratio_epoch_16": sixteen.fast_s / sixteen.plain_s,
        "ratio_memory_16": sixteen.fast_mb / sixteen.plain_mb,
        "memory_of_a_frame_mb": (most.fast_mb - sixteen.fast_mb) / 16,
        "factors_and_pixels_of_a_frame_mb": own,
        "exponent_frames": exponent([case.frames for case in MANY], [rows[case].fast_s for case in MANY]),
        "exponent_pixels": exponent([case.size**2 for case in LARGE], [rows[case].fast_s for case in LARGE]),
    }


if __name__ == "__main__":
    typer.run(main)
