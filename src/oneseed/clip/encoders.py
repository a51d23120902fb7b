"""The encoders that are known here, and how each is set up: whichever else FFmpeg has runs by its own defaults.

What each ending gets, and why:

    8 bits   .mp4 .mov .mkv   H.264: every player has it.
             .webm            VP9.
             .avi             Motion JPEG.
    finer    .mp4 .mov .mkv   H.265 Main 10, under the tag hvc1 that Apple's players look for. High 10 of H.264 would be
                              the smaller change, but next to no television, phone or browser decodes it in hardware.
             .webm            AV1, 10 bits: the libvpx that comes with PyAV knows VP9 in 8 bits only.
             .avi             Motion JPEG, 8 bits: it has nothing finer.
    lossless .mkv             FFV1, RGB.

All are told to run in one thread, and nothing that depends on the time or the machine: the same clip gives the same bytes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Encoder:
    """Pixel formats for 8 bits, for more, and for both with alpha; what is not in this FFmpeg is passed over.

    `crf` is the rate factor unless another is given, and the highest there is. `params` goes to FFmpeg's option of the
    name `params_option`, which also takes what is known of the light of HDR. `even` says that subsampled colour needs
    even sides.
    """

    coarse: str = "yuv420p"
    fine: str = "yuv420p10le"
    clear: tuple[str, str] | None = None
    crf: tuple[int, int] | None = None
    options: tuple[tuple[str, str], ...] = ()
    params_option: str | None = None
    params: tuple[str, ...] = ()
    even: bool = True

    def wanted(self, bits: int, alpha: bool) -> list[str]:
        """Pixel formats, the one that fits best first."""
        plain = [self.fine, self.coarse] if bits > 8 else [self.coarse, self.fine]
        clear = list(self.clear or ()) if alpha else []
        return [*(reversed(clear) if bits > 8 else clear), *plain]


# No B-frames: each packet then lasts as long as its frame, and a variable rate survives. No macroblock tree: with AVX-512
# that of x264 165 varies from run to run, and that of x265 4.2 writes beyond its memory where the width is 34 to 48 pixels.
_X264 = (("preset", "medium"), ("bf", "0"), ("mbtree", "0"))
_X265 = ("log-level=none", "pools=none", "frame-threads=1", "wpp=0", "info=0", "bframes=0", "cutree=0")

ENCODERS = {
    "libx264": Encoder(crf=(16, 51), options=_X264, params_option="x264-params"),
    "libx265": Encoder(
        crf=(16, 51), options=(("preset", "medium"),), params_option="x265-params", params=_X265
    ),
    "libvpx-vp9": Encoder(
        clear=("yuva420p", "yuva420p"), crf=(20, 63), even=False,
        options=(("b", "0"), ("deadline", "good"), ("cpu-used", "2")),
    ),
    "libsvtav1": Encoder(
        crf=(20, 63), options=(("preset", "6"),), params_option="svtav1-params", params=("lp=1",)
    ),
    "mjpeg": Encoder("yuvj420p", "yuvj420p", options=(("qmin", "2"), ("qmax", "2")), even=False),
    "prores_ks": Encoder("yuv422p10le", "yuv422p10le", ("yuva444p10le", "yuva444p10le")),
    "ffv1": Encoder("bgr0", "gbrp16le", ("bgra", "gbrap16le"), options=(("level", "3"),), even=False),
}  # fmt: skip

DEFAULTS = {  # of 8 bits, and of more
    ".mp4": ("libx264", "libx265"),
    ".mov": ("libx264", "libx265"),
    ".mkv": ("libx264", "libx265"),
    ".webm": ("libvpx-vp9", "libsvtav1"),
    ".avi": ("mjpeg", "mjpeg"),
}
