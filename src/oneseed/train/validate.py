"""What is looked at while a prior is trained: figures and a picture for each network, on photos that it does not learn from."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from oneseed.metrics.lpips import Lpips
from oneseed.metrics.psnr import psnr
from oneseed.sample import save_picture
from oneseed.train.autoencoder import Autoencoder

SIGMAS = (5 / 255, 25 / 255)
SHOWN, SIDE = 6, 256  # photos on a picture, and their pixels


class Validation:
    """Photos in [0, 1], sides multiples of 8.

    Args:
        photos: uint8 `3 H W`.
        folder: for the pictures.
        lpips: measured too, if given.
    """

    def __init__(self, photos: Sequence[Tensor], folder: Path, lpips: Lpips | None, device: torch.device):
        self.folder, self.lpips, self.device = folder, lpips, device
        self.photos = [photo[None, :, : photo.shape[1] // 8 * 8, : photo.shape[2] // 8 * 8] / 255 for photo in photos]

    @torch.no_grad()
    def autoencoder(self, model: Autoencoder, most: int | None = None) -> dict[str, float]:
        """PSNR and LPIPS of decoded after encoded; the picture has the photos above."""
        photos = self.photos[:most]
        decoded = [model(x.to(self.device)).clamp(0, 1).cpu() for x in photos]
        self._draw("autoencoder", photos, decoded)
        found = {"PSNR (dB)": _mean(psnr(y, x) for x, y in zip(photos, decoded, strict=True))}
        if self.lpips is not None:
            lpips = self.lpips.to("cpu")
            found["LPIPS (alex)"] = _mean(lpips(y, x) for x, y in zip(photos, decoded, strict=True))
            lpips.to(self.device)
        return found

    @torch.no_grad()
    def denoiser(self, model: torch.nn.Module, most: int | None = None) -> dict[str, float]:
        """PSNR after noise of 5 and of 25 of 255; the picture has the noisy photos above."""
        found: dict[str, float] = {}
        for sigma in SIGMAS:
            noisy, clean = [], []
            for number, x in enumerate(self.photos[:most]):
                noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(number))
                noisy.append(x + sigma * noise)
                clean.append(
                    model(noisy[-1].to(self.device), torch.tensor([sigma], device=self.device)).cpu().clamp(0, 1)
                )
            pairs = zip(self.photos, clean, strict=False)
            found[f"PSNR after noise {round(255 * sigma)}/255 (dB)"] = _mean(psnr(y, x) for x, y in pairs)
        self._draw("denoiser", noisy, clean)
        return found

    def _draw(self, name: str, above: Sequence[Tensor], below: Sequence[Tensor]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = [torch.cat([_square(x) for x in row[:SHOWN]], -1) for row in (above, below)]
        save_picture(torch.cat(rows, -2), self.folder / f"{name}.png")


def _square(x: Tensor) -> Tensor:
    """The middle, `SIDE` pixels wide and high; black where the photo is smaller."""
    _, _, height, width = x.shape
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    x = x[..., top : top + SIDE, left : left + SIDE]
    return F.pad(x, (0, SIDE - x.shape[-1], 0, SIDE - x.shape[-2]))


def _mean(values) -> float:
    return round(torch.cat([value.flatten() for value in values]).mean().item(), 4)
