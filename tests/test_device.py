"""Where a run takes place."""

import math

import pytest
import torch

from oneseed.device import choose_device, fast_dtype, fast_in_bfloat16, peak_memory_mb
from oneseed.errors import RequestError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    def has(cuda: bool = False, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return has


@pytest.mark.parametrize(
    ("there", "taken"),
    [({}, "cpu"), ({"cuda": True}, "cuda"), ({"mps": True}, "mps"), ({"cuda": True, "mps": True}, "cuda")],
)
def test_auto_takes_the_fastest_that_is_there(machine, there: dict[str, bool], taken: str):
    machine(**there)
    assert choose_device("auto") == torch.device(taken)


def test_a_device_is_taken_by_its_name(machine):
    machine(cuda=True)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "--device cuda, and this machine has none; needed is one that is there. Try --device auto."),
        ("mps", "--device mps, and this machine has none; needed is one that is there. Try --device auto."),
        ("gpu", "--device gpu; needed is one of auto, cuda, mps, cpu. Choose one."),
        ("cpu:x", "--device cpu:x is malformed; needed is a name like cuda or cuda:0. Change it."),
        ("", "--device ; needed is one of auto, cuda, mps, cpu. Choose one."),
    ],
)
def test_what_is_not_there_is_refused(machine, name: str, message: str):
    machine()
    with pytest.raises(RequestError) as error:
        choose_device(name)
    assert str(error.value) == message


def test_the_peak_of_memory_is_in_megabytes_and_never_falls():
    before = peak_memory_mb(torch.device("cpu"))
    assert 50 < before < 1e6 or math.isnan(before)
    block = torch.ones(2**20 * 2)
    assert peak_memory_mb(torch.device("cpu")) >= before or math.isnan(before)
    del block


def test_the_peak_of_memory_on_a_gpu_is_that_of_its_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**20)
    assert peak_memory_mb(torch.device("cuda")) == 3


@pytest.mark.parametrize(
    ("has", "fast"), [({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True, "avx2": True}, True)]
)
def test_bfloat16_is_used_on_a_cpu_only_where_it_has_instructions_for_it(monkeypatch, has: dict[str, bool], fast: bool):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    assert fast_in_bfloat16(torch.device("cpu")) is fast
    assert fast_dtype(torch.device("cpu")) == torch.float32


@pytest.mark.parametrize(
    ("device", "capability", "fast"), [("cuda", (8, 0), True), ("cuda", (7, 5), False), ("mps", None, False)]
)
def test_a_gpu_gets_bfloat16_where_its_cores_know_it_and_float16_elsewhere(
    monkeypatch, device: str, capability, fast: bool
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda where: capability)
    assert fast_in_bfloat16(torch.device(device)) is fast
    assert fast_dtype(torch.device(device)) == (torch.bfloat16 if fast else torch.float16)
