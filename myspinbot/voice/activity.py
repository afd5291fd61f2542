"""Voice activity by level: which 10 ms of a recording are loud enough to be speech."""

from __future__ import annotations

import numpy as np

from ..audio import Audio

HOP_S = 0.010
"""Seconds from one frame to the next; a frame is three of them."""
_RUMBLE_HZ = 80.0
"""Wind, steps and most of the mains' hum lie below, and no voice."""
_SILENCE_DBFS = -60.0
_STEADY_DB = 6.0
"""Frames this little below the loud ones are speech, even if nothing is softer."""
_LOUD_SHARE, _LOUD_S = 0.05, 2.0
"""The loudest frames tell the level of the voice: this share of them, and no more than so long."""
_MARGIN_S = 0.15
"""Silence that `near` leaves around speech: it makes a pause of twice this out of a longer one."""
_FADE_S = 0.02
_CLICK_S, _APART_S = 0.05, 0.15
"""A shorter sound that has no other so near is a click; the burst of a final t has a vowel."""


def levels_db(audio: Audio) -> np.ndarray:
    """Measure the level of a mono sound without its rumble: dBFS of 30 ms every 10 ms, [N]."""
    # needs a while to import
    from scipy.signal import butter, sosfilt

    count = max(1, int(audio.duration_s / HOP_S))
    starts = np.round(np.arange(count + 3) * (audio.rate * HOP_S)).astype(int)
    high_pass = butter(2, _RUMBLE_HZ, "highpass", fs=audio.rate, output="sos")
    state, energy = np.zeros((1, 2)), np.zeros(count + 2)
    for first in range(0, count + 2, 6000):  # a minute at a time, or doubles would fill the memory
        edges = starts[first : first + 6001]
        piece = audio.samples[0, edges[0] : edges[-1]].astype(np.float64)
        piece, state = sosfilt(
            high_pass, np.pad(piece, (0, edges[-1] - edges[0] - len(piece))), zi=state
        )
        energy[first : first + 6000] = np.add.reduceat(np.square(piece), edges[:-1] - edges[0])
    power = np.convolve(energy, np.ones(3), "valid") / (starts[3:] - starts[:-3])
    return 10 * np.log10(power + 1e-12)


def speech_frames(level_db: np.ndarray) -> np.ndarray:
    """Which frames are louder than a third of the way from the noise to the voice, bool [N]."""
    loud = min(_LOUD_SHARE, _LOUD_S / HOP_S / len(level_db))
    noise, voice = np.percentile(level_db, (5, 100 * (1 - loud)))
    between = min(noise + (voice - noise) / 3, voice - _STEADY_DB)
    threshold = max(between, voice - 40, _SILENCE_DBFS)
    return _without_clicks(level_db > threshold)


def _without_clicks(mask: np.ndarray) -> np.ndarray:
    mask, spans = mask.copy(), runs(mask)
    ends = [-len(mask), *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), 2 * len(mask)]
    for (start, end), before, after in zip(spans, ends[:-1], starts[1:], strict=True):
        if (end - start) * HOP_S < _CLICK_S and min(start - before, after - end) * HOP_S > _APART_S:
            mask[start:end] = False
    return mask


def near(speech: np.ndarray) -> np.ndarray:
    """Which frames are speech or up to 0.15 s from it, bool [N]; the others are long pauses."""
    margin = round(_MARGIN_S / HOP_S)
    return np.convolve(speech, np.ones(2 * margin + 1))[margin : margin + len(speech)] > 0.5


def only(audio: Audio, kept: np.ndarray) -> Audio:
    """Join the `kept` frames of a mono sound, with a fade of 20 ms at every edge, [1, T]."""
    hop, count = audio.rate * HOP_S, audio.samples.shape[1]
    spans = [(round(a * hop), min(round(b * hop), count)) for a, b in runs(kept)]
    fade = round(audio.rate * _FADE_S)
    # of equal power, so that noise keeps its level
    ramp = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32))
    joined = np.zeros(sum(last - first for first, last in spans) + fade, np.float32)
    place = 0
    for first, last in spans:
        piece = audio.samples[0, first : last + fade].copy()
        piece[:fade] *= ramp[: len(piece)]
        piece[last - first :] *= ramp[::-1][: len(piece) - (last - first)]
        joined[place : place + len(piece)] += piece
        place += last - first
    end = joined[max(0, place - fade) : place]
    end *= ramp[::-1][fade - len(end) :]
    return Audio(joined[None, :place], audio.rate)


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(start, end) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
