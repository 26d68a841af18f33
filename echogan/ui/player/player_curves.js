// The per-frame curves, with the labels and colours that come with them; a click goes to that frame.

function makeCurves(svg, onPick) {
  const NS = "http://www.w3.org/2000/svg";
  const W = 1000, H = 118, LEFT = 44, RIGHT = 12, TOP = 24, BOTTOM = 22;
  let heights = [], curves = [], title = "", unit = "", count = 0, x = () => 0;

  function draw(tag, attributes, text) {
    const node = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    svg.append(node);
    return node;
  }

  function niceTop(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 2.5, 5, 10].map((f) => f * power).find((t) => t >= value);
  }

  function load(next, titles, starts) {
    curves = next;
    title = titles.curves_title;
    unit = titles.curves_unit;
    count = starts.length - 1;
    render();
    mark(Number(svg.dataset.frame || 0));
  }

  // The viewBox follows the element's size, so that type and lines keep theirs.
  function render() {
    svg.replaceChildren();
    if (!count || !curves.length) return;
    const width = Math.max(280, svg.clientWidth || W);
    svg.setAttribute("viewBox", `0 0 ${width} ${H}`);
    const top = niceTop(Math.max(1, ...curves.flatMap((c) => c.values)));
    x = (i) => LEFT + ((width - LEFT - RIGHT) * i) / Math.max(1, count - 1);
    const y = (v) => H - BOTTOM - ((H - TOP - BOTTOM) * v) / top;
    for (const v of [0, top / 2, top]) {
      draw("line", { x1: LEFT, x2: width - RIGHT, y1: y(v), y2: y(v), class: "eg-grid" });
      draw("text", { x: LEFT - 7, y: y(v) + 4, class: "eg-tick", "text-anchor": "end" }, v);
    }
    for (const i of [0, Math.round((count - 1) / 2), count - 1])
      draw("text", { x: x(i), y: H - 5, class: "eg-tick", "text-anchor": i === 0 ? "start" : i === count - 1 ? "end" : "middle" }, i ? i + 1 : "Frame 1");
    let at = LEFT;
    curves.forEach((c) => {
      const stroke = { class: "eg-line", stroke: c.color, "stroke-dasharray": c.dashed ? "5 3" : "none" };
      draw("line", { x1: at, x2: at + 16, y1: 10, y2: 10, ...stroke });
      draw("text", { x: at + 22, y: 14, class: "eg-key" }, c.label);
      at += 40 + 6.4 * c.label.length;
      const points = c.values.map((v, i) => `${x(i)},${y(v)}`).join(" ");
      draw("polyline", { points, ...stroke });
    });
    const heading = [title, unit].find((text) => width - RIGHT - 6 * text.length > at);
    if (heading) draw("text", { x: width - RIGHT, y: 14, class: "eg-tick", "text-anchor": "end" }, heading);
    draw("line", { y1: TOP - 4, y2: H - BOTTOM, class: "eg-cursor" });
    for (const c of curves) draw("circle", { r: 3.5, class: "eg-dot", fill: c.color });
    heights = curves.map((c) => c.values.map(y));
  }

  function mark(frame) {
    svg.dataset.frame = frame;
    const cursor = svg.querySelector(".eg-cursor");
    if (!cursor) return;
    svg.setAttribute("aria-valuenow", frame + 1);
    svg.setAttribute("aria-valuemin", 1);
    svg.setAttribute("aria-valuemax", count);
    svg.setAttribute("aria-valuetext", [`Frame ${frame + 1}`, ...curves.map((c) => `${c.label} ${(c.values[frame] ?? 0).toFixed(1)}`)].join(", "));
    cursor.setAttribute("x1", x(frame));
    cursor.setAttribute("x2", x(frame));
    svg.querySelectorAll(".eg-dot").forEach((dot, k) => {
      dot.setAttribute("cx", x(frame));
      dot.setAttribute("cy", heights[k][frame] ?? 0);
    });
  }

  function pick(event) {
    const box = svg.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width) * Math.max(280, svg.clientWidth || W);
    const frame = Math.round(((share - x(0)) / Math.max(1, x(count - 1) - x(0))) * (count - 1));
    onPick(Math.max(0, Math.min(count - 1, frame)));
  }

  svg.addEventListener("keydown", (event) => {
    const frame = Number(svg.dataset.frame || 0);
    const next = { ArrowLeft: frame - 1, ArrowRight: frame + 1, PageDown: frame - 10, PageUp: frame + 10, Home: 0, End: count - 1 }[event.key];
    if (next === undefined || !count) return;
    onPick(Math.max(0, Math.min(count - 1, next)));
    event.preventDefault();
  });
  svg.addEventListener("pointerdown", pick);
  svg.addEventListener("pointermove", (event) => { if (event.buttons === 1) pick(event); });
  new ResizeObserver(() => { const frame = Number(svg.dataset.frame || 0); render(); mark(frame); }).observe(svg);
  return { load, mark };
}
