"""Tags of a file and of its tracks: title, artist, date, language."""

from collections.abc import Mapping
from pathlib import Path

import av
from av.error import FFmpegError
from av.stream import Disposition, Stream

PICTURE_SIZE = "oneseed_picture"  # WxH of the picture, where the codec had to be given a larger, even frame
_HOUSEHOLD = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", PICTURE_SIZE}
_KNOWN = {  # to every player of .mp4: what iTunes has
    "title", "artist", "album_artist", "album", "composer", "genre", "date", "comment", "copyright", "description",
    "synopsis", "show", "episode_id", "network", "keywords", "lyrics", "grouping", "track", "disc", "creation_time",
}  # fmt: skip


def tags_of(path: Path | None) -> tuple[dict[str, str], bool]:
    """The tags of a file without those that its format made, and whether it has a cover; none of what cannot be read."""
    if path is None or path.is_dir():
        return {}, False
    try:
        with av.open(str(path)) as source:
            tags = {key: value for key, value in source.metadata.items() if key.lower() not in _HOUSEHOLD}
            return tags, any(stream.disposition & Disposition.attached_pic for stream in source.streams.video)
    except (FFmpegError, OSError):
        return {}, False


def known_to_players(tags: Mapping[str, str]) -> bool:
    """Each has a place of its own in .mp4."""
    return all(key.lower() in _KNOWN for key in tags)


def name_track(source: Stream, target: Stream) -> None:
    """Language, title and disposition (default, forced, comment, ...)."""
    title = source.metadata.get("title", source.metadata.get("name"))  # .mp4 has the latter
    named = {"language": source.metadata.get("language"), "title": title}
    target.metadata.update({key: value for key, value in named.items() if value})
    target.disposition = source.disposition
