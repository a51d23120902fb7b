"""Networks by their name, folder, file or repository."""

from pathlib import Path
from typing import Any

import torch

from oneseed import registry
from oneseed.denoise.base import Denoiser
from oneseed.device import fast_dtype, fast_in_bfloat16
from oneseed.errors import RequestError
from oneseed.prior.base import Prior

OURS, DENOISER = "autoencoder/config.json", "denoiser"


def load_prior(
    which: str,
    device: torch.device | str = "cpu",
    *,
    decoder: str | None = None,
    prompt: str = "",
    guidance: float = 1.0,
) -> Prior:
    """A prior on a device, its networks in the precision that is fast there.

    Args:
        which: a name on offer, a folder that `oneseed train` wrote, or a Stable Diffusion checkpoint: a folder in diffusers'
            layout, a .safetensors file, or a repository of the hub.
        decoder: for checkpoints, another decoder of the same latents; a folder or a repository.
        prompt: for checkpoints, what the video shows.
        guidance: for checkpoints, how far the prompt is exaggerated.

    Raises:
        RequestError: no such prior, or one that takes none of these.
    """
    device = torch.device(device)
    path = Path(which).expanduser()
    if which == "tiny" or (path / OURS).is_file():
        if decoder or prompt or guidance != 1:
            raise RequestError(
                f"--prior {which} takes no decoder, prompt or guidance; needed is a Stable Diffusion checkpoint. "
                "Leave them out, or name one."
            )
        kind = registry.find("prior", "tiny")
        dtype = torch.bfloat16 if fast_in_bfloat16(device) else torch.float32
        return (kind(dtype=dtype) if which == "tiny" else kind(path, dtype)).to(device)
    if path.is_dir() and not (path / "model_index.json").is_file():
        raise RequestError(
            f"{path} is no prior: it holds neither {OURS} nor model_index.json; needed is a folder that `oneseed train` "
            "wrote or a Stable Diffusion checkpoint. Name one."
        )
    names = registry.choices("prior")
    kind = registry.find("prior", "diffusers")
    if which not in names and "/" not in which and not path.exists():
        raise RequestError(
            f"no prior {which!r}: it is neither a file or folder nor one of {', '.join(names)}."
            f"{registry.did_you_mean(which, names)} Name one, or a repository of the hub (owner/name)."
        )
    source: dict[str, Any] = {} if which == "diffusers" else {"source": which}
    return kind(**source, decoder=decoder, prompt=prompt, guidance=guidance, dtype=fast_dtype(device)).to(device)


def load_denoiser(which: str | None, prior: str = "tiny", device: torch.device | str = "cpu") -> Denoiser:
    """A denoiser on a device, in the precision that is fast there.

    Args:
        which: a name on offer, or a folder that `oneseed train` wrote; None: the prior's own, or else `tiny`.

    Raises:
        RequestError: neither.
    """
    names = registry.choices("denoise")
    kind = registry.find("denoise", "tiny")
    if which is None:
        which = prior if (Path(prior).expanduser() / DENOISER).is_dir() else "tiny"
    path, device = Path(which).expanduser(), torch.device(device)
    dtype = torch.bfloat16 if fast_in_bfloat16(device) else torch.float32
    if which == "tiny":
        denoiser = kind(dtype=dtype)
    elif which in names:
        denoiser = registry.find("denoise", which)()
    elif path.is_dir():
        denoiser = kind(path / DENOISER if (path / DENOISER).is_dir() else path, dtype)
    else:
        raise RequestError(
            f"no denoiser {which!r}: it is neither a folder nor one of {', '.join(names)}. Name one of them."
        )
    return denoiser.to(device)
