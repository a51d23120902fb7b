"""The bench of the fused kernels: the plain way is eq 12, and without a GPU it says so."""

import pytest
import torch
from bench import tail_gpu
from bench.tail_gpu import Problem
from typer import Typer
from typer.testing import CliRunner

GIVEN = Problem.of(frames=2, size=9, rank=3, channels=4, device="cpu")


def test_the_plain_way_is_right_to_float32():
    assert max(tail_gpu.errors(tail_gpu.plain(GIVEN), GIVEN)) < 1e-5


def test_both_ways_are_compared_with_the_same_frames(monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(tail_gpu.tail_triton, "add_residual", lambda x, A, B, weight: calls.append(x.clone()))
    monkeypatch.setattr(tail_gpu.tail_triton, "residual_back", lambda g, A, B, weight: (A, B))
    tail_gpu.fused(GIVEN)
    torch.testing.assert_close(calls[0], tail_gpu.plain(GIVEN._replace(A=0 * GIVEN.A))[0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so():
    app = Typer()
    app.command()(tail_gpu.main)
    found = CliRunner().invoke(app, [])
    assert found.exit_code == 1
    assert found.output.count("\n") == 1
    assert "No GPU was found" in found.output
