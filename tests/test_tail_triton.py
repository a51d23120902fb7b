"""The fused kernels: values and gradients of the plain convolution of A_n B_n, and nothing else is touched.

Triton's interpreter runs them on the CPU. Where there is a GPU, they run there too.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from oneseed import tail_triton
from triton_interpreter import added, added_back, beside, gradients, start, taken

pytest.importorskip("triton", reason="the extra `triton` is not installed")

KERNELS = [(3, 3), (1, 1), (5, 3)]
SHAPES = [(1, 5, 35, 37, 1), (3, 4, 17, 9, 3), (1, 34, 6, 5, 16), (2, 3, 3, 2, 17)]
"""Frames, channels, height, width, rank: no multiples of tiles and groups, and one smaller than the largest kernel."""

POINTERS = ("x", "A", "B", "K", "taps", "g", "dB")

Run = Callable[..., Any]


@pytest.fixture(scope="module", params=["interpreter", *["cuda"] * torch.cuda.is_available()])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Calls a function of `triton_interpreter`."""
    if request.param == "cuda":
        yield lambda function, *args: moved("cpu", function(*moved("cuda", args)))
    else:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=start) as pool:
            yield lambda function, *args: pool.submit(function, *args).result()


def moved(place: str, values: Any) -> Any:
    if isinstance(values, tuple):
        return tuple(moved(place, value) for value in values)
    return values.to(place) if isinstance(values, Tensor) else values


def real(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Problem(NamedTuple):
    A: Tensor
    B: Tensor
    weight: Tensor
    g: Tensor

    def added(self) -> Tensor:
        """The plain version, in the precision of A."""
        sides = self.weight.shape[2] // 2, self.weight.shape[3] // 2
        return F.conv2d(self.A @ self.B, self.weight, padding=sides)

    def gradients(self) -> tuple[Tensor, ...]:
        factors = self.A.requires_grad_(), self.B.requires_grad_()
        return torch.autograd.grad(self.added(), factors, self.g)

    def exact(self) -> "Problem":
        return Problem(*(t.detach().double() for t in self))


def problem(shape: tuple[int, int, int, int, int], kernel: tuple[int, int] = (3, 3)) -> Problem:
    frames, channels, height, width, rank = shape
    shapes = (frames, channels, height, rank), (frames, channels, rank, width), (3, channels, *kernel)
    return Problem(*(real(*shape, seed=seed) for seed, shape in enumerate((*shapes, (frames, 3, height, width)))))


def assert_close(ours: Tensor, exact: Tensor) -> None:
    """To float32, of sums of many products."""
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), exact, rtol=0, atol=2e-6 * float(exact.abs().max()))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_values_are_the_plain_ones_and_other_frames_stay(run: Run, kernel: tuple[int, int], shape: tuple):
    given, frames = problem(shape, kernel), shape[0]
    x = real(frames + 2, *given.g.shape[1:], seed=9)
    found = run(added, x, *given[:3], tail_triton.HELD)
    assert_close(found[1:-1], x[1:-1] + given.exact().added())
    assert torch.equal(found[[0, -1]], x[[0, -1]])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_gradients_are_the_plain_ones(run: Run, kernel: tuple[int, int], shape: tuple):
    given = problem(shape, kernel)
    for ours, exact in zip(run(gradients, given.g, *given[:3]), given.exact().gradients(), strict=True):
        assert_close(ours, exact)


def test_what_lies_around_a_gradient_stays(run: Run):
    given = problem((2, 3, 17, 33, 3))
    dB = real(4, *given.B.shape[1:], seed=9)
    found = run(added_back, dB, given.g, given.A, given.weight)
    assert_close(found[1:-1], dB[1:-1] + given.exact().gradients()[1])
    assert torch.equal(found[[0, -1]], dB[[0, -1]])


@pytest.mark.parametrize("frames_held", [0, 2, 3])
def test_frames_come_by_as_many_as_are_held(run: Run, frames_held: int):
    given = problem((5, 2, 6, 5, 2))
    found = run(added, torch.zeros(7, 3, 6, 5), *given[:3], frames_held * 27 * 30)
    assert_close(found[1:-1], given.exact().added())


def test_strides_are_heeded(run: Run):
    wide, plain = problem((2, 4, 14, 10, 6)), problem((2, 2, 7, 5, 3))
    A, B, g = wide.A[:, ::2, ::2, ::2], wide.B[:, 1::2, ::2, 1::2], plain.g[:, :1, :1, :1].expand_as(plain.g)
    given = Problem(A, B, plain.weight, g)
    found = run(added, torch.zeros(4, 3, 7, 5), *given[:3], tail_triton.HELD)
    assert_close(found[1:-1], given.exact().added())
    for ours, exact in zip(run(gradients, g, *given[:3]), given.exact().gradients(), strict=True):
        assert_close(ours, exact)


def test_whole_frames_come_out_the_same(run: Run):
    given, h, flow = problem((2, 3, 9, 7, 2)), real(1, 3, 9, 7, seed=7), 2 * real(2, 2, 9, 7, seed=8)
    found = run(beside, h, *given[:3], flow, given.g)
    exact = beside(h.double(), *(t.double() for t in given[:3]), flow.double(), given.g.double())
    for ours, theirs in zip(found, exact, strict=True):
        assert_close(ours, theirs)


def test_a_frame_is_the_same_alone_and_every_time(run: Run):
    given = problem((2, 3, 20, 35, 3))
    both, again = (run(gradients, given.g, *given[:3]) for _ in range(2))
    alone = run(gradients, given.g[1:], given.A[1:], given.B[1:], given.weight)
    for one, other, single in zip(both, again, alone, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one[1:], single)


SPLIT = {"DOWN": 3, "ACROSS": 3}
CONSTANTS = {"mix": {"COUNT": 27}, "gather": {**SPLIT, "PIXELS": 512}, "back": {**SPLIT, "GROUP": 32}}


@pytest.mark.parametrize("name", CONSTANTS)
def test_they_compile_for_a_gpu(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The interpreter lets more pass. No GPU is needed."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    from oneseed import _tail_kernels

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel, options = getattr(_tail_kernels, name), tail_triton._options(torch.zeros(1, 32), 16)
    constants = {key: value for key, value in {**options, **CONSTANTS[name]}.items() if key in kernel.arg_names}
    kinds = dict.fromkeys(kernel.arg_names, "i32") | dict.fromkeys({*POINTERS} & {*kernel.arg_names}, "*fp32")
    source = ASTSource(kernel, kinds | dict.fromkeys(constants, "constexpr"), constants)
    launch = {key: options[key] for key in ("num_warps", *tail_triton.LAUNCH)}
    assert compile(source, target=GPUTarget("cuda", 90, 32), options=launch).asm["cubin"]


def test_only_what_is_contiguous_is_added_to():
    given = problem((1, 2, 4, 5, 1))
    with pytest.raises(AssertionError):
        tail_triton.add_residual(torch.zeros(1, 3, 5, 4).mT, *given[:3])


def test_factors_are_taken_where_triton_runs(run: Run):
    assert run(taken, torch.zeros(1))
    assert run(taken, torch.nn.Parameter(torch.zeros(1)))
    assert not run(taken, torch.zeros(1, dtype=torch.float64))


def test_no_factors_are_taken_on_a_cpu():
    assert not tail_triton.takes(torch.zeros(1))


def test_no_factors_are_taken_without_triton(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert tail_triton.takes(torch.zeros(1))
    monkeypatch.setattr(tail_triton, "find_spec", lambda name: None)
    assert not tail_triton.takes(torch.zeros(1))


def test_a_factor_that_has_a_size_alone_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    with FakeTensorMode():
        assert not tail_triton.takes(torch.zeros(1))
