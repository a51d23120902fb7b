"""What is made of the benchmark's runs: means, tests, tables, a page; and the paper's two figures."""

import csv
import json
import math
import re

import numpy
import pytest
import torch
from bench import epochs, seeds
from bench.report import __main__ as report
from bench.report import gallery, leads, paper, tables
from bench.report.frames import write_frames
from bench.report.grid import Cell, Grid, Row
from bench.report.latex import escape, latex
from bench.report.paper_numbers import ABLATIONS, COMPARISONS
from bench.report.statistics import best_rival, paired, verdict
from bench.results import load, mean_and_error, value
from PIL import Image
from scipy import stats
from tests.moving_clip import moving_clip

from oneseed.clip.clip import Clip
from oneseed.clip.read import read
from oneseed.clip.write import write
from oneseed.flow.dis import Dis
from oneseed.load import load_prior
from oneseed.metrics.psnr import psnr
from oneseed.recipe import Recipe
from oneseed.restore import restore

CLIPS = ("surf", "swing", "train")
SEEN = ("camel", "dog")


def a_run(clip, method, psnr, family="interpolation", task="mask", **more):
    """As `bench.run` writes it."""
    score = {"frames": 4, "psnr": psnr, "ssim": None, "lpips_alex": None, "lpips_vgg": None, "we_self": None}
    score |= {name: more.pop(name) for name in tuple(more) if name in score}
    return {
        "clip": clip, "dataset": "DAVIS", "task": task, "method": method, "family": family,
        "by_truth": method.endswith("@truth"), "noise_seed": 1, "frames": "0:4", "size": "32", "lpips": "none",
        "prior": "tiny", "device": "cpu", "threads": 1, "recipe": None, "epochs": 0, "seconds": 1.23456789,
        "peak_memory_mb": 100.0, "versions": {"torch": "2"}, "machine": "a machine, 2 cores",
        "score": {**score, "per_frame": [{"psnr": psnr}], "notes": ["weights are not in /home/somebody"]}, **more,
    }  # fmt: skip


def several(method, numbers, family="interpolation", clips=CLIPS, **more):
    return [a_run(clip, method, psnr, family, **more) for clip, psnr in zip(clips, numbers, strict=False)]


RUNS = [
    *several("telea", (20.0, 22.0, 27.0)),
    *several("cgls", (21.0, 22.5, 25.0), "least squares"),
    *several("cgls@truth", (31.0, 32.0, 33.0), "least squares"),
    *several("dpir", (24.0, 25.0, 26.0), "denoiser"),
    *several("draft", (25.0, 25.5, 29.0), "ours"),
]
NAMES = ["telea", "cgls", "cgls@truth", "dpir", "draft"]


def cells(shown, method):
    """The row of a Markdown table."""
    line = next(line for line in shown.splitlines() if line.startswith(f"| {method} "))
    return [word.strip() for word in line.strip("|").split("|")]


def test_means_and_standard_errors():
    assert mean_and_error([20.0, 22.0, 27.0]) == pytest.approx((23.0, math.sqrt(13 / 3)))
    assert mean_and_error([3.0]) == (3.0, None)
    assert mean_and_error([3.0, math.inf]) == (math.inf, None)
    assert cells(tables.table(RUNS, "psnr", ["mask"], NAMES), "telea")[1] == "23.00 ± 2.08"


def test_the_paired_test_is_that_of_scipy_over_the_clips_of_both():
    ours, theirs = {"a": 1.0, "b": 2.5, "c": 3.0, "d": 9.0}, {"c": 2.0, "a": 0.7, "b": 1.9, "e": 0.0}
    found = paired(ours, theirs)
    assert found.n == 3
    assert found.difference == pytest.approx((0.3 + 0.6 + 1.0) / 3)
    assert found.p == pytest.approx(stats.ttest_rel([1.0, 2.5, 3.0], [0.7, 1.9, 2.0]).pvalue)
    assert found.error == pytest.approx(stats.sem([0.3, 0.6, 1.0]))
    for same in ({"a": 1.0}, {"a": 1.0, "b": 2.5}):
        assert paired(same, {name: number - 0.5 for name, number in same.items()}).p is None
    assert paired({"a": math.inf, "b": 2.0}, {"a": 1.0, "b": 1.0}).p is None


def test_what_the_truth_chooses_is_never_the_best():
    shown = tables.table(RUNS, "psnr", ["mask"], NAMES)
    assert cells(shown, "cgls@truth*")[1] == "32.00 ± 0.58"
    assert cells(shown, "draft")[1].startswith("**26.50")
    assert shown.count("**2") == 1
    assert "chosen by the ground truth" in shown
    assert best_rival(RUNS, "mask", "psnr") == "dpir"
    assert best_rival(RUNS, "mask", "psnr", learned=False) == "telea"
    assert best_rival(RUNS, "mask", "psnr", learned=True) == "dpir"
    assert best_rival(RUNS, "downsample", "psnr") is None


def test_lower_is_better_where_it_is():
    runs = several("telea", (20.0, 21.0), lpips_alex=0.3) + several("cgls", (20.0, 21.0), lpips_alex=0.2)
    assert cells(tables.table(runs, "lpips_alex", ["mask"], NAMES), "cgls")[1].startswith("**0.2000")
    assert best_rival(runs, "mask", "lpips_alex") == "cgls"
    assert tables.table(runs, "ssim", ["mask"], NAMES) == ""


def test_missing_clips_are_marked_and_not_compared():
    runs = [*RUNS, *several("dps", (40.0, 41.0), "diffusion")]
    shown = tables.table(runs, "psnr", ["mask"], [*NAMES, "dps"])
    assert cells(shown, "dps")[1] == "40.50 ± 0.50 (n=2)"
    assert cells(shown, "draft")[1].startswith("**")
    assert best_rival(runs, "mask", "psnr") == "dpir"
    assert "dps on mask (2 of 3)" in leads.leads(runs, ["mask"], [*NAMES, "dps"])
    fewer = [run for run in RUNS if run["method"] != "draft" or run["clip"] != "train"]
    row = cells(leads.leads(fewer, ["mask"], NAMES), "mask")
    assert row[2:5] == ["25.25 ± 0.25 (n=2)", "dpir 24.50", "+0.75 ± 0.25"]


def test_leads_over_the_best_rival_and_the_best_without_learning():
    row = cells(leads.leads(RUNS, ["mask"], NAMES), "mask")
    p = [stats.ttest_rel((25.0, 25.5, 29.0), other).pvalue for other in ((24.0, 25.0, 26.0), (20.0, 22.0, 27.0))]
    assert row[1:6] == ["draft", "26.50 ± 1.26", "dpir 25.00", "+1.50 ± 0.76", f"{p[0]:.3f}"]
    assert row[6:9] == ["telea 23.00", "+3.50 ± 0.87", f"{p[1]:.3f}"]
    assert len(row) == 9
    assert "What the leads cost" not in leads.leads(RUNS, ["mask"], NAMES)
    assert leads.leads(RUNS, ["mask"], ["telea"]) == ""


def test_a_gain_in_psnr_is_held_against_lpips_and_consistency():
    runs = [
        *several("telea", (20.0, 21.0), we_self=0.1, lpips_alex=0.3),
        *several("cgls", (23.0, 24.0), we_self=0.3),
        *several("dpir", (30.0, 31.0), "denoiser", we_self=0.01, lpips_alex=0.01),
        *several("cgls@truth", (20.0, 21.0), we_self=0.01, lpips_alex=0.01),
        *several("draft", (25.0, 26.0), "ours", we_self=0.2, lpips_alex=0.2),
    ]
    found = verdict(runs, "mask", "draft", "we_self")
    assert found is not None
    assert (found.passed, list(found.broken_by)) == (1, ["telea"])
    cost = leads.leads(runs, ["mask"], NAMES).split("**What the leads cost")[1]
    row = cells(cost, "mask")
    assert row == ["mask", "draft", "yes (not measured: cgls)", "no, 0.2000: telea 0.1000"]


def test_clips_seen_in_tuning_stand_apart():
    runs = [*RUNS, *several("telea", (40.0, 40.5), clips=SEEN), *several("draft", (30.0, 31.0), "ours", clips=SEEN)]
    unseen, seen = tables.table(runs, "psnr", ["mask"], NAMES).split("\n\n**PSNR")
    assert "3 clips not seen in tuning" in unseen
    assert "2 clips seen in tuning" in seen
    assert cells(unseen, "telea")[1] == "23.00 ± 2.08"
    assert cells(seen, "telea")[1] == "**40.25 ± 0.25**"
    assert "dpir" not in seen
    first, second = leads.leads(runs, ["mask"], NAMES).split("\n\n**Ours less")
    assert cells(first, "mask")[4] == "+1.50 ± 0.76"
    assert cells(second, "mask")[4] == "**-9.75 ± 0.25**"


def test_protocols_and_machines_stand_apart():
    runs = [*several("telea", (20.0, 21.0)), *several("cgls", (25.0, 26.0), machine="another")]
    assert tables.table(runs, "psnr", ["mask"], NAMES).count("| method |") == 1
    assert tables.table(runs, "seconds", ["mask"], NAMES).count("| method |") == 2
    other = [*several("telea", (20.0, 21.0)), *several("telea", (25.0, 26.0), size="512")]
    assert tables.table(other, "psnr", ["mask"], NAMES).count("| method |") == 2


def test_latex_escapes_and_has_rules():
    assert escape(r"a_b & 50% ^~\ {#$} ± ↑ <") == (
        r"a\_b \& 50\% \textasciicircum{}\textasciitilde{}\textbackslash{} \{\#\$\} $\pm$ $\uparrow$ \textless{}"
    )
    rows = [Row([Cell("tele_a"), Cell("1.0", "0.1", "(n=2)", best=True)]), Row([Cell("draft"), Cell("2")], "ours")]
    shown = latex(Grid("PSNR (dB) ↑", ["method", "a&b"], rows, []))
    assert r"\begin{tabular}{lr}" in shown
    assert r"tele\_a & \textbf{1.0 $\pm$ 0.1} (n=2) \\" in shown
    assert r"method & a\&b \\" in shown
    assert shown.count(r"\midrule") == 2
    assert shown.index(r"\toprule") < shown.index(r"\bottomrule")
    assert r"\begin{tabular}{lp{" in latex(Grid("Words", ["method", "why"], rows, [], sentences=1))


def test_collections_give_the_same_runs_again(tmp_path):
    recipe = {**vars(Recipe()), "epochs": 7}
    runs = [a_run("surf", "draft", 26.123456, "ours", recipe=recipe), a_run("surf", "cgls", 20.0, "least squares")]
    folder = tmp_path / "runs"
    folder.mkdir()
    for number, run in enumerate(runs):
        (folder / f"{number}.json").write_text(json.dumps(run))
    file = tmp_path / "some" / "runs.jsonl"
    report.main([folder], collection=file)
    text = file.read_text()
    assert "per_frame" not in text
    assert "somebody" not in text
    again = load([file])
    assert [run["method"] for run in again] == ["cgls", "draft"]
    assert again[0]["recipe"] is None
    assert again[1]["recipe"] == recipe
    assert again[1]["seconds"] == 1.2346
    assert value(again[1], "psnr") == 26.123
    report.main([file], collection=file)
    assert file.read_text() == text


def written(folder, **clips):
    """A folder of clips."""
    (folder / "clips").mkdir()
    for name, frames in clips.items():
        write(folder / "clips" / name, Clip.steady(frames, 25), bits=16)
    return folder / "clips"


def pixels(file):
    with Image.open(file) as picture:
        return torch.from_numpy(numpy.array(picture))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A report with frames: its folder, that of the runs, and the text of the page."""
    tmp_path = tmp_path_factory.mktemp("report")
    written(tmp_path, surf=moving_clip(4, 32), camel=moving_clip(4, 32))
    runs = tmp_path / "runs"
    runs.mkdir()
    for task in ("mask", "downsample"):
        for number, run in enumerate([run | {"task": task} for run in RUNS] + several("draft", (9.0,), "ours", SEEN)):
            if run["clip"] in ("surf", "camel"):
                file = runs / f"{run['clip']}--{run['task']}--{run['method']}.json"
                file.write_text(json.dumps(run))
                Image.new("RGB", (32, 32), (10 * number, 90, 90)).save(file.with_suffix(".png"))
    (runs / "surf--mask--telea.png").unlink()
    report.main([runs], tmp_path / "out", data=tmp_path / "clips")
    return tmp_path / "out", runs, (tmp_path / "out" / "page.html").read_text()


def test_the_page_has_everything_in_itself(drawn):
    folder, runs, page = drawn
    for method in NAMES:
        assert f"<td>{method}{'*' if '@' in method else ''}</td>" in page
        assert f">{method}</text>" in page
    assert "http" not in page
    assert "<script" not in page
    sources = re.findall(r'src="([^"]*)"', page)
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    pictures = [file for file in runs.glob("*.png") if "clean" not in file.name]
    assert len(pictures) == 13  # ten of methods that have one, three inputs
    assert len(sources) == len(pictures) + 3  # the clean frame stands in each of three columns
    assert "<summary>surf, not seen in tuning" in page
    assert "<summary>camel, seen in tuning" in page
    assert "paper, DAVIS, 512x512, its own runs" in page
    assert "25.00 dB" in page
    for name in ("tables.md", "tables.tex", "quality-against-time-1.svg", "quality-against-time-1.png"):
        assert (folder / name).stat().st_size > 0


def test_links_in_place_of_frames(drawn):
    folder, runs, _ = drawn
    report.main([runs], folder, methods="draft dpir telea", tasks="mask", only="surf", embed=False)
    sources = re.findall(r'src="([^"]*)"', (folder / "page.html").read_text())
    assert sources == [f"../runs/surf--{name}.png" for name in ("clean", "mask--input", "mask--draft", "mask--dpir")]
    assert all((folder / source).exists() for source in sources)


def test_inputs_are_what_was_measured(drawn):
    _, runs, _ = drawn
    clean, masked, small = (
        pixels(runs / f"surf--{name}.png") for name in ("clean", "mask--input", "downsample--input")
    )
    assert (clean.float() / 255 - moving_clip(4, 32)[2].movedim(0, -1)).abs().max() < 0.01
    assert 0.3 < (masked == 0).all(-1).float().mean() < 0.7
    assert torch.equal(small, small[::4, ::4].repeat_interleave(4, 0).repeat_interleave(4, 1))
    assert write_frames(list(runs.glob("*.json")), {}) == []


def test_pictures_shrink_until_they_fit(tmp_path):
    noise = torch.randint(0, 256, (300, 300, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    file = tmp_path / "noise.png"
    Image.fromarray(noise.numpy()).save(file)
    whole = len(gallery.embedded([file], 10**9)[file])
    assert len(gallery.embedded([file, file], whole)[file]) <= whole / 2


def test_wrong_names_are_said(tmp_path, drawn, capsys):
    _, runs, _ = drawn
    for wrong in ({"methods": "magic"}, {"tasks": "magic"}, {"only": "magic"}):
        with pytest.raises(report.typer.Exit):
            report.main([runs], **wrong)
        assert "'magic'; there are " in capsys.readouterr().err
    with pytest.raises(report.typer.Exit):
        report.main([tmp_path / "nowhere"])


# "Ours vs. Best compe." of Tables 2 to 6: PSNR, SSIM, LPIPS, WE
PRINTED_GAINS = {
    2: (1.26, 0.019, 0.021, -0.264),
    3: (4.34, 0.085, -0.062, -0.339),
    4: (7.38, 0.240, -0.160, -1.291),
    5: (1.17, 0.040, -0.021, -0.184),
    6: (6.97, 0.275, -0.205, -3.027),
}


@pytest.mark.parametrize("printed", COMPARISONS, ids=lambda one: f"table-{one.number}")
def test_the_papers_numbers_give_the_gains_that_it_prints(printed):
    ours = printed.zero_shot["Ours"]
    others = [numbers for name, numbers in printed.rows.items() if name != "Ours"]
    found = [
        ours.psnr - max(one.psnr for one in others if one.psnr is not None),
        ours.ssim - max(one.ssim for one in others),
        ours.lpips - min(one.lpips for one in others),
        ours.we - min(one.we for one in others),
    ]
    assert found == pytest.approx(PRINTED_GAINS[printed.number], abs=0.0051)
    assert found[1:] == pytest.approx(PRINTED_GAINS[printed.number][1:], abs=1e-9)


def test_the_papers_numbers_at_some_places():
    tables_ = {one.number: one.rows for one in [*COMPARISONS, *ABLATIONS]}
    assert sorted(tables_) == list(range(1, 9))
    assert [len(tables_[number]) for number in range(1, 9)] == [4, 10, 6, 8, 8, 8, 5, 9]
    assert tables_[2]["StableSR"].we == 1.977
    assert tables_[5]["Ours"].psnr == 32.965
    assert tables_[6]["VRT"].ssim == 0.48
    assert tables_[1]["4 steps"] == tables_[7]["Base with both"] == tables_[8]["0.001, 1.0"]


def test_the_papers_numbers_stand_beside_ours_as_theirs():
    grids = paper.beside(RUNS, NAMES)
    inpainting = next(grid for grid in grids if "Table 3" in grid.title)
    rows = [[cell.text for cell in row.cells] for row in inpainting.rows]
    assert ["the paper's method", paper.SOURCE, "34.27", "0.947", "0.124", "0.273"] in rows
    assert rows[-1][0] == "draft, mask"
    assert rows[-1][1].startswith("here, 3 clips not seen")
    assert rows[-1][2] == "26.50"
    assert [row.kind for row in inpainting.rows].count("ours") == 1
    assert all("Not comparable" in grid.notes[0] for grid in [*grids, *paper.ablations()])


def test_seeds_are_drawn(tmp_path, capsys):
    clips = written(tmp_path, one=moving_clip(4, 32), two=moving_clip(4, 32).flip(2))
    seeds.main(clips, tmp_path / "new" / "seeds.png", frames="0:4", size="32", noise=6, steps=1)
    said = capsys.readouterr().out
    assert re.search(r"within clips: \d\.\d+ per number", said)
    assert re.search(r"is of the same clip: \d of 8 frames", said)
    assert pixels(tmp_path / "new" / "seeds.png").unique().numel() > 100


def test_neighbours_and_distances_of_seeds():
    groups = {
        seeds.NOISE: torch.tensor([[9.0, 0.0], [9.1, 0.0]]),
        "a": torch.tensor([[0.0, 0.0], [1.0, 0.0], [8.9, 0.0]]),
    }
    assert seeds._nearest_is_of_same(groups) == 2
    assert seeds._distance(groups["a"], groups["a"]).item() == pytest.approx((1 + 8.9 + 7.9) / 3 / 2**0.5)


def test_epochs_are_drawn_and_looking_at_them_changes_nothing(tmp_path):
    clips = written(tmp_path, pan=moving_clip(3, 32))
    output = tmp_path / "epochs.png"
    epochs.main(clips, task="motion-blur", changes="epochs=2,warp_from=1", output=output, frames="0:3", size="32")
    rows = list(csv.DictReader(output.with_suffix(".csv").read_text().splitlines()))
    assert [row["phase"] for row in rows] == ["search"] * 3 + ["finish"]
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "2"]
    assert all(float(row[name]) > 0 for row in rows for name in ("psnr", "flow_difference", "we_self"))
    assert pixels(output).unique().numel() > 100
    reference = read(clips / "pan", "0:3", "32").frames
    given, recipe = epochs.measure(reference, "motion-blur"), epochs.preset("paper").but({"epochs": 2, "warp_from": 1})
    alone = restore(given.y, given.degrade, load_prior("tiny"), Dis(), recipe, given.noise)
    assert float(rows[-1]["psnr"]) == pytest.approx(psnr(alone.clamp(0, 1), reference).mean().item(), abs=1e-4)
    with pytest.raises(epochs.typer.Exit):
        epochs.main(clips, changes="magic=1")


def test_where_warping_begins():
    degrade = epochs.measure(moving_clip(2, 32), "mask").degrade
    assert epochs.warping_begins(Recipe(fit_epochs=5, warp_from=3), degrade) == 8
    assert epochs.warping_begins(Recipe(warp_weight=0.0), degrade) is None
    assert epochs.warping_begins(epochs.preset("paper"), degrade) == 500
