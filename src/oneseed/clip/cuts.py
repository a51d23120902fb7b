"""Where one shot ends and the next begins."""

from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from oneseed.clip.images import codes_of
from oneseed.errors import RequestError


def find_cuts(frames: Iterable[Float[Tensor, "3 H W"]]) -> list[int]:
    """First frames of new shots, by PySceneDetect's detector, which looks for changes that stand out from those around them.

    It sees frames of 32x32 pixels, in which noise and missing pixels have gone and cuts have not.
    """
    from scenedetect import AdaptiveDetector, FrameTimecode

    detector, found = AdaptiveDetector(min_scene_len=_SHORTEST), []
    for number, image in enumerate(frames):
        small = interpolate(image[None], (_SIDE, _SIDE), mode="area")[0]
        picture = codes_of(small, 8)[..., ::-1].copy()  # as OpenCV has colours
        found += [cut.frame_num for cut in detector.process_frame(FrameTimecode(number, _ANY_RATE), picture)]
    return found


_SIDE = 32
_SHORTEST = 8
"""Frames of a shot."""
_ANY_RATE = 25.0


def parse_cuts(text: str, count: int) -> list[int] | None:
    """First frames of new shots from `N,N,...`; none of `none`; None for `auto`.

    Raises:
        RequestError: something else, or frames that a clip of `count` does not have.
    """
    if text == "auto":
        return None
    if text == "none":
        return []
    try:
        cuts = [int(part) for part in text.split(",")]
    except ValueError:
        cuts = [-1]
    if not all(0 < cut < count for cut in cuts):
        raise RequestError(
            f"--cuts {text} for {count} frames; needed is auto, none, or numbers of frames between 1 and {count - 1}. "
            "Try --cuts auto."
        )
    return sorted(set(cuts))
