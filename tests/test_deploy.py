"""The files of docs/deploy, checked by Prometheus' own tools and run against real servers."""

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
from metering import TOKEN, ask, server_with_odd_nodes

from scripts.environment import ROOT
from scripts.serving import free_port

DEPLOY = ROOT / "docs" / "deploy"

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="needs Prometheus: apt-get install prometheus"
)


def promtool(*arguments, text=None):
    done = subprocess.run(
        ["promtool", *arguments], cwd=DEPLOY, input=text, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_scrape_configuration():
    promtool("check", "config", "prometheus.yml")


def test_alert_rules():
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYSPINBOT_METRICS_TOKEN", TOKEN)
        process = server_with_odd_nodes(tmp_path_factory.mktemp("guarded"))
    with process as running:  # the variable is in its environment only
        yield running


@pytest.mark.comfy
def test_only_the_token_opens(guarded):
    assert ask(guarded, "/myspinbot/metrics")[0] == 401
    assert ask(guarded, "/myspinbot/metrics", Authorization="Bearer wrong")[0] == 401
    assert ask(guarded, "/myspinbot/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200


@pytest.mark.comfy
def test_a_scrape_is_clean(comfy):
    status, text = ask(comfy, "/myspinbot/metrics")
    assert status == 200
    assert promtool("check", "metrics", text=text) == ""


@pytest.mark.comfy
def test_a_real_prometheus_scrapes_two_servers(comfy, guarded, tmp_path):
    (tmp_path / "token").write_text(TOKEN, "utf-8")
    config = (DEPLOY / "prometheus.yml").read_text("utf-8")
    targets = ", ".join(f'"{s.url.removeprefix("http://")}"' for s in (comfy, guarded))
    config = config.replace('"127.0.0.1:8188"', targets).replace("15s", "1s")
    config = config.replace("# authorization:", "authorization:")
    config = config.replace("/etc/prometheus/myspinbot-token", str(tmp_path / "token"))
    (tmp_path / "prometheus.yml").write_text(config, "utf-8")
    shutil.copy(DEPLOY / "alerts.yml", tmp_path)
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--web.listen-address={address}", "--log.level=error"]
    command += [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    environment = {**os.environ, "GOMAXPROCS": "1"}
    child = subprocess.Popen(command, env=environment)
    try:
        found = answer(address, "count(myspinbot_build_info) + count(up == 1)", 4)
        assert found == 4
        assert answer(address, 'min(myspinbot_instrumentation_up{job="comfyui"})', 1) == 1
    finally:
        child.terminate()
        child.wait(30)


def answer(address, query, expected):
    """The value of `query`, waited for until it is `expected`."""
    url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    value, until = None, time.monotonic() + 60
    while value != expected and time.monotonic() < until:
        time.sleep(0.3)
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                result = json.load(reply)["data"]["result"]
            value = float(result[0]["value"][1]) if result else None
        except OSError:
            pass
    return value
