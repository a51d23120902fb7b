"""Rooms and what is in them."""

import pytest

from oneseed import registry
from oneseed.errors import RequestError


@pytest.mark.parametrize("room", registry.ROOMS)
def test_every_file_in_a_room_offers_one_thing_and_says_what_it_is(room: str):
    names = registry.choices(room)
    assert names == sorted(names)
    for name in names:
        offered = registry.find(room, name)
        assert callable(offered)
        assert offered.__module__ == f"oneseed.{room}.{name.replace('-', '_')}"
        line = registry.summary(room, name)
        assert line
        assert line == line.strip()


def test_rooms_hold_what_the_command_line_promises():
    assert {"downsample", "mask", "motion-blur", "temporal-blur"} <= set(registry.choices("degrade"))
    assert {"dis", "raft", "still"} <= set(registry.choices("flow"))
    assert "tiny" in registry.choices("prior")
    assert {"psnr", "ssim", "lpips", "warping-error"} <= set(registry.choices("metrics"))


def test_contracts_and_helpers_are_no_choices():
    for room in registry.ROOMS:
        assert not {name for name in registry.choices(room) if name == "base" or name.startswith(("_", "-"))}


def test_names_may_be_written_as_in_python():
    assert registry.find("degrade", "motion_blur") is registry.find("degrade", "motion-blur")


def test_an_unknown_name_gets_the_nearest_and_what_is_on_offer():
    with pytest.raises(
        RequestError,
        match=r"^no degrade called 'downsampel'\. Did you mean 'downsample'\? On offer: .*mask, motion-blur",
    ):
        registry.find("degrade", "downsampel")
    with pytest.raises(RequestError, match=r"^no flow called 'zzz'\. On offer: dis, raft, still\.$"):
        registry.find("flow", "zzz")


@pytest.mark.parametrize("name", ["base", "_image", "../errors", ""])
def test_what_is_no_choice_is_not_found(name: str):
    with pytest.raises(RequestError, match="On offer"):
        registry.find("degrade", name)


def test_an_unknown_room_gets_the_nearest():
    with pytest.raises(
        RequestError, match=r"^no room called 'metric'\. Did you mean 'metrics'\? Rooms: degrade, prior"
    ):
        registry.choices("metric")
