// Keeps the model of a saved workflow: the editor takes the first of a remote list when that comes.
import { app } from "../../scripts/app.js";

app.registerExtension({
  name: "MySpinBot.Ollama",

  nodeCreated(node) {
    if (node.comfyClass !== "MySpinBot_Ollama") return;
    const widget = node.widgets.find((candidate) => candidate.name === "model");
    let saved;
    const configured = node.onConfigure;
    node.onConfigure = function () {
      configured?.apply(this, arguments);
      saved = widget.value;
    };
    const changed = widget.callback;
    widget.callback = function (value, ...rest) {
      widget.callback = changed; // the first change is the editor's own
      if (saved !== undefined) widget.value = saved;
      return changed?.call(this, widget.value, ...rest);
    };
  },
});
