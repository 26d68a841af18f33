// The pointer over the panes: zoom by the wheel or two fingers, pan by dragging, the tools, and what is dropped on the page.

for (const pane of Object.values(panes)) {
  const fingers = new Map();
  const at = (event) => { const box = pane.pic.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  const tooling = (event) => !event.target.closest(".eg-fan .eg-handle") && state.detail;

  pane.box.addEventListener("wheel", (event) => {
    if (!state.detail) return;
    event.preventDefault();
    view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), at(event));
  }, { passive: false });
  pane.box.addEventListener("pointerdown", (event) => {
    if (!tooling(event) || event.button) return;
    fingers.set(event.pointerId, at(event));
    pane.box.setPointerCapture(event.pointerId);
    if (fingers.size === 1) tools.press(view.toFrame(at(event)));
  });
  pane.box.addEventListener("pointermove", (event) => {
    if (!tooling(event)) return;
    const now = at(event), before = fingers.get(event.pointerId), apart = fingers.size === 2 ? spread() : 0;
    point(view.toFrame(now));
    if (!before) return;
    fingers.set(event.pointerId, now);
    if (fingers.size === 2) view.zoom(spread() / Math.max(1, apart), now);
    else if (!tools.drag(view.toFrame(now))) view.pan(now[0] - before[0], now[1] - before[1]);
  });
  for (const name of ["pointerup", "pointercancel"]) pane.box.addEventListener(name, (event) => { fingers.delete(event.pointerId); tools.release(); });
  pane.box.addEventListener("pointerleave", () => { if (state.detail) point(null); });
  pane.box.addEventListener("dblclick", () => { if (tools.tool === "look") ACTS.fit(); });
}

// Files may be dropped anywhere on the page while this tab is in front, also beside an open clip.
const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
const inFront = () => root.isConnected && root.checkVisibility();
document.addEventListener("dragover", (event) => {
  if (!carries(event) || !inFront()) return;
  event.preventDefault();
  root.classList.add("eg-dropping");
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) root.classList.remove("eg-dropping"); });
document.addEventListener("drop", async (event) => {
  root.classList.remove("eg-dropping");
  if (!carries(event) || !inFront()) return;
  event.preventDefault();
  add(await droppedFiles(event.dataTransfer));
});

const zoomStep = (factor) => () => view.zoom(factor);
const nextMap = () => { const n = result()?.maps.length || 0; if (n) setMap(state.map + 1 >= n ? -1 : state.map + 1); };
const beside = (step) => () => { const id = list.beside(step); if (id) choose(id); };
makeKeys(root, [
  [[" "], "Play or pause", ACTS.play, "Space"],
  [["ArrowLeft", ","], "Previous frame", ACTS.back, "←  ,"],
  [["ArrowRight", "."], "Next frame", ACTS.next, "→  ."],
  [["Home"], "First frame of the loop", () => { transport.stop(); transport.seek(transport.range[0]); }],
  [["End"], "Last frame of the loop", () => { transport.stop(); transport.seek(transport.range[1]); }],
  [["["], "The loop begins here; again: from the start", ACTS["loop-in"]],
  [["]"], "The loop ends here; again: to the end", ACTS["loop-out"]],
  [["a"], "Original in place of enhanced, and back", () => { if (result()) swapPanes(); }, "A"],
  [["b"], "Blink: alternate the two", ACTS.blink, "B"],
  [["s"], "Side by side", () => setMode("side"), "S"],
  [["w"], "Wipe", () => setMode("wipe"), "W"],
  [["m"], "Next map", nextMap, "M"],
  [["o"], "Map over the picture", ACTS.overlay, "O"],
  [["2"], "Second model, or put it away", () => { if (second()) ACTS.second(); }],
  [["f"], "Full screen", ACTS.full, "F"],
  [["r"], "Fold the clip list", ACTS.rail, "R"],
  [["+", "="], "Zoom in", zoomStep(1.25), "+"],
  [["-"], "Zoom out", zoomStep(0.8)],
  [["0"], "Fit the sector; again: the whole frame", ACTS.fit],
  [["i"], "Invert", () => { const box = $("[data-display=invert]"); box.checked = !box.checked; display(); }, "I"],
  [["c"], "Calliper", () => tools.choose("calliper"), "C"],
  [["g"], "Region contrast", () => tools.choose("region"), "G"],
  [["t"], "M-mode slice", () => tools.choose("mmode"), "T"],
  [["Backspace", "Delete"], "Remove the last mark", () => tools.undo(), "Backspace"],
  [["Escape"], "Put the tool away", () => { if (tools.tool !== "look") tools.choose(tools.tool); for (const menu of $$(".eg-menu")) menu.open = false; }, "Esc"],
  [["PageUp"], "Clip before", beside(-1), "Page up"],
  [["PageDown"], "Next clip", beside(1), "Page down"],
  [["e"], "Enhance this clip", () => { if (!$("#eg-run").disabled) $("#eg-run").click(); }, "E"],
  [["?"], "This list", ACTS.help],
], $(".eg-help"));

new ResizeObserver(layout).observe($(".eg-stage"));
const settle = () => setMode(narrow.matches ? "wipe" : "side");
narrow.addEventListener("change", settle);
setWipe(50);
settle();
controls();
begin();
