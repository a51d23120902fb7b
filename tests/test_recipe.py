"""Every field of the recipe acts; what could not act, or makes no sense, is refused."""

import ast
import dataclasses
import functools
import inspect
import itertools
import math
from typing import Any

import pytest
import torch
from tests.moving_clip import moving_clip
from tests.short_runs import POORLY_BEGUN
from tests.toy_denoiser import ToyDenoiser
from tests.toy_prior import ToyPrior
from torch import Tensor

from oneseed import recipe as recipe_module
from oneseed.degrade.downsample import Downsample
from oneseed.degrade.mask import Mask
from oneseed.errors import RequestError
from oneseed.flow.dis import Dis
from oneseed.journal import Baton, Journal
from oneseed.presets import PRESETS, preset
from oneseed.recipe import Recipe
from oneseed.restore import optimise, restore
from oneseed.video import Video

FIELDS = [field.name for field in dataclasses.fields(Recipe)]

TRIED: dict[str, tuple[Any, Any]] = {
    # field: in every run, and in the run that must differ
    "steps": (4, 2),
    "spacing": ("trailing", "leading"),
    "joint": ("feature", "latent"),
    "rank": (2, 3),
    "radius": (0.02, 0.01),
    "follow_motion": (True, False),
    "epochs": (6, 7),
    "warm_share": (1.0, 0.5),
    "lr_seed": (0.05, 0.1),
    "lr_residual": (0.03, 0.1),
    "warp_weight": (0.5, 2.0),
    "warp_from": (1, 3),
    "warp_reach": (1, 2),
    "flow_every": (2, 3),
    "flow_ema": (0.8, 0.1),
    "start": ("least-squares", "noise"),
    "gradient_sd": (0.2, 0.1),
    "motion_sd": (0.04, 0.1),
    "noise_floor": (0.001, 0.1),
    "first_steps": (8, 4),
    "rounds": (2, 1),
    "round_steps": (5, 3),
    "reach": (1, 2),
    "fit_epochs": (2, 3),
    "lr_fit": (0.02, 0.05),
    "hold_out": (0.0, 0.1),
    "patience": (0, 1),
    "finish_rounds": (2, 1),
    "finish_steps": (4, 2),
    "finish_gradient_sd": (0.08, 0.02),
    "finish_contrast": (0.03, 0.3),
    "interpolation": ("cubic", "linear"),
    "finish_colour": (2.0, 1.0),
    "finish_motion_sd": (0.05, 0.01),
    "finish_spread": (1.0, 2.0),
    "near_sd": (0.03, 0.1),
    "denoise_rounds": (2, 1),
    "denoise_from": (0.1, 0.2),
    "denoise_to": (0.05, 0.02),
    "denoise_doubt": (1.0, 3.0),
    "denoise_doubt_alone": (1.0, 3.0),
    "denoise_exact_contrast": (0.1, 0.01),
    "denoise_spread": (1.0, 3.0),
    "denoise_motion_from": (0.1, 0.2),
    "denoise_motion_to": (0.05, 0.02),
    "exact_steps": (0, 1),
    "seed": (0, 1),
}
BASE = {name: base for name, (base, _) in TRIED.items()}
OTHER = {name: other for name, (_, other) in TRIED.items()}

BESIDE: dict[str, dict[str, Any]] = {
    "joint": {"follow_motion": False},
    "start": {"follow_motion": False},
    "warm_share": {"follow_motion": False, "start": "noise"},
    "finish_spread": {"hold_out": 0.1},
    "denoise_spread": {"hold_out": 0.1},
    # A wild search, which finds the best prediction only after a worse one: it matters whether it waits.
    "patience": {
        "hold_out": 0.1,
        "lr_seed": 1.0,
        "epochs": 16,
        "warp_weight": 0.0,
        "fit_epochs": 0,
        "first_steps": 1,
        "rounds": 0,
    },
}
"""What must hold for a field to act, where BASE does not have it."""


MIXES = {"denoise_exact_contrast"}
"""Fields that act only where the degradation mixes pixels."""


class Second(Journal):
    """Of a window that another came before."""

    def __init__(self, recipe: Recipe, shape: tuple[int, int, int, int]):
        video = Video(ToyPrior(), shape, recipe, torch.Generator().manual_seed(9), torch.device("cpu"))
        self.learnt = video.learnt()

    def before(self) -> Baton:
        return Baton(self.learnt, 1)


@functools.cache
def restored(mixes: bool = False, **settings: Any) -> Tensor:
    truth, A, recipe = moving_clip(), Downsample(2) if mixes else Mask(0.5), Recipe(**settings)
    second = Second(recipe, truth.shape)
    for epoch in optimise(A(truth), A, ToyPrior(), Dis(), recipe, denoiser=ToyDenoiser(), journal=second):
        x = epoch.x
    return x


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_changes_the_result(field: str):
    base = BASE | BESIDE.get(field, {})
    assert base[field] != OTHER[field]
    mixes = field in MIXES
    before, after = restored(mixes, **base), restored(mixes, **base | {field: OTHER[field]})
    assert not torch.equal(before, after), f"{field} changes nothing"
    assert after.isfinite().all()


def test_a_run_that_is_not_changed_does_not_change():
    restored.cache_clear()
    first = restored(**BASE)
    restored.cache_clear()
    assert torch.equal(first, restored(**BASE))


WHOLE = {name for name, value in BASE.items() if type(value) is int}
MAY_BE_NONE = {
    "steps",
    "epochs",
    "warp_from",
    "rounds",
    "fit_epochs",
    "patience",
    "finish_rounds",
    "denoise_rounds",
    "exact_steps",
    "seed",
}
POSITIVE = {name for name, value in BASE.items() if type(value) is float} - {
    "warp_weight",
    "flow_ema",
    "hold_out",
    "denoise_exact_contrast",
}


@pytest.mark.parametrize(
    "changes",
    [{name: -1} for name in sorted(WHOLE)]
    + [{name: 0} for name in sorted(WHOLE - MAY_BE_NONE)]
    + [{name: value} for name in sorted(POSITIVE) for value in (0.0, -1.0, float("nan"))]
    + [{name: value} for name in ("flow_ema", "hold_out") for value in (-0.1, 1.0, float("nan"))]
    + [{name: value} for name in ("warp_weight", "denoise_exact_contrast") for value in (-0.1, float("nan"))]
    + [{name: float("inf")} for name in ("lr_seed", "lr_residual", "lr_fit", "warp_weight", "noise_floor")]
    + [{"denoise_exact_contrast": float("inf")}],
    ids=str,
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_name(changes: dict[str, Any]):
    ((name, value),) = changes.items()
    with pytest.raises(RequestError, match=rf"^{name}={value}; needed is .*\.$"):
        Recipe(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warp_from": 9999}, r"warp_from=9999 with epochs=\d+: the warping loss would never act"),
        ({"hold_out": 0.0}, r"patience=\d+ needs measurements held out"),
        ({"joint": "latent"}, "follow_motion needs joint=feature and start=least-squares, found joint=latent"),
        ({"start": "noise"}, "start=noise. Add follow_motion=false"),
        ({"denoise_from": 0.01}, r"denoise_from=0.01, denoise_to=0.02; needed is that it does not grow"),
        (
            {"denoise_motion_from": 0.01},
            r"denoise_motion_from=0.01, denoise_motion_to=0.035; needed is that it does not",
        ),
        ({"denoise_motion_from": math.inf}, r"denoise_motion_from=inf, denoise_motion_to=0.035; needed"),
        ({"epochs": 0, "start": "noise", "follow_motion": False}, "epochs=0 with start=noise would restore nothing"),
    ],
)
def test_what_could_not_act_is_refused(changes: dict[str, Any], message: str):
    with pytest.raises(RequestError, match=message):
        Recipe(**changes)


@pytest.mark.parametrize("name", ["start", "joint", "spacing"])
def test_a_word_that_a_field_does_not_know_is_refused(name: str):
    recipe = Recipe()
    object.__setattr__(recipe, name, "typo")  # what the tests' type checker would not let through
    with pytest.raises(RequestError, match=rf"^{name}=typo; needed is one of .*\.$"):
        recipe.__post_init__()


@pytest.mark.parametrize(
    "changes",
    [{"radius": float("inf")}, {"warp_weight": 0.0, "warp_from": 9999}, {"hold_out": 0.0, "patience": 0}, {"epochs": 0},
     {"steps": 0}, {"finish_rounds": 0, "exact_steps": 0}, {"rounds": 0}],
    ids=str,
)  # fmt: skip
def test_what_switches_a_part_off_is_allowed(changes: dict[str, Any]):
    Recipe(**changes)


def test_noise_never_falls_below_the_floor():
    recipe = Recipe(noise_floor=0.003)
    assert recipe.noise(0.0) == 0.003
    assert recipe.noise(0.004) == pytest.approx(0.005)


def test_but_understands_text():
    changed = Recipe().but(
        {"epochs": "7", "lr_seed": "1e-3", "follow_motion": "no", "joint": "latent", "radius": "inf", "seed": "3"}
    )
    assert changed == Recipe(epochs=7, lr_seed=1e-3, follow_motion=False, joint="latent", radius=float("inf"), seed=3)
    assert [Recipe(start="noise", follow_motion=False).but({"seed": v}).seed for v in (5, 5.0, "5")] == [5, 5, 5]


@pytest.mark.parametrize(
    ("word", "value"), [("true", True), ("Yes", True), ("1", True), ("FALSE", False), ("0", False)]
)
def test_but_understands_words_for_yes_and_no(word: str, value: bool):
    assert Recipe().but({"follow_motion": word}).follow_motion is value
    assert Recipe().but({"follow_motion": value}).follow_motion is value


def test_but_leaves_the_rest_as_it_was():
    assert preset("best").but({}) == preset("best")
    assert preset("best").but({"seed": 4}) == dataclasses.replace(preset("best"), seed=4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": "7"}, "the recipe has no field 'epoch'. Did you mean 'epochs'?"),
        ({"zzz": 1}, "the recipe has no field 'zzz'. Fields: steps, spacing"),
        ({"epochs": "many"}, "epochs=many; needed is a whole number"),
        ({"epochs": 2.5}, "epochs=2.5; needed is a whole number"),
        ({"epochs": None}, "epochs=None; needed is a whole number"),
        ({"lr_seed": "fast"}, "lr_seed=fast; needed is a number"),
        ({"follow_motion": "maybe"}, "follow_motion=maybe; needed is true or false"),
        ({"joint": "frame"}, "joint=frame; needed is one of seed, latent, feature"),
        ({"epochs": "-1"}, "epochs=-1; needed is at least 0"),
    ],
)
def test_but_says_what_is_wrong(changes: dict[str, Any], message: str):
    with pytest.raises(RequestError) as error:
        Recipe().but(changes)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_found_and_survive_being_written_down(name: str):
    recipe = preset(name)
    assert Recipe().but({key: str(value) for key, value in dataclasses.asdict(recipe).items()}) == recipe


def test_an_unknown_preset_gets_the_nearest_one():
    with pytest.raises(RequestError, match=r"no preset called 'balance'\. Did you mean 'balanced'\? On offer: draft, "):
        preset("balance")


def test_the_preset_paper_has_nothing_of_ours():
    paper = preset("paper")
    assert (paper.start, paper.follow_motion, paper.hold_out, paper.finish_rounds) == ("noise", False, 0, 0)
    assert (paper.steps, paper.joint, paper.radius, paper.lr_residual) == (4, "feature", 1.0, 0.001)
    assert (paper.warp_reach, paper.exact_steps) == (1, 0)


def test_the_preset_draft_needs_neither_prior_nor_denoiser():
    assert preset("draft").epochs == 0
    assert not preset("draft").denoises


def test_every_field_says_what_it_is_and_is_tried_above():
    (body,) = (node.body for node in ast.parse(inspect.getsource(recipe_module)).body if isinstance(node, ast.ClassDef))
    said = [
        field.target.id  # type: ignore[union-attr]
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)
    ]
    assert said == FIELDS
    assert set(TRIED) == set(FIELDS)


def test_motion_is_robust_beside_the_denoiser_where_nothing_but_rounding_is_noise():
    truth, A = moving_clip(), Downsample(2)
    for noise, acts in ((0.0, True), (0.02, False)):
        one, other = (
            restore(
                A(truth),
                A,
                ToyPrior(),
                Dis(),
                Recipe(**BASE | {"denoise_exact_contrast": contrast}),
                noise,
                ToyDenoiser(),
            )
            for contrast in (0.1, 0.01)
        )
        assert torch.equal(one, other) is not acts


def test_a_recipe_denoises_where_it_has_rounds_of_it():
    assert not Recipe(denoise_rounds=0).denoises
    assert Recipe(denoise_rounds=1).denoises


class Hasty(ToyPrior):
    def steps(self, started: bool) -> int:
        return 1 if started else 2


@pytest.mark.parametrize(("start", "steps"), [("least-squares", 1), ("noise", 2)])
def test_steps_left_out_are_the_priors_own(start: str, steps: int):
    clean, A = moving_clip(3, 16), Mask(missing=0.5)
    settings = {"start": start, "follow_motion": False, "denoise_rounds": 0, "hold_out": 0.0}  # the chain's last frames
    told, untold = (dataclasses.replace(POORLY_BEGUN, steps=number, **settings) for number in (steps, None))
    one, other = (restore(A(clean), A, Hasty(), Dis(), recipe) for recipe in (told, untold))
    assert torch.equal(one, other)
    assert untold.settled(Hasty(), started=start != "noise").steps == steps
    assert told.but({"steps": "3"}).settled(Hasty(), started=True).steps == 3
    assert untold.settled(None, started=True).steps is None
    assert told.but({"steps": None}) == untold
