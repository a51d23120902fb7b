"""The figures that tables show: what they are called, and which way they are better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    title: str
    unit: str
    better: Literal["higher", "lower"] | None
    """None: neither, it only informs."""
    decimals: int | None
    """None: three significant digits."""
    timed: bool = False
    """Whether it depends on the machine: then only runs of the same one are compared."""
    of_clip: bool = False
    """Whether it is the same whatever the method."""

    @property
    def heading(self) -> str:
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.title}{unit}{ {'higher': ' ↑', 'lower': ' ↓', None: ''}[self.better] }"

    def show(self, number: float) -> str:
        if self.decimals is not None:
            return f"{number:.{self.decimals}f}"
        if abs(number) < 1000:
            return f"{number:.3f}" if abs(number) < 0.01 else f"{number:#.3g}".rstrip(".")
        return f"{number:.0f}"

    def best(self, numbers: Mapping[str, float]) -> set[str]:
        """Names of the best, several where they are shown alike; none where nothing is better or worse."""
        if self.better is None or not numbers:
            return set()
        top = self.show((max if self.better == "higher" else min)(numbers.values()))
        return {name for name, number in numbers.items() if self.show(number) == top}

    def beats(self, a: float, b: float) -> bool:
        """Whether a is strictly better than b."""
        return a > b if self.better == "higher" else a < b


FIGURES = {
    "psnr": Figure("PSNR", "dB", "higher", 2),
    "ssim": Figure("SSIM", "", "higher", 4),
    "lpips_alex": Figure("LPIPS, AlexNet", "", "lower", 4),
    "lpips_vgg": Figure("LPIPS, VGG", "", "lower", 4),
    "we_self": Figure("Warping error of the result, we_self", "×100", "lower", 4),
    "we_gt": Figure("Warping error against the truth, we_gt", "×100", "lower", 4),
    "we_reference": Figure("Warping error of the truth, we_reference", "×100", None, 4, of_clip=True),
    "seconds": Figure("Time", "s", "lower", None, timed=True),
    "peak_memory_mb": Figure("Peak memory", "MB", "lower", 0, timed=True),
    "epochs": Figure("Epochs", "", None, 0),
}
