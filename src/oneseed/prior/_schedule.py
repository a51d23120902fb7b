"""The noise schedule that a checkpoint was trained with, from its scheduler's own file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oneseed.ddim import Schedule
from oneseed.errors import RequestError

CONFIG = "scheduler/scheduler_config.json"


def read_schedule(folder: Path) -> Schedule:
    """What `scheduler/scheduler_config.json` says, whichever scheduler wrote it.

    Raises:
        RequestError: no such file, or a schedule without alpha-bars in discrete steps.
    """
    file = folder / CONFIG
    try:
        config = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise _foreign(file, error) from error
    return schedule_of(config, file)


def schedule_of(config: Mapping[str, Any], file: Path) -> Schedule:
    """What the configuration of any scheduler says.

    Args:
        file: where it was found.

    Raises:
        RequestError: a schedule without alpha-bars in discrete steps.
    """
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    try:
        if "num_train_timesteps" not in config or config.get("prediction_type") == "flow_prediction":
            raise ValueError(f"it is a {config.get('_class_name')}")
        ddim: Any = DDIMScheduler.from_config(dict(config))
    except (ValueError, NotImplementedError, TypeError) as error:
        raise _foreign(file, error) from error
    prediction = ddim.config.prediction_type
    if prediction not in ("epsilon", "v_prediction", "sample"):
        raise RequestError(
            f"{file}: the network predicts {prediction!r}; known are epsilon, v_prediction and sample. Use another checkpoint."
        )
    every = config.get("original_inference_steps") if config.get("_class_name") == "LCMScheduler" else None
    return Schedule(
        tuple(ddim.alphas_cumprod.double().tolist()),
        float(ddim.final_alpha_cumprod),
        prediction,
        len(ddim.alphas_cumprod) // every if every else 1,
    )


def _foreign(file: Path, error: Exception) -> RequestError:
    return RequestError(
        f"{file} tells no schedule ({error}); needed is a DDIM-like one: trained steps, betas, what is predicted. "
        "Use another checkpoint."
    )
