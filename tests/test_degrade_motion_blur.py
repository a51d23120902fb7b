"""MotionBlur: direct correlation is the specification, and the kernels have the known statistics."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional
from PIL import Image

from oneseed.degrade._motion_kernel import draw_kernel
from oneseed.degrade.motion_blur import MotionBlur
from oneseed.errors import RequestError


def plain(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    rows, columns = (side // 2 for side in kernel.shape)
    padded = torch.nn.functional.pad(x, (columns, columns, rows, rows), mode="reflect")
    weight = kernel.to(x)[None, None].expand(x.shape[1], 1, *kernel.shape)
    return torch.nn.functional.conv2d(padded, weight, groups=x.shape[1])


def spread(kernel: torch.Tensor) -> float:
    at = torch.arange(len(kernel)).double()
    y, x = (kernel.sum(1) * at).sum(), (kernel.sum(0) * at).sum()
    return float((kernel * ((at[:, None] - y) ** 2 + (at - x) ** 2)).sum().sqrt())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("shape", [(2, 3, 40, 50), (1, 1, 17, 61)])
def test_it_is_correlation_with_mirrored_edges(shape: tuple[int, ...], dtype: torch.dtype, tolerance: float):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    blur = MotionBlur(seed=4)
    torch.testing.assert_close(blur(x), plain(x, blur.kernel), rtol=0, atol=tolerance)


def test_gradients_are_those_of_the_plain_correlation():
    x = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    blur = MotionBlur(size=9)
    fast, slow = (torch.autograd.grad(y.square().sum(), x)[0] for y in (blur(x), plain(x, blur.kernel)))
    torch.testing.assert_close(fast, slow)


def test_a_kernel_need_not_be_square_nor_symmetric():
    kernel = torch.rand(3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    kernel /= kernel.sum()
    x = torch.rand(2, 3, 12, 14, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(MotionBlur(kernel=kernel)(x), plain(x, kernel))


def test_kernels_have_the_known_statistics():
    kernels = [draw_kernel(33, 0.5, seed) for seed in range(100)]
    rms = np.array([spread(kernel) for kernel in kernels])
    support = [float((kernel > 0.05 * kernel.max()).sum()) for kernel in kernels]
    assert 5.9 < rms.mean() < 7.1  # 6.5 +- 2.7 pixels over 300 seeds of the first generator
    assert 2.2 < rms.std() < 3.2
    assert 38 < np.mean(support) < 55
    assert all(abs(float(kernel.sum()) - 1) < 1e-12 for kernel in kernels)
    assert all((kernel >= 0).all() for kernel in kernels)


@pytest.mark.parametrize(("size", "intensity"), [(3, 0.5), (5, 0.0), (33, 0.0), (33, 1.0), (101, 0.3)])
def test_kernels_of_every_size_and_intensity_are_whole(size: int, intensity: float):
    for seed in range(10):
        kernel = draw_kernel(size, intensity, seed)
        assert kernel.shape == (size, size)
        assert kernel.isfinite().all()
        assert abs(float(kernel.sum()) - 1) < 1e-12


def test_without_intensity_the_stroke_is_straight():
    def thickness(intensity: float) -> float:
        least = []
        for seed in range(20):
            kernel = draw_kernel(33, intensity, seed)
            at = torch.stack(torch.meshgrid(torch.arange(33.0), torch.arange(33.0), indexing="ij")).flatten(1).double()
            at = at - (at * kernel.flatten()).sum(1, keepdim=True)
            least.append(float(torch.linalg.eigvalsh((at * kernel.flatten()) @ at.T)[0]))
        return float(np.mean(least))

    assert thickness(0.0) < 0.5 < thickness(1.0)


def test_the_kernel_is_kept_to_the_last_bit_whatever_the_module_is_turned_into():
    blur = MotionBlur().half()
    assert torch.equal(blur.arrays()["kernel"], draw_kernel(33, 0.5, 0))


def test_a_kernel_image_is_divided_by_its_sum(tmp_path: Path):
    grey = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "kernel.png")
    kernel = MotionBlur(path=tmp_path / "kernel.png").kernel.numpy()
    np.testing.assert_allclose(kernel, grey / grey.sum(dtype=float), rtol=1e-12)


def test_images_that_are_no_kernels_are_refused(tmp_path: Path):
    def file(values: object, dtype: type = np.uint8) -> Path:
        path = tmp_path / "kernel.tif"
        Image.fromarray(np.array(values, dtype=dtype)).save(path)
        return path

    with pytest.raises(RequestError, match="2x3; both sides must be odd"):
        MotionBlur(path=file([[1, 1]] * 3))
    with pytest.raises(RequestError, match="is black"):
        MotionBlur(path=file([[0, 0, 0]] * 3))
    with pytest.raises(RequestError, match="NaN"):
        MotionBlur(path=file([[1, 1, np.nan]] * 3, np.float32))
    with pytest.raises(RequestError, match="negative"):
        MotionBlur(path=file([[1, 1, -1]] * 3, np.float32))
    with pytest.raises(RequestError, match="is not there"):
        MotionBlur(path=tmp_path / "lost.png")
    with pytest.raises(RequestError, match="Leave them out"):
        MotionBlur(seed=1, path=file([[1, 1, 1]] * 3))


def test_a_kernel_image_larger_than_the_frames_is_refused(tmp_path: Path):
    Image.fromarray(np.full((9, 5), 200, dtype=np.uint8)).save(tmp_path / "kernel.png")
    blur = MotionBlur(path=tmp_path / "kernel.png")
    blur(torch.zeros(1, 3, 9, 5))
    with pytest.raises(RequestError, match="frames are 8x8; a 5x9 motion blur needs at least 5x9"):
        blur(torch.zeros(1, 3, 8, 8))


def test_a_kernel_tensor_must_sum_to_one():
    with pytest.raises(RequestError, match="sum must be 1"):
        MotionBlur(kernel=torch.ones(3, 3))


def test_frames_too_small_to_mirror_are_refused():
    blur = MotionBlur(size=9)
    blur(torch.zeros(1, 3, 5, 5))
    with pytest.raises(RequestError, match="frames are 5x4; a 9x9 motion blur needs at least 5x5"):
        blur.measured_shape((1, 3, 4, 5))
    with pytest.raises(RequestError, match="frames are 4x5"):
        blur.measured_shape((1, 3, 5, 4))


@pytest.mark.parametrize("size", [32, 1, -3])
def test_kernels_without_a_middle_are_refused(size: int):
    with pytest.raises(RequestError, match=f"motion-blur:size={size}; the size is odd"):
        MotionBlur(size=size)


@pytest.mark.parametrize("intensity", [-0.1, 1.1, float("nan")])
def test_intensities_outside_zero_and_one_are_refused(intensity: float):
    with pytest.raises(RequestError, match=r"motion-blur:intensity=.*\[0, 1\]"):
        MotionBlur(intensity=intensity)
