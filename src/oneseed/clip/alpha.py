"""Alpha is not restored but kept: at the size of the restored frames, within the output or in a file beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from oneseed.clip.clip import Clip
from oneseed.clip.crop import Size, fit
from oneseed.clip.reel import Reel


@dataclass(frozen=True)
class Fitted(Reel):
    """Alpha `N 1 h w`, in memory or a reel, at another size, by the antialiased bicubic filter of `fit`."""

    alpha: Any

    def images(self, first: int, last: int) -> Iterator[Float[Tensor, "c H W"]]:
        held = self.alpha.images(first, last) if isinstance(self.alpha, Reel) else self.alpha[first:last]
        for image in held:
            yield fit(image.float(), Size(self.shape[3], self.shape[2], square=False)).expand(self.shape[1:])


def alpha_beside(path: Path) -> Path:
    """Where the alpha of `path` goes when `path` cannot hold it."""
    return path.with_name(f"{path.name}.alpha.mkv")


def fitted(clip: Clip) -> Clip:
    """The clip with its alpha, if it has any, at the size of its frames."""
    if clip.alpha is None:
        return clip
    count, _, height, width = clip.frames.shape
    return replace(clip, alpha=Fitted((count, 1, height, width), clip.alpha))


def as_grey(clip: Clip) -> Clip:
    """The alpha of a clip as a clip of its own, grey and silent."""
    grey = Fitted(tuple(clip.frames.shape), clip.alpha)
    return replace(clip, frames=grey, alpha=None, source=None, light=None, matrix=1, full=False)
