"""The graph editor in Chromium: templates open complete, a failure shows on its node."""

import json
import os
import re
import shutil
import urllib.parse
import urllib.request
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import sync_playwright
from signers import Authority

from myspinbot.video import Mp4Writer
from myspinbot.video.credentials import Credentials
from scripts.environment import PACK_FOLDER, ROOT

pytestmark = pytest.mark.browser

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TEMPLATES = sorted(path.name for path in (ROOT / "workflows").glob("*.json"))


@pytest.fixture(scope="module")
def browser():
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    assert path, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield chromium
        chromium.close()


def post(comfy, path, body):
    request = urllib.request.Request(
        comfy.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()


@pytest.fixture(scope="module")
def files(comfy, samples_dir):
    """In the input folder before the editor asks what is there: a portrait, a voice and a film."""
    folder = comfy.log.parent / "input"
    names = SimpleNamespace(image="browser.jpg", audio="browser.wav", film="browser.mp4")
    shutil.copy(samples_dir / "hopper.jpg", folder / names.image)
    shutil.copy(samples_dir / "voice.wav", folder / names.audio)
    with Mp4Writer(folder / names.film, width=64, height=64, fps=Fraction(25)) as writer:
        for _ in range(25):
            writer.write(np.full((64, 64, 3), 128, np.uint8))
    return names


@pytest.fixture(scope="module", params=[False, True], ids=["canvas nodes", "vue nodes"])
def editor(request, browser, comfy, files):
    """A page that shows the editor, ready, with either of its two node renderers."""
    post(
        comfy,
        "/api/settings",
        {
            "Comfy.TutorialCompleted": True,
            "Comfy.Workflow.Persist": False,
            "Comfy.UseNewMenu": "Top",
            "Comfy.VueNodes.Enabled": request.param,
        },
    )
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    opened.goto(comfy.url, wait_until="domcontentloaded", timeout=120_000)
    reached(
        opened,
        "!!(window.app?.graph && window.LiteGraph?.registered_node_types?.MySpinBot_TalkingBot)",
        timeout=120_000,
    )
    yield opened
    opened.close()


@pytest.fixture
def page(editor):
    """The editor with nothing in it: to load it takes as long as most of these tests."""
    editor.evaluate("() => window.app.graph.clear()")
    return editor


def reached(page, condition, **options):
    """Wait for a condition in JavaScript; asked with each frame, it would be most of the work."""
    page.wait_for_function(condition, polling=100, **options)


def template(comfy, name):
    pack = urllib.parse.quote(PACK_FOLDER)
    with urllib.request.urlopen(f"{comfy.url}/api/workflow_templates/{pack}/{name}") as answer:
        return json.load(answer)


@pytest.fixture
def ollama(llm_settings):
    with FakeOllama() as server:
        llm_settings(ollama={"host": server.host})
        yield server


OLLAMA = "window.app.graph.nodes.find(n => n.type === 'MySpinBot_Ollama')"
MODEL = f"{OLLAMA}.widgets.find(w => w.name === 'model')"


def test_the_models_of_ollama_are_listed_and_a_saved_one_stays(ollama, page):
    """Runs first: the editor asks for a list like that once, and keeps it."""

    def model_is(condition):
        reached(
            page,
            f"""() => {{
                if (!{OLLAMA})  // the editor's own first graph may have come after it
                    window.app.graph.add(window.LiteGraph.createNode("MySpinBot_Ollama"));
                const model = {MODEL};
                return {condition};
            }}""",
        )

    model_is("String(model.options.values) === 'llama3.2:3b,qwen3:latest'")
    model_is("model.value === 'llama3.2:3b'")
    page.evaluate(f"() => {{ {MODEL}.value = 'qwen3:latest'; }}")
    page.evaluate(
        """() => window.app.loadGraphData(
            JSON.parse(JSON.stringify(window.app.graph.serialize())))"""
    )
    model_is("String(model.options.values) === 'llama3.2:3b,qwen3:latest'")
    page.wait_for_timeout(500)  # what would overwrite it comes late
    assert page.evaluate(f"() => {MODEL}.value") == "qwen3:latest"
    ollama.models["phi4:14b"] = 9
    page.evaluate(f"() => {MODEL}.refresh()")
    model_is("String(model.options.values).includes('phi4')")
    assert page.evaluate(f"() => {MODEL}.value") == "qwen3:latest"


def test_every_template_opens_complete(page, comfy):
    for name in TEMPLATES:
        canvas = template(comfy, name)
        page.evaluate("canvas => window.app.loadGraphData(canvas)", canvas)
        types = page.evaluate(
            """() => window.app.graph.nodes.map(
                n => [n.type, !!n.constructor.nodeData || n.type === 'MarkdownNote'])"""
        )
        assert len(types) == len(canvas["nodes"]), name
        assert all(known for _, known in types), (name, types)
        made = page.evaluate("async () => (await window.app.graphToPrompt()).output")
        shipped = json.loads((ROOT / "workflows" / "api" / name).read_text("utf-8"))
        for key, node in shipped.items():
            assert made[key]["class_type"] == node["class_type"], name
            assert made[key]["inputs"].items() >= node["inputs"].items(), name


def test_templates_are_listed(comfy):
    with urllib.request.urlopen(f"{comfy.url}/api/workflow_templates") as answer:
        listed = json.load(answer)
    assert sorted(listed[PACK_FOLDER]) == sorted(name.removesuffix(".json") for name in TEMPLATES)


def test_help_pages_are_served(comfy):
    for path in (ROOT / "js" / "docs").glob("*.md"):
        pack = urllib.parse.quote(PACK_FOLDER)
        url = f"{comfy.url}/extensions/{pack}/docs/{path.name}"
        with urllib.request.urlopen(url) as answer:
            assert answer.read().decode("utf-8") == path.read_text("utf-8")


def test_figures_and_costs_are_shown(page, request):
    """On the node, and in the sidebar when the prompt is over; no name is taken for HTML."""
    prompt = {
        "1": {
            "class_type": "PrimitiveString",
            "inputs": {"value": request.node.name},  # no other test has run this
            "_meta": {"title": "<b>Anna's</b> words"},
        },
        "2": {
            "class_type": "MySpinBot_Metrics",
            "inputs": {"value": ["1", 0], "destination": "file: output folder"},
        },
    }
    page.evaluate("prompt => window.app.loadApiJson(prompt, 'costs')", prompt)
    page.locator(".myspinbot-costs-tab-button").click()
    page.get_by_text("Queue a prompt").wait_for()
    page.evaluate("() => window.app.queuePrompt(0, 1)")
    reached(
        page,
        """() => {
            const node = window.app.graph.nodes.find(n => n.type === "MySpinBot_Metrics");
            const text = node.widgets.find(w => w.name === "about")?.element?.textContent ?? "";
            return text.includes("prompts before this one") && text.includes("written to");
        }""",
    )
    panel = page.locator(".myspinbot-costs")
    panel.get_by_text("success").wait_for()
    told = panel.inner_text()
    assert "<b>Anna's</b> words" in told
    assert "Metrics" in told
    assert re.search(r"\d [MG]B RAM", told)
    assert page.locator(".myspinbot-costs b").count() == 0
    page.evaluate("() => window.app.queuePrompt(0, 1)")
    panel.get_by_text("2 from the cache").wait_for()
    if path := os.environ.get("MYSPINBOT_SCREENSHOT"):
        page.screenshot(path=path)


OURS = """window.app.graph.nodes.filter(
    n => ["MySpinBot_VoiceProfile", "MySpinBot_Speak"].includes(n.type))"""
# Vue nodes draw a player of their own and never show the element of the widget
PLAYERS = f"""{OURS}.map(n => window.LiteGraph.vueNodesMode
    ? document.querySelector(`[data-node-id="${{n.id}}"] audio`)
    : n.widgets.find(w => w.name === "audioUI")?.element)"""
SHOWN = f"""{OURS}.every(n => n.widgets.find(w => w.name === "about")?.element?.textContent)
    && {PLAYERS}.every(player => player?.src?.includes("flac") && player.duration > 0.5)"""


def test_a_voice_can_be_heard_on_its_node(files, page, comfy, samples_dir, request):
    """The players have a sound, the text is there, and neither gets into the prompt."""
    canvas = template(comfy, "clone_voice.json")
    transcript = (samples_dir / "voice.txt").read_text("utf-8").strip()
    for node in canvas["nodes"]:
        if node["type"] == "LoadAudio":
            node["widgets_values"][0] = files.audio
        elif node["type"] == "MySpinBot_VoiceProfile":
            node["widgets_values"][0] = transcript
            node["widgets_values"][2] = 0
            node["widgets_values"][3] = request.node.name  # no other test has run this
    page.evaluate("canvas => window.app.loadGraphData(canvas)", canvas)
    made = page.evaluate("async () => (await window.app.graphToPrompt()).output")
    names = {name for node in made.values() for name in node["inputs"]}
    assert not names & {"audioUI", "about"}
    page.evaluate(
        """() => {
            window.finished = 0;
            window.app.api.addEventListener("execution_success", () => window.finished++);
        }"""
    )
    for run in (1, 2):  # the second from ComfyUI's cache
        page.evaluate("() => window.app.queuePrompt(0, 1)")
        reached(page, f"() => window.finished === {run}", timeout=120_000)
        reached(page, f"() => {SHOWN}")
    page.evaluate("canvas => window.app.loadGraphData(canvas)", canvas)  # as after a reload
    reached(page, f"() => !({SHOWN})")
    page.evaluate("() => window.app.queuePrompt(0, 1)")
    reached(page, f"() => {SHOWN}")
    page.evaluate(f"() => Promise.all({PLAYERS}.map(player => player.play()))")
    reached(page, f"() => {PLAYERS}.every(player => player.currentTime > 0.1)")
    saved = page.evaluate("() => JSON.stringify(window.app.graph.serialize().nodes)")
    assert "ComfyUI_temp" not in saved


SAVED = "window.app.graph.nodes.find(n => n.type === 'MySpinBot_SaveTalkingBot')"
DRAWN = """() => {
    const {nodes, links} = window.app.graph.serialize();
    return [links, nodes.map(n => [n.id, n.type, n.title, n.pos, n.widgets_values])];
}"""

SAVED_FILE = """async () => {
    const {filename, subfolder, type} = window.saved.images[0];
    const query = new URLSearchParams({filename, subfolder, type});
    const answer = await window.app.api.fetchApi(`/view?${query}`, {cache: "no-store"});
    const blob = await answer.blob();
    const transfer = new DataTransfer();
    transfer.items.add(new File([blob], filename, {type: blob.type}));
    return transfer;
}"""


def test_a_saved_video_dropped_into_the_editor_is_the_graph_again(files, page, comfy, tmp_path):
    """With the titles and places that only the workflow has; also when it is signed."""
    signer = Credentials(*Authority().issue(tmp_path))
    inputs = {
        "video": ["1", 0],
        "filename_prefix": "dropped/film",
        "crf": 21,
        "preset": "faster",
        "loudness": "as it is",
        "disclosure": True,
    }
    prompt = {
        "1": {"class_type": "LoadVideo", "inputs": {"file": files.film}},
        "2": {"class_type": "MySpinBot_SaveTalkingBot", "inputs": inputs},
    }
    page.evaluate("prompt => window.app.loadApiJson(prompt, 'a film')", prompt)
    page.evaluate(f"() => {{ {SAVED}.title = 'Größe 🎬'; {SAVED}.pos = [700, 300]; }}")
    before = page.evaluate(f"() => JSON.stringify(({DRAWN})())")
    page.evaluate(
        """() => {
            window.app.api.addEventListener("executed", e => { window.saved = e.detail.output; });
            window.app.queuePrompt(0, 1);
        }"""
    )
    reached(page, "() => window.saved?.images?.length", timeout=60_000)
    path = comfy.log.parent / "output" / "dropped" / page.evaluate("saved.images[0].filename")
    for finish in (lambda: None, lambda: signer.sign(path, path.name)):
        finish()
        page.evaluate("() => window.app.graph.clear()")
        assert page.evaluate("() => window.app.graph.nodes.length") == 0
        drop = {"dataTransfer": page.evaluate_handle(SAVED_FILE), "bubbles": True}
        page.dispatch_event("#graph-canvas", "drop", drop)
        reached(page, f"drawn => JSON.stringify(({DRAWN})()) === drawn", arg=before)
        reached(
            page,  # which comes a moment later
            "async () => (await window.app.graphToPrompt()).output[2].inputs.video",
        )
        made = page.evaluate("async () => (await window.app.graphToPrompt()).output")
        assert made.keys() == prompt.keys()
        for key, node in prompt.items():
            assert made[key]["inputs"].items() >= node["inputs"].items()


def test_a_failing_stage_shows_on_the_bot(files, page, comfy):
    """Runs last: its message stays."""
    canvas = template(comfy, "talking_bot.json")
    for node in canvas["nodes"]:
        if node["type"] == "LoadImage":
            node["widgets_values"][0] = files.image
        elif node["type"] == "LoadAudio":
            node["widgets_values"][0] = files.audio
        elif node["type"] == "MySpinBot_TalkingBot":
            node["widgets_values"][0] = "What the clip is said to say."
            node["widgets_values"][2] = "🎉🎉"
    page.evaluate("canvas => window.app.loadGraphData(canvas)", canvas)
    page.evaluate("() => window.app.queuePrompt(0, 1)")
    # no click of the mouse: what shades the page while a graph loads may still be fading
    page.get_by_text("View details").first.dispatch_event("click", timeout=60_000)
    page.get_by_text("no words").first.wait_for(timeout=60_000)
    bot = "window.app.graph.nodes.find(n => n.type === 'MySpinBot_TalkingBot')"
    assert page.evaluate(f"() => window.app.lastExecutionError?.node_id === String({bot}.id)")
