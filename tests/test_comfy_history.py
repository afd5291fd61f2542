"""The archive without a server: its settings, and what it does when notes pile up or are bad."""

import pytest
from inside_comfyui import play

pytestmark = pytest.mark.comfy

CODE = """
import dataclasses, threading, time
from pathlib import Path
from prometheus_client import CollectorRegistry
from pack.myspinbot.history.entry import Entry
from pack.myspinbot.metrics import Metrics, Run
from pack.myspinbot.metrics.outcome import Outcome
from pack.nodes.host.archive import Archive

def archive(entries):
    os.environ["MYSPINBOT_HISTORY_ENTRIES"] = entries
    metrics = Metrics(CollectorRegistry())
    return Archive(metrics), metrics

def asked(archive):
    try:
        page = json.loads(archive.answer({}, {"limit": "500"})[0])
        return [entry["prompt_id"] for entry in page["entries"]]
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def state(archive, metrics):
    errors = metrics.registry.get_sample_value(
        "myspinbot_instrumentation_errors_total", {"hook": "history"})
    return {"asked": asked(archive), "up": metrics.up()["history"], "errors": errors or 0}

found = {}
for name, entries in (("off", "0"), ("nonsense", "many")):
    one, metrics = archive(entries)
    one.began(Run("id"))
    one.ended(Run("id"), Outcome("success"), {}, ())
    one.work()  # ends at once: there is nothing to wait for
    found[name] = state(one, metrics)
found["files"] = [path.name for path in Path("user").rglob("history.db")]

one, metrics = archive("7")
for number in range(503):
    one.began(Run(f"run {number}"))
found["full"] = state(one, metrics)
threading.Thread(target=one.work, daemon=True).start()
while not one._notes.empty():
    time.sleep(0.05)
one._notes.put(Entry("bad", 1e10, seeds={"x": object()}))
one.began(Run("good"))
one.ended(Run("good"), Outcome("success"), {"workflow_name": "\\ud800"}, ())
until = time.monotonic() + 20
while "good" not in asked(one) and time.monotonic() < until:
    time.sleep(0.05)
found["after"] = state(one, metrics)
say(**found)
"""


def test_settings_full_queues_and_bad_notes(tmp_path):
    found = play(CODE, tmp_path)
    assert found["off"] == {
        "asked": "StorageError: There is no job history: MYSPINBOT_HISTORY_ENTRIES is 0.",
        "up": True,
        "errors": 0,
    }
    assert found["nonsense"]["asked"] == (
        "BadInputError: MYSPINBOT_HISTORY_ENTRIES='many' is not a number."
    )
    assert not found["nonsense"]["up"]
    assert found["files"] == []
    assert found["full"] == {"asked": [], "up": False, "errors": 3}
    kept = ["good", *(f"run {number}" for number in range(499, 493, -1))]
    assert found["after"] == {"asked": kept, "up": True, "errors": 4}
