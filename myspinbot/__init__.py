"""What the pack knows, free of ComfyUI.

errors, registry, progress, speech, audio, video and models are shared by all; face is shared by every
noun that looks at people. The nouns (narrative, voice, lipsync, quality) never import each other:
they meet in the graph, or in `nodes`. client speaks to a server and imports no torch.
"""

__version__ = "0.1.0"
