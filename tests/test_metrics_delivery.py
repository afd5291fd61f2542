"""Metrics as a file for a textfile collector, and pushed to a real Pushgateway."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families
from pushgateway import pushgateway

from myspinbot.errors import BadInputError, ServerError, StorageError
from myspinbot.metrics import Metrics, Run
from myspinbot.metrics.delivery import deliver
from myspinbot.metrics.destinations import Folder, Gateway, read_destinations
from myspinbot.metrics.outcome import Outcome
from myspinbot.metrics.summary import summary
from scripts.serving import free_port

needs_gateway = pytest.mark.skipif(
    not shutil.which("prometheus-pushgateway"),
    reason="needs a Pushgateway: apt-get install prometheus-pushgateway",
)


@pytest.fixture
def metrics():
    found = Metrics(CollectorRegistry())
    ProcessCollector(registry=found.registry)
    found.prompt(Run("id"), Outcome("success", 2.0, 1.0))
    return found


@pytest.fixture
def settings(tmp_path):
    def write(text):
        path = tmp_path / "metrics.json"
        path.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")
        return path

    return write


def test_destinations_are_the_operators(settings, tmp_path):
    path = settings(
        {
            "folders": {"collector": str(tmp_path)},
            "pushgateways": {
                "lab": {"url": "https://box:9091/", "user": "bot", "password_variable": "PW"}
            },
        }
    )
    environment = {
        "PW": "a secret",
        "MYSPINBOT_TEXTFILE_FOLDER": "/var/lib/collector",
        "MYSPINBOT_PUSHGATEWAY": "http://127.0.0.1:9091",
    }
    found = read_destinations(path, environment)
    assert found == {
        "file: textfile": Folder(Path("/var/lib/collector")),
        "file: collector": Folder(tmp_path),
        "push: default": Gateway("http://127.0.0.1:9091"),
        "push: lab": Gateway("https://box:9091", "bot", "a secret"),
    }
    assert "a secret" not in repr(found)


def test_without_settings_there_is_nowhere(tmp_path):
    assert read_destinations(tmp_path / "absent.json", {}) == {}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{", "no JSON"),
        ("[]", "must be an object"),
        ({"folder": {}}, "unknown folder"),
        ({"folders": []}, "'folders' must be an object"),
        ({"folders": {"a": "relative/path"}}, "whole path, not 'relative/path'"),
        ({"pushgateways": {"a": "http://box"}}, "'a' must look like"),
        ({"pushgateways": {"a": {"url": "http://box", "key": "x"}}}, "'a' must look like"),
        ({"pushgateways": {"a": {"url": "box:9091"}}}, "no http address"),
        ({"pushgateways": {"a": {"url": "http://box:port"}}}, "no http address"),
    ],
)
def test_wrong_settings_are_told(written, message, settings):
    with pytest.raises(BadInputError, match=message) as failure:
        read_destinations(settings(written), {})
    assert "metrics.json" in str(failure.value)


def names(text):
    return {family.name for family in text_string_to_metric_families(text)}


def test_a_file_for_the_collector(metrics, tmp_path):
    folder = tmp_path / "collector"
    for _ in range(2):
        assert (
            deliver(metrics.registry, Folder(folder), "box:8188")
            == "written to myspinbot_8188.prom"
        )
    (file,) = folder.iterdir()
    text = file.read_text("utf-8")
    assert 'myspinbot_prompts_total{outcome="success"} 1.0' in text
    assert all(name.startswith("myspinbot_") for name in names(text)), "the collector has the rest"
    assert "_created" not in text
    if shutil.which("promtool"):
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_file_that_cannot_be_written_leaves_nothing(metrics, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="let ComfyUI's user write"):
        deliver(metrics.registry, Folder(tmp_path / "file" / "inside"), "box:8188")
    (tmp_path / "myspinbot_8188.prom").mkdir()
    with pytest.raises(StorageError, match=r"myspinbot_8188\.prom"):
        deliver(metrics.registry, Folder(tmp_path), "box:8188")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "myspinbot_8188.prom"]


@needs_gateway
def test_a_real_pushgateway_keeps_servers_apart(metrics):
    with pushgateway() as gateway:
        for server in ("box:8188", "box:8189"):
            assert deliver(metrics.registry, Gateway(gateway.url), server) == f"pushed as {server}"
        metrics.prompt(Run("id"), Outcome("success", 2.0, 1.0))
        deliver(metrics.registry, Gateway(gateway.url), "box:8189")
        told = gateway.values("myspinbot_prompts_total")
        assert {key: value for key, value in told.items() if value} == {
            ("myspinbot", "box:8188", "success"): 1.0,
            ("myspinbot", "box:8189", "success"): 2.0,
        }


@needs_gateway
def test_a_pushgateway_that_refuses_is_told(metrics):
    with pushgateway() as gateway, pytest.raises(ServerError, match="refused with 404"):
        deliver(metrics.registry, Gateway(f"{gateway.url}/elsewhere"), "box:8188")


@needs_gateway
def test_a_password_opens(metrics, tmp_path):
    config = tmp_path / "web.yml"
    # bcrypt of "test", from the documentation of Prometheus' web configuration
    hashed = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"
    config.write_text(f"basic_auth_users:\n  bot: {hashed}\n", "utf-8")
    with pushgateway(f"--web.config.file={config}") as gateway:
        with pytest.raises(ServerError, match="refused with 401"):
            deliver(metrics.registry, Gateway(gateway.url), "box:8188")
        deliver(metrics.registry, Gateway(gateway.url, "bot", "test"), "box:8188")


def test_nobody_at_the_address_is_told(metrics):
    with pytest.raises(ServerError, match="Start it"):
        deliver(metrics.registry, Gateway(f"http://127.0.0.1:{free_port()}"), "box:8188")


def test_a_summary_says_what_there_is():
    metrics = Metrics(CollectorRegistry())
    assert metrics.registry is not None
    assert summary(metrics.registry) == ["0 prompts before this one"]
    metrics.prompt(Run("id"), Outcome("success", 2.0, 1.0))
    metrics.prompt(Run("id"), Outcome("error", 2.0, 1.0, (), "A", "oom"))
    metrics.speech("kokoro", 10.0, 4.0)
    metrics.encoded(250, 5.0, 10.0)
    metrics.frames("Captioned", 250, 0.5)
    metrics.llm("ollama", "ok", 4.0, busy_s=3.0, prompt_tokens=100, completion_tokens=50)
    metrics.training_step("sd15", 0.125, 1.0)
    run = Run("id")
    run.start("1", "Speak", 0.0)
    run.start("2", "Save", 4.0)
    run.end(4.01)
    assert summary(metrics.registry, run) == [
        "2 prompts before this one: 1 success, 1 error",
        "10 s of speech by kokoro, real-time factor 0.40",
        "250 frames of encode, 50.0 per second",
        "250 frames of Captioned, 500.0 per second",
        "1 texts by ollama, 150 tokens, 50 a second",
        "1 training steps of sd15, loss 0.125",
        "this prompt so far: Speak 4.0 s",
    ]
