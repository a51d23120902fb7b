"""Chapters, where the picture still has them."""

from typing import Any

from av.container import InputContainer

from oneseed.clip.window import Window


def chapters_of(source: InputContainer, window: Window) -> list[Any]:
    """The chapters of `source` that are seen, as PyAV has them, earlier, and no longer than a cut clip."""
    found: list[Any] = []
    for chapter in source.chapters():
        base = chapter["time_base"]
        assert base is not None
        kept = window.clipped(chapter["start"] * base, chapter["end"] * base)
        if kept is not None:
            start, end = (round(time / base) for time in kept)
            found.append({**chapter, "start": start, "end": end})
    return found


def report_of(count: int, held: bool, where: str) -> list[str]:
    """What to say of `count` chapters: nothing of none."""
    if count == 0:
        return []
    return [f"chapters: {count}" if held else f"chapters: dropped: {where} cannot hold them"]
