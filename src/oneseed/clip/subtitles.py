"""One track of subtitles, text or pictures, on its way into another file."""

from av import Packet
from av.container import OutputContainer
from av.stream import Stream

from oneseed.clip.tags import name_track
from oneseed.clip.window import Window


class Shown:
    """Packets as they are, earlier; of a cut clip those that are seen in it, while it lasts.

    Raises:
        ValueError: the container cannot hold them.
    """

    def __init__(self, seen: Stream, out: OutputContainer, window: Window):
        if seen.codec_context is None:
            raise ValueError("no codec")
        self.stream, self.window = out.add_stream_from_template(seen), window
        self._gaps = seen.codec_context.codec.canonical_name == "mov_text"
        name_track(seen, self.stream)

    def feed(self, packet: Packet) -> list[Packet]:
        """What is to be written for one packet of the source; an empty one ends it."""
        if packet.pts is None or packet.size == 0 or (self._gaps and bytes(packet) == _GAP):
            return []
        base = packet.time_base
        assert base is not None
        begin, lasts = packet.pts * base, (packet.duration or 0) * base
        if lasts == 0:  # pictures stay until the next; one that came before a cut clip is not looked for
            if not self.window.holds(begin):
                return []
            kept = begin - self.window.zero, begin - self.window.zero
        else:
            kept = self.window.clipped(begin, begin + lasts)
            if kept is None:
                return []
        first, last = (round(time / base) for time in kept)
        packet.pts = packet.dts = first
        packet.duration = last - first
        packet.stream = self.stream
        return [packet]


_GAP = b"\0\0"  # an empty text, which the muxer of .mp4 puts wherever nothing is shown
