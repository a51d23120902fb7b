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
        hidden = (seen == 0).flatten().nonzero().squeeze(1)
        self._hidden = hidden if len(hidden) else None

    def data(self, gap: Measured) -> Tensor:
        """Mean of gap² over the measurements seen, for gap = A(x) − y."""
        return (gap * self.seen).square().sum() / self.count

    def to_slope_(self, gap: Measured) -> Tensor:
        """The same; and in the place of gap its gradient."""
        seen = gap.mul_(self.seen).flatten()
        mean = seen.dot(seen) / self.count
        gap.mul_(2 / self.count)
        return mean

    def held_out(self, gap: Measured) -> float | None:
        """Mean of gap² over those held out; None if there are none."""
        if self._hidden is None:
            return None
        return gap.detach().flatten()[self._hidden].square().mean().item()

    def errors(self, gap: Measured) -> tuple[float, float | None]:
        """Both, as numbers."""
        return self.data(gap.detach()).item(), self.held_out(gap)
