"""Writes the Grafana dashboards of docs/deploy/grafana: panels as rows here, JSON there.

Run: python -m scripts.dashboards
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from scripts.environment import ROOT

FOLDER = ROOT / "docs" / "deploy" / "grafana" / "dashboards"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS, _HEIGHT, _STAT_HEIGHT = 24, 8, 4
_DATASOURCE = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
}
_INSTANCE = {
    "name": "instance",
    "label": "ComfyUI",
    "type": "query",
    "datasource": _SOURCE,
    "query": "label_values(myspinbot_build_info, instance)",
    "refresh": 2,
    "multi": True,
    "includeAll": True,
    "allValue": ".*",
    "current": {"text": "All", "value": "$__all"},
}


@dataclass(frozen=True)
class Panel:
    """One panel; `queries` are legends and expressions."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    """As Grafana calls it: s, bytes, percentunit, short, ..."""
    kind: str = "timeseries"
    """timeseries; or stat, bargauge: the last value of each series."""
    width: int = 8
    stacked: bool = False


@dataclass(frozen=True)
class Dashboard:
    """One dashboard."""

    name: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    hours: int = 6


def m(name: str, /, **labels: str) -> str:
    """A metric of the chosen servers; a label's value that begins with ~ is a pattern."""
    matchers = ['instance=~"$instance"']
    matchers += [
        f'{label}=~"{value[1:]}"' if value[0] == "~" else f'{label}="{value}"'
        for label, value in labels.items()
    ]
    prefix = "" if name.startswith("process_") else "myspinbot_"
    return f"{prefix}{name}{{{','.join(matchers)}}}"


def rate(name: str, /, **labels: str) -> str:
    return f"rate({m(name, **labels)}[$__rate_interval])"


def gained(name: str, /, **labels: str) -> str:
    """What a counter gained in the shown time, with what it began with if it is new.

    increase() alone takes a new series' first value for an old one: the first job of a server, or
    the first error of its kind, would be missing.
    """
    metric = m(name, **labels)
    grown, born = f"increase({metric}[$__range])", f"min_over_time({metric}[$__range])"
    new = f"({born} unless {metric} offset $__range)"
    return f"(({grown} + {new}) or {grown} or {new})"


def by(label: str, expression: str) -> str:
    return f"sum by ({label}) ({expression})"


def quantile(q: float, name: str, label: str = "") -> str:
    labels = f"le, {label}" if label else "le"
    return f"histogram_quantile({q}, {by(labels, rate(f'{name}_bucket'))})"


def per(above: str, below: str, label: str) -> str:
    """The rate of one counter by that of another, for each value of a label."""
    return f"{by(label, rate(above))} / {by(label, rate(below))}"


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


def as_grafana(dashboard: Dashboard) -> dict[str, Any]:
    """What Grafana imports (schema 39, Grafana 11 and newer)."""
    x = y = 0
    panels = []
    for number, panel in enumerate(dashboard.panels, 1):
        height = _STAT_HEIGHT if panel.kind == "stat" and panel.width <= 4 else _HEIGHT
        if x + panel.width > _COLUMNS:
            x, y = 0, y + panels[-1]["gridPos"]["h"]
        panels.append(_panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": height}))
        x += panel.width
    return {
        "uid": f"myspinbot-{dashboard.name.replace('_', '-')}",
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["myspinbot", "comfyui"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": f"now-{dashboard.hours}h", "to": "now"},
        "templating": {"list": [_DATASOURCE, _INSTANCE]},
        "links": [
            {
                "type": "dashboards",
                "title": "MySpinBot",
                "tags": ["myspinbot"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "panels": panels,
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    last = panel.kind != "timeseries"
    custom = {"fillOpacity": 20, "stacking": {"mode": "normal"}} if panel.stacked else {}
    options: dict[str, Any] = {"reduceOptions": {"calcs": ["lastNotNull"]}} if last else {}
    if panel.kind == "bargauge":
        options |= {"orientation": "horizontal", "displayMode": "basic"}
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": custom},
            "overrides": [],
        },
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend or panel.title,
                "instant": last,
                "range": not last,
            }
            for index, (legend, expression) in enumerate(panel.queries.items())
        ],
    }


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
