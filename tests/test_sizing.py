"""How large pieces are: as said, or as memory allows."""

import pytest
import torch

from oneseed import memory, sizing
from oneseed.box import Shape
from oneseed.degrade.base import Degradation
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.degrade.temporal_blur import TemporalBlur
from oneseed.errors import RequestError
from oneseed.pieces import Sizes, plan
from oneseed.presets import preset
from oneseed.sizing import Cutting, choose_sizes

WHOLE = (100, 3, 720, 1280)


def sizes(A: Degradation | None = None, whole: Shape = WHOLE, **others) -> Sizes:
    return choose_sizes(None, whole, A or Mask(0.5), preset("draft"), torch.device("cpu"), Cutting(**others))


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 2**50)


def room_for(monkeypatch: pytest.MonkeyPatch, values: int) -> None:
    """Memory for so many values of frames."""
    monkeypatch.setattr(sizing, "fits", lambda prior, shape, *_: shape[0] * shape[2] * shape[3] <= values)
    monkeypatch.setattr(sizing, "require_memory", lambda *_: None)


@pytest.mark.usefixtures("roomy")
def test_with_room_enough_windows_are_as_usual_and_frames_whole():
    assert sizes() == Sizes(16, 4, (720, 1280), 32)
    assert sizes(whole=(9, 3, 64, 64)) == Sizes(9, 4, (64, 64), 32)
    assert sizes(TemporalBlur(7)) == Sizes(22, 10, (720, 1280), 32)
    assert sizes(TemporalBlur(41)) == Sizes(88, 44, (720, 1280), 32)
    assert sizes(MotionBlur(33)) == Sizes(16, 4, (720, 1280), 64)


@pytest.mark.usefixtures("roomy")
def test_sizes_are_as_they_are_said():
    said = sizes(window="12", overlap=5, tile="512x256", tile_overlap=40)
    assert said == Sizes(12, 5, (256, 512), 40)
    assert sizes(tile="300").tile == (300, 300)
    assert sizes(window="all", tile="all") == Sizes(100, 4, (720, 1280), 32)
    assert sizes(window="500", tile="4000") == Sizes(100, 4, (720, 1280), 32)


def test_where_memory_is_short_frames_are_cut_then_windows_then_frames(monkeypatch: pytest.MonkeyPatch):
    room_for(monkeypatch, 16 * 720 * 700)
    assert sizes() == Sizes(16, 4, (720, 656), 32)
    room_for(monkeypatch, 8 * 400 * 400)
    small = sizes()
    assert small.window == 8
    assert 256 * 256 / 2 < small.tile[0] * small.tile[1] <= 400 * 400
    assert len(plan(WHOLE, Mask(0.5), small)) > 1
    assert sizes(window="16").window == 16
    assert sizes(tile="all").tile == (720, 1280)


def test_what_does_not_fit_even_so_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 2**20)
    with pytest.raises(RequestError, match=r"^8 frames of .* need about .* free\. Try "):
        sizes()


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"window": "0"}, "--window 0; needed is a whole number, all or auto"),
        ({"window": "x"}, "--window x; needed"),
        ({"tile": "12:7"}, "--tile 12:7; needed is S, WxH, all or auto"),
        ({"window": "8", "overlap": 5}, r"--window 8 with 5 frames .* at most half\. Try --window 10\.$"),
        ({"window": "8", "overlap": 0}, r"--window 8 with 0 frames .*\. Try --window 8 --overlap 4\.$"),
        ({"tile": "64", "tile_overlap": 60}, r"--tile 64 with 60 pixels .* Try --tile 120\.$"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(others: dict, said: str):
    with pytest.raises(RequestError, match=said):
        sizes(**others)


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize("A", [Mask(0.5), Downsample(3), MotionBlur(33), TemporalBlur(7).then(Downsample(4))])
@pytest.mark.parametrize("tile", ["auto", "72", "100x150", "200"])
def test_advice_can_be_followed_and_plans_can_be_made(A: Degradation, tile: str):
    whole = (40, 3, 360, 480)
    try:
        found = sizes(A, whole, tile=tile)
    except RequestError as error:
        found = sizes(A, whole, tile=str(error).rsplit("--tile ", 1)[1].rstrip(".").split()[0])
    assert plan(whole, A, found)
