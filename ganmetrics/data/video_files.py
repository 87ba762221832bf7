"""The frames of video files, as ``clip.mp4`` or ``'clips/*.mp4'``."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.places.libraries import library
from ganmetrics.data.places.paths import is_video
from ganmetrics.data.reading.decode import Decoded
from ganmetrics.data.reading.loading import read_parts, serial_parts
from ganmetrics.data.reading.parts import Load
from ganmetrics.data.reading.preparing import prepared
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import DEFAULT_READING, Reading
from ganmetrics.data.source import Classes, Kind, Source
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.types import Images


class VideoSource(Source):
    """The frames of video files in the order of their names and of time; sound is passed over.

    Parameters
    ----------
    value : str or os.PathLike
        A file, or a pattern such as ``clips/*.mp4``.
    reading : Reading
        ``every`` says which frames are taken; under ``classes="folders"`` each file is a class.

    Raises
    ------
    UsageError
        PyAV is not installed.
    InputError
        No such file, or one that holds no video.
    """

    runs_callers_code = False
    is_lasting = True
    prepares = True
    has_frames = True

    def __init__(self, value: str | os.PathLike[str], reading: Reading = DEFAULT_READING) -> None:
        super().__init__()
        text = os.fsdecode(value)
        self.name, self.identity, self.reading = shown(text), os.path.realpath(text), reading
        self._library = library("av", "video", self.name)
        self._paths = [text] if os.path.isfile(text) else sorted(glob.glob(text, recursive=True), key=os.fsencode)
        if not self._paths:
            raise InputError("the pattern names no file", where=self.name, code="E-MISSING")
        self._counts: list[int] = []
        self._names: list[str] | None = None
        # Frames are counted only where some of them are to be picked: it takes as long as to read them.
        if reading.sample or reading.include or reading.exclude:
            self._counts = [sum(1 for _ in self._frames(path)) for path in self._paths]
            self._names = list(self._frame_names())
            self.count = len(self._names)

    def batches(self) -> Iterator[Images]:
        """The frames in order; see ``Source.batches``."""
        self._counts = []
        return read_parts(serial_parts(self._loads()), self.reading, self.notes, self.name)

    def known_classes(self) -> Classes:
        """The file of each frame, where the reading asks for classes by folders; known once the frames were read."""
        if self.reading.classes != "folders":
            return Classes(None, "frames bring no classes", '`classes="folders"` makes each video a class')
        if len(self._counts) < len(self._paths):
            self._counts = [sum(1 for _ in self._frames(path)) for path in self._paths]
        names = [shown(os.path.basename(path)) for path in self._paths]
        return Classes([name for name, count in zip(names, self._counts, strict=True) for _ in range(count)])

    def item_names(self) -> Sequence[str] | None:
        """Each frame as ``clip.mp4:120``, where a sample or patterns pick some; otherwise None."""
        return self._names

    def _frame_names(self) -> Iterator[str]:
        root = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in self._paths])
        for path, count in zip(self._paths, self._counts, strict=True):
            title = shown(os.path.relpath(os.path.abspath(path), root))
            yield from (f"{title}:{number * self.reading.every}" for number in range(count))

    def _loads(self) -> Iterator[Load]:
        for path in self._paths:
            count = 0
            for number, frame in self._frames(path):
                yield f"frame {number} of {shown(path)}", partial(self._decoded, frame)
                count += 1
            self._counts.append(count)

    def _frames(self, path: str) -> Iterator[tuple[int, Any]]:
        """The frames of one file that are taken, each with its number.

        Raises
        ------
        InputError
            The file cannot be opened, holds no video, or is damaged on the way.
        """
        try:
            with self._library.open(path) as container:
                if not container.streams.video:
                    raise InputError("the file holds no video", where=shown(path), code="E-UNREADABLE")
                for number, frame in enumerate(container.decode(video=0)):
                    if number % self.reading.every == 0:
                        yield number, frame
        except self._library.error.FFmpegError as error:
            what = f"the video is damaged or of a kind that is not read: {shown((error.strerror or str(error))[:120])}"
            raise InputError(what, where=shown(path), hint="Convert it by ffmpeg", code="E-UNREADABLE") from None

    def _decoded(self, frame: Any) -> Decoded:
        if frame.width * frame.height > self.reading.max_pixels:
            raise Unreadable(f"has more than {self.reading.max_pixels} pixels")
        image = Decoded(frame.to_ndarray(format="rgb24"))
        return prepared(image, self.reading.prepare) if self.reading.prepare else image


KIND = Kind(
    accepts="a video file, or several by a pattern such as 'clips/*.mp4'",
    matches=is_video,
    open=lambda value, opening: VideoSource(value, opening.reading),
)
