"""Writes tests/data/lipsync/golden.json: what the mouth does, frame by frame, with two sentences.

Run: python -m benchmarks.make_mouth_golden, after a change of visemes or coarticulation that is
meant and was looked at (`make_sheets.py`, `lip_sync.py`).
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from myspinbot.lipsync.mouth import mouth_from_speech
from myspinbot.speech import Phoneme, Sentence, Speech, Word

TARGET = Path(__file__).parent.parent / "tests" / "data" / "lipsync" / "golden.json"
FPS = 25
WORDS = (
    # Each sound with its milliseconds; "'" before a stressed vowel. "" is a pause.
    "p70 'iː110 p60 əl60",
    "f80 'oʊ140 t50 oʊ90 ɡ50 ɹ50 æ90 f90",
    "",
    "m80 'aɪ150",
    "b60 'uː130 m70",
    "w60 'ɜː120 θ90",
    "tʃ100 'ɔɪ160 s110 ɪ60 z90",
    "",
    "v70 'ɛ90 ɹ50 i70",
    "k70 'w50 ɪ70 k60 l40 i90",
)
PAUSE_S = 0.35


def speech() -> Speech:
    """The two sentences with their times."""
    at_s, words = 0.3, []
    for text in WORDS:
        if not text:
            at_s += PAUSE_S
            continue
        phonemes = []
        for sound in text.split():
            symbol = sound.strip("'").rstrip("0123456789")
            end_s = at_s + int(sound[len(sound.rstrip("0123456789")) :]) / 1000
            phonemes.append(Phoneme(symbol, at_s, end_s, 1 if sound.startswith("'") else 0))
            at_s = end_s
        words.append(Word(text, phonemes[0].start_s, at_s, tuple(phonemes)))
    sentence = Sentence("", 0.0, at_s, tuple(words))
    return Speech((sentence,), at_s + 0.3)


def main() -> None:
    spoken = speech()
    track = mouth_from_speech(spoken, int(spoken.duration_s * FPS), Fraction(FPS))
    golden = {
        "fps": FPS,
        "duration_s": spoken.duration_s,
        "words": [
            [[p.symbol, round(p.start_s, 3), round(p.end_s, 3), p.stress] for p in word.phonemes]
            for word in spoken.words
        ],
        "poses": np.round(track.poses, 4).tolist(),
        "lips_apart": np.round(track.lips_apart, 4).tolist(),
        "on_teeth": np.round(track.on_teeth, 4).tolist(),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
