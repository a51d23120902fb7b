"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Input = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT", help="A video file, or a folder of images in natural order; to restore, also many of them."
    ),
]
Output = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="A video file by its ending; without one, a folder of PNG.")
]
Specs = Annotated[
    list[str] | None,
    typer.Option(
        "-d", "--degradation", metavar="SPEC", help="NAME[:key=value,...]; the first is nearest to the clean video."
    ),
]
FrameRange = Annotated[str | None, typer.Option("--frames", metavar="A:B", help="Only frames A to B - 1.")]
Size = Annotated[
    str | None, typer.Option("--size", metavar="S|WxH", help="S: centre square, resized to S x S. WxH: resized.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to FILE as one JSON object.")
]
Codec = Annotated[
    str | None, typer.Option("--codec", metavar="NAME", help="FFmpeg's encoder: libx265, libsvtav1, prores_ks, ffv1.")
]
Crf = Annotated[int | None, typer.Option("--crf", metavar="N", help="Constant rate factor of the encoder; 0 is best.")]
PixelFormat = Annotated[
    str | None, typer.Option("--pix-fmt", metavar="NAME", help="FFmpeg's pixel format: yuv422p10le, yuva444p10le.")
]
