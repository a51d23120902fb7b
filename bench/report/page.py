"""Everything on one HTML page that needs nothing else, no network and no script."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2

from bench.report.gallery import Gallery, embedded
from bench.report.plots import INK
from bench.report.sections import Section

LIMIT = 4_200_000  # bytes of all embedded pictures; the rest of a page is small


def page(
    protocol: dict[str, str],
    sections: Sequence[Section],
    plots: Sequence[tuple[str, str]],
    galleries: Sequence[Gallery],
    folder: Path,
    embed: bool = True,
) -> str:
    """HTML.

    Args:
        sections: the first two stand above plots and frames.
        plots: titles, and SVG.
        folder: where the page will lie.
        embed: pictures inside it, shrunk as far as that takes; else links to them from `folder`.
    """
    pictures = [picture for one in galleries for line in one.lines for picture in line.pictures.values()]
    addresses = embedded(pictures, LIMIT) if embed else {picture: _link(picture, folder) for picture in pictures}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return environment.get_template("page.html.jinja").render(
        protocol=protocol, first=sections[:2], rest=sections[2:], galleries=galleries, addresses=addresses,
        plots=[(title, inline(picture)) for title, picture in plots],
    )  # fmt: skip


def inline(picture: str) -> str:
    """SVG for the inside of a page: no header, names or addresses, its ink that of the page's text."""
    body = picture[picture.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r' xmlns(:\w+)?="[^"]*"', "", body)
    body = re.sub(r'<svg width="[^"]*" height="[^"]*"|<svg height="[^"]*" width="[^"]*"', "<svg", body, count=1)
    return body.replace(INK, "currentColor")


def _link(picture: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(picture.resolve(), folder.resolve())).as_posix())
