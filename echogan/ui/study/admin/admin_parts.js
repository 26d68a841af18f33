// Parts of the Studies tab: elements, questions in a dialog, times, and what a protocol says.

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const DAY = 86400;

function when(seconds) {
  return seconds == null ? "never" : new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

// A button that does `act`, and waits for it.
function button(words, act, kind = "") {
  const node = make("button", { type: "button", textContent: words, className: kind });
  node.onclick = async () => {
    node.disabled = true;
    try {
      await act();
    } finally {
      node.disabled = false;
    }
  };
  return node;
}

// Ask in a dialog. `fields`: [name, label, properties]. The values, or null where it was cancelled.
function ask(dialog, title, words, fields = [], yes = "Yes") {
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector(".st-words").textContent = words;
  dialog.querySelector("[value=yes]").textContent = yes;
  const inputs = fields.map(([name, , properties]) => make("input", { name, autocomplete: "off", ...properties }));
  dialog.querySelector(".st-fields").replaceChildren(...fields.map(([, label], index) => make("label", {}, label, inputs[index])));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.onclose = () => done(dialog.returnValue === "yes" ? Object.fromEntries(inputs.map((input) => [input.name, input.value])) : null);
  });
}

function protocolView(protocol) {
  const parts = protocol.parts.map((part) => make("section", { className: "st-part" },
    make("h4", { textContent: `${part.name}: ${part.sessions} session${part.sessions > 1 ? "s" : ""}, ${part.training} training clips` }),
    ...part.items.map((item) => make("p", {}, make("b", { textContent: item.question }), ` ${item.labels.join(" | ")}`))));
  const rules = `${protocol.readers} readers planned, washout ${protocol.washout_days} days, a pause after ${protocol.session_minutes} minutes`;
  return make("div", { className: "st-protocol" }, make("p", { textContent: `“${protocol.title}”. ${rules}.` }), ...parts);
}

function logView(lines) {
  const rows = lines.map((line) => make("tr", {},
    ...[line.n, when(line.at), line.actor, line.action, line.reason].map((text) => make("td", { textContent: text }))));
  return make("table", { className: "st-log" },
    make("thead", {}, make("tr", {}, ...["", "time", "who", "what", "reason"].map((text) => make("th", { scope: "col", textContent: text })))),
    make("tbody", {}, ...rows));
}
