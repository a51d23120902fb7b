"""Tiny videos for the tests of the clip room, made with PyAV alone so that nothing tests itself."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch

SAMPLES = 48000  # per second


def pattern(count: int = 6, height: int = 48, width: int = 64) -> np.ndarray:
    """Soft colour gradients, another one in each frame: codes `N H W 3` of 8 bits that every codec keeps well."""
    rows, columns = np.mgrid[0:height, 0:width]
    ramp = [np.broadcast_to(value, (height, width)) for value in (columns / width, rows / height, 1 - columns / width)]
    shades = np.stack(ramp, axis=-1) * 150 + 40
    return np.stack([shades + 5 * n for n in range(count)]).round().astype(np.uint8)


def frames_of(codes: np.ndarray) -> torch.Tensor:
    """Codes `N H W 3` as frames."""
    levels = codes.astype(np.float32) / np.iinfo(codes.dtype).max
    return torch.from_numpy(levels).permute(0, 3, 1, 2).contiguous()


def make_video(
    path: Path,
    codes: np.ndarray,
    rate: Fraction | int = 25,
    ticks: Sequence[int] | None = None,
    tick: Fraction = Fraction(1, 1000),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    sound: str | None = None,
    sound_span: tuple[float, float] = (0.0, 1.0),
    turn: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """A video of RGB codes; frame n is shown at `ticks[n]` x `tick`, or at n / rate."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width, stream.pix_fmt = codes.shape[1], codes.shape[2], pixel_format
        stream.codec_context.time_base = 1 / Fraction(rate) if ticks is None else tick
        if turn:
            stream.set_display_rotation(turn)
        heard = out.add_stream(sound, rate=SAMPLES, layout="mono") if sound else None
        for number, picture in enumerate(codes):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24" if codes.dtype == np.uint8 else "rgb48le")
            frame = frame.reformat(format=pixel_format, threads=1)
            frame.pts, frame.time_base = ticks[number] if ticks else number, stream.codec_context.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if heard is not None:
            for frame in beep(*sound_span):
                out.mux(heard.encode(frame))
            out.mux(heard.encode(None))
    return path


def beep(first: float, last: float) -> list[av.AudioFrame]:
    """Silence, and a 1 kHz tone from 0.48 s to 0.60 s; only what lies between `first` and `last`, in seconds."""
    when = np.arange(int(last * SAMPLES)) / SAMPLES
    wave = np.sin(2 * np.pi * 1000 * when) * ((when >= 0.48) & (when < 0.60)) * 20000
    frames = []
    for start in range(int(first * SAMPLES), len(when), 960):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 960].astype(np.int16), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLES, start, Fraction(1, SAMPLES)
        frames.append(frame)
    return frames


def beep_start(path: Path) -> float:
    """When the tone sets in, in seconds on the file's own clock."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray().astype(np.float64)).max(axis=0)
            loud = loud / (32767 if frame.format.name.startswith("s16") else 1)
            if (loud > 0.2).any():
                step = 1 if frame.format.is_planar or len(frame.layout.channels) == 1 else len(frame.layout.channels)
                return float(frame.pts * frame.time_base) + int(np.argmax(loud > 0.2)) / step / frame.rate
    raise AssertionError("no tone")
