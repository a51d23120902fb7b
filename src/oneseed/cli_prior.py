"""The command line's part about priors: to train one, and to see what it believes in."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    source: Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder or tar of photos, or a video.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Folder for the prior; use it with --prior OUTPUT.")],
    perceptual: Annotated[Path | None, typer.Option(metavar="FILE", help="LPIPS weights for AlexNet.")] = None,
    validate: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Photos to measure with, not to learn from.")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="tiny|PATH", help="A prior to go on from, on your photos.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the auto-encoder.")] = None,
    noise_steps: Annotated[int | None, typer.Option(help="Steps of the noise predictor.")] = None,
    denoiser_steps: Annotated[int | None, typer.Option(help="Steps of the denoiser.")] = None,
    licences: Annotated[
        str, typer.Option(help="One line for the model card: the photos' origin.")
    ] = "Origin not stated.",
    seed: Annotated[int, typer.Option(help="Draws weights, crops and noise.")] = 0,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps")] = "auto",
) -> None:
    """Train a prior on your own photos or footage. Stopped at any moment, the same command goes on."""
    from oneseed.progress import watch_training

    given = {"autoencoder": steps, "noise_predictor": noise_steps, "denoiser": denoiser_steps}
    watch_training(source, output, perceptual, validate, given, licences, seed, device, begin)


def sample(
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="A picture: .png or .jpg.")],
    prior: Annotated[str, typer.Option(metavar="NAME|PATH|HUB_ID", help="The image model.")] = "tiny",
    count: Annotated[int, typer.Option(help="Pictures on the sheet.")] = 16,
    size: Annotated[int, typer.Option(help="Side of each, pixels.")] = 256,
    steps: Annotated[int, typer.Option(help="Steps of the reverse process.")] = 50,
    prompt: Annotated[str, typer.Option(metavar="TEXT")] = "",
    guidance: Annotated[float, typer.Option(help="How far the prompt is exaggerated; 1 is not at all.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Draws the seeds.")] = 0,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
) -> None:
    """Draw a sheet of pictures from a prior: what it believes in."""
    from oneseed.pipeline import sample_file

    sample_file(
        target, prior, count=count, size=size, steps=steps, prompt=prompt, guidance=guidance, seed=seed, device=device,
        overwrite=overwrite,
    )  # fmt: skip
    typer.echo(f"{target}: {count} pictures of {size} x {size}")
