"""torchvision from the package index does not import beside a torch build that lacks its compiled operators.

Nothing here uses those operators, so declaring their signatures is enough for `import torchvision` to work.
"""

import importlib.util
import sys

_library = None  # the declarations live as long as this object


def declare() -> None:
    """Make `import torchvision` work, where it is installed. Call before importing it, or diffusers, which does."""
    global _library
    if _library is not None or "torchvision" in sys.modules or importlib.util.find_spec("torchvision") is None:
        return
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
