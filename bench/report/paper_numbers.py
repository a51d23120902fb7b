"""The paper's Tables 1 to 8, their DAVIS columns, as it prints them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Numbers:
    """On DAVIS; the warping error times 100, as the paper prints it. None: illegible."""

    psnr: float | None
    ssim: float
    lpips: float
    we: float


@dataclass(frozen=True)
class Printed:
    number: int
    """Of the paper's table."""
    title: str
    problem: str
    """As in `bench.tasks.PROBLEMS`."""
    zero_shot: dict[str, Numbers]
    supervised: dict[str, Numbers]

    @property
    def rows(self) -> dict[str, Numbers]:
        return {**self.supervised, **self.zero_shot}


COMPARISONS = [
    Printed(
        2, "video super-resolution ×4", "downsample",
        {
            "DiffIR2VR": Numbers(25.01, 0.637, 0.337, 1.321),
            "SVI": Numbers(23.19, 0.562, 0.457, 1.796),
            "VISION-XL": Numbers(26.95, 0.749, 0.349, 0.981),
            "VISION-base": Numbers(26.17, 0.712, 0.338, 1.137),
            "Ours": Numbers(28.21, 0.799, 0.315, 0.698),
        },
        {
            "SD ×4": Numbers(24.33, 0.615, 0.358, 1.523),
            "VRT": Numbers(25.97, 0.780, 0.295, 1.063),
            "RealBasicVSR": Numbers(26.34, 0.734, 0.294, 0.962),
            "StableSR": Numbers(22.56, 0.590, 0.339, 1.977),
            "UAV": Numbers(23.65, 0.589, 0.397, 1.623),
        },
    ),
    Printed(
        3, "video inpainting, 50% of the pixels masked at random", "mask",
        {
            "SVI": Numbers(25.80, 0.699, 0.318, 1.134),
            "VISION-XL": Numbers(29.93, 0.862, 0.186, 0.612),
            "VISION-base": Numbers(26.54, 0.732, 0.286, 1.033),
            "Ours": Numbers(34.27, 0.947, 0.124, 0.273),
        },
        {
            "SD Inpainting": Numbers(16.98, 0.258, 0.679, 6.776),
            "ProPainter": Numbers(28.60, 0.823, 0.281, 0.655),
        },
    ),
    Printed(
        4, "video motion deblurring", "motion-blur",
        {
            "SVI": Numbers(12.57, 0.259, 0.672, 26.566),
            "VISION-XL": Numbers(19.08, 0.454, 0.539, 8.421),
            "VISION-base": Numbers(12.81, 0.290, 0.699, 26.359),
            "Ours": Numbers(31.70, 0.889, 0.211, 0.443),
        },
        {
            "VRT": Numbers(22.98, 0.576, 0.459, 2.35),
            "DeBlurGANv2": Numbers(24.32, 0.649, 0.371, 1.734),
            "Stripformer": Numbers(24.07, 0.612, 0.381, 2.218),
            "ID-Blau": Numbers(23.07, 0.589, 0.397, 2.623),
        },
    ),
    Printed(
        5, "video temporal deconvolution", "temporal-blur",
        {
            "SVI": Numbers(27.63, 0.766, 0.151, 0.901),
            "VISION-XL": Numbers(31.79, 0.908, 0.125, 0.501),
            "VISION-base": Numbers(27.66, 0.767, 0.151, 0.897),
            "Ours": Numbers(32.965, 0.948, 0.104, 0.317),
        },
        {
            "VRT": Numbers(21.07, 0.594, 0.418, 3.383),
            "DeBlurGANv2": Numbers(20.89, 0.586, 0.414, 3.514),
            "Stripformer": Numbers(20.75, 0.565, 0.411, 3.638),
            "ID-Blau": Numbers(18.42, 0.491, 0.476, 6.128),
        },
    ),
    Printed(
        6, "video temporal deconvolution with spatial deblurring", "both",
        {
            "SVI": Numbers(None, 0.260, 0.705, 27.955),  # reads 72.21, which its other figures and the gain of ours rule out
            "VISION-XL": Numbers(15.94, 0.346, 0.627, 15.220),
            "VISION-base": Numbers(12.17, 0.262, 0.727, 30.325),
            "Ours": Numbers(26.97, 0.778, 0.343, 0.852),
        },
        {
            "VRT": Numbers(19.76, 0.48, 0.593, 4.044),
            "DeBlurGANv2": Numbers(19.91, 0.496, 0.556, 3.921),
            "Stripformer": Numbers(20.00, 0.503, 0.548, 3.879),
            "ID-Blau": Numbers(19.76, 0.489, 0.554, 4.060),
        },
    ),
]  # fmt: skip
ABLATIONS = [
    Printed(
        1, "reverse steps, super-resolution ×4", "downsample",
        {
            "SOTA (VISION-XL)": Numbers(26.03, 0.717, 0.339, 1.411),
            "2 steps": Numbers(27.87, 0.785, 0.324, 0.742),
            "4 steps": Numbers(27.95, 0.790, 0.321, 0.725),
            "10 steps": Numbers(27.70, 0.777, 0.347, 0.746),
        },
        {},
    ),
    Printed(
        7, "parts of bilevel consistency, super-resolution ×4", "downsample",
        {
            "SOTA (VISION-XL)": Numbers(26.03, 0.717, 0.339, 1.411),
            "Base": Numbers(24.70, 0.612, 0.366, 1.398),
            "Base with noise prior": Numbers(26.09, 0.703, 0.410, 1.057),
            "Base with warping": Numbers(27.14, 0.736, 0.301, 0.943),
            "Base with both": Numbers(27.95, 0.790, 0.321, 0.725),
        },
        {},
    ),
    Printed(
        8, "residuals: learning rate and radius, super-resolution ×4", "downsample",
        {
            "0.01, 0.1": Numbers(24.36, 0.654, 0.436, 1.557),
            "0.01, 1.0": Numbers(27.19, 0.741, 0.402, 0.804),
            "0.01, 10.0": Numbers(27.16, 0.739, 0.405, 0.806),
            "0.001, 0.1": Numbers(25.74, 0.719, 0.374, 1.161),
            "0.001, 1.0": Numbers(27.95, 0.790, 0.321, 0.725),
            "0.001, 10.0": Numbers(27.91, 0.789, 0.324, 0.737),
            "0.0001, 0.1": Numbers(25.11, 0.677, 0.389, 1.298),
            "0.0001, 1.0": Numbers(26.17, 0.709, 0.366, 1.096),
            "0.0001, 10.0": Numbers(26.17, 0.710, 0.369, 1.089),
        },
        {},
    ),
]  # fmt: skip
