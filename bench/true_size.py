"""`python -m bench.true_size`: Stable Diffusion's full size, with random weights: seconds of an epoch, where they go, memory.

Needs a GPU for the seconds; without one it prints what the memory is estimated to be.
"""

import statistics
import time
from collections.abc import Callable
from typing import Annotated, Any

import torch
import typer
from torch import Tensor

from bench.speed import Case
from oneseed import ddim, torchvision_operators
from oneseed.adam import Adam
from oneseed.degrade.mask import Mask
from oneseed.device import fast_dtype, peak_memory_mb
from oneseed.flow.dis import Dis
from oneseed.memory import estimate
from oneseed.prior._checkpoint import Checkpoint, Text
from oneseed.prior.diffusers import Diffusers
from oneseed.recipe import Recipe
from oneseed.restore import optimise
from oneseed.video import Video
from oneseed.warp import FlowMemory, Warp, add_link_slope

KINDS = ("sd1", "xl")
COLUMNS = [
    "peak (GiB)", "epoch (s)", "as a graph (s)", "its peak (GiB)", "R (s)", "D2 (s)", "tails (s)", "one look at the flow (s)",
]  # fmt: skip


def prior(kind: str, device: torch.device, dtype: torch.dtype) -> Diffusers:
    """Networks of the size of Stable Diffusion 1.5 or XL, as their configurations have it, that know nothing."""
    torchvision_operators.declare()
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    xl = kind == "xl"
    cross = ("CrossAttnDownBlock2D",), ("CrossAttnUpBlock2D",)
    shape: dict[str, Any] = {
        "block_out_channels": (320, 640, 1280) if xl else (320, 640, 1280, 1280),
        "down_block_types": ("DownBlock2D", *2 * cross[0]) if xl else (*3 * cross[0], "DownBlock2D"),
        "up_block_types": (*2 * cross[1], "UpBlock2D") if xl else ("UpBlock2D", *3 * cross[1]),
        "cross_attention_dim": 2048 if xl else 768,
        "attention_head_dim": (5, 10, 20) if xl else 8,
    }
    if xl:
        shape |= {
            "transformer_layers_per_block": (1, 2, 10), "use_linear_projection": True, "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
        }  # fmt: skip
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel(sample_size=128 if xl else 64, **shape)
        vae: Any = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, force_upcast=xl,
            scaling_factor=0.13025 if xl else 0.18215, down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )  # fmt: skip
    torch.set_default_dtype(before)
    for network in (unet, vae):
        network.to_empty(device=device)
        for part in network.modules() if device.type == "cuda" else ():
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()
    words = torch.zeros(1, 77, shape["cross_attention_dim"])
    pooled = torch.zeros(1, 1280) if xl else None
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
    schedule = ddim.Schedule(tuple((1 - betas).cumprod(0).tolist()))
    made = Diffusers.of(Checkpoint(unet, vae, schedule, Text(words, words, pooled, pooled)), kind)
    return made.to(device)


def main(
    kinds: Annotated[str, typer.Option(help="sd1, xl, separated by blanks.")] = " ".join(KINDS),
    frames: Annotated[str, typer.Option(help="Numbers of frames, separated by blanks.")] = "16 25",
    size: Annotated[int, typer.Option(help="Sides of the frames, pixels.")] = 512,
    epochs: Annotated[int, typer.Option(help="Epochs to time; 0 estimates the memory alone.")] = 10,
    whole: Annotated[
        int, typer.Option(help="Epochs of a whole run to time, from its start to its finish; 0: none.")
    ] = 0,
) -> None:
    """One line for each prior, number of frames, and way of keeping what is computed."""
    there = torch.cuda.is_available()
    device = torch.device("cuda" if there else "cpu")
    dtype = fast_dtype(device) if there else torch.bfloat16
    epochs = epochs if there else 0
    typer.echo(f"{torch.cuda.get_device_name() if there else 'no GPU: estimates alone'}, {size}x{size}, {dtype}")
    columns = ["prior", "frames", "frugal", "estimate (GiB)"]
    columns += COLUMNS if epochs else []
    typer.echo("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    wholes: list[str] = []
    for kind in kinds.split():
        networks = prior(kind, device, dtype)
        for count in map(int, frames.split()):
            for networks.frugal in (False, True):
                shape, recipe = (count, 3, size, size), Recipe()
                row = [kind, str(count), str(networks.frugal), f"{estimate(networks, shape, recipe).total / 2**30:.3g}"]
                row += measured(networks, shape, recipe, device, epochs) if epochs else []
                typer.echo("| " + " | ".join(row) + " |")
            if whole and there:
                networks.frugal = False
                seconds = whole_run(networks, count, size, device, whole)
                wholes.append(f"{kind}, {count} frames, a run of {whole} epochs: {seconds:.0f} s")
    typer.echo("\n".join(wholes))


def whole_run(networks: Diffusers, frames: int, size: int, device: torch.device, epochs: int) -> float:
    """Seconds of a restoration without the denoiser: start, search, finish."""
    y = Case(frames, size).video().to(device)
    A = Mask(missing=0.5)
    recipe = Recipe(epochs=epochs, patience=0, denoise_rounds=0)
    began = time.perf_counter()
    for _ in optimise(A(y), A, networks, Dis(), recipe):
        pass
    return time.perf_counter() - began


def measured(
    networks: Diffusers, shape: tuple[int, int, int, int], recipe: Recipe, device: torch.device, epochs: int
) -> list[str]:
    """One value for each of COLUMNS; the graph is that of R and D2."""
    generator = torch.Generator().manual_seed(0)
    y = torch.rand(shape, generator=generator).to(device)
    _forget_peak(device)
    video = Video(networks, shape, recipe, generator, device)
    still = torch.rand(1, 2, *shape[2:], generator=generator).to(device)
    video.motion = [Warp(still) for _ in range(shape[0])]
    memory = FlowMemory(Dis().estimate, recipe.flow_ema, recipe.flow_every, [1])
    began = time.perf_counter()
    links = memory.look(y, 0)
    look = time.perf_counter() - began
    adam = Adam(video.z_shared, video.residual.parameters(), recipe.lr_seed, recipe.lr_residual, fused=True)
    video.learn = adam.learn

    def epoch() -> None:
        x = video()
        slope = (x.detach() - y).mul_(2 / y.numel())
        add_link_slope(slope, x.detach(), links, recipe.warp_weight)
        adam.zero_grad(set_to_none=True)
        x.backward(slope)
        adam.step()
        video.residual.project_()

    seconds = _median(epoch, epochs)
    peak = peak_memory_mb(device) / 1024
    video.record()
    _forget_peak(device)
    graph = [f"{_median(epoch, epochs):.3f}", f"{peak_memory_mb(device) / 1024:.3g}"]
    z, video.learn = video.z_shared.detach(), None
    with torch.no_grad():
        latent = networks.reverse(z, video.steps, recipe.spacing)
        feature = networks.decode_body(latent)
    splits = [
        _median(lambda: _back(networks.reverse, z, video.steps, recipe.spacing), epochs),
        _median(lambda: _back(networks.decode_body, latent), epochs),
        _median(lambda: _tails(video, feature), epochs),
    ]
    return [f"{peak:.3g}", f"{seconds:.3f}", *graph, *(f"{value:.3f}" for value in splits), f"{look:.2f}"]


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()


def _back(run: Callable[..., Tensor], value: Tensor, *rest: Any) -> None:
    run(value.clone().requires_grad_(), *rest).sum().backward()


def _tails(video: Video, feature: Tensor) -> None:
    shared = feature.clone().requires_grad_()
    video.frames_of(shared).sum().backward()


def _median(run: Callable[[], None], times: int) -> float:
    seconds = []
    for _ in range(times + 2):
        _wait()
        began = time.perf_counter()
        run()
        _wait()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[2:])


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    typer.run(main)
