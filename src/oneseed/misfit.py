"""How far a video is from its measurements: the data term of eq 12, and the error on those that were held out."""

from torch import Tensor

from oneseed.shapes import Measured


class Misfit:
    """For one set of measurements.

    Args:
        seen: 1 for those that the chain sees, 0 for those held out.
    """

    def __init__(self, seen: Measured):
        self.seen, self.count = seen, seen.sum()
        self._hidden = (seen == 0).flatten().nonzero().squeeze(1)
        self._held_out = len(self._hidden)

    def share(self, frames: slice) -> "Misfit":
        """Of some frames: what they add to the figures of all."""
        part = Misfit(self.seen[frames])
        part.count, part._held_out = self.count, self._held_out
        return part

    def data(self, gap: Measured) -> Tensor:
        """Mean of gap² over the measurements seen, for gap = A(x) − y."""
        return (gap * self.seen).square().sum() / self.count

    def to_slope_(self, gap: Measured) -> Tensor:
        """The same; and in the place of gap its gradient."""
        seen = gap.mul_(self.seen).flatten()
        mean = seen.dot(seen) / self.count
        gap.mul_(2 / self.count)
        return mean

    def held_out(self, gap: Measured) -> Tensor:
        """Mean of gap² over those held out; 0 if there are none."""
        return gap.detach().flatten()[self._hidden].square().sum() / max(self._held_out, 1)

    def number(self, held_out: Tensor) -> float | None:
        """It as a number; None if there are none."""
        return held_out.item() if self._held_out else None

    def errors(self, gap: Measured) -> tuple[float, float | None]:
        """Both, as numbers."""
        return self.data(gap).item(), self.number(self.held_out(gap))
