// What the tools write: lengths in mm, means and gCNR of two regions, the grey level under the pointer.

const compared = () => ["original", ...(result() ? ["enhanced"] : []), ...(comparing() ? ["second"] : [])];
const inTurn = ([original, ...results]) => [original, ...(results.length ? [results.join(" | ")] : [])].join(" → ");

function readOf(name) {
  return (x, y, w, h) => painter.read(name, x, y, w, h);
}

function regionGrey(name, mark) {
  return insideEllipse(...mark.ends, [state.detail.width, state.detail.height], readOf(name));
}

function labelIn(pane) {
  const sheet = source(pane);
  return (mark, index) => {
    if (mark.kind === "calliper") return `${distance(...mark.ends, state.detail.spacing_mm).toFixed(1)} mm`;
    if (mark.kind === "mmode") return "M-mode";
    const grey = regionGrey(sheet, mark);
    return grey.length ? `${index ? "B" : "A"}: mean ${mean(grey).toFixed(0)}` : "";
  };
}

function paintMarks() {
  if (!state.detail) return;
  for (const name of visible()) tools.render(panes[name].marks, labelIn(name));
  root.dataset.tool = tools.tool;
  for (const button of $$("[data-tool]:is(button)")) button.setAttribute("aria-pressed", String(button.dataset.tool === tools.tool));
  $(".eg-probe").textContent = contrast() || probe();
}

// Two regions: "gCNR A to B .64 -> .83".
function contrast() {
  const [a, b] = tools.of("region");
  if (!b) return tools.tool === "region" ? "Draw two regions: drag across each." : "";
  const values = compared().map((name) => [regionGrey(name, a), regionGrey(name, b)]).filter(([p, q]) => p.length && q.length).map(([p, q]) => gcnr(p, q).toFixed(2));
  return values.length ? `gCNR of A against B: ${inTurn(values)}` : "";
}

let pointed = null;

function probe() {
  const { detail } = state;
  if (tools.tool === "calliper") return "Drag from one point to the other.";
  if (tools.tool === "mmode") return "Drag a line across the moving structure.";
  if (!pointed) return detail.spacing_mm ? "" : "Scale unknown: no measurements.";
  const [x, y] = pointed.map(Math.floor);
  if (x < 0 || y < 0 || x >= detail.width || y >= detail.height) return "";
  const levels = compared().map((name) => Math.round(greyOf(painter.read(name, x, y, 1, 1))[0]));
  return `x ${x}, y ${y}: grey ${inTurn(levels)}`;
}

function point(at) {
  pointed = at;
  tools.cross(at);
  paintMarks();
}

async function sliceAlong(ends) {
  $(".eg-mmode").hidden = false;
  layout();
  await mmode.load(ends, transport.starts, how()).catch(say);
}

function closeSlice() {
  mmode.close();
  tools.drop("mmode");
  layout();
}

// The frame in view at the clip's own size, as the enhanced pane shows it.
async function savePicture() {
  const { detail } = state, stem = `clip_frame_${transport.frame + 1}`;
  const changed = result() && source("enhanced") === "enhanced";
  await savePng(painter.sheet(changed ? "enhanced" : "original"), `${stem}_${changed ? "enhanced" : "original"}.png`, changed && $(".eg-mark").checked ? state.mark : "");
}
