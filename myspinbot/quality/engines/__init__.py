"""Speech recognisers: what is heard in a recording, to be compared with what should be."""

from ...registry import EngineSpec, table

ENGINES = table(
    EngineSpec(
        "whisper-base", __name__, ".whisper:Whisper", "MIT", ("faster_whisper",), extra="asr"
    ),
)
"""Each target offers `load(folder)` and `transcribe(audio, language, tick) -> str`."""
