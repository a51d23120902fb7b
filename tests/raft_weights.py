"""Random weights in torchvision's format, for tests that ask how RAFT is used and not how good it is."""

from pathlib import Path

import torch

from oneseed.torchvision_operators import declare


def write_raft_weights(file: Path) -> Path:
    declare()
    from torchvision.models.optical_flow import raft_small

    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(raft_small().state_dict(), file)
    return file
