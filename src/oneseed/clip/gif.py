"""A clip to an animated gif with a palette of its own."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av import VideoFrame
from av.container import Flags
from av.filter import Graph
from av.video.format import VideoFormat

from oneseed.clip.clip import Clip
from oneseed.clip.coded import coded
from oneseed.clip.colour import RGB
from oneseed.clip.timing import ticks

HUNDREDTH = Fraction(1, 100)  # of a second: all that a gif can count


def encode_gif(path: Path, clip: Clip) -> str:
    """Write `clip` to `path`, from zero, for ever; say which codec."""
    graph = _palette_graph(clip)
    edges = ticks([time - clip.times[0] for time in (*clip.times, clip.end)], HUNDREDTH)
    with av.open(str(path), "w", container_options={"loop": "0", "final_delay": str(edges[-1] - edges[-2])}) as out:
        out.flags |= Flags.bitexact.value
        stream = out.add_stream("gif", rate=clip.rate)
        height, width = clip.frames.shape[2:]
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        stream.codec_context.time_base = HUNDREDTH
        for frame in _through(graph, clip, edges):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return "gif"


def _palette_graph(clip: Clip) -> Graph:
    """frames -> split -> palettegen, then both -> paletteuse: every frame is held until the palette is known."""
    height, width = clip.frames.shape[2:]
    graph = Graph()
    source = graph.add_buffer(
        width=width, height=height, format=VideoFormat("rgb24", width, height), time_base=HUNDREDTH
    )
    split, make = graph.add("split"), graph.add("palettegen", "reserve_transparent=0")
    use, sink = graph.add("paletteuse", "dither=sierra2_4a"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(make, 1, 0)
    make.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _through(graph: Graph, clip: Clip, edges: list[int]) -> Iterator[VideoFrame]:
    for image, pts in zip(clip.frames, edges, strict=False):
        frame = coded(image, None, "rgb24", RGB, True)
        frame.pts, frame.time_base = pts, HUNDREDTH
        graph.vpush(frame)
    graph.vpush(None)
    for pts in edges[:-1]:
        frame = graph.vpull()
        frame.pts = pts
        yield frame
