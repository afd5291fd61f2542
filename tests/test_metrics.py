"""What is recorded, without ComfyUI: accounts of a run, outcomes, and bounded labels."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from myspinbot.metrics import FrameClock, Metrics, Run
from myspinbot.metrics.costs import costs
from myspinbot.metrics.exposition import TEXT, expose
from myspinbot.metrics.families import ERROR_KINDS, FAMILIES, OUTCOMES, Family
from myspinbot.metrics.instrument import Instrument
from myspinbot.metrics.outcome import Outcome, read_outcome


@pytest.fixture
def metrics():
    return Metrics(CollectorRegistry())


def samples(metrics):
    """Every sample by (name, label values in the order of their names)."""
    return {
        (s.name.removeprefix("myspinbot_"), *(v for _, v in sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(expose(metrics.registry)[0].decode())
        for s in family.samples
    }


def test_time_goes_to_the_node_that_runs():
    """A bot expands into a voice, which waits for an image: nobody's seconds are counted twice."""
    run = Run("id")
    run.start("1", "Bot", 0.0)
    run.start("1.0.0.v", "Voice", 1.0)
    run.start("2", "Image", 3.0)
    assert run.finish("2", "Image", 7.0) == 4.0
    run.start("1.0.0.v", "Voice", 7.0)  # a lazy node starts once more
    assert run.finish("1.0.0.v", "Voice", 12.0) == 5.0
    assert run.finish("1", "Bot", 12.0) == 12.0
    own = {name: stage.own_s for name, stage in run.stages.items()}
    assert own == {"Bot": 1.0, "Voice": 7.0, "Image": 4.0}
    assert sum(own.values()) == 12.0


def test_a_failed_node_has_time_but_no_run():
    run = Run("id")
    run.start("1", "Fails", 0.0)
    run.end(2.0)
    assert run.stages["Fails"].own_s == 2.0
    assert run.stages["Fails"].runs == 0


def test_a_cached_node_is_counted_once():
    """ComfyUI tells of it at the start, and again where its output is asked for."""
    run = Run("id", {"1": {"class_type": "A"}, "2": {"class_type": "B"}})
    assert run.finish("1", "A", 1.0) is None
    run.start("2", "B", 1.0)
    run.finish("2", "B", 2.0)
    assert run.count_cached(["1", "2"]) == {"A": 1}


def test_memory_goes_to_the_node_that_runs():
    run = Run("id")
    run.sample(1, 1)  # nobody runs
    run.start("1", "A", 0.0)
    run.sample(5, 2)
    run.sample(3, 9)
    assert (run.stages["A"].peak_ram_bytes, run.stages["A"].peak_vram_bytes) == (5, 9)


def test_what_a_node_adds_to_the_memory_is_its_own():
    """A loader takes 5 GB, and a sampler that finds 6 in use adds 2 for a while."""
    run = Run("id")
    run.start("1", "Load", 0.0)
    for ram in (1, 4, 6):
        run.sample(ram, 0)
    run.load("Net", 3)
    run.finish("1", "Load", 1.0)
    run.start("2", "Sample", 1.0)
    for ram, vram in ((6, 1), (8, 5), (5, 1)):
        run.sample(ram, vram)
    run.finish("2", "Sample", 2.0)
    load, sample = run.costs["1", "Load"], run.costs["2", "Sample"]
    assert (load.more_ram_bytes, load.loaded) == (5, {"Net": 3})
    assert (sample.more_ram_bytes, sample.more_vram_bytes) == (2, 4)
    assert (sample.peak_ram_bytes, sample.loaded) == (8, {})


def test_costs_go_to_the_node_that_the_user_sees():
    run = Run("id", {"7": {"class_type": "Voice"}})
    run.start("5", "Bot", 0.0)
    run.start("5.0.0.v", "Voice", 1.0)
    run.finish("5.0.0.v", "Voice", 4.0)
    run.finish("5", "Bot", 4.0)
    run.start("6", "Voice", 4.0)
    run.finish("6", "Voice", 5.0)
    run.count_cached(["7"])
    run.figures["frames"] = 25
    report = costs(run, Outcome("success", 6.0, 0.5), ["a.mp4"])
    json.dumps(report)
    shown = [(n["node"], n["class_type"], n["own_s"], n["cached"]) for n in report["nodes"]]
    assert shown == [
        ("5", "Voice", 3.0, 0),
        ("5", "Bot", 1.0, 0),
        ("6", "Voice", 1.0, 0),
        ("7", "Voice", 0.0, 1),
    ]
    assert report["unnamed_s"] == 1.0
    assert (report["figures"], report["artifacts"]) == ({"frames": 25}, ["a.mp4"])
    assert run.stages["Voice"].own_s == 4.0
    assert run.stages["Voice"].cached == 1


def test_seeds_and_models_are_found_in_a_prompt():
    inputs = {"seed": 7, "noise_seed": ["4", 0], "ckpt_name": "sd15.safetensors", "text": "a.b"}
    run = Run("id", {"3": {"class_type": "A", "inputs": inputs}})
    assert run.seeds() == {"3.seed": 7}
    assert run.models() == ["sd15.safetensors"]


def message(event, ms, **data):
    return event, {"timestamp": ms, **data}


def test_outcome_of_a_success():
    end = read_outcome(
        [
            message("execution_start", 3000),
            message("execution_cached", 3001, nodes=["1"]),
            message("execution_success", 5500),
        ],
        1000,
    )
    assert end == Outcome("success", 2.5, 2.0, ("1",))


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("ValueError", "no", "ValueError"),
        ("torch.OutOfMemoryError", "no", "oom"),
        ("RuntimeError", "CUDA error: out of memory", "oom"),
        ("MemoryError", "", "oom"),
        ("myspinbot.errors.BadInputError", "no", "BadInputError"),
        ("annas.SecretError", "no", "other"),
        ("", "", "other"),
    ],
)
def test_kinds_of_errors_are_a_closed_list(kind, text, expected):
    error = {"node_type": "A", "exception_type": kind, "exception_message": text}
    end = read_outcome([message("execution_error", 5, **error)], None)
    assert (end.outcome, end.error_class, end.error_kind) == ("error", "A", expected)
    assert expected in (*ERROR_KINDS, "other")


def test_a_deleted_history_is_an_unknown_outcome():
    assert read_outcome((), None) == Outcome()


def test_events_become_samples(metrics):
    metrics.run = run = Run("id")
    metrics.speech("kokoro", 10.0, 4.0)
    metrics.frames("Captioned", 1, 0.01)
    metrics.encoded(250, 2.0, 10.0)
    metrics.training_step("sd15", 0.25, 1.5)
    metrics.training_step("sd15", 0.5, 1.5)
    metrics.training_step("annas secret base", 0.5, 1.0)
    metrics.llm("ollama", "repaired", 3.0, busy_s=2.0, prompt_tokens=100, completion_tokens=50)
    metrics.vram_freed("comfyui", 4_000)
    metrics.quality("speaker_similarity", 0.8)
    metrics.artifact("video", 1000)
    metrics.prompt(run, Outcome("error", 2.0, 1.0, (), "A", "oom"))
    found = samples(metrics)
    assert found["tts_audio_seconds_total", "kokoro"] == 10.0
    assert found["tts_real_time_factor_bucket", "kokoro", "0.35"] == 0
    assert found["tts_real_time_factor_bucket", "kokoro", "0.5"] == 1
    assert found["frames_total", "encode"] == 250
    assert found["frames_total", "Captioned"] == 1
    assert found["frame_seconds_total", "encode"] == 2.0
    assert found["video_seconds_total",] == 10.0
    assert found["lora_steps_total", "sd15"] == 2
    assert found["lora_seconds_total", "sd15"] == 3.0
    assert found["lora_loss", "sd15"] == 0.5
    assert found["lora_steps_total", "other"] == 1
    assert found["llm_requests_total", "ollama", "repaired"] == 1
    assert found["llm_tokens_total", "ollama", "prompt"] == 100
    assert found["llm_tokens_total", "ollama", "completion"] == 50
    assert found["llm_request_duration_seconds_sum", "ollama"] == 3.0
    assert found["llm_generation_seconds_total", "ollama"] == 2.0
    assert found["vram_freed_bytes_total", "comfyui"] == 4_000
    assert found["quality_score_count", "speaker_similarity"] == 1
    assert found["artifact_bytes_total", "video"] == 1000
    assert found["errors_total", "A", "oom"] == 1
    assert found["prompt_duration_seconds_sum", "error"] == 2.0
    assert run.figures == {
        "speech_s": 10.0,
        "frames": 250,
        "video_s": 10.0,
        "lora_steps": 3,
        "llm_tokens": 150,
        "vram_freed_bytes": 4_000,
    }
    assert run.quality == {"speaker_similarity": 0.8}
    failures = [n for key, n in found.items() if key[0] == "instrumentation_errors_total"]
    assert not any(failures)


VALUES = st.lists(st.sampled_from([0, 0.005, 1 / 3, 1, 7200, 1e7, 1e300]) | st.floats(0, 1e9))


@given(VALUES)
def test_counters_and_histograms_count_as_those_of_prometheus_client(values):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    bounds, label = (0.005, 0.25, 1, 2.5, 7200), ("class_type",)
    rows = (
        Family("counter", "runs_total", "Runs.", {"class_type": 9}),
        Family("histogram", "run_seconds", 'Their "time"\nand \\ more.', {"class_type": 9}, bounds),
        Family("gauge", "last_seconds", "The last.", {"class_type": 9}),
        Family("histogram", "all_seconds", "All.", {}, bounds),
    )
    instruments = [Instrument(row, ours) for row in rows]
    more = {"namespace": "myspinbot", "registry": theirs}
    counter = Counter("runs_total", rows[0].help, label, **more)
    histogram = Histogram("run_seconds", rows[1].help, label, buckets=bounds, **more)
    gauge = Gauge("last_seconds", rows[2].help, label, **more)
    bare = Histogram("all_seconds", rows[3].help, buckets=bounds, **more)
    for number, value in enumerate(values):
        name = ('a"b', "c\\d\n", "größe")[number % 3]
        for instrument in instruments[:3]:
            instrument(value, name)
        instruments[3](value)
        counter.labels(name).inc(value)
        histogram.labels(name).observe(value)
        gauge.labels(name).set(value)
        bare.observe(value)
    for accept, encode in (
        (TEXT, generate_latest),
        ("application/openmetrics-text; version=1.0.0", open_metrics.generate_latest),
    ):
        text, _ = expose(ours, accept)
        assert text == encode(ours)
        assert text == expose(theirs, accept)[0]


class Clock:
    """time.perf_counter() that only goes on when told."""

    now_s = 0.0

    def __call__(self):
        return self.now_s

    def work(self, seconds):
        self.now_s += seconds


def test_each_stage_of_a_chain_has_its_own_time(monkeypatch):
    """The inner makes a frame in 3 s, the outer changes it in 1 s, the reader encodes for 2 s."""
    time, told = Clock(), {}
    monkeypatch.setattr("time.perf_counter", time)

    def record(stage, count, seconds):
        frames, total_s = told.get(stage, (0, 0.0))
        told[stage] = frames + count, total_s + seconds

    def inner():
        for number in range(4):
            time.work(3)
            yield number

    def outer(frames):
        for frame in frames:
            time.work(1)
            yield frame

    clock = FrameClock(record)
    with clock.own() as encoding:
        for _ in clock.timed("outer", outer(clock.timed("inner", inner()))):
            time.work(2)
    assert told == {"inner": (4, 12.0), "outer": (4, 4.0)}
    assert encoding.seconds == 8.0


def test_a_chain_that_is_closed_closes_what_it_reads():
    closed = []

    def made():
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    frames = FrameClock(lambda *_: None).timed("stage", made())
    next(frames)
    frames.close()
    assert closed


def test_labels_are_bounded(metrics):
    for number in range(1000):
        metrics.node(f"Class{number}", 1.0)
        metrics.artifact(f"kind{number}", 1)
    found = samples(metrics)
    classes = {key[1] for key in found if key[0] == "node_duration_seconds_count"}
    assert len(classes) == 301
    assert found["node_duration_seconds_count", "other"] == 700
    kinds = {key[1]: value for key, value in found.items() if key[0] == "artifacts_total"}
    assert kinds == {"video": 0, "audio": 0, "image": 0, "lora": 0, "other": 1000}


def test_a_counter_with_a_closed_list_starts_at_0(metrics):
    """PromQL's increase() does not see the first value of a line that comes later."""
    found = samples(metrics)
    assert {key[1] for key in found if key[0] == "prompts_total"} == {*OUTCOMES}
    assert found["llm_requests_total", "ollama", "error"] == 0


def test_what_cannot_be_recorded_is_counted_and_logged_once(metrics, caplog):
    with caplog.at_level(logging.ERROR, "myspinbot.metrics"):
        metrics.speech("kokoro", float("nan"), 1.0)
        metrics.frames("encode", -5, 1.0)
        metrics.node("A", "fast")
    assert samples(metrics)["instrumentation_errors_total", "recording"] == 3
    assert len(caplog.records) == 1
    assert not metrics.up()["recording"]


def test_an_interrupt_passes_through(metrics):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        metrics.guard("nodes", interrupted)


def test_without_a_registry_only_the_run_is_kept():
    metrics = Metrics(None)
    metrics.run = Run("id")
    metrics.speech("kokoro", 10.0, 4.0)
    metrics.guard("nodes", lambda: 1 / 0)
    assert metrics.run.figures == {"speech_s": 10.0}


def test_two_registries_share_nothing():
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    first.node("A", 1.0)
    assert ("node_duration_seconds_count", "A") not in samples(second)


def test_names_follow_the_conventions():
    for family in FAMILIES:
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert bool(family.buckets) == (family.kind == "histogram")
        assert len(family.labels) <= 2
    assert json.dumps([f.name for f in FAMILIES]).count("_ms") == 0
