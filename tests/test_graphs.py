"""R and D2 as a CUDA graph, on a machine that has none: what stands in for it overwrites its output as a graph does."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.short_runs import QUICK, epochs_of
from tests.small_checkpoints import KINDS, small_checkpoint
from tests.toy_prior import ToyPrior
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from oneseed import graphs
from oneseed.load import load_prior
from oneseed.prior.base import Prior
from oneseed.prior.diffusers import Diffusers
from oneseed.recipe import Recipe
from oneseed.video import Video

Map = Callable[[Tensor], Tensor]


class Replay:
    """One place for what a call returns and one for what goes back, as `make_graphed_callables` has it."""

    def __init__(self, function: Map, times: float = 1.0):
        self.function, self.times, self.calls = function, times, 0
        self.y: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        replay, self.calls = self, self.calls + 1

        class Graph(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Tensor) -> Tensor:
                with torch.enable_grad():
                    replay.x = x.detach().requires_grad_()
                    replay.made = replay.times * replay.function(replay.x)
                if replay.y is None:
                    replay.y = replay.made.detach().clone()
                return replay.y.copy_(replay.made.detach()).detach()

            @staticmethod
            def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
                return torch.autograd.grad(replay.made, replay.x, g)[0]

        return Graph.apply(x)  # type: ignore[no-any-return]


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> list[Replay]:
    made: list[Replay] = []

    def make(function: Map, examples: tuple[Tensor, ...]) -> Replay:
        assert examples[0].requires_grad
        made.append(Replay(function))
        return made[-1]

    monkeypatch.setattr(graphs, "takes", lambda x: True)
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
    return made


def curve(x: Tensor) -> Tensor:
    return x.sin() * x


def test_without_a_gpu_nothing_is_recorded(draw):
    assert graphs.recorded(curve, draw(2, 3)) is curve


def test_what_is_recorded_is_what_runs(record, draw):
    found, x = graphs.recorded(curve, draw(2, 3)), draw(2, 3).requires_grad_()
    assert [found] == record
    torch.testing.assert_close(found(x), curve(x))
    torch.testing.assert_close(*(torch.autograd.grad(f(x).sum(), x)[0] for f in (found, curve)))


def test_what_differs_or_cannot_be_recorded_runs_as_it_is(monkeypatch, draw):
    def refuse(*_: object) -> Map:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(graphs, "takes", lambda x: True)
    for make, reason in ((lambda f, _: Replay(f, 1.1), "it differs by 0.[12]"), (refuse, "stream is capturing[)]")):
        monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
        with pytest.warns(RuntimeWarning, match=reason):
            assert graphs.recorded(curve, draw(2, 3)) is curve


@pytest.mark.parametrize("changes", [{}, {"joint": "latent", "follow_motion": False}], ids=["feature", "latent"])
def test_a_run_is_the_same_run(record, monkeypatch, changes: dict[str, Any]):
    recipe = dataclasses.replace(QUICK, epochs=17, **changes)  # and three of the fit
    found = epochs_of(recipe)
    [replay] = record
    assert replay.calls == 1 + 3 + 18  # one to see that it is the same
    record.clear()
    monkeypatch.setattr(graphs, "takes", lambda x: False)
    for one, other in zip(found, epochs_of(recipe), strict=True):
        assert torch.equal(one.x, other.x)
    assert not record


@pytest.mark.parametrize(
    ("joint", "epochs", "frugal", "plain", "count"),
    [("feature", 30, False, False, 1), ("feature", 16, False, False, 0), ("feature", 30, True, False, 0),
     ("feature", 30, False, True, 0), ("seed", 30, False, False, 0)],
)  # fmt: skip
def test_what_is_worth_recording(record, monkeypatch, joint, epochs: int, frugal: bool, plain: bool, count: int):
    monkeypatch.setattr("tests.short_runs.ToyPrior", lambda: toy(frugal))
    recipe = dataclasses.replace(QUICK, epochs=epochs, joint=joint, follow_motion=False, patience=1, hold_out=0.1)
    epochs_of(recipe, plain=plain)
    assert len(record) == count


def toy(frugal: bool) -> ToyPrior:
    prior = ToyPrior()
    prior.frugal = frugal
    return prior


class Waits(TorchDispatchMode):
    """Refuses what a graph could not record: numbers that come from Python, or go there."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(function)
        assert not name.startswith(("aten.lift_fresh", "aten._local_scalar_dense", "aten.nonzero")), name
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", ["tiny", *KINDS])
def test_nothing_in_r_and_d2_waits_for_the_cpu(kind: str, tmp_path: Path):
    prior: Prior = load_prior("tiny") if kind == "tiny" else Diffusers(small_checkpoint(kind, tmp_path))
    prior.frugal = False
    video = Video(prior, (2, 3, 64, 64), Recipe(steps=2, rank=2), torch.Generator(), torch.device("cpu"))
    video.head(video.z_shared).square().mean().backward()  # what is put on the device once
    with Waits():
        video.head(video.z_shared).square().mean().backward()
