"""Writes the Grafana dashboards of docs/deploy/grafana: panels as rows here, JSON there.

Run: python -m scripts.dashboards
"""

from __future__ import annotations

import json

from scripts.environment import ROOT
from scripts.grafana import Dashboard, Panel, as_grafana, by, gained, m, per, quantile, rate

FOLDER = ROOT / "docs" / "deploy" / "grafana" / "dashboards"
IN_USE = (
    f"{m('device_memory_bytes', kind='total')}"
    f" - ignoring(kind) {m('device_memory_bytes', kind='free')}"
)

OVERVIEW = Dashboard(
    "overview",
    "MySpinBot: overview",
    "How prompts end, how long they take and wait, and which nodes the time goes to.",
    (
        Panel("Running", {"": f"sum({m('queue_prompts', state='running')})"}, kind="stat", width=4),
        Panel("Waiting", {"": f"sum({m('queue_prompts', state='pending')})"}, kind="stat", width=4),
        Panel(
            "Longest wait",
            {"": f"max({m('queue_oldest_pending_seconds')})"},
            "s",
            "stat",
            4,
        ),
        Panel("Prompts", {"": f"sum({gained('prompts_total')})"}, kind="stat", width=4),
        Panel(
            "Failed",
            {
                "": f"sum({gained('prompts_total', outcome='error')})"
                f" / sum({gained('prompts_total')})"
            },
            "percentunit",
            "stat",
            4,
        ),
        Panel(
            "Hooks that work",
            {"": f"min({m('instrumentation_up')})"},
            "percentunit",
            "stat",
            4,
        ),
        Panel(
            "Prompts an hour",
            {"{{outcome}}": f"3600 * {by('outcome', rate('prompts_total'))}"},
            stacked=True,
        ),
        Panel(
            "Duration of a prompt",
            {
                "half": quantile(0.5, "prompt_duration_seconds"),
                "nine of ten": quantile(0.9, "prompt_duration_seconds"),
            },
            "s",
        ),
        Panel(
            "Wait in the queue",
            {
                "half": quantile(0.5, "prompt_queue_wait_seconds"),
                "nine of ten": quantile(0.9, "prompt_queue_wait_seconds"),
            },
            "s",
        ),
        Panel(
            "Where the time goes",
            {"{{class_type}}": f"topk(10, {by('class_type', rate('node_own_seconds_total'))})"},
            "percentunit",
            width=12,
            stacked=True,
        ),
        Panel(
            "Errors",
            {"{{class_type}}: {{kind}}": by("class_type, kind", gained("errors_total"))},
            kind="bargauge",
            width=6,
        ),
        Panel(
            "From the cache",
            {
                "of all nodes": f"sum({rate('node_cache_hits_total')}) / (sum("
                f"{rate('node_cache_hits_total')}) + sum({rate('node_duration_seconds_count')}))"
            },
            "percentunit",
            width=6,
        ),
    ),
)

JOB = Dashboard(
    "job",
    "MySpinBot: one job",
    "Choose the time from the job's start to its end, as /myspinbot/history tells it: metrics have "
    "no label that names a prompt. All figures are of that time.",
    (
        Panel(
            "Seconds of each node",
            {"{{class_type}}": f"topk(15, {by('class_type', gained('node_own_seconds_total'))})"},
            "s",
            "bargauge",
            12,
        ),
        Panel(
            "Seconds of each stage of the video",
            {"{{stage}}": by("stage", gained("frame_seconds_total"))},
            "s",
            "bargauge",
            6,
        ),
        Panel(
            "Files saved",
            {"{{kind}}": by("kind", gained("artifact_bytes_total"))},
            "bytes",
            "bargauge",
            6,
        ),
        Panel(
            "Memory of ComfyUI",
            {"RAM": m("process_resident_memory_bytes")},
            "bytes",
            width=12,
        ),
        Panel(
            "Models", {"{{model_class}}": m("models_loaded_bytes")}, "bytes", width=12, stacked=True
        ),
        Panel("Speech", {"": f"sum({gained('tts_audio_seconds_total')})"}, "s", "stat", 4),
        Panel("Video", {"": f"sum({gained('video_seconds_total')})"}, "s", "stat", 4),
        Panel("Tokens", {"": f"sum({gained('llm_tokens_total')})"}, "short", "stat", 4),
        Panel("Training steps", {"": f"sum({gained('lora_steps_total')})"}, "short", "stat", 4),
        Panel(
            "Quality",
            {
                "{{measure}}": f"{by('measure', gained('quality_score_sum'))}"
                f" / {by('measure', gained('quality_score_count'))}"
            },
            "percentunit",
            "bargauge",
            8,
        ),
    ),
    hours=1,
)

MEMORY = Dashboard(
    "memory",
    "MySpinBot: GPU and memory",
    "What fills the memory of the device and of the machine, and what comes and goes.",
    (
        Panel(
            "Memory in use",
            {"{{device}}": IN_USE},
            "bytes",
            width=12,
        ),
        Panel(
            "Free memory",
            {"{{device}}": m("device_memory_bytes", kind="free")},
            "bytes",
            width=12,
        ),
        Panel(
            "What torch holds on the GPU",
            {"{{device}}: {{kind}}": m("device_memory_bytes", kind="~torch_reserved|torch_active")},
            "bytes",
        ),
        Panel("RAM of ComfyUI", {"{{instance}}": m("process_resident_memory_bytes")}, "bytes"),
        Panel(
            "Models on the device",
            {"{{model_class}}": by("model_class", m("models_loaded_bytes"))},
            "bytes",
            stacked=True,
        ),
        Panel(
            "Models that came",
            {"{{model_class}}": by("model_class", gained("model_loads_total"))},
            kind="bargauge",
        ),
        Panel(
            "Models that left",
            {"{{model_class}}": by("model_class", gained("model_unloads_total"))},
            kind="bargauge",
        ),
        Panel(
            "VRAM handed over",
            {"by {{owner}}": by("owner", gained("vram_freed_bytes_total"))},
            "bytes",
            "bargauge",
        ),
        Panel(
            "Out of memory",
            {"{{class_type}}": by("class_type", gained("errors_total", kind="oom"))},
            kind="bargauge",
        ),
        Panel("CPU cores in use", {"{{instance}}": rate("process_cpu_seconds_total")}, "short"),
        Panel(
            "Share of the metrics",
            {
                "of the nodes' time": f"sum({rate('instrumentation_seconds_total')})"
                f" / sum({rate('node_own_seconds_total')})"
            },
            "percentunit",
        ),
    ),
)

SPEECH_VIDEO = Dashboard(
    "speech_video",
    "MySpinBot: words, speech and video",
    "How fast each engine writes and speaks, how fast each stage of a video works, how good it is.",
    (
        Panel(
            "Real-time factor of speech",
            {"{{engine}}": per("tts_synthesis_seconds_total", "tts_audio_seconds_total", "engine")},
        ),
        Panel(
            "Nine of ten below",
            {"{{engine}}": quantile(0.9, "tts_real_time_factor", "engine")},
        ),
        Panel(
            "Speech an hour",
            {"{{engine}}": f"3600 * {by('engine', rate('tts_audio_seconds_total'))}"},
            "s",
        ),
        Panel(
            "Frames a second, by stage",
            {"{{stage}}": per("frames_total", "frame_seconds_total", "stage")},
        ),
        Panel(
            "Time of each stage",
            {"{{stage}}": by("stage", rate("frame_seconds_total"))},
            "percentunit",
            stacked=True,
        ),
        Panel("Video an hour", {"": f"3600 * sum({rate('video_seconds_total')})"}, "s"),
        Panel(
            "Tokens a second",
            {"{{backend}}": per("llm_tokens_total", "llm_generation_seconds_total", "backend")},
        ),
        Panel(
            "Texts that were asked for",
            {"{{backend}}: {{outcome}}": by("backend, outcome", gained("llm_requests_total"))},
            kind="bargauge",
        ),
        Panel(
            "Time to a text, nine of ten",
            {"{{backend}}": quantile(0.9, "llm_request_duration_seconds", "backend")},
            "s",
        ),
        Panel(
            "Quality, the middle",
            {"{{measure}}": quantile(0.5, "quality_score", "measure")},
            "percentunit",
            width=12,
        ),
        Panel(
            "Quality, nine of ten above",
            {"{{measure}}": quantile(0.1, "quality_score", "measure")},
            "percentunit",
            width=12,
        ),
    ),
)

TRAINING = Dashboard(
    "training",
    "MySpinBot: training",
    "Whether LoRAs learn, and how fast.",
    (
        Panel("Loss", {"{{base}} on {{instance}}": m("lora_loss")}, width=12),
        Panel(
            "Seconds a step",
            {"{{base}}": per("lora_seconds_total", "lora_steps_total", "base")},
            "s",
            width=12,
        ),
        Panel("Steps", {"{{base}}": by("base", gained("lora_steps_total"))}, kind="bargauge"),
        Panel("LoRAs saved", {"": f"sum({gained('artifacts_total', kind='lora')})"}, kind="stat"),
        Panel(
            "Memory in use",
            {"{{device}}": IN_USE},
            "bytes",
        ),
    ),
)

DASHBOARDS = (OVERVIEW, JOB, MEMORY, SPEECH_VIDEO, TRAINING)


def render() -> dict[str, str]:
    """The files by name."""
    return {
        f"{dashboard.name}.json": json.dumps(as_grafana(dashboard), indent=2) + "\n"
        for dashboard in DASHBOARDS
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in render().items():
        (FOLDER / name).write_text(text, "utf-8")
        print((FOLDER / name).relative_to(ROOT))


if __name__ == "__main__":
    main()
