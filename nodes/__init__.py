"""Every node of the pack, in menu order, and what ComfyUI calls to get them."""

from comfy_api.latest import ComfyExtension, io

from . import bot, face, host, knowledge, lipsync, llm, narrative, ollama, routes, voice

NODES: list[type[io.ComfyNode]] = [
    bot.TalkingBot,
    narrative.WriteNarration,
    llm.EmbeddedLLM,
    ollama.Ollama,
    llm.OpenAICompatible,
    llm.ClipLLM,
    narrative.ParseScript,
    knowledge.Knowledge,
    voice.VoiceProfile,
    voice.SaveVoice,
    voice.LoadVoice,
    voice.Speak,
    voice.AlignSpeech,
    face.DetectFace,
    lipsync.TalkingPortrait,
]


class MySpinBot(ComfyExtension):
    async def on_load(self) -> None:
        host.register()
        host.instrumentation.start()
        routes.register(NODES)

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
