// Buttons, sliders, pointers and keys of the viewer, and what they show of its state.

function controls() {
  const clip = list.current, seconds = list.clips.map((c) => c.second).filter(Boolean);
  const busy = [...list.clips, ...seconds].filter((c) => BUSY.has(c.state) && c.state !== "opening");
  const ready = clip && !BUSY.has(clip.state);
  $("#eg-run").disabled = !ready;
  $("#eg-run").textContent = clip?.has_result ? "Enhance again" : "Enhance";
  $("#eg-run-all").disabled = !waitingIds().length;
  $("#eg-stop").disabled = !busy.length;
  const running = busy.find((c) => c.state === "enhancing") || busy[0];
  const share = running ? 100 * list.share(running) : 0;
  root.classList.toggle("eg-busy", Boolean(running));
  $("#eg-progress .eg-track i").style.width = `${share}%`;
  $("#eg-progress .eg-track").setAttribute("aria-valuenow", Math.round(share));
  if (running) tellLive(`${seconds.includes(running) ? `${running.model}: ` : ""}${list.words(running)}${busy.length > 1 ? `; ${busy.length} ${seconds.some((c) => busy.includes(c)) ? "results" : "clips"} to do` : ""}`);
  else if (/(Enhancing|Waiting|Making)/.test($(".eg-live").textContent)) tellLive("");
  if (state.detail) exporting.offer(result()?.ended ? state.detail.exports : [], enhancedIds().length > 0);
  else exporting.offer([], enhancedIds().length > 0);
  showPair();
}

const rows = (pairs) => pairs.flatMap(([name, value, full]) => [make("dt", name), make("dd", value, full ? { title: full } : {})]);

// The box as it was ticked last, until the server has answered: an answer that was on its way shows its old state.
let ticked = null;

async function tick(on) {
  const mine = { id: state.detail.id, on };
  ticked = mine;
  await redraw("blackout", { on });
  if (ticked !== mine) return; // ticked again meanwhile
  ticked = null;
  $("#eg-blackout").checked = Boolean(state.detail?.blackout);
}

function describe(detail) {
  const shown = detail.result, notes = [...new Set([...(shown?.stale ? [shown.stale] : []), ...detail.notes, ...(shown?.notes || [])])];
  $(".eg-sector-note").textContent = detail.sector.note;
  root.classList.toggle("eg-unsure", detail.sector.unsure);
  root.classList.toggle("eg-single-frame", detail.frames < 2);
  root.classList.toggle("eg-has-truth", Boolean(detail.truth));
  if (!detail.truth) state.truth = false;
  $(".eg-scrub").max = detail.frames - 1;
  $("#eg-blackout").checked = ticked?.id === detail.id ? ticked.on : detail.blackout;
  $(".eg-notes").replaceChildren(...notes.map((n) => make("li", n)));
  $(".eg-about-clip .eg-count").textContent = notes.length || "";
  $(".eg-tags").replaceChildren(...rows(detail.tags));
  $(".eg-badge").replaceChildren(...rows([...(shown?.badge || []), ...(detail.second?.result?.badge || [])]));
  $(".eg-caveat").textContent = shown?.caveat || "";
  fillMaps(shown?.maps || []);
  flagList(shown?.flags);
  showCard(shown);
  setStrength(strengths[detail.id] ?? 1);
}

function verdict() {
  const shown = result();
  if (!shown) return "";
  if (shown.stale) return shown.stale;
  const chosen = model(), ofChosen = shown.source === chosen || shown.source.startsWith(`${chosen}@`);
  if (chosen && !ofChosen && !comparing()) return `Shown is the result of ${shown.source}. Press Enhance again for ${chosen}.`;
  if (!shown.ended || comparing()) return ""; // two results have a table
  const change = (keeping() ? shown.flags.mean_change : shown.mean_change) * state.strength;
  return `Mean change ${change.toFixed(1)} of 255${change < 1 ? ": practically unchanged." : "."}`;
}

function setStrength(value) {
  state.strength = value;
  if (state.detail) strengths[state.detail.id] = value;
  $(".eg-strength input").value = Math.round(100 * value);
  $(".eg-strength output").textContent = value.toFixed(2);
  $(".eg-verdict").textContent = verdict();
  loadCurves();
  showPair();
  paint();
}

function loadCurves() {
  const shown = result(), share = (c) => (c.follows_strength ? state.strength : 1);
  const values = (c) => (keeping() && shown.flags.curves[c.name]) || c.values;
  if (shown) curves.load(shown.curves.map((c) => ({ ...c, values: values(c).map((v) => v * share(c)) })), shown, transport.starts);
  else curves.load([], {}, [0, 1]);
}

// Where the result is flagged, the original again: in the panes, the numbers, the slice and what is saved.
function setKeep(on) {
  state.keep = on;
  $(".eg-verdict").textContent = verdict();
  loadCurves();
  showPair();
  paint();
  transport.seek(transport.frame); // the tile that says where is fetched now
  mmode.again(how());
}

// The map that a region was found in, its frame, and the region in the middle.
function goToRegion({ frame, box, map: name }) {
  transport.stop();
  setMap(result().maps.findIndex((map) => map.name === name));
  view.show(box);
  transport.seek(frame);
  if (narrow.matches) $(".eg-flags").open = false; // it lies over the picture there
}
const flagList = makeFlagList($(".eg-flags"), goToRegion);
const showCard = makeCard($(".eg-card"), host.url);

function fillMaps(maps) {
  const button = (label, index, hint) => make("button", label, { type: "button", "data-map": index, title: hint });
  $(".eg-maps").replaceChildren(...maps.map((m, i) => button(m.label, i, `${m.hint} Again: no map.  M`)));
}

function setMap(index) {
  state.map = index;
  const map = chosenMap();
  for (const b of $$("[data-map]:is(button)")) b.setAttribute("aria-pressed", String(Number(b.dataset.map) === index));
  root.classList.toggle("eg-mapped", Boolean(map));
  if (map) {
    $(".eg-scale-name").textContent = `${map.title}, ${map.unit}`;
    [$(".eg-scale-low").textContent, $(".eg-scale-high").textContent] = map.ends;
    $(".eg-misses").textContent = map.misses;
    $(".eg-scale-bar").style.background = `linear-gradient(to right, ${map.legend.join(",")})`;
    if (root.dataset.mode !== "side") state.overlay = true;
  }
  press("overlay", state.overlay);
  layout();
  if (map) transport.seek(transport.frame); // its tiles are fetched only now
}

function press(act, on) {
  if (act === "overlay") root.classList.toggle("eg-overlaid", on);
  $(`[data-act=${act}]`).setAttribute("aria-pressed", String(on));
}

function setMode(mode) {
  root.dataset.mode = mode;
  state.swapped = false;
  for (const b of $$("[data-mode]:is(button)")) b.setAttribute("aria-pressed", String(b.dataset.mode === mode));
  if (mode !== "side" && chosenMap()) { state.overlay = true; press("overlay", true); }
  layout();
}

let blinking = 0;
function blink(on = !blinking) {
  clearInterval(blinking);
  blinking = on ? setInterval(swapPanes, 500) : 0;
  if (!on) state.swapped = false;
  press("blink", on);
  paint();
}

function swapPanes() {
  state.swapped = !state.swapped;
  root.dataset.swapped = state.swapped;
  paint();
}

function setWipe(percent) {
  state.wipe = Math.max(0, Math.min(100, percent));
  root.style.setProperty("--wipe", `${state.wipe}%`);
  $(".eg-divider").setAttribute("aria-valuenow", Math.round(state.wipe));
}

function edit(on) {
  if (on) transport.stop();
  root.classList.toggle("eg-editing", on);
  fan.edit(on);
  layout();
  if (on) view.fit("frame");
  else view.fit("sector");
  if (on) $(".eg-fan [tabindex]")?.focus();
}

const loopEdge = { in: () => transport.loop(transport.frame, transport.range[1]), out: () => transport.loop(transport.range[0], transport.frame) };
function setLoop(edge) {
  const [from, to] = transport.range, again = edge === "in" ? from === transport.frame && from > 0 : to === transport.frame && to < state.detail.frames - 1;
  if (again) transport.loop(edge === "in" ? 0 : from, edge === "in" ? to : state.detail.frames - 1); else loopEdge[edge]();
  tell(transport.frame);
}

// The sector as drawn counts; a result is made anew with it.
async function useSector(then) {
  const text = fan.text(), { id } = state.detail;
  edit(false);
  await redraw("sector", { fan: text });
  if (then) enhance([id]);
}

const ACTS = {
  rail() { root.classList.toggle("eg-folded"); layout(); },
  blink: () => blink(),
  overlay() { state.overlay = !state.overlay; press("overlay", state.overlay); if (state.overlay && !chosenMap() && result()) setMap(0); layout(); transport.seek(transport.frame); },
  second() { state.both = !state.both; press("second", state.both); $(".eg-verdict").textContent = verdict(); layout(); transport.seek(transport.frame); },
  swap: () => ask("swap", { id: list.current.id }),
  alone: () => ask("alone", { id: list.current.id }),
  truth() { state.truth = !state.truth; press("truth", state.truth); layout(); transport.seek(transport.frame); },
  clear: () => { tools.clear(); closeSlice(); },
  "display-reset"() { for (const input of $$("[data-display]")) { input.value = 100; input.checked = false; } display(); },
  full() { if (document.fullscreenElement) document.exitFullscreen(); else root.requestFullscreen?.(); },
  help: () => $(".eg-help").showModal(),
  back: () => transport.step(-1),
  next: () => transport.step(1),
  play: () => transport.toggle(),
  "loop-in": () => setLoop("in"),
  "loop-out": () => setLoop("out"),
  fit: () => view.fit(view.fitted === "sector" ? "frame" : "sector"),
  adjust: () => edit(true),
  cancel() { fan.reset(); edit(false); },
  apply: () => useSector(Boolean(result())),
  turn: () => fan.turn(),
  found() { fan.reset(); edit(false); redraw("sector", { fan: null }); },
  "mmode-close": closeSlice,
  undo() { list.restore(); ask("poll"); },
};

function display() {
  const of = (name) => $(`[data-display=${name}]`);
  const filter = `${of("invert").checked ? "invert(1) " : ""}brightness(${of("brightness").value}%) contrast(${of("contrast").value}%)`;
  root.style.setProperty("--display", filter);
}

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { act, mode, map, tool, example } = button.dataset;
  if (act) ACTS[act]?.();
  else if (mode) setMode(mode);
  else if (map !== undefined) setMap(Number(map) === state.map ? -1 : Number(map));
  else if (tool) tools.choose(tool);
  else if (example) addExample(example);
  else if (button.id === "eg-run") { if (root.classList.contains("eg-editing")) useSector(true); else enhance([list.current.id]); }
  else if (button.id === "eg-run-all") enhance(waitingIds());
  else if (button.id === "eg-stop") ask("stop", { ids: null });
});
// The choice of model is Gradio's own: what it holds is looked at when it may have changed.
for (const name of ["focusout", "pointerenter"]) root.addEventListener(name, () => setTimeout(() => { $(".eg-verdict").textContent = verdict(); }, 200));
for (const menu of $$(".eg-menu")) menu.addEventListener("toggle", () => { if (menu.open) for (const other of $$(".eg-menu")) if (other !== menu) other.open = false; });
document.addEventListener("pointerdown", (event) => { if (!event.target.closest?.(".eg-menu")) for (const menu of $$(".eg-menu")) menu.open = false; });
$(".eg-scrub").addEventListener("input", (event) => { transport.stop(); transport.seek(Number(event.target.value)); });
$(".eg-speed select").addEventListener("change", (event) => transport.speed(Number(event.target.value)));
$(".eg-strength input").addEventListener("input", (event) => setStrength(Number(event.target.value) / 100));
$(".eg-strength input").addEventListener("change", () => mmode.again(how()));
$(".eg-opacity input").addEventListener("input", (event) => { state.opacity = event.target.value / 100; paint(); });
$(".eg-keep").addEventListener("change", (event) => setKeep(event.target.checked));
for (const input of $$("[data-display]")) input.addEventListener("input", display);
$("#eg-blackout").addEventListener("change", (event) => { if (state.detail) tick(event.target.checked); });
for (const input of $$(".eg-drop input")) input.addEventListener("change", () => { add(input.files); input.value = ""; });

$(".eg-divider").addEventListener("pointerdown", (event) => event.currentTarget.setPointerCapture(event.pointerId));
$(".eg-divider").addEventListener("pointermove", (event) => {
  const box = panes.enhanced.box.getBoundingClientRect();
  if (event.buttons) setWipe((100 * (event.clientX - box.left)) / box.width);
});
$(".eg-divider").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -2, ArrowRight: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 }[event.key];
  if (step) { setWipe(state.wipe + step); event.preventDefault(); }
});
