"""A pack for tests: GET /tests/tensors tells how many bytes the tensors of ComfyUI hold."""

import gc
import sys

import torch
from aiohttp import web
from comfy_api.latest import ComfyExtension
from server import PromptServer


def held():
    # a tuple that another thread has begun must be its own again before it goes on
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        return counted()
    finally:
        sys.setswitchinterval(interval)


def counted():
    storages = {}
    for found in gc.get_objects():
        if issubclass(type(found), torch.Tensor) and found.device.type != "meta":
            storage = found.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


class Pack(ComfyExtension):
    async def on_load(self):
        @PromptServer.instance.routes.get("/tests/tensors")
        async def tensors(request):
            return web.json_response(held())

    async def get_node_list(self):
        return []


async def comfy_entrypoint():
    return Pack()
