"""From file to file: read, degrade or restore or score, write. One page for each."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import torch

from oneseed import spec
from oneseed.clip.clip import Written
from oneseed.clip.cuts import find_cuts, parse_cuts
from oneseed.clip.output import check_output, check_place, in_place_of
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.device import choose_device
from oneseed.errors import RequestError
from oneseed.load import load_prior
from oneseed.noise import add_noise, require_noise
from oneseed.pieces import Piece, plan
from oneseed.recipe import Recipe
from oneseed.restore import Epoch
from oneseed.restored import Restored
from oneseed.run import run_pieces
from oneseed.sample import draw, save_picture, sheet
from oneseed.score import Score, score
from oneseed.sidecar import sidecar_files, write_sidecar
from oneseed.sizing import choose_sizes
from oneseed.work import Work
from oneseed.worker import Figures, Task, Worker


def restore_file(
    source: Path,
    target: Path,
    recipe: Recipe,
    *,
    specs: Sequence[str] = (),
    noise: float | None = None,
    prior: str = "tiny",
    decoder: str | None = None,
    prompt: str = "",
    guidance: float = 1.0,
    denoiser: str | None = None,
    flow: str = "dis",
    device: str = "auto",
    frames: str | None = None,
    size: str | None = None,
    window: str = "auto",
    overlap: int | None = None,
    tile: str = "auto",
    tile_overlap: int | None = None,
    cuts: str = "auto",
    minutes: float | None = None,
    lossless: bool = False,
    overwrite: bool = False,
    work: Path | None = None,
    keep_work: bool = False,
    begin: Callable[[Sequence[Piece]], None] = lambda pieces: None,
    watch: Callable[[Epoch, Piece], None] = lambda epoch, piece: None,
    stop: Callable[[], bool] = lambda: False,
) -> Restored:
    """Restore `source` into `target`, piece by piece, and go on where an earlier call with the same arguments ended.

    Args:
        specs: what happened to the clip; none: the sidecar beside `source` says so.
        noise: standard deviation on the [0, 1] scale; None: the sidecar's, or 0.
        decoder: as for `load_prior`, and so are `prompt` and `guidance`.
        denoiser: as for `load_denoiser`.
        window: as for `choose_sizes`, and so are `overlap`, `tile` and `tile_overlap`.
        cuts: first frames of new shots, `N,N,...`; `auto` looks for them, `none` does not. No window crosses one.
        minutes: the search ends after so many, shared equally among the pieces.
        work: folder of what is done so far, `target` with `.oneseed` added unless given; it is deleted in the end.
        keep_work: it is not.
        begin: shown the pieces once all is found to be in order.
        watch: shown every epoch, and the piece that it is of. It cannot change anything.
        stop: asked after every epoch; when it says so, a clip of one piece is finished and written as it is, and one of
            several is left to be gone on with.

    Raises:
        RequestError: the request is wrong. Nothing was written.
        DivergedError: the run left the numbers before there was anything to write.
        InterruptedRunError: `stop` said so; what is done is kept in `work`.
        RunError: the disk is full, say; what is done is kept in `work`.
    """
    check_output(target, overwrite, lossless)
    worker = Worker(
        Task(
            source=source, recipe=recipe, specs=tuple(specs), noise=noise, prior=prior, decoder=decoder, prompt=prompt,
            guidance=guidance, denoiser=denoiser, flow=flow, device=device, frames=frames, size=size,
        )
    )  # fmt: skip
    check_output(target, overwrite, lossless, clip=worker.clip)
    sizes = choose_sizes(
        worker.prior, worker.whole, worker.degrade, worker.recipe, worker.place,
        window=window, overlap=overlap, tile=tile, tile_overlap=tile_overlap,
    )  # fmt: skip
    shots = parse_cuts(cuts, worker.whole[0])
    if shots is None:
        shots = find_cuts(worker.clip.frames) if worker.can_be_cut() else []
    pieces = plan(worker.whole, worker.degrade, sizes, shots)
    if len(pieces) > 1:
        worker.degrade.local(worker.whole, pieces[0].box)  # refused now, if at all
    bits = worker.clip.bits if lossless or not target.suffix else 16
    folder = work or target.with_name(f"{target.name}.oneseed")
    with Work(folder, worker.asked() | {"sizes": asdict(sizes)}, pieces, worker.whole, bits) as run:
        begin(pieces)
        run_pieces(worker, run, watch, stop, minutes)
        stale = sidecar_files(target) if target.exists() else []
        written = write(target, worker.clip.with_frames(run.final()), lossless=lossless, overwrite=overwrite)
        for file in stale:  # they described what was here before
            file.unlink(missing_ok=True)
        done = [Figures(**figures) for figures in run.figures()]
        if not keep_work:
            run.remove()
    return Restored(written=written, pieces=done, sizes=sizes, worker=worker)


def degrade_file(
    source: Path,
    target: Path,
    specs: Sequence[str],
    *,
    noise: float = 0.0,
    seed: int = 0,
    frames: str | None = None,
    size: str | None = None,
    bits: Literal[8, 16] | None = None,
    overwrite: bool = False,
) -> Written:
    """Degrade `source` into `target` and describe how beside it. Frames and .mkv are exact, 16 bits unless told otherwise.

    Raises:
        RequestError: the request is wrong. Nothing was written.
    """
    require_noise(noise)
    exact = target.suffix.lower() in ("", ".mkv")
    depth = bits or (16 if exact else None)
    check_output(target, overwrite, exact and bool(target.suffix), depth)
    degrade = spec.parse_all(specs)
    clip = read(source, frames, size)
    y = add_noise(degrade(clip.frames), noise, torch.Generator().manual_seed(seed))
    written = write(
        target, clip.with_frames(y), bits=depth, lossless=exact and bool(target.suffix), overwrite=overwrite
    )
    write_sidecar(target, degrade, noise, seed, clip.rate)
    return written


def score_files(
    result: Path,
    reference: Path,
    *,
    frames: str | None = None,
    size: str | None = None,
    lpips: Literal["alex", "vgg", "both", "none"] = "alex",
    weights: Path | None = None,
) -> Score:
    """Score one file against another. `frames` and `size` are applied to the reference; the result is taken as it is.

    Raises:
        RequestError: one cannot be read, or they differ in size or length.
    """
    return score(read(result).frames, read(reference, frames, size).frames, lpips, weights)


def sample_file(
    target: Path,
    prior: str,
    *,
    count: int = 16,
    size: int = 256,
    steps: int = 50,
    prompt: str = "",
    guidance: float = 1.0,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
) -> None:
    """Draw `count` pictures of random seeds from a prior, on one sheet.

    Raises:
        RequestError: the request is wrong. Nothing was written.
    """
    if target.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise RequestError(f"{target} is no picture by its ending; needed is .png or .jpg. Rename it.")
    check_place(target, overwrite, folder=False)
    place = choose_device(device)
    networks = load_prior(prior, place, prompt=prompt, guidance=guidance)
    pictures = draw(networks, count, size, size, steps, seed, place)
    with in_place_of(target) as part:
        save_picture(sheet(pictures), part)
