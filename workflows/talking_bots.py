"""The workflows that need nothing but the embedded engines: talking bots and a cloned voice."""

from __future__ import annotations

from myspinbot.client.graph import Graph
from workflows import stages

FACTS = (
    "Honey holds less than 18 percent water, too little for yeast and bacteria to live in. "
    "Bees fan it dry with their wings. An enzyme of theirs makes gluconic acid and hydrogen "
    "peroxide, so that honey is as sour as orange juice. A closed jar keeps for years; an open one "
    "draws water from the air and can ferment."
)


def talking_bot() -> tuple[Graph, str]:
    """Portrait + voice + topic to a saved video, in one node."""
    graph = Graph()
    bot = stages.bot(graph, stages.picture(graph), "why the night sky is dark")
    graph.add("PreviewAny", "Narration", source=bot.out(2))
    stages.saved(graph, bot, "talking_bot")
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
    portrait = stages.picture(graph)
    voice = stages.own_voice(graph, fit_steps=0)
    words = stages.words(graph, voice)
    spoken = stages.spoken(graph, voice, words)
    face = graph.add(
        "MySpinBot_DetectFace", image=portrait, crop_px=512, crop_scale=2.0, feather_px=8
    )
    video = stages.animated(graph, portrait, spoken, face=face)
    stages.saved(graph, video, "talking_bot_stages")
    return graph, (
        "## Talking bot, stage by stage\n"
        "Every stage is a node of its own: change the words, keep the voice; change the portrait, "
        "keep the speech. Only what changed is made again.\n\n"
        "Fill in **transcript** with what the voice clip says."
    )


def talking_bot_ollama() -> tuple[Graph, str]:
    """A model of an Ollama server writes about a topic, from facts of the user's."""
    graph = Graph()
    portrait = stages.picture(graph)
    model = graph.add(
        "MySpinBot_Ollama",
        model="llama3.2:3b",
        temperature=0.7,
        num_ctx=4096,
        keep_alive_s=300,
        pull=False,
    )
    knowledge = graph.add("MySpinBot_Knowledge", "Facts to speak from", text=FACTS, file="none")
    bot = stages.bot(
        graph,
        portrait,
        "why honey never spoils",
        duration_s=20,
        persona="a beekeeper",
        llm=model,
        knowledge=knowledge,
        language="en-us",
    )
    graph.add("PreviewAny", "Narration", source=bot.out(2))
    stages.saved(graph, bot, "talking_bot_ollama")
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
    voice = stages.own_voice(graph, fit_steps=12, language="en-us")
    spoken = stages.spoken(
        graph,
        graph.add("MySpinBot_SaveVoice", voice=voice, name="my_voice"),
        stages.NARRATION,
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
