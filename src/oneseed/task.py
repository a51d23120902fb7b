"""What is to be restored, and how, as the user said it."""

from dataclasses import dataclass
from pathlib import Path

from oneseed import spec
from oneseed.clip.read import require_source
from oneseed.errors import RequestError
from oneseed.noise import require_noise
from oneseed.recipe import Recipe
from oneseed.sidecar import Description, read_sidecar


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be restored, and how, in plain values."""

    source: Path
    """A video file or a folder of images."""
    recipe: Recipe
    specs: tuple[str, ...] = ()
    """What happened to the clip; none: the sidecar beside `source` says so."""
    noise: float | None = None
    """Standard deviation on the [0, 1] scale; None: the sidecar's, or 0."""
    prior: str = "tiny"
    """As for `load_prior`, and so are `decoder`, `prompt` and `guidance`."""
    decoder: str | None = None
    prompt: str = ""
    guidance: float = 1.0
    denoiser: str | None = None
    """As for `load_denoiser`."""
    flow: str = "dis"
    """What estimates motion, by its name in the room `flow`."""
    device: str = "auto"
    """As for `choose_device`."""
    frames: str | None = None
    """As for `read`, and so is `size`."""
    size: str | None = None


def described_by(task: Task) -> Description:
    """What the user said, or else what the sidecar says.

    Raises:
        RequestError: neither says anything, or nothing that can be.
    """
    source, noise = task.source, task.noise
    if noise is not None:
        require_noise(noise)
    if task.specs:
        return Description(spec.parse_all(task.specs), noise or 0.0, None)
    require_source(source)
    described = read_sidecar(source)
    if described is None:
        raise RequestError(
            f"nothing says how {source} was degraded; needed is -d SPEC or a degradation.json beside it. "
            "Add -d downsample:factor=4, say; `oneseed choices degrade` lists what there is."
        )
    return described if noise is None else described._replace(noise=noise)
