"""Speech whose every sound has a known time, to learn from: the embedded voices read made-up texts.

Half of each text is grammar with common words, half is syllables drawn at random, so that every
sound meets every other. Voices: Kokoro-82M (Apache-2.0); nobody was recorded for this.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch

from myspinbot.audio import Audio
from myspinbot.speech import Speech
from myspinbot.voice.assemble import Spoken, join
from myspinbot.voice.engines.kokoro import Kokoro

_SUBJECTS = (
    "my brother",
    "the old farmer",
    "every good teacher",
    "a woman from Paris",
    "the boy next door",
    "our team",
    "the whole village",
    "Mister Brown",
    "nobody here",
    "the captain of the ship",
)
_VERBS = (
    "bought",
    "wants to show",
    "never gave",
    "put away",
    "will paint",
    "looked for",
    "has thrown",
    "should measure",
    "brings back",
    "thought about",
    "used to visit",
)
_OBJECTS = (
    "five big apples",
    "the blue boat",
    "a cup of hot coffee",
    "some very thin paper",
    "our favourite film",
    "the church on the hill",
    "two pieces of bread and butter",
    "a yellow umbrella",
    "the first of June",
    "the noise in the garage",
)
_ENDS = (
    "before the meeting",
    "while it was raining",
    "at half past four",
    "in the middle of nowhere",
    "without saying a word",
    "because of the weather",
    "for the fun of it",
    "as soon as possible",
)
_CONSONANTS = ("p", "b", "m", "f", "v", "th", "t", "d", "n", "l", "s", "z", "sh", "ch", "j")
_CONSONANTS += ("r", "k", "g", "w", "y", "h")
_VOWELS = ["a", "e", "i", "o", "u", "ee", "oo", "ow", "oy", "ar", "er", "or", "ay"]
_ABROAD = {
    "e": ("es", "la madre compra un poco de pan blanco y fruta para toda la familia"),
    "f": ("fr", "le petit bateau bleu a beaucoup voyagé sur la mer pendant la nuit"),
    "i": ("it", "mia nonna prepara ogni mattina un buon caffè per tutta la famiglia"),
    "p": ("pt-br", "o menino bonito pegou uma bola verde e foi brincar com os primos"),
}
"""A voice whose name begins so also speaks its own language."""


def text(seed: int) -> str:
    """A sentence of grammar and one of syllables, always the same for a `seed`."""
    draw = random.Random(seed)
    parts = [draw.choice(words) for words in (_SUBJECTS, _VERBS, _OBJECTS, _ENDS)]
    syllables = [
        "".join(draw.choice(_CONSONANTS) + draw.choice(_VOWELS) for _ in range(draw.randint(1, 3)))
        for _ in range(6)
    ]
    return f"{' '.join(parts).capitalize()}. {' '.join(syllables[:3])}, {' '.join(syllables[3:])}."


def babble(engine: Kokoro, texts_a_voice: int) -> Iterator[tuple[str, Audio, Speech]]:
    """Each voice's name, and each of `texts_a_voice` texts as it reads it, at different speeds."""
    for number, voice in enumerate(sorted(engine.voices)):
        style = engine.stock_style(voice)
        home = "en-gb" if voice.startswith("b") else "en-us"
        texts = [(text(1000 * number + n), home) for n in range(texts_a_voice)]
        if voice[0] in _ABROAD:
            language, words = _ABROAD[voice[0]]
            texts.append((f"{words}.", language))
        for n, (words, language) in enumerate(texts):
            draw = random.Random(1000 * number + n)
            speed, pause_s = draw.uniform(0.85, 1.2), draw.uniform(0.2, 0.6)
            with torch.inference_mode():
                chunk = engine.synthesize(words, style, language=language, speed=speed)
            audio, speech = join([Spoken(chunk, pause_s)], lead_s=pause_s / 2)
            yield voice, audio, speech
