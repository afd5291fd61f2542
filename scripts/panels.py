"""Draws the panels of the Grafana dashboards from a Prometheus, without Grafana.

Run: python -m scripts.panels http://127.0.0.1:9090 FOLDER [--hours 6]
"""

from __future__ import annotations

import argparse
import json
import math
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from scripts.dashboards import FOLDER

CELL_PX, ROW_PX, GAP_PX = 60, 30, 8
_PAGE, _CARD, _TEXT, _FAINT, _GRID = "#111217", "#181b1f", "#d8d9da", "#8e8e8e", "#2c3235"
_COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#f2495c", "#b877d9", "#8ab8ff", "#ffa6b0")
_POINTS = 240


@dataclass(frozen=True)
class Series:
    """One answer of Prometheus: its name in the legend, times and values."""

    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Source:
    """A Prometheus, and the time that is shown."""

    url: str
    start_s: float
    end_s: float
    scrape_s: float = 15.0

    def series(self, target: Mapping[str, Any]) -> list[Series]:
        """What a panel's query gives."""
        range_s = self.end_s - self.start_s
        step_s = max(self.scrape_s, range_s / _POINTS)
        query = substituted(target["expr"], rate_s=max(4 * self.scrape_s, step_s), range_s=range_s)
        if target["instant"]:
            rows = self._ask("query", query=query, time=self.end_s)
            found = [(row["metric"], [row["value"]]) for row in rows]
        else:
            rows = self._ask(
                "query_range", query=query, start=self.start_s, end=self.end_s, step=step_s
            )
            found = [(row["metric"], row["values"]) for row in rows]
        return [
            Series(
                _legend(target["legendFormat"], labels),
                [(t, float(v)) for t, v in points if math.isfinite(float(v))],
            )
            for labels, points in found
        ]

    def _ask(self, path: str, **query: Any) -> list[dict[str, Any]]:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return json.load(answer)["data"]["result"]


def expressions(dashboard: Mapping[str, Any]) -> list[str]:
    """All PromQL of a dashboard, with Grafana's variables in it."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def substituted(expression: str, *, rate_s: float, range_s: float) -> str:
    """What Grafana makes of an expression when all servers are chosen."""
    return (
        expression.replace("$__rate_interval", f"{math.ceil(rate_s)}s")
        .replace("$__range", f"{math.ceil(range_s)}s")
        .replace("$instance", ".*")
    )


def _legend(form: str, labels: Mapping[str, str]) -> str:
    for label, value in labels.items():
        form = form.replace(f"{{{{{label}}}}}", value)
    return form


def draw(dashboard: Mapping[str, Any], source: Source) -> Image.Image:
    """All panels of a dashboard at their places."""
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    rows = max(place["y"] + place["h"] for place in places)
    page = Image.new("RGB", (24 * CELL_PX + GAP_PX, rows * ROW_PX + 40), _PAGE)
    canvas = ImageDraw.Draw(page)
    canvas.text((GAP_PX, 10), dashboard["title"], _TEXT, _font(18))
    for panel, place in zip(dashboard["panels"], places, strict=True):
        left, top = GAP_PX + place["x"] * CELL_PX, 40 + place["y"] * ROW_PX
        box = left, top, left + place["w"] * CELL_PX - GAP_PX, top + place["h"] * ROW_PX - GAP_PX
        _Card(canvas, box, panel).fill(
            [s for t in panel["targets"] for s in source.series(t)], source
        )
    return page


class _Card:
    def __init__(self, canvas: ImageDraw.ImageDraw, box: tuple[int, int, int, int], panel: Any):
        self.canvas, self.panel = canvas, panel
        self.unit = panel["fieldConfig"]["defaults"]["unit"]
        canvas.rounded_rectangle(box, 3, _CARD, _GRID)
        canvas.text((box[0] + 10, box[1] + 7), panel["title"], _TEXT, _font(14))
        self.left, self.top, self.right, self.bottom = (
            box[0] + 10,
            box[1] + 32,
            box[2] - 10,
            box[3] - 8,
        )

    def fill(self, series: list[Series], source: Source) -> None:
        series = [one for one in series if one.points]
        if not series:
            self.canvas.text((self.left, self.top), "No data", _FAINT, _font(13))
        elif self.panel["type"] == "stat":
            self._stat(series[0])
        elif self.panel["type"] == "bargauge":
            self._bars(series)
        else:
            self._lines(series, source)

    def _stat(self, one: Series) -> None:
        text = formatted(one.points[-1][1], self.unit)
        height = self.bottom - self.top
        self.canvas.text((self.left, self.top + height / 6), text, _COLOURS[0], _font(36))

    def _bars(self, series: list[Series]) -> None:
        ranked = sorted(series, key=lambda one: -one.points[-1][1])
        step = min(30, (self.bottom - self.top) / max(1, len(ranked)))
        most = max(ranked[0].points[-1][1], 1e-12)
        widest = max(self.canvas.textlength(one.name, _font(12)) for one in ranked)
        start = self.left + widest + 8
        for row, one in enumerate(ranked):
            value, y = one.points[-1][1], self.top + row * step
            text = formatted(value, self.unit)
            room = self.right - start - 70
            self.canvas.text((self.left, y + step / 2 - 8), one.name, _TEXT, _font(12))
            end = start + max(1.0, room * value / most)
            self.canvas.rectangle((start, y + 2, end, y + step - 3), _COLOURS[0])
            self.canvas.text((end + 6, y + step / 2 - 8), text, _TEXT, _font(12))

    def _lines(self, series: list[Series], source: Source) -> None:
        stacked = self.panel["fieldConfig"]["defaults"]["custom"].get("stacking") is not None
        bottom = self.bottom - self._legend(series) - 18
        levels = list(_stacked(series)) if stacked else [one.points for one in series]
        top_value = _round_up(max(value for points in levels for _, value in points))
        left, span_s = self.left + 58, source.end_s - source.start_s

        def place(point: tuple[float, float]) -> tuple[float, float]:
            x = left + (self.right - left) * (point[0] - source.start_s) / span_s
            return x, bottom - (bottom - self.top) * point[1] / top_value

        for part in range(5):
            value = top_value * part / 4
            _, y = place((source.start_s, value))
            self.canvas.line((left, y, self.right, y), _GRID)
            self.canvas.text(
                (left - 6, y), formatted(value, self.unit), _FAINT, _font(11), anchor="rm"
            )
            moment_s = source.start_s + span_s * part / 4
            clock = time.strftime("%H:%M", time.localtime(moment_s))
            x, _ = place((moment_s, 0))
            self.canvas.text((x, bottom + 4), clock, _FAINT, _font(11), anchor="ma")
        for number, points in reversed(list(enumerate(levels))):
            colour = _COLOURS[number % len(_COLOURS)]
            for run in _unbroken(points, 3 * max(source.scrape_s, span_s / _POINTS)):
                placed = [place(point) for point in run]
                if stacked and len(placed) > 1:
                    base = [(placed[-1][0], bottom), (placed[0][0], bottom)]
                    self.canvas.polygon([*placed, *base], _mixed(colour))
                if len(placed) > 1:
                    self.canvas.line(placed, colour, 2)
                else:
                    x, y = placed[0]
                    self.canvas.ellipse((x - 2, y - 2, x + 2, y + 2), colour)

    def _legend(self, series: list[Series]) -> int:
        """Names with their last values, in lines at the bottom; returns their height."""
        lines, x = [[]], self.left
        for number, one in enumerate(series):
            text = f"{one.name}: {formatted(one.points[-1][1], self.unit)}"
            width = 16 + self.canvas.textlength(text, _font(11)) + 12
            if x + width > self.right and lines[-1]:
                lines.append([])
                x = self.left
            lines[-1].append((x, text, _COLOURS[number % len(_COLOURS)]))
            x += width
        height = 16 * len(lines)
        for row, line in enumerate(lines):
            y = self.bottom - height + 16 * row
            for x, text, colour in line:
                self.canvas.rectangle((x, y + 5, x + 11, y + 8), colour)
                self.canvas.text((x + 16, y), text, _TEXT, _font(11))
        return height


def _stacked(series: list[Series]) -> Iterator[list[tuple[float, float]]]:
    below: dict[float, float] = {}
    for one in series:
        points = [(t, below.get(t, 0.0) + value) for t, value in one.points]
        below |= dict(points)
        yield points


def _unbroken(points: list[tuple[float, float]], gap_s: float) -> list[list[tuple[float, float]]]:
    """Where Prometheus had nothing to say there is no line."""
    runs: list[list[tuple[float, float]]] = []
    for point in points:
        if not runs or point[0] - runs[-1][-1][0] > gap_s:
            runs.append([])
        runs[-1].append(point)
    return runs


def _mixed(colour: str) -> tuple[int, ...]:
    """A quarter of `colour` on the card."""
    pairs = zip(_channels(colour), _channels(_CARD), strict=True)
    return tuple(round(0.25 * over + 0.75 * under) for over, under in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    scale = 10 ** math.floor(math.log10(value))
    return next(step * scale for step in (1, 2, 4, 8, 10) if step * scale >= value * 0.999)


def formatted(value: float, unit: str) -> str:
    """A value as people read it."""
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    steps = (("", 1), (" k", 1e3), (" M", 1e6), (" G", 1e9), (" T", 1e12))
    scale, size = next(s for s in reversed(steps) if abs(value) >= s[1] or s[1] == 1)
    if unit == "s":
        return f"{value / 60:.3g} min" if value >= 120 else f"{value:.3g} s"
    number = f"{value / size:.3g}{scale}"
    return (
        f"{number}B" if unit == "bytes" and scale else f"{number} B" if unit == "bytes" else number
    )


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prometheus")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hours", type=float, default=6)
    options = parser.parse_args()
    now_s = time.time()
    source = Source(options.prometheus, now_s - 3600 * options.hours, now_s)
    for path in sorted(FOLDER.glob("*.json")):
        picture = draw(json.loads(path.read_text("utf-8")), source)
        picture.save(options.folder / f"dashboard_{path.stem}.png", optimize=True)


if __name__ == "__main__":
    main()
