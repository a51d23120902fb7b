"""What the constructors of degradations ask of their arguments."""

from oneseed.errors import RequestError


def require(holds: bool, message: str) -> None:
    """Raise RequestError(message) unless `holds`."""
    if not holds:
        raise RequestError(message)


def require_seed(name: str, seed: int) -> None:
    message = f"{name}:seed={seed}; a seed is a whole number from 0 to 2**63 - 1. Give seed=0, say."
    require(0 <= seed < 2**63, message)
