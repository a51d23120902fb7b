"""Workers of a Ray cluster, started on this machine for the test: the same result as one process, whoever dies."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.file_restoring import FROM_NOISE, measured, restored, restored_while_one_is_killed

from oneseed.crew.choose import Crew
from oneseed.errors import RequestError

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    yield
    ray.shutdown()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*unclosed.*", "ignore::FutureWarning")
def test_a_cluster_makes_what_one_process_makes_though_a_worker_is_killed(tmp_path: Path):
    source, crew = measured(tmp_path), Crew(ray="local", workers=2, threads=1)
    found, other, expected, done = restored_while_one_is_killed(source, crew)
    assert torch.equal(found, expected)
    assert source.with_name("out.mkv").read_bytes() == source.with_name("expected.mkv").read_bytes()
    assert [piece.epochs for piece in other.pieces] == [piece.epochs for piece in done.pieces]

    with pytest.raises(
        RequestError, match=r"a worker found no .*|--workers 99 of 1 threads each, and the cluster has room"
    ):
        restored(source, "c.mkv", recipe=FROM_NOISE, crew=Crew(ray="local", workers=99))
    with pytest.raises(RequestError, match="nothing says how"):
        restored(source, "d.mkv", recipe=FROM_NOISE, specs=(), crew=crew)


def test_no_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def fails(**asked: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nMore lines.")

    monkeypatch.setattr(ray, "init", fails)
    with pytest.raises(RequestError, match="--ray auto leads to no cluster") as said:
        restored(measured(tmp_path), crew=Crew(ray="auto"))
    assert "\n" not in str(said.value)
