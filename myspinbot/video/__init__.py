"""Frames in, frames out, one at a time: files, colour, and stages that pass frames on.

Knows containers and colour, not who makes frames.
"""

from __future__ import annotations

from .decode import FileFrames, probe, read_frames
from .encode import Mp4Writer, write_mp4
from .sizes import fit_within
from .source import FrameSource, SeekableSource, Stage, Trimmed, even, in_batches

__all__ = [
    "FileFrames",
    "FrameSource",
    "Mp4Writer",
    "SeekableSource",
    "Stage",
    "Trimmed",
    "even",
    "fit_within",
    "in_batches",
    "probe",
    "read_frames",
    "write_mp4",
]
