"""A video file or a folder of images as a clip, in memory or left on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from oneseed.clip.clip import Clip
from oneseed.clip.crop import fit, parse_size
from oneseed.clip.file_reel import FileReel
from oneseed.clip.images import ENDINGS, Images
from oneseed.clip.reel import loaded
from oneseed.clip.span import parse_span
from oneseed.clip.timing import on_grid
from oneseed.clip.video import Video, opened
from oneseed.errors import RequestError

FOLDER_RATE = 25  # frames per second, when nobody says


def read(
    path: str | Path, frames: str | None = None, size: str | None = None, rate: Fraction | int | None = None
) -> Clip:
    """The clip in a video file or a folder of images, all of it in memory but its alpha.

    Args:
        path: a video file, an image, or a folder of PNG, JPEG, TIFF or WebP images, taken in natural order.
        frames: `A:B` as a Python slice; either side may be missing or negative.
        size: `S`, the centre square resized to S x S, or `WxH`, resized; antialiased bicubic.
        rate: frames per second of a folder, 25 unless given; a video has its own.

    Raises:
        RequestError: nothing there, nothing readable in it, a damaged frame, frames of several sizes, interlaced
            ones, or `frames`, `size` or `rate` that make no sense here.
    """
    clip = survey(path, frames, size, rate)
    return clip.with_frames(loaded(clip.frames))


def survey(
    path: str | Path, frames: str | None = None, size: str | None = None, rate: Fraction | int | None = None
) -> Clip:
    """The same clip with its frames left on disk: each was decoded once, to see that it is there, and none is held.

    Raises:
        RequestError: as `read` does, but that a damaged image of a folder is found when it is asked for.
    """
    path, target = Path(path), parse_size(size)
    with _source(path, rate) as source:
        span = parse_span(frames, source.count)
        start, height, width, kept, clear = Fraction(0), 0, 0, [], False
        for number, picture in enumerate(source.pictures()):
            start = picture.time if number == 0 else start
            if number == span.first:
                _, height, width = fit(picture.load(), target).shape
            if number >= span.first:
                kept.append((picture.time, picture.end, picture.aspect))
                clear = clear or (picture.alpha is not None and bool((picture.alpha() < 1).any()))
            if number + 1 == span.last:
                break
        else:
            span.check(number + 1)
        times = [time for time, _, _ in kept]
        grid = on_grid(times, start, source.rate, source.tick)
        reel = FileReel(
            (len(kept), 3, height, width), path, span.first, tuple(times), target,
            source.rate if isinstance(source, Images) else None,
        )  # fmt: skip
        return Clip(
            frames=reel,
            rate=source.rate,
            times=tuple(grid or times),
            bits=source.bits,
            source=path,
            until=None if grid else kept[-1][1],
            cut=span.first > 0 or span.last is not None,
            pixel_aspect=kept[0][2] if target is None or target.square else Fraction(1),
            primaries=source.primaries,
            transfer=source.transfer,
            matrix=source.matrix,
            full=source.full,
            light=source.light,
            alpha=replace(reel, shape=(len(kept), 1, height, width), alpha=True) if clear else None,
        )


def require_source(path: Path) -> None:
    """Check that there is something to read.

    Raises:
        RequestError: nothing there.
    """
    if not path.exists():
        raise RequestError(f"{path} does not exist; needed a video file or a folder of images. Check the path.")


@contextmanager
def _source(path: Path, rate: Fraction | int | None) -> Iterator[Video | Images]:
    require_source(path)
    if path.is_dir() or path.suffix.lower() in ENDINGS:
        yield Images(path, _positive(rate))
        return
    if rate is not None:
        raise RequestError(f"a rate of {rate} for {path}; needed a folder of images. Leave it out.")
    with opened(path) as container:
        yield Video(container, path)


def _positive(rate: Fraction | int | None) -> Fraction:
    if rate is not None and rate <= 0:
        raise RequestError(f"a rate of {rate}; needed more than 0 frames per second. Try 25.")
    return Fraction(FOLDER_RATE if rate is None else rate)
