// A sidebar tab that says, at the end of each prompt, where its seconds and gigabytes went.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const EVENT = "myspinbot.costs"; // nodes/host/instrumentation.py sends it
const KEPT = 20;

const reports = []; // the newest first
let panel = null;

function make(tag, style, text) {
  const element = document.createElement(tag);
  element.style.cssText = style;
  if (text !== undefined) element.textContent = text; // never as HTML: a title may hold anything
  return element;
}

function seconds(value) {
  if (value < 0.9995) return `${Math.round(1000 * value)} ms`;
  return value < 99.95 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

const size = (bytes) =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
const more = (bytes) => (bytes >= 5e5 ? ` (+${size(bytes)})` : "");

// By its title, while the graph that ran is still the one in the editor.
function nameOf(cost) {
  const node = app.graph.getNodeById?.(cost.node);
  const own = node?.comfyClass === cost.class_type ? node.title : undefined;
  const known = window.LiteGraph?.registered_node_types?.[cost.class_type];
  return own ?? known?.title ?? cost.class_type;
}

function memory(cost) {
  const parts = [];
  if (cost.peak_ram_bytes)
    parts.push(`${size(cost.peak_ram_bytes)} RAM${more(cost.more_ram_bytes)}`);
  if (cost.peak_vram_bytes)
    parts.push(`${size(cost.peak_vram_bytes)} VRAM${more(cost.more_vram_bytes)}`);
  const loaded = Object.entries(cost.loaded).map(([name, bytes]) => `${name} ${size(bytes)}`);
  if (loaded.length) parts.push(`loaded ${loaded.join(", ")}`);
  return parts.join(" · ");
}

function row(name, spent, most, details) {
  const line = make("div", "padding: 3px 0;");
  const top = make("div", "display: flex; gap: 8px;");
  top.append(
    make("span", "flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;", name),
    make("span", "font-variant-numeric: tabular-nums;", spent),
  );
  const bar = make("div", "height: 3px; border-radius: 2px; margin: 2px 0; background: #3b82f6;");
  bar.style.width = `${Math.max(0.5, 100 * most)}%`;
  line.append(top, bar);
  if (details) line.append(make("div", "opacity: 0.65; font-size: 11px;", details));
  return line;
}

function summary(report) {
  const { figures, quality, artifacts } = report;
  const parts = [];
  if (figures.speech_s) parts.push(`${seconds(figures.speech_s)} of speech`);
  if (figures.frames) parts.push(`${figures.frames} frames`);
  if (figures.llm_tokens) parts.push(`${figures.llm_tokens} tokens`);
  if (figures.lora_steps) parts.push(`${figures.lora_steps} training steps`);
  if (figures.vram_freed_bytes) parts.push(`${size(figures.vram_freed_bytes)} VRAM handed over`);
  for (const [measure, score] of Object.entries(quality))
    parts.push(`${measure.replaceAll("_", " ")} ${score.toFixed(2)}`);
  if (artifacts.length) parts.push(`saved ${artifacts.join(", ")}`);
  return parts.join(" · ");
}

function card(report) {
  const element = make("section", "padding: 10px 0; border-top: 1px solid #8884;");
  const total = report.nodes.reduce((sum, cost) => sum + cost.own_s, 0) + report.unnamed_s;
  const ended = new Date(1000 * report.ended_at_s).toLocaleTimeString();
  const head = [report.outcome, seconds(report.duration_s ?? total)];
  if (report.queue_wait_s > 0.05) head.push(`waited ${seconds(report.queue_wait_s)}`);
  element.append(make("div", "font-weight: 600; padding-bottom: 4px;", `${ended} · ${head.join(", ")}`));
  for (const { name, ...cost } of report.nodes.filter((cost) => cost.runs || cost.own_s > 0)) {
    element.append(row(name, seconds(cost.own_s), cost.own_s / (total || 1), memory(cost)));
  }
  if (report.unnamed_s > 0.05)
    element.append(row("between the nodes", seconds(report.unnamed_s), report.unnamed_s / total));
  const cached = report.nodes.reduce((sum, cost) => sum + cost.cached, 0);
  if (cached) element.append(make("div", "opacity: 0.65;", `${cached} from the cache`));
  const about = summary(report);
  if (about) element.append(make("div", "opacity: 0.85; padding-top: 4px;", about));
  return element;
}

function show() {
  if (!panel) return;
  const hint = "Queue a prompt: at its end, this is where its seconds and gigabytes went.";
  panel.replaceChildren(
    ...(reports.length ? reports.map(card) : [make("div", "opacity: 0.65;", hint)]),
  );
}

app.registerExtension({
  name: "MySpinBot.Costs",

  setup() {
    api.addEventListener(EVENT, ({ detail }) => {
      // names now: later there may be another graph in the editor
      const nodes = detail.nodes.map((cost) => ({ ...cost, name: nameOf(cost) }));
      reports.unshift({ ...detail, nodes });
      reports.length = Math.min(reports.length, KEPT);
      show();
    });
    app.extensionManager.registerSidebarTab({
      id: "myspinbot-costs",
      icon: "pi pi-chart-bar",
      title: "Costs",
      tooltip: "What each prompt cost",
      type: "custom",
      render: (element) => {
        panel = make("div", "padding: 0 12px 12px; font: 12px/1.4 sans-serif; overflow-y: auto;");
        panel.style.height = "100%";
        panel.className = "myspinbot-costs";
        element.replaceChildren(panel);
        show();
      },
    });
  },
});
