"""The node Metrics in a real ComfyUI: what passes through, where figures go, what nobody can do."""

import json
import shutil

import pytest
from metering import eventually, figures
from pushgateway import pushgateway

from myspinbot.errors import PromptRejectedError
from scripts.serving import free_port

pytestmark = pytest.mark.comfy


@pytest.fixture
def choose(comfy):
    """The operator writes ComfyUI's metrics.json: ``choose(folders={...})``."""
    path = comfy.log.parent / "user" / "__myspinbot" / "metrics.json"
    path.parent.mkdir(exist_ok=True)
    yield lambda **parts: path.write_text(json.dumps(parts), "utf-8")
    path.unlink(missing_ok=True)


def measured(text, destination="only shown here"):
    return {
        "1": {"class_type": "PrimitiveString", "inputs": {"value": text}},
        "2": {
            "class_type": "MySpinBot_Metrics",
            "inputs": {"value": ["1", 0], "destination": destination},
        },
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
    }


def shown(entry):
    return entry["outputs"]["2"]["myspinbot_text"]


def test_what_comes_in_goes_out_and_the_figures_are_shown(run, comfy):
    before = figures(comfy)
    entry = run(measured("a passenger"))
    assert entry["outputs"]["3"]["text"] == ["a passenger"]
    assert entry["outputs"]["4"]["text"] == ["\n".join(shown(entry))]
    count = sum(value for name, value in before.items() if name.startswith("prompts_total"))
    assert shown(entry)[0].startswith(f"{count:.0f} prompts before this one")
    assert "a passenger" not in str(shown(entry))


def test_the_file_holds_the_prompt_that_wrote_it(run, comfy, choose, tmp_path):
    port = comfy.url.rsplit(":", 1)[-1]
    choose(folders={"collector": str(tmp_path)})
    for name, folder in (
        ("file: collector", tmp_path),
        ("file: output folder", comfy.log.parent / "output" / "metrics"),
    ):
        file = folder / f"myspinbot_{port}.prom"
        before = figures(comfy)
        entry = run(measured(f"to {name}", name))
        assert shown(entry)[-1] == f"written to {file.name}"
        success = 'prompts_total{outcome="success"}'
        wanted = f"myspinbot_{success} {before.get(success, 0) + 1}\n"
        assert eventually(lambda file=file, wanted=wanted: wanted in file.read_text("utf-8"))


@pytest.mark.skipif(not shutil.which("prometheus-pushgateway"), reason="needs a Pushgateway")
def test_a_real_pushgateway_hears_of_the_prompt(run, comfy, choose):
    with pushgateway() as gateway:
        choose(pushgateways={"lab": {"url": gateway.url}})
        before = figures(comfy).get('prompts_total{outcome="success"}', 0)
        entry = run(measured("to the lab", "push: lab"))
        assert shown(entry)[-1].startswith("pushed as ")

        def counted():
            return gateway.values("myspinbot_prompts_total").items()

        port = comfy.url.rsplit(":", 1)[-1]
        assert eventually(
            lambda: any(
                key[1].endswith(f":{port}") and key[2] == "success" and value == before + 1
                for key, value in counted()
            )
        ), dict(counted())


def test_a_gateway_that_is_away_breaks_nothing(run, choose):
    choose(pushgateways={"lab": {"url": f"http://127.0.0.1:{free_port()}"}})
    entry = run(measured("to nobody", "push: lab"))
    assert entry["outputs"]["3"]["text"] == ["to nobody"]
    assert shown(entry)[-1].startswith("Not sent: The Pushgateway")


@pytest.mark.parametrize(
    "destination", ["push: elsewhere", "file: /etc", "http://127.0.0.1:9", "file: ../../up"]
)
def test_a_workflow_cannot_name_a_place(destination, run, choose):
    choose(pushgateways={"lab": {"url": f"http://127.0.0.1:{free_port()}"}})
    with pytest.raises(PromptRejectedError, match="not in list"):
        run(measured("anywhere", destination))


def test_wrong_settings_leave_the_node_there(run, choose):
    choose(pushgateway={})
    assert shown(run(measured("shown only")))
