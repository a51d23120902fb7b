"""One stream of sound on its way into another file: copied as it is, or encoded again."""

from fractions import Fraction

import numpy as np
from av import AudioFrame, Packet
from av.audio.stream import AudioStream
from av.container import OutputContainer

from oneseed.clip.tags import name_track
from oneseed.clip.window import Window


class Copied:
    """Packets as they are, earlier; cut to whole packets, about 20 ms."""

    def __init__(self, heard: AudioStream, out: OutputContainer, window: Window):
        self.stream, self.window = out.add_stream_from_template(heard), window
        name_track(heard, self.stream)

    def feed(self, packet: Packet) -> list[Packet]:
        """What is to be written for one packet of the source; an empty one ends it."""
        if packet.pts is None or packet.dts is None or not self.window.holds(packet.pts * packet.time_base):
            return []
        earlier = round(self.window.zero / packet.time_base)
        packet.pts, packet.dts, packet.stream = packet.pts - earlier, packet.dts - earlier, self.stream
        return [packet]


class Encoded:
    """Decoded, cut to the sample, preceded by silence if it starts later than the picture, and encoded."""

    def __init__(self, heard: AudioStream, out: OutputContainer, encoder: str, window: Window):
        self.window, self._begun = window, False
        stream = out.add_stream(encoder, rate=48000 if encoder == "libopus" else min(heard.rate, 48000))
        assert isinstance(stream, AudioStream)
        self.stream = stream
        stream.codec_context.layout = "mono" if heard.layout.nb_channels == 1 else "stereo"
        name_track(heard, stream)

    def feed(self, packet: Packet) -> list[Packet]:
        """What is to be written for one packet of the source; an empty one drains the encoder."""
        parts = [part for frame in packet.decode() if isinstance(frame, AudioFrame) for part in self._cut(frame)]
        made = [packet for part in parts for packet in self.stream.encode(part)]
        return made + (self.stream.encode(None) if packet.dts is None else [])

    def _cut(self, frame: AudioFrame) -> list[AudioFrame]:
        first = round(((frame.pts or 0) * (frame.time_base or 0) - self.window.zero) * frame.rate)
        last = first + frame.samples
        if self.window.length is not None:
            last = min(last, round(self.window.length * frame.rate))
        step = 1 if frame.format.is_planar else frame.layout.nb_channels
        kept = frame.to_ndarray()[:, max(-first, 0) * step : max(last - first, 0) * step]
        if kept.size == 0:
            return []
        parts = [_frame_of(kept, max(first, 0), frame)]
        if first > 0 and not self._begun:
            silence = np.full((len(kept), first * step), 128 if kept.dtype == np.uint8 else 0, kept.dtype)
            parts.insert(0, _frame_of(silence, 0, frame))
        self._begun = True
        return parts


def _frame_of(samples: np.ndarray, start: int, like: AudioFrame) -> AudioFrame:
    layout = {1: "mono", 2: "stereo"}.get(like.layout.nb_channels, like.layout.name)  # raw sound names none
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), like.format.name, layout)
    frame.sample_rate, frame.pts, frame.time_base = like.rate, start, Fraction(1, like.rate)
    return frame
