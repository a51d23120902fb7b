"""Missing pixels: drawn at random, or marked in white in images."""

import copy
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oneseed.box import Box, Shape
from oneseed.degrade._mask_files import Holes, MaskFiles
from oneseed.degrade._require import require, require_seed
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError
from oneseed.shapes import Frames, Measured
from oneseed.shapes import Mask as Pixels

__all__ = ["Mask"]


class Mask(Degradation):
    """y = keep * x: a missing pixel is black in every colour.

    Args:
        missing: share of the pixels that is missing, in (0, 1): exactly floor(missing * H * W) of them.
        seed: draws which ones; beside it only the size of the clip counts.
        per_frame: draws anew for each frame; otherwise one mask serves the whole clip.
        path: an image as large as the frames in which white (half or brighter) marks the missing pixels; or a folder of
            such images, one per frame, in natural order. Nothing is then drawn.
        holes: the exact pattern, True where missing. It goes before all of the above, which then only say whence it is.

    Raises:
        RequestError: an argument is out of range or would have no effect; the image cannot be read, or marks all
            pixels or none.
    """

    def __init__(
        self,
        missing: float = 0.5,
        seed: int = 0,
        per_frame: bool = False,
        path: Path | None = None,
        holes: Holes | None = None,
    ):
        super().__init__()
        require(0 < missing < 1, f"mask:missing={missing}; the share lies between 0 and 1. Give missing=0.5, say.")
        require_seed("mask", seed)
        self.missing, self.seed, self.per_frame = missing, seed, per_frame
        self.arguments = {"missing": missing, "seed": seed, "per_frame": per_frame}
        if path is not None:
            idle = f"mask:path={path} leaves nothing to draw; missing, seed and per_frame need that. Leave them out."
            require((missing, seed, per_frame) == (0.5, 0, False), idle)
            self.arguments = {"path": str(path)}
        elif holes is not None:
            self.arguments = {"holes": "given"}
        if holes is not None:
            found = f"mask:holes is a {holes.dtype} of shape {tuple(holes.shape)}"
            fits = holes.dtype == torch.bool and holes.ndim == 4 and holes.shape[1] == 1
            require(fits, f"{found}; torch.bool of shape (1 or N, 1, H, W) is needed. Compare it with 0.5, say.")
        self._given = path is not None or holes is not None
        self._holes = _read(Path(path)) if holes is None and path is not None else holes
        if holes is not None:
            require(bool(holes.any()), "mask:holes marks no pixel; True must mark the missing ones. Mark them.")
            require(not holes.all(), "mask:holes marks every pixel; some must be known. Mark these False.")

    def forward(self, x: Frames) -> Measured:
        n, c, h, w = x.shape
        return _Kept.apply(x, self.keep((n, c, h, w)).to(x.device))  # type: ignore[no-any-return]

    def keep(self, shape: Shape) -> Pixels:
        """True where a pixel is known, for frames of this shape (N, C, H, W).

        Raises:
            RequestError: the mask does not apply to such frames.
        """
        n, _, h, w = self.measured_shape(shape)
        drawn_as = (n if self.per_frame else 1, 1, h, w)
        if self._holes is None or not (self._given or self._holes.shape == drawn_as):
            generator = torch.Generator().manual_seed(self.seed)
            holes = torch.zeros(drawn_as, dtype=torch.bool)
            for frame in holes.view(-1, h * w):
                frame[torch.randperm(h * w, generator=generator)[: self._count(h, w)]] = True
            self._holes = holes
        return (~self._of_all()).expand(n, 1, h, w)

    def local(self, whole: Shape, box: Box) -> Degradation:
        """With the holes that lie in the box; it may hold none."""
        part = copy.copy(self)
        if isinstance(self._holes, MaskFiles):  # only those of its frames are read
            self.measured_shape(whole)
            part._holes = box._replace(first=0, last=box.last - box.first).of(self._holes[box.first : box.last])
        else:
            self.keep(whole)  # now, if they have not been drawn
            part._holes = box.of(self._of_all().expand(whole[0], 1, *whole[2:]))
        part._given = True
        return part

    def measured_shape(self, shape: Shape) -> Shape:
        n, _, h, w = shape
        if not self._given and self._count(h, w) == 0:
            found = f"frames are {w}x{h}, of which mask:missing={self.missing} is less than a pixel"
            raise RequestError(f"{found}; at least one must be missing. Raise missing.")
        if self._given and self._holes is not None:
            frames, _, height, width = self._holes.shape
            if (height, width) != (h, w):
                needed = f"the mask is {width}x{height} and needs frames of that size"
                raise RequestError(f"frames are {w}x{h}; {needed}. Resize the mask, or add --size {width}x{height}.")
            if frames not in (1, n):
                needed = f"the masks are {frames}, and one is needed, or one per frame"
                raise RequestError(f"the number of frames is {n}; {needed}. Choose as many frames with --frames.")
        return shape

    def arrays(self) -> dict[str, Tensor]:
        """The holes that were used last.

        Raises:
            RuntimeError: nothing has been drawn yet: the frames' size decides.
        """
        if self._holes is None:
            raise RuntimeError("a mask is drawn for the frames that it meets: apply it before asking what was drawn")
        return {"holes": self._of_all().clone()}  # a copy, for what is drawn inside a torch.func transform is wrapped

    def _of_all(self) -> Holes:
        """Read now, if they have not been; and held from now on."""
        if isinstance(self._holes, MaskFiles):
            self._holes = self._holes[:]
        assert self._holes is not None
        return self._holes

    def _count(self, h: int, w: int) -> int:
        # As written in decimals: 0.29 of 100 pixels are 29, where floats make it 28.999...
        return int(Fraction(str(self.missing)) * h * w)


class _Kept(torch.autograd.Function):
    """x where `keep` says so, elsewhere 0, whatever x is there: `torch.where` by bits, ten times as fast on a CPU."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, keep: Tensor) -> Tensor:
        whole = _BITS[x.element_size()]
        return x.view(whole).bitwise_and(keep.to(whole).neg_()).view(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        _, ctx.keep = inputs

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return _Kept.apply(g, ctx.keep), None

    @staticmethod
    def jvp(ctx: Any, g: Tensor, _: None) -> Tensor:  # type: ignore[override]
        return _Kept.apply(g, ctx.keep)


_BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def _read(path: Path) -> Holes | MaskFiles:
    """One image, or the files of many."""
    files = MaskFiles(path)
    return files if path.is_dir() else files[:]
