"""`python -m bench.prior --kodak FOLDER`: what a prior reaches on photos never trained on, and how fast it is."""

import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from oneseed import load
from oneseed.metrics.lpips import Lpips
from oneseed.metrics.psnr import psnr
from oneseed.prior.base import Prior
from oneseed.shapes import Frames
from oneseed.train.photos import load_photos

SIZE, STEPS = 256, 4


def main(
    kodak: Annotated[Path, typer.Option(help="Folder of photos.")],
    perceptual: Annotated[Path | None, typer.Option(help="LPIPS weights for AlexNet.")] = None,
    prior: Annotated[str, typer.Option(help="Name or path.")] = "tiny",
    threads: int = 2,
) -> None:
    """Auto-encoder, denoiser, seconds."""
    torch.set_num_threads(threads)
    networks, lpips = load.load_prior(prior), Lpips(perceptual) if perceptual else None
    photos = [photo[None] / 255 for photo in load_photos(kodak, short_side=10**6)]
    decoded = [_through(networks, x) for x in photos]
    typer.echo(f"auto-encoder, {len(photos)} photos: PSNR {_mean(psnr, decoded, photos):.2f} dB")
    if lpips is not None:
        typer.echo(f"auto-encoder: LPIPS (alex) {_mean(lpips, decoded, photos):.4f}")
    denoiser = load.load_denoiser(None, prior)
    for level in (5, 15, 25, 50):
        noisy = [x + level / 255 * _noise(number, x) for number, x in enumerate(photos)]
        clean = [denoiser.denoise(x, level / 255).clamp(0, 1) for x in noisy]
        typer.echo(f"denoiser, noise {level}/255: PSNR {_mean(psnr, clean, photos):.2f} dB")
    z = torch.randn(1, *networks.seed_shape(SIZE, SIZE), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        seconds = _median(lambda: networks.decode_tail(networks.decode_body(z)))
    typer.echo(f"decoder, {SIZE}x{SIZE}, {threads} threads: {seconds:.3f} s")
    typer.echo(f"R of {STEPS} steps and D2 with gradients: {_median(lambda: _epoch(networks, z)):.3f} s")


@torch.no_grad()
def _through(networks: Prior, x: Frames) -> Frames:
    return networks.decode_tail(networks.decode_body(networks.encode(x)))[..., : x.shape[-2], : x.shape[-1]].clamp(0, 1)


def _noise(number: int, x: Frames) -> Frames:
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(number))


def _epoch(networks: Prior, z: torch.Tensor) -> None:
    z = z.clone().requires_grad_()
    networks.decode_body(networks.reverse(z, STEPS, "trailing")).sum().backward()


@torch.no_grad()
def _mean(metric: Any, found: list[Frames], expected: list[Frames]) -> float:
    return torch.cat([metric(x, y) for x, y in zip(found, expected, strict=True)]).mean().item()


def _median(run: Any, times: int = 9) -> float:
    run()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    typer.run(main)
