"""The alphabet of shapes. N frames, C colours, H W pixels; h w latent pixels; k rank.

Frames are float tensors, RGB, in [0, 1], time first. Flows are in pixels, (dx, dy), x right, y down, and say where to
look: x(p + f(p)). Pixel centres sit at whole numbers.
"""

from jaxtyping import Bool, Float
from torch import Tensor

Frames = Float[Tensor, "N C H W"]
Measured = Float[Tensor, "Ny Cy Hy Wy"]  # what A gives back: possibly fewer frames, fewer pixels
Flow = Float[Tensor, "N 2 H W"]
Mask = Bool[Tensor, "N 1 H W"]
PixelMap = Float[Tensor, "N 1 H W"]  # one number for all colours of a pixel
PairFlow = Float[Tensor, "P 2 H W"]  # one per pair of frames: P = N - 1 for neighbours
PairWeight = Float[Tensor, "P 1 H W"]  # how much a pixel of a pair counts, in [0, 1]
