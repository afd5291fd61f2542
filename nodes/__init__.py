"""Every node of the pack, in menu order, and what ComfyUI calls to get them."""

from comfy_api.latest import ComfyExtension, io
from typing_extensions import override

from . import bot, face, host, lipsync, narrative, routes, voice

NODES: list[type[io.ComfyNode]] = [
    bot.TalkingBot,
    narrative.WriteNarration,
    narrative.EmbeddedLLM,
    voice.VoiceProfile,
    voice.SaveVoice,
    voice.LoadVoice,
    voice.Speak,
    face.DetectFace,
    lipsync.TalkingPortrait,
]


class MySpinBot(ComfyExtension):
    @override
    async def on_load(self) -> None:
        host.register()
        routes.register(NODES)

    @override
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
