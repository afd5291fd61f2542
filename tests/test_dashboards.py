"""The Grafana dashboards: written from their source, in PromQL, over metrics that there are."""

import json
import re
import shutil
import subprocess
import urllib.request

import pytest
import yaml

from myspinbot.metrics.families import FAMILIES
from scripts import dashboards
from scripts.environment import ROOT
from scripts.panels import expressions, substituted

DEPLOY = ROOT / "docs" / "deploy"
SELECTOR = re.compile(r"((?:myspinbot|process)_\w+)\{([^}]*)\}")
LABELS = {family.name: set(family.labels) for family in FAMILIES}


def written():
    return {
        path.name: json.loads(path.read_text("utf-8"))
        for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
    }


def all_expressions():
    return [
        substituted(expression, rate_s=300, range_s=3600)
        for dashboard in written().values()
        for expression in expressions(dashboard)
    ]


def family_of(name):
    base = name.removeprefix("myspinbot_")
    return base if base in LABELS else re.sub(r"_(bucket|sum|count)$", "", base)


def scraped(comfy):
    """The names that a server tells, also of what has no figure yet, such as models."""
    with urllib.request.urlopen(f"{comfy.url}/myspinbot/metrics") as answer:
        return set(re.findall(r"^# TYPE (\w+) ", answer.read().decode(), re.MULTILINE))


def test_they_are_what_their_source_writes():
    assert {name: json.loads(text) for name, text in dashboards.render().items()} == written()


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs Prometheus")
def test_every_expression_is_promql(tmp_path):
    rules = [
        {"record": f"panel:number{number}", "expr": expression}
        for number, expression in enumerate(all_expressions())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
    assert len(rules) > 50


def test_nothing_of_grafana_is_left_in_them():
    assert not [expression for expression in all_expressions() if "$" in expression]


@pytest.mark.comfy
def test_they_name_only_metrics_that_there_are(comfy):
    told = scraped(comfy)
    for expression in all_expressions():
        found = SELECTOR.findall(expression)
        assert found, expression
        for name, matchers in found:
            family = family_of(name)
            assert family in LABELS or name in told, name
            if family in LABELS:
                used = set(re.findall(r"(\w+)=", matchers)) - {"instance"}
                assert used <= LABELS[family], (name, used)


def test_they_group_by_labels_that_there_are():
    for expression in all_expressions():
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            names = {family_of(name) for name, _ in SELECTOR.findall(expression)}
            known = set.union(*(LABELS.get(name, {"model_class", "instance"}) for name in names))
            assert set(labels.split(", ")) <= known | {"le"}, (labels, names)


def test_every_family_is_shown():
    """What is counted and never looked at is not worth counting."""
    shown = {family_of(name) for e in all_expressions() for name, _ in SELECTOR.findall(e)}
    hidden = {"prompts_submitted_total", "instrumentation_errors_total"}
    assert set(LABELS) - shown <= hidden


def test_panels_do_not_overlap():
    for name, dashboard in written().items():
        taken = set()
        for panel in dashboard["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, (name, panel["title"])
            assert max(x for x, _ in cells) < 24
            taken |= cells


def test_what_the_compose_file_mounts_is_there():
    services = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))["services"]
    mounts = [mount for service in services.values() for mount in service["volumes"]]
    local = [mount.split(":")[0] for mount in mounts if mount.startswith(".")]
    assert len(local) == 4
    assert all((DEPLOY / path).exists() for path in local)
    provider = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "dashboards" / "myspinbot.yml").read_text("utf-8")
    )["providers"][0]
    inside = {mount.split(":")[1] for mount in services["grafana"]["volumes"]}
    assert provider["options"]["path"] in inside
    source = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8")
    )["datasources"][0]
    address = source["url"].removeprefix("http://")
    assert f"--web.listen-address={address}" in services["prometheus"]["command"]
