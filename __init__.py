"""MySpinBot: a portrait, a voice clip and a topic become a talking video, inside ComfyUI."""

import logging

WEB_DIRECTORY = "./js"


async def comfy_entrypoint():
    """Called by ComfyUI; nothing is imported before."""
    try:
        from .nodes import MySpinBot
    except Exception:
        logging.getLogger("myspinbot").exception("MySpinBot could not be loaded")
        raise
    return MySpinBot()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
