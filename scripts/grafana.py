"""What Grafana dashboards are made of: panels, PromQL over the pack's metrics, and their JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WINDOW = "15m"
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


def lately(name: str) -> str:
    """The rate over so long that a few jobs are in it: what is divided needs some."""
    return f"rate({m(name)}[{WINDOW}])"


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
    return f"histogram_quantile({q}, {by(labels, lately(f'{name}_bucket'))})"


def per(above: str, below: str, label: str) -> str:
    """The rate of one counter by that of another, for each value of a label."""
    return f"{by(label, lately(above))} / {by(label, lately(below))}"


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
