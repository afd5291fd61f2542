"""Nodes that look at a portrait."""

import numpy as np
import torch
from comfy_api.latest import io

from ..myspinbot.face import finder
from . import host, types


def load_finder() -> host.Managed:
    return host.Managed(lambda: finder.FaceFinder.load(host.weights()))
