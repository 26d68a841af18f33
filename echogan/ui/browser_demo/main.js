// The page: opens a clip, lets the reader fit the fan, has it enhanced by the worker, and shows three panes in step.

import { isDicom, readDicom } from "./dicom.js";
import { boxOf, dragged, fanMask, faultOf, guessFan, handlesOf, NUMBERS } from "./sector.js";
import { readVideo } from "./video.js";

const WIDEST = 32; // grey levels at the ends of the difference map's scale
const USUAL_FPS = 25;
const find = (id) => document.getElementById(id);
const state = { facts: null, clip: null, fan: null, result: [], box: null, worker: null, playing: null, opening: 0 };

const facts = fetch("model.json").then((answer) => {
  if (!answer.ok) throw new Error("The model of this page cannot be loaded. Make its folder anew.");
  return answer.json();
});

facts.then((model) => {
  state.facts = model;
  find("notice").textContent = model.notice;
  find("mark").textContent = model.mark;
  find("caution").hidden = !model.caution;
  find("caution").textContent = "It applies the whole change everywhere. The program withholds "
    + `${Math.round(100 * model.caution)} % of it where it looks like a structure removed or invented.`;
  find("model").textContent = `Network ${model.name}, ${model.sha256.slice(0, 12)}, weights under ${model.licence}.`;
}, fail);
find("removed").textContent = `removed ${WIDEST}`;
find("added").textContent = `${WIDEST} added`;

// --- opening ---------------------------------------------------------------------------------------------------------

async function open(file) {
  stop();
  pause();
  find("error").hidden = true;
  const turn = ++state.opening;
  try {
    tell("Reading the file", 0);
    const start = new Uint8Array(await file.slice(0, 200).arrayBuffer());
    const clip = isDicom(start) ? await readDicom(new Uint8Array(await file.arrayBuffer())) : await readVideo(file, tell);
    if (turn !== state.opening) return;
    await facts;
    show(clip);
  } catch (error) {
    if (turn === state.opening) fail(error);
  }
}

function show(clip) {
  Object.assign(state, { clip, result: [], box: null });
  find("frame").max = clip.frames.length - 1;
  find("frame").value = 0;
  for (const id of ["original", "enhanced", "difference"]) {
    Object.assign(find(id), { width: clip.width, height: clip.height });
    find(id).parentElement.style.aspectRatio = `${clip.width} / ${clip.height}`;
  }
  find("handles").setAttribute("viewBox", `-0.5 -0.5 ${clip.width} ${clip.height}`);
  const rows = [["Kind", clip.kind], ["Frames", clip.frames.length], ["Size", `${clip.width} x ${clip.height}`],
    ["Frame rate", clip.fps ? `${clip.fps.toFixed(1)} per second` : "not told"], ...clip.notes.map((note) => ["Note", note])];
  find("facts").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  find("facts").hidden = find("sector").disabled = find("play").disabled = find("frame").disabled = find("run").disabled = false;
  setFan(guessFan(clip.frames, clip.width, clip.height));
  tell("Fit the fan, then press Enhance.");
}

function element(name, words) {
  const made = document.createElement(name);
  made.textContent = words;
  return made;
}

// --- the fan ---------------------------------------------------------------------------------------------------------

function setFan(fan) {
  state.fan = fan;
  for (const name of NUMBERS) if (document.activeElement !== find(name)) find(name).value = fan[name];
  drawHandles();
  paint();
}

function drawHandles() {
  const { fan, clip } = state, points = handlesOf(fan);
  if (NUMBERS.some((name) => !Number.isFinite(fan[name]))) return;
  const arc = (r) => Array.from({ length: 33 }, (_, step) => {
    const angle = ((fan.left_deg + (step / 32) * (fan.right_deg - fan.left_deg)) * Math.PI) / 180;
    return [fan.apex_x + r * Math.sin(angle), fan.apex_y + r * Math.cos(angle)].join(" ");
  });
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const outline = svg("path", { d: `M${[...arc(fan.r_max), ...arc(fan.r_min).reverse()].join("L")}Z` });
  const radius = clip.width / 70;
  const circles = Object.entries(points).map(([name, { x, y }]) => svg("circle", { cx: x, cy: y, r: radius, "data-name": name }));
  find("handles").replaceChildren(outline, ...circles);
}

find("handles").addEventListener("pointerdown", (event) => {
  const name = event.target.dataset?.name, overlay = find("handles");
  if (!name || state.worker) return;
  event.preventDefault();
  overlay.setPointerCapture(event.pointerId);
  const move = ({ clientX, clientY }) => {
    const place = new DOMPoint(clientX, clientY).matrixTransform(overlay.getScreenCTM().inverse());
    setFan(dragged(state.fan, name, place.x, place.y));
  };
  overlay.addEventListener("pointermove", move);
  overlay.addEventListener("lostpointercapture", () => overlay.removeEventListener("pointermove", move), { once: true });
});

for (const name of NUMBERS)
  find(name).addEventListener("input", () => setFan({ ...state.fan, [name]: find(name).valueAsNumber }));

// --- enhancing -------------------------------------------------------------------------------------------------------

function run() {
  const { clip, fan } = state;
  const mask = fanMask(fan, clip.width, clip.height), box = boxOf(mask, clip.width, clip.height);
  const fault = faultOf(fan) || (box ? "" : "The sector holds no pixel of the picture.");
  if (fault) return fail(new Error(fault));
  find("error").hidden = true;
  Object.assign(state, { result: [], box, mask, began: performance.now() });
  state.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  state.worker.onmessage = ({ data }) => heard(data);
  state.worker.onerror = (event) => ended(event.message || "The network could not be started in this browser.");
  busy(true);
  tell("Loading the network", 0);
  const frames = clip.frames.map((frame) => frame.grey);
  state.worker.postMessage({ facts: state.facts, frames, mask, box, width: clip.width, fps: clip.fps });
}

function heard(data) {
  if (data.kind === "failed") return ended(`The clip could not be enhanced: ${data.why}`);
  if (data.kind === "done") return ended();
  const count = state.clip.frames.length, done = data.index + 1;
  state.result[data.index] = data.after;
  tell(`Enhanced ${done} of ${count} frames, ${((1000 * done) / (performance.now() - state.began)).toFixed(1)} per second`, done / count);
  if (data.index === current()) paint();
}

function ended(why) {
  stop();
  if (why) fail(new Error(why));
  else tell(`Done: ${state.clip.frames.length} frames. Compare with the original.`);
}

function stop() {
  state.worker?.terminate();
  state.worker = null;
  busy(false);
}

function busy(working) {
  find("cancel").disabled = !working;
  find("run").disabled = working || !state.clip;
  find("sector").disabled = working || !state.clip;
}

// --- showing ---------------------------------------------------------------------------------------------------------

const current = () => Number(find("frame").value);

function paint() {
  const { clip, result, box } = state, index = current(), { grey, rgba } = clip.frames[index];
  find("count").textContent = `frame ${index + 1} of ${clip.frames.length}${result[index] ? "" : ", not enhanced"}`;
  const original = rgba ? new ImageData(rgba.slice(), clip.width) : greyImage(grey, clip.width);
  draw("original", original);
  const after = result[index];
  if (!after) return ["enhanced", "difference"].forEach((id) => draw(id, null));
  const enhanced = new ImageData(original.data.slice(), clip.width), map = greyImage(new Uint8Array(grey.length), clip.width);
  const across = box.right - box.left;
  after.forEach((level, at) => {
    const place = (Math.floor(at / across) + box.top) * clip.width + (at % across) + box.left, change = level - grey[place];
    if (!change) return;
    enhanced.data.fill(level, 4 * place, 4 * place + 3);
    const share = Math.min(1, Math.abs(change) / WIDEST), colour = change > 0 ? [240, 138, 60] : [77, 157, 232];
    colour.forEach((value, channel) => (map.data[4 * place + channel] = value * share));
  });
  draw("enhanced", enhanced);
  draw("difference", map);
}

function greyImage(grey, width) {
  const image = new ImageData(width, grey.length / width);
  grey.forEach((level, at) => image.data.set([level, level, level, 255], 4 * at));
  return image;
}

function draw(id, image) {
  const context = find(id).getContext("2d");
  if (image) context.putImageData(image, 0, 0);
  else context.clearRect(0, 0, find(id).width, find(id).height);
}

function play() {
  if (state.playing) return pause();
  find("play").textContent = "Pause";
  state.playing = setInterval(() => {
    find("frame").value = (current() + 1) % state.clip.frames.length;
    paint();
  }, 1000 / (state.clip.fps ?? USUAL_FPS));
}

function pause() {
  clearInterval(state.playing);
  state.playing = null;
  find("play").textContent = "Play";
}

function tell(words, share = null) {
  find("status").textContent = words;
  find("progress").hidden = share === null;
  find("progress").value = share ?? 0;
}

function fail(error) {
  find("error").textContent = error.message;
  find("error").hidden = false;
  tell("");
}

find("run").onclick = run;
find("cancel").onclick = () => { stop(); tell("Cancelled."); };
find("play").onclick = play;
find("frame").oninput = () => { pause(); paint(); };
find("file").onchange = ({ target }) => { if (target.files[0]) open(target.files[0]); target.value = ""; };
for (const kind of ["dragover", "dragleave", "drop"])
  find("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    find("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  });
