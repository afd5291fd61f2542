// Shows on a node what it made: a player for its sound, and lines of text about it.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const PLAYERS = new Set(["MySpinBot_VoiceProfile", "MySpinBot_Speak"]);
const SPEAKING = new Set([...PLAYERS, "MySpinBot_Metrics"]);
const TEXT_KEY = "myspinbot_text"; // nodes/host/preview.py writes it

function addText(node) {
  const element = document.createElement("div");
  element.style.cssText =
    "font: 12px/1.4 sans-serif; overflow-y: auto; white-space: pre-wrap; opacity: 0.85;";
  const widget = node.addDOMWidget("about", "myspinbot_text", element, {
    serialize: false,
    getMinHeight: () => (element.textContent ? 64 : 0),
  });
  widget.serialize = false; // the options above keep it out of the prompt, this out of the file
  return (lines) => {
    element.textContent = lines.join("\n"); // never as HTML: a transcript may hold anything
  };
}

// The editor's own player hears of results on output nodes only, and these are none.
function play(node, file) {
  const player = node.widgets?.find((widget) => widget.name === "audioUI");
  if (!player?.element || !file) return;
  const url = api.apiURL(`/view?${new URLSearchParams(file)}`);
  player.element.src = url;
  player.element.classList.remove("empty-audio-widget");
  player.value = url; // Vue nodes do not show the element: they draw a player for this value
}

app.registerExtension({
  name: "MySpinBot.Preview",

  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!PLAYERS.has(nodeData.name)) return;
    nodeData.input.required ??= {};
    nodeData.input.required.audioUI = ["AUDIO_UI", {}];
  },

  nodeCreated(node) {
    if (!SPEAKING.has(node.comfyClass)) return;
    const show = addText(node);
    const before = node.onExecuted;
    node.onExecuted = function (output) {
      before?.apply(this, arguments);
      if (output?.[TEXT_KEY]) show(output[TEXT_KEY]); // a cached node says nothing new
      play(this, output?.audio?.[0]);
    };
  },
});
