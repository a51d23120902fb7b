"""Where a checkpoint lies: a folder, a file, or a repository of the Hugging Face hub that is fetched into its cache."""

import re
from collections.abc import Sequence
from pathlib import Path

from oneseed.errors import RequestError

PARTS = ("unet", "vae", "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")


def locate(source: str | Path) -> Path:
    """The folder or file that `source` names; repositories (`owner/name`) are fetched, safetensors only, and only once.

    Raises:
        RequestError: there is none, it may not be had, or the network is not there.
    """
    path = Path(source).expanduser()
    if path.exists():
        return path
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", str(source)) or path.suffix in (".safetensors", ".ckpt", ".pt", ".bin"):
        raise RequestError(
            f"no prior {str(source)!r}; needed is a folder, a .safetensors file, or a repository of the hub (owner/name). "
            "Name one."
        )
    return _fetch(str(source))


def _fetch(repository: str) -> Path:
    from huggingface_hub import list_repo_files, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        try:
            wanted = wanted_files(list_repo_files(repository))
        except HfHubHTTPError:
            raise
        except Exception:  # no network, by choice or by accident: which error says so depends on the hub's HTTP library
            return Path(snapshot_download(repository, local_files_only=True))
        return Path(snapshot_download(repository, allow_patterns=wanted))
    except GatedRepoError as error:
        raise RequestError(
            f"the hub's {repository} is gated; needed is that its terms are accepted. Accept them on "
            f"https://huggingface.co/{repository}, then run `hf auth login`."
        ) from error
    except RepositoryNotFoundError as error:
        raise RequestError(
            f"the hub has no {repository}, or it is private; needed is one that is there. Check the name, or `hf auth login`."
        ) from error
    except LocalEntryNotFoundError as error:
        from huggingface_hub.constants import HF_HUB_OFFLINE

        why = "HF_HUB_OFFLINE forbids the network" if HF_HUB_OFFLINE else "the hub cannot be reached"
        mend = "Unset it once" if HF_HUB_OFFLINE else "Connect once"
        raise RequestError(
            f"{repository} is not in the cache of this machine, and {why}; needed is one of the two. {mend}, or name a folder."
        ) from error
    except Exception as error:  # as above
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RequestError(f"fetching {repository} failed ({line}); needed is a whole copy. Try again.") from error


def wanted_files(files: Sequence[str]) -> list[str]:
    """Of a repository's files those that are read: configurations, words, and of each part's weights the smaller variant."""
    kept = [name for name in files if name == "model_index.json" or name == "config.json"]
    for part in (*PARTS, ""):
        mine = [name for name in files if name.rpartition("/")[0] == part]
        kept += [name for name in mine if part and name.endswith((".json", ".txt", ".model"))]
        sets = [
            name
            for name in mine
            if name.endswith(".safetensors") and Path(name).name.startswith(("diffusion_pytorch_model", "model"))
        ]
        half = [name for name in sets if ".fp16." in name]
        kept += half or [name for name in sets if ".non_ema." not in name]
    return sorted(set(kept))
