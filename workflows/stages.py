"""Nodes that several workflows share, with the values they start from."""

from __future__ import annotations

from typing import Any

from myspinbot.client.graph import Graph, Node

NARRATION = (
    "Hello! I am a picture that learned to talk. Give me a portrait, ten seconds of a voice and "
    "something to say, and I will say it for you."
)


def picture(graph: Graph) -> Node:
    return graph.add("LoadImage", "Portrait", image="portrait.png")


def voice_clip(graph: Graph) -> Node:
    return graph.add("LoadAudio", "Voice clip", audio="voice.wav")


def own_voice(graph: Graph, *, fit_steps: int, **more: Any) -> Node:
    """The voice of a clip; 0 steps blend stock voices only, which takes seconds."""
    return graph.add(
        "MySpinBot_VoiceProfile",
        reference=voice_clip(graph),
        transcript="",
        engine="kokoro",
        fit_steps=fit_steps,
        consent="",
        **more,
    )


def words(graph: Graph, voice: Node, **changed: Any) -> Node:
    """What is said: NARRATION, unless a topic is given."""
    values = {
        "topic": "",
        "narration": "" if "topic" in changed else NARRATION,
        "persona": "",
        "tone": "warm",
        "language": "en",
        "duration_s": 10,
        "seed": 0,
    }
    return graph.add("MySpinBot_WriteNarration", **values | changed, voice=voice)


def spoken(graph: Graph, voice: Node, text: Any, **more: Any) -> Node:
    return graph.add("MySpinBot_Speak", voice=voice, text=text, speed=1.0, seed=0, **more)


def animated(graph: Graph, portrait: Node, speech: Node, **more: Any) -> Node:
    """The portrait as it says that speech."""
    return graph.add(
        "MySpinBot_TalkingPortrait",
        image=portrait,
        audio=speech,
        speech=speech.out(1),
        fps=25,
        max_side_px=512,
        expressiveness=1.0,
        head_motion=1.0,
        blink=1.0,
        gaze=1.0,
        seed=0,
        **more,
    )


def bot(graph: Graph, portrait: Node, topic: str, **changed: Any) -> Node:
    """All of the above in one node."""
    values = {"duration_s": 10, "persona": ""}
    return graph.add(
        "MySpinBot_TalkingBot",
        portrait=portrait,
        voice=voice_clip(graph),
        transcript="",
        topic=topic,
        narration="",
        preset="draft",
        tone="warm",
        consent="",
        seed=0,
        **values | changed,
    )


def saved(graph: Graph, video: Node, name: str, **changed: Any) -> Node:
    """One labelled MP4 in output/video."""
    values = {"crf": 18, "preset": "veryfast", "loudness": "as it is", "disclosure": True}
    prefix = f"video/{name}"
    return graph.add(
        "MySpinBot_SaveTalkingBot", video=video, filename_prefix=prefix, **values | changed
    )
