"""What an operator deploys: docs/deploy under Prometheus' own tools, a token, a database."""

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from metering import TOKEN, ask, eventually, queue, server_with_odd_nodes, wait
from postgresql import INSTALLED, Cluster

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
def database():
    if not INSTALLED:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, database):
    """A ComfyUI as a careful operator runs it: with a token, and a database for the history."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYSPINBOT_METRICS_TOKEN", TOKEN)
        patch.setenv("MYSPINBOT_DATABASE_URL", database.address)
        patch.setenv("MYSPINBOT_HISTORY_PROMPTS", "1")
        process = server_with_odd_nodes(tmp_path_factory.mktemp("guarded"))
    with process as running:  # the variable is in its environment only
        yield running


@pytest.mark.comfy
@pytest.mark.parametrize("path", ["/myspinbot/metrics", "/myspinbot/history"])
def test_only_the_token_opens(guarded, path):
    assert ask(guarded, path)[0] == 401
    assert ask(guarded, path, Authorization="Bearer wrong")[0] == 401
    assert ask(guarded, path, Authorization=f"Bearer {TOKEN}")[0] == 200


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
        # other tests break the delivery of the server that they share
        up = 'min(myspinbot_instrumentation_up{job="comfyui",hook!="delivery"})'
        assert answer(address, up, 1) == 1
    finally:
        child.terminate()
        child.wait(30)


def told(server, path):
    """Status and text of what the token opens."""
    return ask(server, path, Authorization=f"Bearer {TOKEN}")


def is_kept(server, prompt_id, text=None):
    """Whether the history has the prompt as a success, with `text` among its words."""
    status, page = told(server, "/myspinbot/history")
    found = {e["prompt_id"]: e for e in json.loads(page)["entries"]} if status == 200 else {}
    entry = found.get(prompt_id, {"outcome": ""})
    return entry["outcome"] == "success" and (text is None or text in json.dumps(entry["prompt"]))


def echo(server, text):
    """Run a prompt to its end, whatever becomes of its history; returns its id."""
    prompt_id = queue(server, [("OddEcho", {"text": text})])
    assert wait(server, prompt_id, timeout_s=5)["status"]["status_str"] == "success"
    return prompt_id


UP = 'myspinbot_instrumentation_up{hook="history"} 1.0'


@pytest.mark.comfy
def test_history_is_kept_in_a_real_postgresql(guarded):
    prompt_id = echo(guarded, "words that the operator keeps")
    assert eventually(lambda: is_kept(guarded, prompt_id, "words that the operator keeps"))
    assert UP in told(guarded, "/myspinbot/metrics")[1]


@pytest.mark.comfy
def test_a_database_that_hangs_holds_up_nobody(guarded, database):
    database.freeze()
    try:
        ids = [echo(guarded, f"frozen {number}") for number in range(5)]
        with ThreadPoolExecutor(4) as pool:
            pages = [pool.submit(told, guarded, "/myspinbot/history") for _ in range(4)]
            refused = next(page for page in as_completed(pages)).result()
            assert refused[0] == 503
            assert "busy" in refused[1]
            assert told(guarded, "/myspinbot/metrics")[0] == 200
            database.thaw()
            assert sorted(page.result()[0] for page in pages) == [200, 200, 200, 503]
    finally:
        database.thaw()
    assert eventually(lambda: all(is_kept(guarded, prompt_id) for prompt_id in ids))


@pytest.mark.comfy
def test_what_ran_without_the_database_is_kept_when_it_is_back(guarded, database):
    database.stop()
    try:
        ids = [echo(guarded, f"alone {number}") for number in range(3)]
        assert eventually(lambda: UP not in told(guarded, "/myspinbot/metrics")[1])
        status, text = told(guarded, "/myspinbot/history")
        assert status == 503
        assert "MYSPINBOT_DATABASE_URL" in json.loads(text)["error"]
    finally:
        database.start()
    assert eventually(lambda: all(is_kept(guarded, prompt_id) for prompt_id in ids))
    assert UP in told(guarded, "/myspinbot/metrics")[1]


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
