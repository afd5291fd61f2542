"""A ComfyUI with odd nodes for tests of the metrics, and its figures by name."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from scripts.environment import BASE
from scripts.serving import ComfyProcess

TOKEN = "a token of the tests"
ODD_NODES = Path(__file__).parent / "odd_nodes"


def server_with_odd_nodes(folder: Path, *options: str) -> ComfyProcess:
    """A ComfyUI with folders of its own in `folder`; a second one there finds what is left."""
    folders = []
    for name in ("input", "output", "temp", "user"):
        (folder / name).mkdir(exist_ok=True)
        folders += [f"--{name}-directory", str(folder / name)]
    packs = folder / "packs"
    if not packs.exists():
        packs.mkdir()
        (packs / "odd_nodes").symlink_to(ODD_NODES, target_is_directory=True)
    paths = folder / "extra_model_paths.yaml"
    paths.write_text(f"odd:\n  custom_nodes: {packs}\n", "utf-8")
    options = ("--extra-model-paths-config", str(paths), "--disable-api-nodes", *options)
    return ComfyProcess(BASE, folder / "server.log", *folders, *options)


def ask(server, path, body=None, **headers):
    """GET, or POST with a JSON body: (status, text)."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(server.url + path, data, headers), timeout=60
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def queue(server, nodes, **more):
    """Send an API-format prompt of (class, inputs) without a client id; returns its id."""
    prompt = {
        str(number): {"class_type": name, "inputs": inputs}
        for number, (name, inputs) in enumerate(nodes, 1)
    }
    status, text = ask(server, "/prompt", {"prompt": prompt, **more})
    assert status == 200, text
    return json.loads(text)["prompt_id"]


def wait(server, *prompt_ids, timeout_s=120):
    """Until all are over; returns the history entry of the last."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        _, text = ask(server, f"/history/{prompt_ids[-1]}")
        if entry := json.loads(text).get(prompt_ids[-1]):
            return entry
        time.sleep(0.02)
    raise AssertionError(f"{prompt_ids[-1]} is not over after {timeout_s} s")


def figures(server):
    """Every sample of a scrape: {'name{label="value"}': number}."""
    status, text = ask(server, "/myspinbot/metrics")
    assert status == 200, text
    return {
        sample.name.removeprefix("myspinbot_")
        + (
            "{" + ",".join(sorted(f'{k}="{v}"' for k, v in sample.labels.items())) + "}"
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def history(server, **query):
    """A page of the job history."""
    status, text = ask(server, f"/myspinbot/history?{urllib.parse.urlencode(query)}")
    assert status == 200, text
    return json.loads(text)


def grown(before, after, *names):
    """What counters whose name starts with one of `names` gained, zeros left out."""
    found = {
        key: value - before.get(key, 0)
        for key, value in after.items()
        if key.startswith(names) and "_bucket" not in key and "_sum" not in key
    }
    return {key.replace("{}", ""): value for key, value in found.items() if value}


def eventually(check, timeout_s=10):
    """Whether `check()` becomes true: outcomes are settled a moment after a prompt's end."""
    until = time.monotonic() + timeout_s
    while not (true := check()) and time.monotonic() < until:
        time.sleep(0.05)
    return true
