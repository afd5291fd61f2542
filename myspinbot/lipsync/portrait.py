"""The talking portrait: an image and its speech as a stream of frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ..audio import Audio
from ..errors import BadInputError
from ..face.geometry import Face
from ..speech import Speech
from .actuate import Limits, amounts_of
from .label_lag import formants_db, label_lag_s
from .listener import mouth_from_audio
from .motion import Liveliness, plan_motion
from .mouth import MouthTrack, frame_times_s, mouth_from_speech, voice_gate
from .prosody import accents, loudness, pauses
from .puppet import Pose, Puppet
from .visemes import TONGUE


class TalkingPortrait:
    """Frames of `image` speaking `audio`, made one at a time while they are taken.

    With `speech` the mouth follows its phonemes, else the sound alone, led by `heard`: what seems
    to be said in it, which may be wrong. The four amounts go from 0 (off) over 1 (natural) to 2.
    The same arguments give the same frames. An odd width or height loses its last column or row,
    since video needs even ones.
    """

    def __init__(
        self,
        image: np.ndarray,
        face: Face,
        audio: Audio,
        speech: Speech | None,
        *,
        fps: Fraction,
        heard: Speech | None = None,
        expressiveness: float = 1.0,
        head_motion: float = 1.0,
        blink: float = 1.0,
        gaze: float = 1.0,
        seed: int = 0,
    ):
        """`image` uint8 [H, W, 3] RGB, at least 16 pixels each way; raises BadInputError."""
        _check(image, fps)
        audio = audio.finite()
        height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        self.width: int = width
        self.height: int = height
        self.fps: Fraction = Fraction(fps)
        self.audio: Audio = audio
        self.frame_count: int = max(round(audio.duration_s * self.fps), 1)
        self._puppet = Puppet(np.ascontiguousarray(image[:height, :width]), face)
        level = loudness(audio)
        silence = pauses(level)
        track = self._mouth(audio, speech, heard).gated(
            voice_gate(pauses(level, 0.15), frame_times_s(self.frame_count, self.fps))
        )
        self._amounts = amounts_of(track, Limits.of(self._puppet.mouth, _amount(expressiveness)))
        self._tongue = track.poses[:, TONGUE]
        self._motion = plan_motion(
            self.frame_count,
            self.fps,
            accents(speech or heard, level),
            silence,
            Liveliness(*(_amount(a) for a in (head_motion, blink, gaze, expressiveness))),
            seed,
        )

    def _mouth(self, audio: Audio, speech: Speech | None, heard: Speech | None) -> MouthTrack:
        if speech and speech.words:
            return self._by_words(audio, speech)
        by_sound = mouth_from_audio(audio, self.frame_count, self.fps)
        return by_sound.led_by(self._by_words(audio, heard)) if heard else by_sound

    def _by_words(self, audio: Audio, speech: Speech) -> MouthTrack:
        late_s = label_lag_s(speech, formants_db(audio))
        return mouth_from_speech(speech, self.frame_count, self.fps, late_s)

    def pose(self, index: int) -> Pose:
        """What the face does in frame `index`."""
        motion = self._motion
        return Pose(
            self._amounts[index],
            motion.head[index],
            motion.brows[index],
            float(motion.blink[index]),
            (float(motion.gaze[index, 0]), float(motion.gaze[index, 1])),
            float(self._tongue[index]),
        )

    def frames(self) -> Iterator[np.ndarray]:
        """All frames in order, each a new uint8 [height, width, 3] RGB array."""
        for index in range(self.frame_count):
            yield self._puppet.draw(self.pose(index))


def require_size(image: np.ndarray) -> None:
    """Raise BadInputError for an `image` [H, W, 3] in which nothing could be seen to speak."""
    height, width = image.shape[:2]
    if min(height, width) < 16:
        raise BadInputError(f"The portrait has only {width} x {height} pixels: use a larger one.")


def _check(image: np.ndarray, fps: Fraction) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise BadInputError(
            f"The portrait must be an 8-bit RGB image, not {image.dtype} of shape {image.shape}."
        )
    require_size(image)
    if fps <= 0:
        raise BadInputError(f"The frame rate must be positive, not {fps}.")


def _amount(value: float) -> float:
    return float(np.clip(value, 0, 2))
