// The keys: one table that both works and fills the help.

// Each row: the keys, what they do in words, the act, and how the keys are shown where their names are not enough.
export function listen(rows, list, blocked) {
  const make = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  list.replaceChildren(...rows.flatMap(([keys, words, , shown]) => [make("dt", shown ?? keys.join("  ")), make("dd", words)]));
  const table = new Map(rows.flatMap(([keys, , act]) => keys.map((key) => [key.toLowerCase(), act])));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const { target } = event;
    if (target.matches("input[type=text]")) {
      if (key === "escape") target.blur();
      if (key !== "enter") return;
      target.blur();
    }
    // What has the focus keeps the keys that it uses itself.
    if (target.matches("button, a") && [" ", "enter"].includes(key)) return;
    if (target.matches("input[type=radio]:not(:checked)") && key === " ") return;
    const act = table.get(key);
    if (!act || blocked(key)) return;
    event.preventDefault();
    if (!event.repeat || [",", ".", "+", "-"].includes(key)) act(event);
  });

  // A click leaves the focus on its button, which would take the next Enter for itself.
  document.addEventListener("pointerup", ({ target }) => setTimeout(() => target.closest("button")?.blur()));
}
