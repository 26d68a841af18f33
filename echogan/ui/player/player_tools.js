// The tools over the panes: callipers in mm, two regions compared, a line for the M-mode slice, and the cross-hair.

const NEAR = 12; // screen pixels from which a mark's end is caught
const COLOURS = ["#f2c14e", "#6cb8bd", "#e58fb1", "#9fd36b"];

function makeTools({ view, changed, lineDrawn, scaleKnown }) {
  const NS = "http://www.w3.org/2000/svg";
  let tool = "look", marks = [], held = null, cross = null;

  const of = (kind) => marks.filter((m) => m.kind === kind);
  const spaced = (a, b) => Math.hypot(view.toPane(a)[0] - view.toPane(b)[0], view.toPane(a)[1] - view.toPane(b)[1]);

  function choose(next) {
    tool = next === tool ? "look" : next;
    if (tool === "calliper" && !scaleKnown()) tool = "look";
    changed();
    return tool;
  }

  // A press on a mark's end takes it; else a new mark begins there. Two regions at most, one line.
  function press(point) {
    for (const mark of marks) for (const end of [0, 1]) if (spaced(mark.ends[end], point) < NEAR) { held = { mark, end }; return true; }
    if (tool === "look") return false;
    if (tool === "region" && of("region").length > 1) marks = marks.filter((m) => m.kind !== "region");
    if (tool === "mmode") marks = marks.filter((m) => m.kind !== "mmode");
    const mark = { kind: tool, ends: [point, point] };
    marks.push(mark);
    held = { mark, end: 1 };
    return true;
  }

  function drag(point) {
    if (!held) return false;
    held.mark.ends[held.end] = point;
    changed();
    return true;
  }

  function release() {
    if (!held) return;
    const { mark } = held;
    held = null;
    if (spaced(...mark.ends) < 4) marks = marks.filter((m) => m !== mark); // a press without a drag
    changed();
    if (mark.kind === "mmode" && marks.includes(mark)) lineDrawn(mark.ends);
  }

  function draw(svg, name, attributes, text) {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    svg.append(node);
  }

  // `label(mark, index)` is the text beside a mark in this pane.
  function render(svg, label) {
    svg.replaceChildren();
    if (cross) {
      const [x, y] = view.toPane(cross);
      draw(svg, "path", { d: `M${x} 0V${svg.clientHeight}M0 ${y}H${svg.clientWidth}`, class: "eg-cross" });
    }
    marks.forEach((mark, i) => {
      const [a, b] = mark.ends.map(view.toPane), colour = COLOURS[i % COLOURS.length];
      if (mark.kind === "region") draw(svg, "ellipse", { cx: (a[0] + b[0]) / 2, cy: (a[1] + b[1]) / 2, rx: Math.abs(a[0] - b[0]) / 2, ry: Math.abs(a[1] - b[1]) / 2, stroke: colour, class: "eg-mark-line" });
      else draw(svg, "path", { d: `M${a}L${b}`, stroke: colour, class: "eg-mark-line", "stroke-dasharray": mark.kind === "mmode" ? "5 4" : "none" });
      for (const [x, y] of [a, b]) draw(svg, "path", { d: `M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}`, stroke: colour, class: "eg-mark-line" });
      const words = label(mark, of(mark.kind).indexOf(mark));
      if (words) draw(svg, "text", { x: Math.max(4, Math.min(svg.clientWidth - 6.6 * words.length, b[0] + 9)), y: Math.max(14, b[1] - 8), fill: colour, class: "eg-mark-label" }, words);
    });
  }

  return {
    choose, press, drag, release, render, of,
    get tool() { return tool; },
    get marks() { return marks; },
    cross(point) { cross = point; },
    undo() { marks.pop(); changed(); },
    drop(kind) { marks = marks.filter((m) => m.kind !== kind); changed(); },
    clear() { marks = []; changed(); },
  };
}
