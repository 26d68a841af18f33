// The viewer: one clip in several panes, all painted from the same frame, and what its controls do.
// Runs as the body of a function of (element, trigger, props, server, upload); the parts before it come from the other player_*.js files.

const root = element.querySelector(".eg-app");
// Gradio puts a child beside the template, never inside one of its elements, and not at once.
(function placeModel() {
  const choice = document.getElementById("eg-model");
  if (choice) root.querySelector(".eg-settings").prepend(choice); else requestAnimationFrame(placeModel);
})();
const $ = (selector) => root.querySelector(selector);
const $$ = (selector) => [...root.querySelectorAll(selector)];
const narrow = window.matchMedia("(max-width: 760px)");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const panes = Object.fromEntries($$(".eg-pane").map((pane) => [pane.dataset.pane, {
  box: pane, pic: pane.querySelector(".eg-pic"), over: pane.querySelector(".eg-over"), marks: pane.querySelector(".eg-marks"), caption: pane.querySelector("figcaption") }]));
const state = { detail: null, streams: {}, strength: 1, map: -1, overlay: false, truth: false, both: true, swapped: false, wipe: 50, opacity: 0.7, keep: false, mark: "", decoding: 0 };

const host = makeServer(server, upload);
const painter = makePainter();
const slicer = makePainter(); // the M-mode slice goes through all frames while another one is shown
const view = makeView(() => { curtain(); paint(); });
const fan = makeFan($(".eg-fan"));
const curves = makeCurves($(".eg-plot"), (frame) => { transport.stop(); transport.seek(frame); });
const transport = makeTransport({ shown: paint, there, want, playing: setPlaying });
const tools = makeTools({ view, changed: paintMarks, lineDrawn: sliceAlong, scaleKnown: () => Boolean(state.detail?.spacing_mm) });
const mmode = makeMMode($(".eg-mmode"), { pictures, painter: slicer, spacing: () => state.detail?.spacing_mm,
  pick: (frame) => { transport.stop(); transport.seek(frame); } });

// ---- frames ----
const result = () => state.detail?.result;
const second = () => state.detail?.second?.result;
const resultOf = (pane) => (pane === "second" ? second() : result());
const comparing = () => state.both && Boolean(result() && second());
const pair = () => (comparing() ? ["enhanced", "second"] : ["original", "enhanced"]); // what wipe and blink compare
const chosenMap = () => result()?.maps[state.map];
const mapOf = (pane) => (pane === "second" ? second().maps.find((map) => map.name === chosenMap()?.name) : chosenMap());
const keeping = (shown = result()) => state.keep && Boolean(shown?.flags?.ended);
const how = () => ({ strength: state.strength, blackout: state.detail?.blackout, keep: state.keep });
const overSecond = () => (state.overlay ? mapOf("second")?.stream : undefined);
const unasked = { truth: () => !state.truth, maps: () => chosenMap()?.stream !== "maps", flags: () => chosenMap()?.stream !== "flags" && !keeping(),
  second: () => !comparing(), second_maps: () => !comparing() || overSecond() !== "maps",
  second_flags: () => !comparing() || (overSecond() !== "flags" && !keeping(second())) };
const needed = () => Object.entries(state.streams).filter(([name]) => !unasked[name]?.());

function there(frame) {
  return Boolean(state.detail) && needed().every(([name, stream]) => stream.has(frame) || (name !== "original" && frame >= stream.ready));
}

// What is not written yet is left out: the original is shown before anything is enhanced.
async function pictures(frame) {
  const names = needed().filter(([, stream]) => frame < stream.ready);
  const got = await Promise.all(names.map(([, stream]) => stream.get(frame)));
  return Object.fromEntries(names.map(([name], i) => [name, got[i]]));
}

async function want(frame, ahead) {
  if (ahead && state.decoding > 8) return;
  state.decoding += 1;
  try {
    await pictures(frame);
  } catch (error) {
    if (!ahead) say(error);
    throw error;
  } finally {
    state.decoding -= 1;
  }
}

// ---- painting: everything of a frame in one go, so that no pane can be at another frame ----
function paint(frame = transport.frame) {
  const { detail } = state;
  if (!detail) return;
  const shown = Object.fromEntries(needed().map(([name, stream]) => [name, frame < stream.ready ? stream.peek(frame) : undefined]));
  if (!shown.original) return;
  painter.frame(shown, how());
  for (const name of visible()) {
    const pane = panes[name], of = name === "map" ? "enhanced" : source(name);
    blank(pane.pic);
    painter.layers(source(name), pane.pic.getContext("2d", { alpha: false }), inView(pane.pic, view));
    const map = RESULTS[of] && (name === "map" || state.overlay) ? mapOf(of) : undefined, tile = map && shown[RESULTS[of][map.stream]];
    if (name === "map") pane.caption.textContent = `${map.label}${comparing() ? `, ${result().model}` : ""}${tile ? "" : ": not made yet"}`;
    else if (RESULTS[name]) pane.caption.textContent = caption(of, shown);
    // A canvas in view costs as much as a picture, even an empty one.
    pane.over.hidden = !tile;
    if (pane.over.hidden) continue;
    blank(pane.over);
    overlay(pane.over, tile, map, name === "map" ? 1 : state.opacity, resultOf(of));
  }
  root.dataset.frame = frame;
  root.dataset.enhanced = Boolean(shown.result);
  tell(frame);
  paintMarks();
}

function overlay(canvas, tile, map, opacity, { box, flags }) {
  const ink = canvas.getContext("2d");
  ink.globalAlpha = opacity;
  inView(canvas, view)(painter.map(tile, map, state.strength), box);
  ink.globalAlpha = 1;
  if (flags?.part === map.name) drawOutlines(canvas, view, painter.part(tile, map.tile), flags, box);
}

function blank(canvas) {
  if (!fitCanvas(canvas)) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

const source = (name) => (name === "map" ? "original" : state.swapped && name === pair()[1] ? pair()[0] : name);

function caption(name, pictures) {
  if (name === "original") return "Original";
  const shown = resultOf(name), who = comparing() ? shown?.model : "Enhanced";
  if (!shown) return "Not enhanced yet";
  if (!pictures[RESULTS[name].picture]) return `${comparing() ? `${who}: n` : "N"}ot enhanced yet: this frame is being worked on`;
  return `${who}${state.strength === 1 ? "" : `, strength ${state.strength.toFixed(2)}`}${keeping(shown) ? ", original kept where flagged" : ""}`;
}

function visible() {
  if (root.classList.contains("eg-editing")) return ["original"];
  if (!result()) return state.truth ? ["original", "truth"] : ["original"];
  const { mode } = root.dataset;
  if (mode === "single") return [pair()[1]];
  if (mode === "wipe") return pair();
  return ["original", "enhanced", ...(comparing() ? ["second"] : []), ...(chosenMap() && !state.overlay ? ["map"] : []), ...(state.truth ? ["truth"] : [])];
}

function curtain() {
  const shown = visible();
  for (const [name, pane] of Object.entries(panes)) pane.box.hidden = !shown.includes(name);
  root.classList.toggle("eg-comparing", comparing());
  root.style.setProperty("--panes", root.dataset.mode === "wipe" && result() ? 1 : shown.length);
  fan.look(view.rectangle());
  $(".eg-zoom").textContent = `${view.percent} %`;
}

function layout() {
  curtain();
  const box = panes[visible()[0]].pic;
  view.resize(box.clientWidth, box.clientHeight);
  paint();
}

// ---- time ----
function tell(frame) {
  const { detail } = state, count = detail.frames, text = `Frame ${frame + 1} of ${count}`, [from, to] = transport.range;
  const scrub = $(".eg-scrub");
  scrub.value = frame;
  scrub.setAttribute("aria-valuetext", text);
  $(".eg-time").textContent = detail.fps ? `${text}  ·  ${transport.starts[frame].toFixed(2)} s` : text;
  const share = (i) => `${(100 * i) / Math.max(1, count - 1)}%`;
  const box = $(".eg-scrub-box");
  box.style.setProperty("--at", share(frame));
  box.style.setProperty("--from", share(from));
  box.style.setProperty("--to", share(to));
  box.style.setProperty("--loaded", share((state.streams.result || state.streams.original).ready - 1));
  curves.mark(frame);
  mmode.mark(frame);
}

function setPlaying(on) {
  root.classList.toggle("eg-playing", on);
  $(".eg-play").setAttribute("aria-label", on ? "Pause" : "Play");
}
