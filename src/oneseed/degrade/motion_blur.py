"""Camera shake: one motion kernel for every frame, drawn at random or read from an image."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from oneseed.box import Box, Shape
from oneseed.degrade._image import read_grey
from oneseed.degrade._motion_kernel import draw_kernel
from oneseed.degrade._require import require, require_seed
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError
from oneseed.shapes import Frames, Measured

__all__ = ["MotionBlur"]


class MotionBlur(Degradation):
    """Correlation of every colour of every frame with one kernel; beyond its edges a frame is mirrored.

    Args:
        size: side of the kernel in pixels, odd, at least 3.
        intensity: 0 draws a straight stroke, 1 a crooked one, in [0, 1].
        seed: draws the kernel.
        path: an image of a kernel with odd sides; its brightness is divided by its sum. Nothing is then drawn.
        kernel: the exact kernel: odd sides, no negative number, sum 1. It goes before all of the above, which then only
            say whence it is.

    Raises:
        RequestError: an argument is out of range or would have no effect; the image cannot be read or is no kernel.
    """

    def __init__(
        self,
        size: int = 33,
        intensity: float = 0.5,
        seed: int = 0,
        path: Path | None = None,
        kernel: Float[Tensor, "K L"] | None = None,
    ):
        super().__init__()
        require(size >= 3 and size % 2 == 1, f"motion-blur:size={size}; the size is odd, 3 or more. Give size=33, say.")
        in_range = f"motion-blur:intensity={intensity}; the intensity lies in [0, 1]. Give intensity=0.5, say."
        require(0 <= intensity <= 1, in_range)
        require_seed("motion-blur", seed)
        self.arguments = {"size": size, "intensity": intensity, "seed": seed}
        if path is not None:
            idle = f"motion-blur:path={path} leaves nothing to draw with size, intensity or seed. Leave them out."
            require((size, intensity, seed) == (33, 0.5, 0), idle)
            self.arguments = {"path": str(path)}
        elif kernel is not None:
            self.arguments = {"kernel": "given"}
        if kernel is not None:
            _require_kernel(kernel, "motion-blur:kernel")
            require(abs(float(kernel.sum()) - 1) < 1e-6, "motion-blur:kernel; its sum must be 1. Divide it by its sum.")
        elif path is not None:
            kernel = read_grey(Path(path))
            _require_kernel(kernel, f"motion-blur:path={path}")
            kernel = kernel / kernel.sum()
        else:
            kernel = draw_kernel(size, intensity, seed)
        # Not a buffer: `.to(dtype)` and devices without float64 would round what the sidecar must hold to the last bit.
        self.kernel: Float[Tensor, "K L"] = kernel.detach().cpu().double()
        self.spatial_reach = max(self.kernel.shape) // 2
        self._from_image = path is not None

    def forward(self, x: Frames) -> Measured:
        n, c, h, w = x.shape
        self.measured_shape((n, c, h, w))
        # By Fourier transform: 20 times faster at 33x33 than the 1089 products per pixel. It knows no half precision.
        exact = x if x.dtype == torch.float64 else x.float()
        rows, columns = (side // 2 for side in self.kernel.shape)
        padded = pad(exact, (columns, columns, rows, rows), mode="reflect")
        size = (_fast_length(h + 2 * rows), _fast_length(w + 2 * columns))
        spectrum = torch.fft.rfft2(self.kernel.to(exact.dtype).to(x.device), s=size).conj()
        return torch.fft.irfft2(torch.fft.rfft2(padded, s=size) * spectrum, s=size)[..., :h, :w].to(x.dtype)

    def local(self, whole: Shape, box: Box) -> Degradation:
        return self

    def measured_shape(self, shape: Shape) -> Shape:
        _, _, h, w = shape
        rows, columns = self.kernel.shape
        # Mirroring needs more than half the kernel; an image larger than the frames is hardly meant as a kernel at all.
        height, width = (rows, columns) if self._from_image else (rows // 2 + 1, columns // 2 + 1)
        if h < height or w < width:
            needed = f"a {columns}x{rows} motion blur needs at least {width}x{height}"
            raise RequestError(f"frames are {w}x{h}; {needed}. Choose a smaller kernel or larger frames.")
        return shape

    def arrays(self) -> dict[str, Tensor]:
        return {"kernel": self.kernel}


def _require_kernel(kernel: Float[Tensor, "K L"], whence: str) -> None:
    rows, columns = kernel.shape
    found = f"{whence} is {columns}x{rows}; both sides must be odd. Pad it with black."
    require(rows % 2 == 1 and columns % 2 == 1, found)
    require(bool(kernel.isfinite().all()), f"{whence} holds NaN or infinity; every number must be finite. Mend it.")
    require(bool((kernel >= 0).all()), f"{whence} holds negative numbers; a motion kernel has none. Mend it.")
    require(bool((kernel > 0).any()), f"{whence} is black; a kernel is white along the camera's path. Mend it.")


def _fast_length(length: int) -> int:
    """The next length without a prime factor above 5, at which the Fourier transform is fast."""
    rest = length
    for prime in (2, 3, 5):
        while rest % prime == 0:
            rest //= prime
    return length if rest == 1 else _fast_length(length + 1)
