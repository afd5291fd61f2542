"""The node for figures of what this server does; the figures count themselves."""

import logging
import os

from comfy_api.latest import io

from ..myspinbot.errors import BadInputError, ServerError, StorageError
from ..myspinbot.metrics.destinations import Destination, read_destinations
from . import host

logger = logging.getLogger("myspinbot.metrics")
SHOWN, OUTPUT = "only shown here", "file: output folder"


def destinations() -> dict[str, Destination]:
    """Where figures may be sent: a workflow names no path and no address."""
    chosen = read_destinations(host.private("metrics.json"), os.environ)
    return {OUTPUT: host.delivery.output_destination(), **chosen}


def _names() -> list[str]:
    try:
        return [SHOWN, *destinations()]
    except BadInputError as error:  # an error in a schema would drop the whole pack
        logger.warning("%s", error)
        return [SHOWN, OUTPUT]


class Metrics(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        anything = io.MatchType.Template("anything")
        return io.Schema(
            node_id="MySpinBot_Metrics",
            display_name="Metrics",
            category="MySpinBot",
            description="Show what this server has done so far and at what speed, and send it to "
            "Prometheus as a file or over a Pushgateway. What comes in goes out as it is.",
            search_aliases=["prometheus", "statistics", "monitoring", "pushgateway", "benchmark"],
            inputs=[
                io.MatchType.Input(
                    "value", anything, tooltip="Anything: the node runs when that is there."
                ),
                io.Combo.Input(
                    "destination",
                    options=_names(),
                    tooltip="Where the figures go, too: a folder or Pushgateway that is set up on "
                    "the machine ComfyUI runs on, or output/metrics.",
                ),
            ],
            outputs=[
                io.MatchType.Output(anything, display_name="value"),
                io.String.Output(display_name="figures"),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, value, destination) -> io.NodeOutput:
        lines = host.delivery.figures()
        if destination != SHOWN:
            lines.append(_sent(destination))
        return io.NodeOutput(value, "\n".join(lines), ui=host.preview_text(lines))


def _sent(name: str) -> str:
    known = destinations()
    if name not in known:
        raise BadInputError(f"No destination is called {name!r}; there are {', '.join(known)}.")
    try:
        return host.delivery.send(known[name])
    except (ServerError, StorageError) as error:  # figures are worth no generation
        logger.warning("%s", error)
        return f"Not sent: {error}"
