"""The frames of a video file or of a folder of images, decoded where they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from oneseed.clip.crop import Size, fit
from oneseed.clip.images import Images
from oneseed.clip.picture import Picture
from oneseed.clip.reel import Reel
from oneseed.clip.video import Video, opened
from oneseed.errors import RequestError


@dataclass(frozen=True)
class FileReel(Reel):
    """What a survey of `path` found: `first` is the number, in the file, of the frame shown at `times[0]`."""

    path: Path
    first: int
    times: tuple[Fraction, ...]
    """As the file has them."""
    size: Size | None
    rate: Fraction | None
    """Of a folder of images; None for a video."""
    alpha: bool = False
    """Of the pictures their alpha, which is 1 where they have none."""

    def images(self, first: int, last: int) -> Iterator[Float[Tensor, "c H W"]]:
        for picture in self._pictures(first, last):
            image = fit(picture.matte() if self.alpha else picture.load(), self.size)
            if image.shape != self.shape[1:]:
                raise RequestError(f"{picture.name} has changed since it was first read. Start anew.")
            yield image

    def _pictures(self, first: int, last: int) -> Iterator[Picture]:
        wanted = self.times[first:last]
        if self.rate is not None:
            yield from Images(self.path, self.rate).pictures(self.first + first, self.first + last)
            return
        with opened(self.path) as container:
            video = Video(container, self.path)
            if (found := video.pictures_from(wanted[0])) is not None:
                yield from self._matched(found, wanted)
                return
        with opened(self.path) as container:
            yield from self._matched(Video(container, self.path).pictures(), wanted)

    def _matched(self, pictures: Iterator[Picture], wanted: tuple[Fraction, ...]) -> Iterator[Picture]:
        left = iter(wanted)
        time = next(left, None)
        for picture in pictures:
            if time is not None and picture.time == time:
                yield picture
                time = next(left, None)
            if time is None:
                return
        raise RequestError(
            f"{self.path} has no frame at {float(time or 0):.3f} s any more; it has changed. Start anew."
        )
