"""Principal components of patches: where the linear part of the auto-encoder starts."""

import torch
from torch import Tensor
from torch.nn import functional as F

from oneseed.prior._autoencoder import SIDE, Decoder, Encoder


@torch.no_grad()
def start_linear(encoder: Encoder, decoder: Decoder, pictures: Tensor) -> None:
    """Give both linear parts the principal components of the pictures' patches, scaled to latents of unit variance.

    Args:
        pictures: `N 3 H W` in [0, 1], sides multiples of 8; more patches than a patch has numbers.
    """
    patches = F.pixel_unshuffle(pictures.double() - 0.5, SIDE).movedim(1, 0).flatten(1)
    variance, components = torch.linalg.eigh(patches @ patches.T / patches.shape[1])
    count = encoder.linear.out_channels
    variance, components = variance[-count:].flip(0), components[:, -count:].flip(1)
    sd = variance.clamp(min=1e-12).sqrt()
    encoder.linear.weight.copy_((components / sd).T[:, :, None, None])
    decoder.linear.weight.copy_((components * sd)[:, :, None, None])
    for layer in (encoder.linear, decoder.linear):
        layer.bias.zero_()  # type: ignore[union-attr]
