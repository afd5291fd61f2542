"""The workflows that need nothing but the embedded engines: talking bots and a cloned voice."""

from __future__ import annotations

from typing import Any

from myspinbot.client.graph import Graph

NARRATION = (
    "Hello! I am a picture that learned to talk. Give me a portrait, ten seconds of a voice and "
    "something to say, and I will say it for you."
)
FACTS = (
    "Honey holds less than 18 percent water, too little for yeast and bacteria to live in. "
    "Bees fan it dry with their wings. An enzyme of theirs makes gluconic acid and hydrogen "
    "peroxide, so that honey is as sour as orange juice. A closed jar keeps for years; an open one "
    "draws water from the air and can ferment."
)


def talking_bot() -> tuple[Graph, str]:
    """Portrait + voice + topic to a saved video, in one node."""
    graph = Graph()
    portrait = graph.add("LoadImage", "Portrait", image="portrait.png")
    voice = graph.add("LoadAudio", "Voice clip", audio="voice.wav")
    bot = graph.add(
        "MySpinBot_TalkingBot",
        portrait=portrait,
        voice=voice,
        transcript="",
        topic="why the night sky is dark",
        narration="",
        duration_s=10,
        preset="draft",
        persona="",
        tone="warm",
        consent="",
        seed=0,
    )
    graph.add("PreviewAny", "Narration", source=bot.out(2))
    _save(graph, bot, "video/talking_bot")
    return graph, (
        "## Talking bot\n"
        "1. **Portrait**: one clear face, at least 200 px wide, nothing in front of the mouth.\n"
        "2. **Voice clip**: 5 to 15 seconds of one person, no music, no echo.\n"
        "3. **transcript**: what the clip says, word for word.\n"
        "4. **topic**, or your own words in **narration**.\n\n"
        "Use only faces and voices whose owners agreed; write it into **consent**."
    )


def talking_bot_stages() -> tuple[Graph, str]:
    """The same, stage by stage, to change or replace any of them."""
    graph = Graph()
    portrait = graph.add("LoadImage", "Portrait", image="portrait.png")
    clip = graph.add("LoadAudio", "Voice clip", audio="voice.wav")
    voice = graph.add(
        "MySpinBot_VoiceProfile",
        reference=clip,
        transcript="",
        engine="kokoro",
        fit_steps=0,
        consent="",
    )
    words = graph.add(
        "MySpinBot_WriteNarration",
        topic="",
        narration=NARRATION,
        persona="",
        tone="warm",
        language="en",
        duration_s=10,
        seed=0,
        voice=voice,
    )
    spoken = graph.add("MySpinBot_Speak", voice=voice, text=words, speed=1.0, seed=0)
    face = graph.add(
        "MySpinBot_DetectFace", image=portrait, crop_px=512, crop_scale=2.0, feather_px=8
    )
    video = graph.add(
        "MySpinBot_TalkingPortrait",
        image=portrait,
        audio=spoken,
        speech=spoken.out(1),
        face=face,
        fps=25,
        max_side_px=512,
        expressiveness=1.0,
        head_motion=1.0,
        blink=1.0,
        gaze=1.0,
        seed=0,
    )
    _save(graph, video, "video/talking_bot_stages")
    return graph, (
        "## Talking bot, stage by stage\n"
        "Every stage is a node of its own: change the words, keep the voice; change the portrait, "
        "keep the speech. Only what changed is made again.\n\n"
        "Fill in **transcript** with what the voice clip says."
    )


def talking_bot_ollama() -> tuple[Graph, str]:
    """A model of an Ollama server writes about a topic, from facts of the user's."""
    graph = Graph()
    portrait = graph.add("LoadImage", "Portrait", image="portrait.png")
    voice = graph.add("LoadAudio", "Voice clip", audio="voice.wav")
    model = graph.add(
        "MySpinBot_Ollama",
        model="llama3.2:3b",
        temperature=0.7,
        num_ctx=4096,
        keep_alive_s=300,
        pull=False,
    )
    knowledge = graph.add("MySpinBot_Knowledge", "Facts to speak from", text=FACTS, file="none")
    bot = graph.add(
        "MySpinBot_TalkingBot",
        portrait=portrait,
        voice=voice,
        transcript="",
        topic="why honey never spoils",
        narration="",
        duration_s=20,
        preset="draft",
        persona="a beekeeper",
        tone="warm",
        consent="",
        seed=0,
        llm=model,
        knowledge=knowledge,
        language="en-us",
    )
    graph.add("PreviewAny", "Narration", source=bot.out(2))
    _save(graph, bot, "video/talking_bot_ollama")
    return graph, (
        "## Talking bot with Ollama\n"
        "1. Start the server: `ollama serve`. Fetch a model: `ollama pull llama3.2:3b`.\n"
        "2. **model**: any that the server has. On a GPU it leaves the memory before the video is "
        "made.\n"
        "3. **Facts to speak from**: your own text, or a .txt, .md or .pdf file of the input "
        "folder. Without it the model says what it knows, or thinks it knows.\n"
        "4. **language**: what the clip speaks and the bot says.\n\n"
        "Use only faces and voices whose owners agreed; write it into **consent**."
    )


def clone_voice() -> tuple[Graph, str]:
    """A clip becomes a voice that is kept and says a text."""
    graph = Graph()
    clip = graph.add("LoadAudio", "Voice clip", audio="voice.wav")
    voice = graph.add(
        "MySpinBot_VoiceProfile",
        reference=clip,
        transcript="",
        engine="kokoro",
        fit_steps=12,
        consent="",
        language="en-us",
    )
    saved = graph.add("MySpinBot_SaveVoice", voice=voice, name="my_voice")
    spoken = graph.add(
        "MySpinBot_Speak",
        voice=saved,
        text=NARRATION,
        speed=1.0,
        seed=0,
        language="the voice's own",
        takes=1,
        loudness_lufs=-18.0,
        pronunciations="",
    )
    graph.add("PreviewAny", "What was found in the clip", source=voice.out(1))
    graph.add("PreviewAny", "Captions", source=spoken.out(2))
    graph.add("SaveAudioAdvanced", audio=spoken, filename_prefix="audio/clone_voice", format="flac")
    return graph, (
        "## Clone a voice\n"
        "1. **Voice clip**: 5 to 15 seconds of one person, no music, no echo.\n"
        "2. **transcript**: what the clip says, word for word. Empty: a speech recogniser hears "
        "it, if one is installed.\n"
        "3. Run: Voice Profile plays the clip's own words in the new voice and says how alike it "
        "is; Speak says your text. **Load Voice** brings the saved voice back.\n\n"
        "Use only voices whose owners agreed; write it into **consent**."
    )


def _save(graph: Graph, video: Any, prefix: str) -> None:
    graph.add("SaveVideo", video=video, filename_prefix=prefix, format="mp4", codec="h264")
