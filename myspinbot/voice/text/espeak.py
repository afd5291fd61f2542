"""eSpeak NG through ctypes: which sounds it makes of a text, and from which character each came.

Library and data come from the wheel `espeakng-loader` (eSpeak NG 1.52, GPL-3.0-or-later).
"""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import CFUNCTYPE, POINTER, Structure, Union, c_char, c_int, c_short, c_uint, c_void_p
from dataclasses import dataclass
from functools import cache

import espeakng_loader

from ...errors import EngineError, MissingDependencyError

_SYNCHRONOUS_RETRIEVAL = 2
_PHONEME_EVENTS, _IPA, _DO_NOT_EXIT = 1, 2, 0x8000
_UTF8 = 1
_END, _WORD, _PHONEME = 0, 1, 7
_PATHS = "mbcs" if os.name == "nt" else "utf-8"  # the library opens files with plain fopen
_LOCK = threading.Lock()  # the library keeps one voice and one callback per process


class _Id(Union):
    _fields_ = (("number", c_int), ("name", c_void_p), ("string", c_char * 8))


class _Event(Structure):
    _fields_ = (
        ("type", c_int),
        ("unique_identifier", c_uint),
        ("text_position", c_int),
        ("length", c_int),
        ("audio_position", c_int),
        ("sample", c_int),
        ("user_data", c_void_p),
        ("id", _Id),
    )


_Callback = CFUNCTYPE(c_int, POINTER(c_short), c_int, POINTER(_Event))


@dataclass(frozen=True)
class Sound:
    """One phoneme as eSpeak writes it."""

    ipa: str
    """With its stress mark in front, if it has one."""
    position: int
    """Index of the first character of the word (or part of a number) it belongs to."""
    word: int
    """Running number of the spoken word."""


@cache
def _library() -> ctypes.CDLL:
    """The library, initialised once in a process: it keeps its state in globals."""
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise MissingDependencyError(
            f"eSpeak NG does not load ({error}): pip install --force-reinstall espeakng-loader"
        ) from error
    data = espeakng_loader.get_data_path()
    options = _PHONEME_EVENTS | _IPA | _DO_NOT_EXIT
    if library.espeak_Initialize(_SYNCHRONOUS_RETRIEVAL, 0, data.encode(_PATHS), options) <= 0:
        raise MissingDependencyError(
            f"eSpeak NG cannot read its data in {data}: a path of over 150 characters is too "
            "long for it; else run: pip install --force-reinstall espeakng-loader"
        )
    return library


class Espeak:
    """One language of eSpeak NG. Safe to call from several threads."""

    def __init__(self, voice: str) -> None:
        """`voice`: an eSpeak voice such as en-us. Raises MissingDependencyError."""
        self.voice = voice
        with _LOCK:
            self._library = _library()

    def sounds(self, text: str) -> list[Sound]:
        """What eSpeak says for `text`; raises EngineError when it refuses."""
        found: list[Sound] = []
        position = word = 0

        def collect(_wave: object, _count: int, events: ctypes._Pointer[_Event]) -> int:
            nonlocal position, word
            index = 0
            while events[index].type != _END:
                event = events[index]
                if event.type == _WORD:
                    position, word = event.text_position - 1, word + 1
                elif event.type == _PHONEME:
                    ipa = event.id.string.decode("utf-8", "ignore")
                    if ipa and ipa[0] != "(":  # "" is a pause, "(en)" a change of language
                        found.append(Sound(ipa, position, word))
                index += 1
            return 0

        callback = _Callback(collect)
        encoded = text.replace("\0", " ").encode()
        library = self._library
        with _LOCK:
            status = library.espeak_SetVoiceByName(self.voice.encode())
            library.espeak_SetSynthCallback(callback)
            if status == 0:
                size = ctypes.c_size_t(len(encoded) + 1)
                status = library.espeak_Synth(encoded, size, 0, 1, 0, _UTF8, None, None)
            library.espeak_SetSynthCallback(_Callback())  # a null pointer
        if status != 0:
            raise EngineError(f"eSpeak NG failed (status {status}) on voice {self.voice}: {text!r}")
        return found
