"""Metrics of a real ComfyUI: exact counts, broken hooks, a thousand prompts."""

import json
import time

import pytest
from metering import ask, eventually, figures, grown, history, queue, server_with_odd_nodes, wait

from myspinbot.history.ledger import Ledger, sqlite_url
from scripts.environment import ROOT

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with server_with_odd_nodes(tmp_path_factory.mktemp("metrics")) as running:
        yield running


def echo(text):
    return [("OddEcho", {"text": text})]


def settled(server, before, count):
    """The figures once `count` more prompts are counted."""

    def done():
        return sum(grown(before, figures(server), "prompts_total").values()) >= count

    assert eventually(done)
    return figures(server)


def test_every_way_a_prompt_can_go_is_counted_exactly(server):
    before = figures(server)
    chain = [*echo("a"), ("OddEcho", {"text": ["1", 0]})]
    wait(server, queue(server, echo("a")))
    wait(server, queue(server, echo("a")))  # wholly cached
    wait(server, queue(server, chain))  # partly cached
    wait(server, queue(server, [("OddExpand", {"salt": 1})]))
    wait(server, queue(server, [("OddExpand", {"salt": 2})]))  # its child is cached
    wait(server, queue(server, [("OddFail", {"kind": "ValueError"})]))
    wait(server, queue(server, [("OddFail", {"kind": "oom"})]))
    wait(server, queue(server, [("OddFail", {"kind": "Private"})]))
    long = queue(server, [("OddWait", {"seconds": 60.0})])
    queued = [queue(server, echo(f"queued {n}")) for n in range(3)]
    assert eventually(lambda: figures(server)[RUNNING] == 1)
    assert figures(server)[PENDING] == 3
    time.sleep(1.1)
    assert figures(server)["queue_oldest_pending_seconds{}"] > 1
    ask(server, "/interrupt", {})
    wait(server, long, *queued)
    assert ask(server, "/prompt", {"prompt": {}})[0] == 400
    after = settled(server, before, 12)
    assert after[RUNNING] == after[PENDING] == 0
    assert grown(before, after, "prompts", "node_cache", "node_duration", "errors", "prompt_q") == {
        'prompts_total{outcome="success"}': 8,
        'prompts_total{outcome="error"}': 3,
        'prompts_total{outcome="interrupted"}': 1,
        'prompts_submitted_total{outcome="queued"}': 12,
        'prompts_submitted_total{outcome="rejected"}': 1,
        "prompt_queue_wait_seconds_count": 12,
        'node_cache_hits_total{class_type="OddEcho"}': 3,
        'node_duration_seconds_count{class_type="OddEcho"}': 6,
        'node_duration_seconds_count{class_type="OddExpand"}': 2,
        'errors_total{class_type="OddFail",kind="ValueError"}': 1,
        'errors_total{class_type="OddFail",kind="oom"}': 1,
        'errors_total{class_type="OddFail",kind="other"}': 1,
    }
    assert grown(before, after, "instrumentation_errors") == {}
    waited = grown(before, after, "node_own_seconds")[
        'node_own_seconds_total{class_type="OddWait"}'
    ]
    assert 1 < waited < 30


RUNNING, PENDING = 'queue_prompts{state="running"}', 'queue_prompts{state="pending"}'


def kept(server, prompt_id):
    """The history's entry of a prompt, once it is over."""

    def find():
        found = {e["prompt_id"]: e for e in history(server)["entries"]}.get(prompt_id)
        return found if found and found["outcome"] != "running" else None

    entry = eventually(find)
    assert entry
    return entry


def test_history_keeps_what_became_of_a_prompt(server):
    text = {"text": "words of the user", "seed": 7, "ckpt_name": "sd15.safetensors"}
    image = ("EmptyImage", {"width": 8, "height": 8, "batch_size": 1, "color": 0})
    saved = ("SaveImage", {"images": ["2", 0], "filename_prefix": "kept/é"})
    before_s = time.time()
    named = queue(
        server, [("OddEcho", text), image, saved], extra_data={"workflow_name": "my bots"}
    )
    failed = queue(server, [("OddFail", {"kind": "oom"})])
    entry = kept(server, named)
    assert before_s - 0.01 < entry["queued_at_s"] <= entry["started_at_s"] + 0.01
    assert entry["started_at_s"] <= entry["ended_at_s"] < time.time()
    assert (entry["outcome"], entry["workflow"]) == ("success", "my bots")
    assert entry["seeds"] == {"1.seed": 7}
    assert entry["models"] == ["sd15.safetensors"]
    assert entry["artifacts"] == ["kept/é_00001_.png"]
    assert {name: stage["runs"] for name, stage in entry["stages"].items()} == {
        "OddEcho": 1,
        "EmptyImage": 1,
        "SaveImage": 1,
    }
    assert 1e8 < entry["stages"]["SaveImage"]["peak_ram_bytes"] < 1e10
    spent_s = sum(stage["own_s"] for stage in entry["stages"].values())
    assert 0 < spent_s <= entry["ended_at_s"] - entry["started_at_s"] + 0.05
    broken = kept(server, failed)
    facts = [broken[name] for name in ("outcome", "error_class", "error_kind")]
    assert facts == ["error", "OddFail", "oom"]
    assert entry["prompt"] is None
    assert "words of the user" not in json.dumps(history(server))


def test_workflows_are_called_by_their_files(server):
    """The editor sends a workflow's id: that of a template, of a saved one, of neither."""
    template = json.loads((ROOT / "workflows" / "talking_bot.json").read_text("utf-8"))["id"]
    saved = server.log.parent / "user" / "default" / "workflows" / "anna" / "grüße.json"
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_text('{"id": "saved-id", "nodes": []}', "utf-8")
    for workflow, name in (
        ({"id": template}, "talking_bot"),
        ({"id": "saved-id"}, "grüße"),
        ({"id": "new-id"}, "new-id"),
        ({}, ""),
        (None, ""),
    ):
        prompt_id = queue(server, echo(name), extra_data={"extra_pnginfo": {"workflow": workflow}})
        assert kept(server, prompt_id)["workflow"] == name


def test_history_comes_in_pages(server):
    ids = [queue(server, echo(f"page {number}")) for number in range(5)]
    for prompt_id in ids:
        kept(server, prompt_id)
    first = history(server, limit=3)
    second = history(server, limit=3, before=first["next"])
    found = [entry["prompt_id"] for entry in first["entries"] + second["entries"]]
    assert found[:5] == ids[::-1]
    for query, reason in (
        ("limit=0", "between 1 and 500"),
        ("limit=x", "whole numbers"),
        ("before=x", "whole numbers"),
    ):
        status, text = ask(server, f"/myspinbot/history?{query}")
        assert status == 400
        assert reason in json.loads(text)["error"]


def test_labels_hold_nothing_of_the_user(server):
    _, text = ask(server, "/myspinbot/metrics")
    assert "AnnasSecret" not in text
    assert "queued 1" not in text


def test_open_metrics_are_negotiated(server):
    _, text = ask(server, "/myspinbot/metrics", Accept="application/openmetrics-text;version=1.0.0")
    assert text.endswith("# EOF\n")
    assert "_created" not in text


def test_a_thousand_prompts_leave_nothing_behind(server):
    def held(query, first, last):
        ids = [queue(server, echo(f"tiny {number}")) for number in range(first, last)]
        wait(server, *ids)
        settled(server, before, last)
        kept(server, ids[-1])
        ask(server, "/history", {"clear": True})  # ComfyUI keeps ten thousand
        series = [name for name in figures(server) if "_sum" not in name]
        return {**json.loads(ask(server, f"/odd/held{query}")[1]), "series": len(series)}

    before = figures(server)
    early, late = held("?trace", 0, 200), held("?trace", 200, 600)
    assert late["bytes"] - early["bytes"] < 50_000
    middle, last = held("", 600, 750), held("", 750, 1000)
    assert last["rss"] - middle["rss"] < 5e6
    for name in ("series", "handlers", "threads"):
        assert early[name] == last[name], name
    assert last["runs"] <= 1


CALLBACKS = {
    "_between_prompts": "nodes",
    "_new_prompt": "nodes",
    "_start": "nodes",
    "_finish": "nodes",
    "_end": "nodes",
    "_sample": "memory",
    "_compare_models": "models",
    "_settle": "outcomes",
    "_write": "history",
    "_note_end": "history",
    "arm": "nodes",
    "_queue": "queue",
    "_models": "models",
    "_memory": "memory",
}


def is_up(server, hook):
    return figures(server)[f'instrumentation_up{{hook="{hook}"}}']


def test_no_broken_callback_breaks_a_prompt(server):
    """Each raises, alone and all together: the worker lives on, the scrape tells, all recovers."""
    for broken in [*([name] for name in CALLBACKS), list(CALLBACKS)]:
        before = figures(server)
        assert json.loads(ask(server, "/odd/break", broken)[1]) == len(broken)
        good = [queue(server, echo(f"{broken} {number}")) for number in range(2)]
        assert wait(server, *good)["status"]["status_str"] == "success"
        bad = wait(server, queue(server, [("OddFail", {"kind": "ValueError"})]))
        assert bad["status"]["status_str"] == "error"
        time.sleep(0.5)  # for those of before to be settled
        figures(server)  # what fails in a scrape is told by the next one
        assert grown(before, figures(server), "instrumentation_errors"), broken
        down = {hook for hook in CALLBACKS.values() if not is_up(server, hook)}
        assert CALLBACKS[broken[0]] in down
    assert json.loads(ask(server, "/odd/break", [])[1]) == 0
    wait(server, queue(server, echo("mended")))
    time.sleep(0.5)  # for those of before to be settled
    before = figures(server)
    wait(server, queue(server, echo("mended again")))
    after = settled(server, before, 1)
    assert grown(before, after, "prompts_total", "node_duration", "instrumentation_errors") == {
        'prompts_total{outcome="success"}': 1,
        'node_duration_seconds_count{class_type="OddEcho"}': 1,
    }
    assert {v for k, v in after.items() if k.startswith("instrumentation_up")} == {1}
    logged = server.log.read_text("utf-8", "replace")
    assert logged.count("metrics: nodes failed") == 1, "once, not with every node"


def test_kill_9_leaves_a_whole_history(server):
    """The last test: it kills the server while a prompt runs."""
    done = queue(server, echo("before the end"))
    kept(server, done)
    running = queue(server, [("OddWait", {"seconds": 60.0})])
    assert eventually(lambda: running in [e["prompt_id"] for e in history(server)["entries"]])
    name = history(server)["entries"][0]["server"]
    server.child.kill()
    server.child.wait()
    ledger = Ledger(sqlite_url(server.log.parent / "user" / "__myspinbot" / "history.db"), name)
    newest = [(entry.prompt_id, entry.outcome) for entry in ledger.page(2)[0]]
    ledger.close()
    assert newest == [(running, "lost"), (done, "success")]
