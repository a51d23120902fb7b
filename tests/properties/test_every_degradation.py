"""What every degradation promises, asked of each file in the room by its being there."""

import importlib
import inspect
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import oneseed.degrade
from oneseed import registry, spec
from oneseed.box import Box
from oneseed.degrade.base import Degradation
from oneseed.errors import RequestError

NAMES = registry.choices("degrade")
SHAPE = (9, 3, 24, 40)


def default(name: str) -> Degradation:
    return registry.find("degrade", name)()


def frames(seed: int = 0, shape: tuple[int, int, int, int] = SHAPE, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def alternatives(kind: type[Degradation], parameter: inspect.Parameter, folder: Path) -> list[typing.Any]:
    """Values other than the default one, to be tried in turn until the constructor and the frames accept one."""
    value, kinds = parameter.default, typing.get_args(parameter.annotation) or (parameter.annotation,)
    if typing.get_origin(parameter.annotation) is typing.Literal:
        return [other for other in kinds if other != value]
    if bool in kinds:
        return [not value]
    if int in kinds:
        return [value + 1, value - 2, value // 2, 2 * value]
    if float in kinds:
        return [value / 2]
    if Path in kinds:
        files = []
        for number, (height, width) in enumerate([SHAPE[2:], (5, 3)]):
            files.append(folder / f"{number}.png")
            ramp = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
            Image.fromarray(ramp).save(files[-1])
        return files
    drawn = kind()
    drawn(frames())
    return [drawn.arrays()[parameter.name].flip(-1)]


@pytest.mark.parametrize("name", NAMES)
def test_a_linear_degradation_is_linear(name: str):
    A = default(name)
    x, y = frames(1), frames(2)
    if A.linear:
        torch.testing.assert_close(A(2 * x - 3 * y), 2 * A(x) - 3 * A(y), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_adjoint_is_exact(name: str):
    A = default(name)
    if not A.linear:
        with pytest.raises(TypeError):
            A.adjoint(A(frames()), SHAPE)
        return
    x = frames(1)
    y = frames(2, A.measured_shape(SHAPE))
    there, back = (A(x) * y).sum(), (x * A.adjoint(y, SHAPE)).sum()
    assert abs(there - back) <= 1e-9 * abs(there)


@pytest.mark.parametrize("name", NAMES)
def test_first_and_second_derivatives_are_right(name: str):
    A = default(name)
    x = frames().requires_grad_()
    assert torch.autograd.gradcheck(A, (x,), fast_mode=True)
    assert torch.autograd.gradgradcheck(A, (x,), fast_mode=True)


@pytest.mark.parametrize("name", NAMES)
def test_functional_and_plain_differentiation_agree(name: str):
    A, x = default(name), frames().requires_grad_()
    y, back, *_ = torch.func.vjp(A, x.detach())  # before the first plain call: what it draws must outlive the transform
    plain = A(x)
    torch.testing.assert_close(y, plain.detach(), rtol=0, atol=0)
    torch.testing.assert_close(back(y)[0], torch.autograd.grad(plain, x, y)[0])
    assert all(array.numpy().size for array in A.arrays().values())


@pytest.mark.parametrize("name", NAMES)
def test_the_same_arguments_give_the_same_bytes(name: str):
    A = default(name)
    first = A(frames())
    A(frames(shape=(12, 3, 32, 48)))
    assert torch.equal(first, A(frames()))
    assert torch.equal(first, default(name)(frames()))


@pytest.mark.parametrize("name", NAMES)
def test_the_global_random_generator_is_neither_read_nor_moved(name: str):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = default(name)(frames())
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(first, default(name)(frames()))


@pytest.mark.parametrize("name", NAMES)
def test_the_reach_in_time_is_true(name: str):
    A = default(name)
    reach = A.temporal_reach
    n, middle = 2 * reach + 5, reach + 2
    x = frames(shape=(n, *SHAPE[1:]))
    touched = x.clone()
    touched[middle] += frames(3)[0]
    changed = (A(touched) - A(x)).abs().amax((1, 2, 3)) > 1e-9
    assert changed.nonzero().flatten().tolist() == list(range(middle - reach, middle + reach + 1))


@pytest.mark.parametrize("name", NAMES)
def test_the_reach_in_space_is_true(name: str):
    A = default(name)
    shape = (9, 1, 80, 80)
    _, _, _, unit = A.clean_shape((1, 1, 1, 1))
    touched = frames(shape=shape)
    touched[:, :, 40, 40] += 1
    changed = (A(touched) - A(frames(shape=shape))).abs().amax((0, 1)) > 1e-9
    near = [max(abs(place * unit - 40), abs(place * unit + unit - 1 - 40)) for place in range(80 // unit)]
    allowed = torch.tensor(near) < A.spatial_reach + unit
    assert not changed[~allowed].any()
    assert not changed[:, ~allowed].any()


BOXES = {
    "all": Box(0, 12, 0, 112, 0, 112),
    "the first frames": Box(0, 9, 0, 112, 0, 112),
    "inner frames": Box(2, 11, 0, 112, 0, 112),
    "a corner": Box(0, 12, 0, 80, 32, 112),
    "all sides cut": Box(1, 11, 16, 96, 16, 96),
}
PAIRS = [(name,) for name in NAMES] + [(first, second) for first in NAMES for second in NAMES]


def chain(names: tuple[str, ...]) -> Degradation:
    A = default(names[0])
    return A.then(default(names[1])) if len(names) > 1 else A


@pytest.mark.parametrize("place", BOXES)
@pytest.mark.parametrize("names", PAIRS, ids=" then ".join)
def test_a_piece_is_degraded_as_the_whole_is_wherever_that_is_claimed(names: tuple[str, ...], place: str):
    A, whole, box = chain(names), (12, 3, 112, 112), BOXES[place]
    x = frames(shape=whole)
    expected, found = A.measured_box(box).of(A(x)), A.local(whole, box)(box.of(x))
    trusted = A.reliable(whole, box).double()
    assert trusted.shape == (len(found), 1, *found.shape[2:])
    torch.testing.assert_close(found * trusted, expected * trusted)
    if box == BOXES["all"]:
        assert trusted.all()
        torch.testing.assert_close(found, A(x))
    elif A.temporal_reach < 6 and A.spatial_reach < 32:
        assert trusted.any()


def test_a_degradation_that_says_nothing_of_pieces_is_not_cut():
    with pytest.raises(RequestError, match="Degradation does not say what it does to a piece of a clip; needed is all"):
        Degradation().local((12, 3, 112, 112), BOXES["a corner"])


def test_a_box_that_cuts_through_measurements_is_refused():
    with pytest.raises(ValueError, match="cuts through measurements of 4x4 pixels"):
        default("downsample").measured_box(Box(0, 9, 2, 24, 0, 40))


@pytest.mark.parametrize("name", NAMES)
def test_the_shape_foretold_is_the_shape_measured(name: str):
    A = default(name)
    for shape in (SHAPE, (8, 1, 36, 20)):
        assert A(frames(shape=shape)).shape == A.measured_shape(shape)
        assert A.clean_shape(A.measured_shape(shape)) == shape


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_type_of_the_frames_is_kept(name: str, dtype: torch.dtype):
    x = frames()
    y = default(name)(x.to(dtype))
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), default(name)(x), rtol=0, atol=8 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("name", NAMES)
def test_the_frames_device_is_kept(name: str):
    assert default(name)(torch.empty(SHAPE, device="meta")).device.type == "meta"


@pytest.mark.parametrize("name", NAMES)
def test_its_class_is_offered_by_the_package(name: str):
    kind = registry.find("degrade", name)
    assert getattr(oneseed.degrade, kind.__name__) is kind
    assert kind.__name__ in dir(oneseed.degrade)


def test_nothing_else_is_offered_by_the_package():
    with pytest.raises(AttributeError, match="has no attribute 'Wobble'"):
        oneseed.degrade.Wobble  # noqa: B018


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_not_written_to(name: str):
    x = frames()
    default(name)(x)
    assert torch.equal(x, frames())


@pytest.mark.parametrize("name", NAMES)
def test_frames_in_any_memory_layout_give_the_same(name: str):
    x = frames()
    torch.testing.assert_close(default(name)(x.to(memory_format=torch.channels_last)), default(name)(x))


@pytest.mark.parametrize("name", NAMES)
def test_no_argument_is_dead(name: str, tmp_path: Path):
    kind = registry.find("degrade", name)
    plain = kind()(frames())
    for parameter in inspect.signature(kind, eval_str=True).parameters.values():
        for value in alternatives(kind, parameter, tmp_path):
            try:
                other = kind(**{parameter.name: value})(frames())
            except RequestError:
                continue
            assert other.shape != plain.shape or not torch.equal(other, plain), parameter.name
            break
        else:
            pytest.fail(f"no other value of {parameter.name} is accepted")


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_of_itself_builds_it_again(name: str):
    (words,) = spec.format(default(name))
    assert torch.equal(spec.parse(words)(frames()), default(name)(frames()))


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_then_applies_one_after_the_other(first: str, second: str):
    one, other = default(first), default(second)
    both = one.then(other)
    x = frames(shape=(9, 3, 80, 96))
    assert torch.equal(both(x), other(one(x)))
    assert both.measured_shape((9, 3, 80, 96)) == both(x).shape
    assert both.clean_shape(both(x).shape) == x.shape
    assert both.temporal_reach == one.temporal_reach + other.temporal_reach
    assert both.parts() == [one, other]
    assert both.linear == (one.linear and other.linear)


NEW = '''"""Fading: the picture grows dark."""

from oneseed.degrade.base import Degradation
from oneseed.shapes import Frames, Measured

__all__ = ["Fade"]


class Fade(Degradation):
    """x ** gamma of what is above zero."""

    linear = False

    def __init__(self, gamma: float = 2.0):
        super().__init__()
        self.gamma = gamma
        self.arguments = {"gamma": gamma}

    def forward(self, x: Frames) -> Measured:
        return x.clamp(min=0) ** self.gamma
'''


def test_a_new_degradation_is_one_file_of_twenty_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "fade.py").write_text(NEW)
    assert len(NEW.splitlines()) <= 25
    monkeypatch.setattr(oneseed.degrade, "__path__", [*oneseed.degrade.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    try:
        assert "fade" in registry.choices("degrade")
        assert registry.summary("degrade", "fade").startswith("Fading")
        x = frames()
        chain = spec.parse_all(["temporal-blur:width=3", "fade:gamma=3"])
        torch.testing.assert_close(chain(x), spec.parse("temporal-blur:width=3")(x) ** 3)
        assert spec.format(chain) == ["temporal-blur:width=3,edges=circular", "fade:gamma=3.0"]
        assert not chain.linear
        for check in (
            test_the_adjoint_is_exact,
            test_first_and_second_derivatives_are_right,
            test_the_reach_in_time_is_true,
            test_its_class_is_offered_by_the_package,
            test_what_it_says_of_itself_builds_it_again,
        ):
            check("fade")
        test_no_argument_is_dead("fade", tmp_path)
    finally:
        sys.modules.pop("oneseed.degrade.fade", None)
        oneseed.degrade.__dict__.pop("fade", None)
