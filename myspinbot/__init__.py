"""What the pack knows, free of ComfyUI.

errors, registry, progress, files, memory, speech, audio, video and models are shared by all, and
face by whoever looks at people. The nouns (narrative, voice, lipsync, quality, bot) never import
each other: they meet in the graph, or in `nodes`. client speaks to a server and imports no torch.
"""

__version__ = "0.1.0"
