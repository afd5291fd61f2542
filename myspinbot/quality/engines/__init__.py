"""Speech recognisers: what is heard in a recording, to be compared with what should be."""

from ...registry import EngineSpec, table

ENGINES = table(
    EngineSpec(
        "whisper-base",
        __name__,
        ".whisper:Whisper",
        "MIT",
        ("faster_whisper",),
        "faster-whisper",
        tuple(
            f"whisper-base/{name}"
            for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json")
        ),
        option="--judges",
    ),
)
"""Each target offers `load(folder)` and `transcribe(audio, language, tick) -> str`."""
