"""A run that is cut short anywhere ends, gone on with, as if it had not been: to the bit."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.moving_clip import moving_clip
from tests.short_runs import PAPER, POORLY_BEGUN, QUICK, epochs_of, numbers

from oneseed.degrade.downsample import Downsample
from oneseed.errors import RunError
from oneseed.journal import Journal, State
from oneseed.recipe import Recipe
from oneseed.state_file import StateFile

RECIPES = {
    "ours": dataclasses.replace(QUICK, exact_steps=3, patience=3, flow_every=2),
    "poorly begun": POORLY_BEGUN,  # a fit predicts better than the start, which is learnt on
    "paper": PAPER,
    "plain start": dataclasses.replace(QUICK, epochs=0),
    "start alone": dataclasses.replace(QUICK, epochs=0, hold_out=0.0, finish_rounds=0, denoise_rounds=0),
    "seed": dataclasses.replace(PAPER, joint="seed"),
}


class Kept(Journal):
    """Every state, as it was."""

    def __init__(self, begin: State | None = None):
        self.begin, self.states = begin, []

    def read(self) -> State | None:
        return self.begin

    def note(self, state: Callable[[], State], always: bool = False) -> None:
        made = state()
        tensors = {name: value.detach().clone() for name, value in made.tensors.items()}
        self.states.append(State(made.stage, tensors, json.loads(json.dumps(made.numbers))))


def copied(state: State) -> State:
    return state._replace(tensors={name: value.clone() for name, value in state.tensors.items()})


@pytest.mark.parametrize("name", RECIPES)
def test_from_every_state_a_run_ends_as_it_would_have(name: str):
    recipe, journal = RECIPES[name], Kept()
    whole = epochs_of(recipe, journal=journal)
    stages = [state.stage for state in journal.states]
    assert stages == sorted(stages, key=["started", "searching", "found", "finished"].index)
    assert stages.count("searching") == max(
        (epoch.number for epoch in whole if epoch.phase in ("fit", "search")), default=0
    )
    for state in journal.states:
        rest = epochs_of(recipe, journal=Kept(copied(state)))
        assert torch.equal(rest[-1].x, whole[-1].x), state.stage
        assert rest[-1].data_loss == whole[-1].data_loss
        begun = 1 if state.stage in ("started", "searching") and recipe.start == "least-squares" else 0
        assert numbers(rest)[begun:] == numbers(whole)[len(whole) - len(rest) + begun :]
        for one, other in zip(rest[begun:], whole[len(whole) - len(rest) + begun :], strict=True):
            assert dataclasses.replace(one, x=other.x) == other
            assert torch.equal(one.x, other.x)


def test_a_journal_changes_nothing():
    for one, other in zip(epochs_of(QUICK), epochs_of(QUICK, journal=Kept()), strict=True):
        assert torch.equal(one.x, other.x)


def a_state(recipe: Recipe = QUICK) -> State:
    journal = Kept()
    A = Downsample(2)
    epochs_of(recipe, A, A(moving_clip()), journal=journal)
    return next(state for state in reversed(journal.states) if state.stage == "searching")


def test_a_file_gives_back_what_it_was_given(tmp_path: Path):
    state = a_state()
    StateFile(tmp_path / "a.state").note(lambda: state)
    found = StateFile(tmp_path / "a.state").read()
    assert found is not None
    assert (found.stage, found.numbers) == (state.stage, state.numbers)
    assert found.tensors.keys() == state.tensors.keys()
    assert all(torch.equal(found.tensors[name], value) for name, value in state.tensors.items())


@pytest.mark.parametrize("harm", ["cut short", "one bit", "no state", "gone"])
def test_a_damaged_file_is_no_state(tmp_path: Path, harm: str):
    path = tmp_path / "a.state"
    StateFile(path).note(a_state)
    content = bytearray(path.read_bytes())
    if harm == "cut short":
        path.write_bytes(content[:-9])
    elif harm == "one bit":
        content[-9] ^= 1
        path.write_bytes(content)
    elif harm == "no state":
        path.write_bytes(b"hello")
    else:
        path.unlink()
    assert StateFile(path).read() is None


def test_states_are_kept_for_a_fifth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state, clock, made = a_state(), [0.0], 0

    def make() -> State:
        nonlocal made
        made += 1
        clock[0] += 0.5  # what it takes
        return state

    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    file = StateFile(tmp_path / "a.state")
    for _ in range(100):
        file.note(make)
        clock[0] += 0.5
    assert 24 <= made <= 26
    file.note(make, always=True)
    assert 25 <= made <= 27


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    state = a_state()
    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(RunError, match="No space left on device"):
        StateFile(tmp_path / "a.state").note(lambda: state)


def test_what_a_search_learnt_goes_through_a_file_to_the_next(tmp_path: Path):
    first = StateFile(tmp_path / "a.state", after=tmp_path / "a.learnt")
    second = StateFile(tmp_path / "b.state", before=(tmp_path / "a.learnt", 4))
    assert first.before() is None
    with pytest.raises(RunError, match=r"a\.learnt is missing or damaged"):
        second.before()
    epochs_of(PAPER, journal=first)
    baton = second.before()
    assert baton is not None
    assert baton.later == 4
    alone, after = (epochs_of(PAPER, journal=journal) for journal in (Journal(), second))
    assert len(after) < len(alone)
    assert after[0].data_loss < alone[0].data_loss
    assert not (tmp_path / "b.learnt").exists()
