"""A pack for tests of the metrics: tiny nodes, and a hand that breaks the hooks of ours.

ComfyUI loads it as it loads any other pack; see `server_with_odd_nodes` in tests/metering.py.
"""

import asyncio
import functools
import gc
import sys
import threading
import time
import tracemalloc

import comfy.model_management
import psutil
from aiohttp import web
from comfy_api.latest import ComfyExtension, io
from comfy_execution.graph_utils import GraphBuilder
from comfy_execution.progress import get_progress_state
from server import PromptServer

CALLBACKS = {
    "observer": (
        "Observer",
        (
            "_between_prompts",
            "_new_prompt",
            "arm",
            "_start",
            "_finish",
            "_end",
            "_sample",
            "_compare_models",
        ),
    ),
    "instrumentation": ("Settler", ("_settle",)),
    "archive": ("Archive", ("_write", "_note_end")),
    "gauges": (None, ("_queue", "_models", "_memory")),
}


class Echo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="OddEcho",
            inputs=[io.String.Input("text")],
            outputs=[io.String.Output(display_name="echo")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, text) -> io.NodeOutput:
        return io.NodeOutput(text)


class Fail(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="OddFail",
            inputs=[io.Combo.Input("kind", options=["ValueError", "oom", "Private"])],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, kind) -> io.NodeOutput:
        errors = {"oom": comfy.model_management.OOM_EXCEPTION, "ValueError": ValueError}
        raise errors.get(kind, type("AnnasSecretError", (Exception,), {}))("as asked for")


class Wait(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="OddWait",
            inputs=[io.Float.Input("seconds")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, seconds) -> io.NodeOutput:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            comfy.model_management.throw_exception_if_processing_interrupted()
            time.sleep(0.02)
        return io.NodeOutput()


class Expand(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="OddExpand",
            inputs=[io.Int.Input("salt")],
            outputs=[io.String.Output(display_name="echo")],
            is_output_node=True,
            enable_expand=True,
        )

    @classmethod
    def execute(cls, salt) -> io.NodeOutput:
        graph = GraphBuilder()
        child = graph.node("OddEcho", id="child", text="always the same")
        return io.NodeOutput(child.out(0), expand=graph.finalize())


def _owners():
    for ending, (name, callbacks) in CALLBACKS.items():
        module = next(m for n, m in sys.modules.items() if n.endswith(f".nodes.host.{ending}"))
        yield getattr(module, name) if name else module, callbacks


class OddNodes(ComfyExtension):
    async def on_load(self):
        routes = PromptServer.instance.routes
        whole = []

        def broken(callback):
            @functools.wraps(callback)
            def fails(*_, **__):
                raise RuntimeError("injected by a test")

            return fails

        @routes.post("/odd/break")
        async def break_callbacks(request):
            """Mend what was broken, then break the callbacks whose names are sent."""
            names = await request.json()
            for owner, name, callback in whole:
                setattr(owner, name, callback)
            whole.clear()
            for owner, callbacks in _owners():
                for name in (name for name in callbacks if name in names):
                    whole.append((owner, name, getattr(owner, name)))
                    setattr(owner, name, broken(getattr(owner, name)))
            return web.json_response(len(whole))

        @routes.get("/odd/held")
        async def held(request):
            """What could pile up; with ?trace also the bytes that the pack's code took from now on.

            Tracing takes memory itself, and ends with the next question that does not ask for it.
            """
            facts = {
                "handlers": len(get_progress_state().handlers),
                "runs": sum(type(found).__name__ == "Run" for found in gc.get_objects()),
                "threads": threading.active_count(),
            }
            if "trace" not in request.query:
                tracemalloc.stop()
                gc.collect()
                facts["rss"] = psutil.Process().memory_info().rss
                return web.json_response(facts)
            if not tracemalloc.is_tracing():
                tracemalloc.start()
            ours = (
                tracemalloc.Filter(True, "*/myspinbot/*"),
                tracemalloc.Filter(True, "*/nodes/*"),
            )
            snapshot = await asyncio.to_thread(_snapshot)
            statistics = snapshot.filter_traces(ours).statistics("filename")
            facts["bytes"] = sum(statistic.size for statistic in statistics)
            return web.json_response(facts)

    async def get_node_list(self):
        return [Echo, Fail, Wait, Expand]


def _snapshot():
    gc.collect()
    return tracemalloc.take_snapshot()


async def comfy_entrypoint():
    return OddNodes()
