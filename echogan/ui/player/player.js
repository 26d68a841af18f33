// The synchronised player: one clock for original, enhanced and map; views, wipe, transport, badge, downloads.
// Runs as the body of a function of (element, trigger, props, watch); the other player_*.js files come before it.

const root = element.querySelector(".eg-player");
const $ = (selector) => root.querySelector(selector);
const $$ = (selector) => [...root.querySelectorAll(selector)];
const video = { original: $("[data-pane=original] video"), enhanced: $("[data-pane=enhanced] video") };
let mapVideos = [];
const narrow = window.matchMedia("(max-width: 760px)");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const state = { data: null, frame: 0, starts: [0], playing: false, map: -1, paneMap: -1, place: "pane", wipe: 50, speed: 1 };

const curves = makeCurves($(".eg-plot"), (frame) => { pause(); seek(frame); });
const fan = makeFan($(".eg-fan"), (text) => trigger("drawn", { fan: text }));

const clock = () => video.enhanced;
const mapVideo = () => mapVideos[state.map];
const clips = () => [...Object.values(video), ...mapVideos].filter((v) => v.getAttribute("src"));
const frames = () => (state.data ? state.data.frames : 0);
const middle = (i) => (state.starts[i] + state.starts[i + 1]) / 2;

function frameAt(seconds) {
  let i = frames() - 1;
  while (i > 0 && state.starts[i] > seconds + 1e-3) i -= 1;
  return i;
}

// ---- time ----
function seek(frame) {
  if (!frames()) return;
  const target = Math.max(0, Math.min(frames() - 1, frame));
  for (const v of clips()) v.currentTime = middle(target);
  show(target);
}

function show(frame) {
  state.frame = frame;
  const text = `Frame ${frame + 1} of ${frames()}`;
  const seconds = state.data.fps ? `${state.starts[frame].toFixed(2)} s` : "";
  $(".eg-scrub").value = frame;
  $(".eg-scrub").setAttribute("aria-valuetext", text);
  $(".eg-scrub").style.setProperty("--done", `${(100 * frame) / Math.max(1, frames() - 1)}%`);
  $(".eg-time").textContent = seconds ? `${text}  ·  ${seconds}` : text;
  root.dataset.frame = frame;
  curves.mark(frame);
  paintMap();
}

async function play() {
  if (!clips().length || frames() < 2 || state.playing) return;
  setPlaying(true);
  if (state.frame >= frames() - 1) seek(0);
  await startAll();
  if (state.playing) requestAnimationFrame(tick);
}

async function startAll() {
  for (const v of clips()) v.playbackRate = state.speed;
  await Promise.allSettled(clips().map((v) => v.play()));
  if (!state.playing) clips().forEach((v) => v.pause());
}

function pause() {
  if (!state.playing) return;
  setPlaying(false);
  clips().forEach((v) => v.pause());
  seek(frameAt(clock().currentTime));
}

function setPlaying(on) {
  state.playing = on;
  root.classList.toggle("eg-playing", on);
  $(".eg-play").setAttribute("aria-label", on ? "Pause" : "Play");
}

function tick() {
  if (!state.playing || !root.isConnected) return;
  const now = clock().currentTime;
  if (clock().ended || now >= state.starts[frames()] - 1e-3) {
    for (const v of clips()) v.currentTime = 0;
    show(0);
    startAll();
  } else {
    // Two decoders drift apart: set a clip back as soon as it is most of a frame off.
    const slack = 0.75 * (state.starts[frames()] / frames());
    for (const v of clips()) if (v !== clock() && !v.seeking && Math.abs(v.currentTime - now) > slack) v.currentTime = now;
    show(frameAt(now));
  }
  requestAnimationFrame(tick);
}

// ---- views ----
// A map in its own pane is shown side by side only: it is hidden with that view, and shown again with it.
function setMode(mode) {
  root.dataset.mode = mode;
  const side = mode === "side";
  if (!side && state.place === "pane" && state.map >= 0) {
    const hidden = state.map;
    setMap(-1);
    state.paneMap = hidden;
  } else if (side && state.map < 0 && state.paneMap >= 0) setMap(state.paneMap);
  for (const b of $$("[data-mode]:is(button)")) b.setAttribute("aria-pressed", String(b.dataset.mode === mode));
  paintMap();
}

function setMap(index) {
  state.map = index;
  state.paneMap = -1;
  const shown = index >= 0 && state.data ? state.data.maps[index] : null;
  root.dataset.map = shown ? state.place : "off";
  for (const b of $$(".eg-maps button")) b.setAttribute("aria-pressed", String(Number(b.dataset.map) === index));
  for (const b of $$(".eg-place button")) b.setAttribute("aria-pressed", String(b.dataset.place === state.place));
  if (shown) drawScale(shown);
  paintMap();
}

function drawScale(map) {
  $(".eg-scale-name").textContent = `${map.title}, ${map.unit}`;
  $(".eg-scale-low").textContent = map.min;
  $(".eg-scale-high").textContent = map.max;
  $(".eg-scale-bar").style.background = `linear-gradient(to right, ${map.colors.join(",")})`;
  $("[data-pane=map] figcaption").textContent = map.label;
  $(".eg-map").setAttribute("aria-label", `${map.label}, scale ${map.min} to ${map.max} ${map.unit}`);
}

// The map videos are hidden; the chosen one is painted into its pane, or over the enhanced clip.
function paintMap() {
  const source = mapVideo();
  if (!state.data || !source || source.readyState < 2) return;
  const canvas = root.dataset.map === "overlay" ? $(".eg-overlay") : $(".eg-map");
  if (canvas.width !== state.data.width || canvas.height !== state.data.height) {
    canvas.width = state.data.width;
    canvas.height = state.data.height;
  }
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
}

function setWipe(percent) {
  state.wipe = Math.max(0, Math.min(100, percent));
  root.style.setProperty("--wipe", `${state.wipe}%`);
  $(".eg-divider").setAttribute("aria-valuenow", Math.round(state.wipe));
}

function dragWipe(event) {
  const box = $("[data-pane=enhanced] .eg-frame").getBoundingClientRect();
  setWipe((100 * (event.clientX - box.left)) / box.width);
}

// ---- data from the server ----
function load(data) {
  setPlaying(false);
  for (const v of clips()) { v.removeAttribute("src"); v.load(); }
  for (const canvas of [$(".eg-map"), $(".eg-overlay")]) canvas.width = 0;
  state.data = data && data.frames ? data : null;
  root.dataset.state = state.data ? data.mode : "empty";
  root.classList.remove("eg-editing");
  if (!state.data) return;
  const step = data.fps ? 1 / data.fps : 1;
  state.starts = data.starts || Array.from({ length: data.frames + 1 }, (_, i) => i * step);
  root.style.setProperty("--ratio", data.width / data.height);
  root.classList.toggle("eg-single", data.frames < 2);
  $(".eg-scrub").max = data.frames - 1;
  $(".eg-still").src = data.still.url;
  fan.load(data);
  fillSector(data);
  fillNotes(data.notes || []);
  if (data.mode === "result") loadResult(data);
}

function loadResult(data) {
  for (const [name, file] of Object.entries(data.media)) { video[name].src = file.url; video[name].load(); }
  fillMaps(data.maps);
  fillBadge(data.badge);
  fillDownloads(data.downloads);
  curves.load(data, state.starts);
  state.place = "pane";
  setMap(-1);
  setMode(narrow.matches ? "wipe" : "side");
  setMap(narrow.matches || !data.maps.length ? -1 : 0);
  $(".eg-caveat").textContent = data.caveat;
  show(0);
  if (narrow.matches) root.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
  if (!calm.matches) play();
}

function make(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function fillMaps(maps) {
  mapVideos = maps.map((m) => {
    const source = make("video", "", { src: m.file.url, muted: "", playsinline: "", preload: "auto", tabindex: -1 });
    source.muted = true;
    for (const name of ["loadeddata", "seeked"]) source.addEventListener(name, paintMap);
    return source;
  });
  $(".eg-sources").replaceChildren(...mapVideos);
  const none = make("button", "No map", { type: "button", "data-map": -1 });
  const buttons = maps.map((m, i) => make("button", m.label, { type: "button", "data-map": i, title: m.hint }));
  $(".eg-maps").replaceChildren(none, ...buttons);
}

function fillBadge(badge) {
  $(".eg-badge").replaceChildren(...badge.flatMap(([name, value, full]) =>
    [make("dt", name), make("dd", value, full ? { title: full } : {})]));
}

function fillDownloads(files) {
  $(".eg-downloads").replaceChildren(...files.map((d) => {
    const link = make("a", d.label, { href: d.file.url, download: d.name, title: d.hint });
    link.append(make("small", d.size));
    return link;
  }));
}

function fillNotes(notes) {
  $(".eg-notes").replaceChildren(...notes.map((n) => make("li", n)));
}

function fillSector(data) {
  $(".eg-sector-note").textContent = data.sector.note;
  root.classList.toggle("eg-unsure", data.sector.unsure);
  root.classList.toggle("eg-outlined", data.mode === "preview");
}

function edit(on) {
  if (on) pause();
  root.classList.toggle("eg-editing", on);
  fan.edit(on);
  if (on) $(".eg-fan [tabindex]")?.focus();
}

// ---- clicks, keys and pointers ----
root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !root.contains(button)) return;
  if (button.matches(".eg-play")) state.playing ? pause() : play();
  else if (button.matches(".eg-back")) { pause(); seek(state.frame - 1); }
  else if (button.matches(".eg-next")) { pause(); seek(state.frame + 1); }
  else if (button.matches(".eg-adjust")) edit(true);
  else if (button.matches(".eg-cancel")) { fan.reset(); edit(false); trigger("drawn", { fan: fan.given() }); }
  else if (button.matches(".eg-apply")) { edit(false); trigger("sector", { fan: fan.text() }); }
  else if (button.dataset.mode) setMode(button.dataset.mode);
  else if (button.dataset.place) { state.place = button.dataset.place; setMap(Math.max(0, state.map)); }
  else if (button.dataset.map !== undefined) {
    if (root.dataset.mode !== "side") state.place = "overlay";
    setMap(Number(button.dataset.map));
  }
});
$(".eg-scrub").addEventListener("input", (event) => { pause(); seek(Number(event.target.value)); });
$(".eg-speed select").addEventListener("change", (event) => {
  state.speed = Number(event.target.value);
  for (const v of clips()) v.playbackRate = state.speed;
});
$(".eg-divider").addEventListener("pointerdown", (event) => {
  event.currentTarget.setPointerCapture(event.pointerId);
  dragWipe(event);
});
$(".eg-divider").addEventListener("pointermove", (event) => { if (event.buttons) dragWipe(event); });
$(".eg-divider").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -2, ArrowRight: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 }[event.key];
  if (step) { setWipe(state.wipe + step); event.preventDefault(); }
});
narrow.addEventListener("change", () => { if (root.dataset.state === "result") setMode(narrow.matches ? "wipe" : "side"); });

function keys(event) {
  if (!root.isConnected) { document.removeEventListener("keydown", keys); return; }
  const busy = event.target.closest?.("input:not([type=range]), textarea, select, [contenteditable=true], [role=listbox]");
  if (busy || event.ctrlKey || event.metaKey || event.altKey || root.dataset.state !== "result" || !root.offsetParent) return;
  if (event.key === "," || event.key === ".") { pause(); seek(state.frame + (event.key === "." ? 1 : -1)); }
  else if (event.key === " " && !event.target.closest?.("button, a, [role=tab], [role=checkbox]")) state.playing ? pause() : play();
  else return;
  event.preventDefault();
}
document.addEventListener("keydown", keys);

for (const v of Object.values(video)) v.addEventListener("error", () => {
  const text = "The clip cannot be played: it is no longer kept, or this browser has no VP9. Enhance again, or save the MP4.";
  if (v.getAttribute("src") && !$(".eg-notes").textContent.includes(text)) $(".eg-notes").prepend(make("li", text));
});

setWipe(50);
watch("value", () => load(props.value));
load(props.value);
