"""Every node of the pack, in menu order, and what ComfyUI calls to get them."""

from comfy_api.latest import ComfyExtension, io

from . import (
    bot,
    dubbing,
    enhancing,
    face,
    host,
    knowledge,
    lipsync,
    llm,
    lora_dataset,
    lora_training,
    metrics,
    narrative,
    ollama,
    routes,
    talking_video,
    talking_windows,
    video,
    voice,
)

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
    dubbing.LipSyncModelLoader,
    dubbing.LipSync,
    talking_video.TalkingVideo,
    talking_windows.TalkingVideoNext,
    talking_windows.TalkingVideoHear,
    talking_windows.TalkingVideoWindow,
    talking_windows.TalkingVideoKeep,
    enhancing.InterpolateVideo,
    enhancing.UpscaleVideo,
    enhancing.FaceRestorerLoader,
    enhancing.RestoreFaces,
    lora_dataset.LoraDataset,
    lora_training.TrainLora,
    lora_training.SaveLora,
    video.ReframeVideo,
    video.BurnCaptions,
    video.BurnDisclosure,
    video.SaveTalkingBot,
    metrics.Metrics,
]


class MySpinBot(ComfyExtension):
    async def on_load(self) -> None:
        host.register()
        host.instrumentation.start()
        routes.register(NODES)

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
