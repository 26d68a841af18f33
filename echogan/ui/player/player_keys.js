// The keys: one table that both works and fills the help.

// Each row: the keys, what they are called in the help, what they do.
function makeKeys(root, rows, dialog) {
  const list = dialog.querySelector("dl");
  list.replaceChildren(...rows.flatMap(([keys, words, , shown]) => [make("dt", shown || keys.join("  ")), make("dd", words)]));
  const table = new Map(rows.flatMap(([keys, , act]) => keys.map((key) => [key.toLowerCase(), act])));

  function busy(target) {
    return target.closest?.("input:not([type=range], [type=checkbox]), textarea, select, [contenteditable=true], [role=listbox], dialog[open]");
  }

  function pressed(event) {
    if (!root.isConnected) { document.removeEventListener("keydown", pressed); return; }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !root.checkVisibility() || busy(event.target)) return;
    const act = table.get(event.key.toLowerCase());
    if (!act) return;
    const own = event.target.closest?.("button, a, summary, input, [role=slider], [role=tab], .eg-handle");
    // What has the focus keeps the keys that it uses itself.
    if (own && [" ", "Enter"].includes(event.key) && !own.matches("input[type=range], [role=slider]")) return;
    if (own?.matches("input[type=range]:not(.eg-scrub), .eg-divider, .eg-plot, .eg-handle, [role=tab]") && /^(Arrow|Home|End|Page)/.test(event.key)) return;
    event.preventDefault();
    act(event);
  }
  document.addEventListener("keydown", pressed);
}
