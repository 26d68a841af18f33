// The sector over the frame: its outline, and handles to drag its corners (or move with the arrow keys).

function makeFan(svg) {
  const NS = "http://www.w3.org/2000/svg";
  const NAMES = { apex: "Apex", left: "Left edge", right: "Right edge", near: "Nearest depth", far: "Deepest depth" };
  let found = null, box = null, fan = null, size = [1, 1], view = [0, 0, 1, 1], editing = false;

  const rad = (degrees) => (degrees * Math.PI) / 180;
  const at = (r, degrees) => [fan.x + (r / fan.aspect) * Math.sin(rad(degrees)), fan.y + (fan.up ? -r : r) * Math.cos(rad(degrees))];
  const centre = () => (fan.left + fan.right) / 2;
  // The handle of a small nearest depth stands off the apex's, so that each can be caught.
  const unit = () => view[2] / Math.max(1, svg.clientWidth || 400);
  const standOff = () => Math.max(0, 26 * unit() - fan.near);
  const places = () => ({ apex: [fan.x, fan.y], left: at(fan.far, fan.left), right: at(fan.far, fan.right),
    near: at(fan.near + standOff(), centre()), far: at(fan.far, centre()) });
  const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

  function load(data) {
    size = [data.width, data.height];
    const numbers = data.sector.fan || [size[0] / 2, 0, -38, 38, 4, size[1] * 0.95, data.pixel_aspect || 1];
    found = { x: numbers[0], y: numbers[1], left: numbers[2], right: numbers[3], near: numbers[4], far: numbers[5], aspect: numbers[6], up: Boolean(numbers[7]) };
    box = data.sector.box;
    svg.dataset.found = data.sector.fan || box ? "yes" : "no";
    reset();
  }

  function reset() {
    fan = { ...found };
    render();
  }

  function node(tag, attributes) {
    const made = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function outline() {
    if (box && !editing) return `M${box[0]} ${box[1]} H${box[2]} V${box[3]} H${box[0]}Z`;
    const p = (r, a) => at(r, a).map((n) => n.toFixed(2)).join(" ");
    const [out, back] = fan.up ? [1, 0] : [0, 1];
    return `M${p(fan.near, fan.left)} L${p(fan.far, fan.left)} A${fan.far / fan.aspect} ${fan.far} 0 0 ${out} ${p(fan.far, fan.right)} ` +
      `L${p(fan.near, fan.right)} A${fan.near / fan.aspect} ${fan.near} 0 0 ${back} ${p(fan.near, fan.left)}Z`;
  }

  function render() {
    svg.setAttribute("viewBox", view.join(" "));
    const parts = [node("path", { d: outline(), class: "eg-outline" })];
    // A handle outside the view (a curved probe's apex) waits at the border, where it can be caught.
    if (editing) for (const [name, [x, y]] of Object.entries(places()))
      parts.push(node("circle", { cx: clamp(x, view[0], view[0] + view[2]), cy: clamp(y, view[1], view[1] + view[3]), r: 7 * unit(), class: "eg-handle",
        "data-handle": name, tabindex: 0, role: "button", "aria-label": `${NAMES[name]}: drag, or use the arrow keys` }));
    const focused = document.activeElement?.dataset?.handle;
    svg.replaceChildren(...parts);
    if (focused) svg.querySelector(`[data-handle=${focused}]`)?.focus();
  }

  function move(name, x, y, away) {
    const dx = (x - fan.x) * fan.aspect, dy = fan.up ? fan.y - y : y - fan.y, r = Math.hypot(dx, dy), degrees = (Math.atan2(dx, dy) * 180) / Math.PI;
    if (name === "apex") { fan.x = x; fan.y = y; }
    if (name === "left") fan.left = clamp(degrees, -89, fan.right - 5);
    if (name === "right") fan.right = clamp(degrees, fan.left + 5, 89);
    if (name === "near") fan.near = clamp(r - away, 0, fan.far - 8);
    if (name === "far") fan.far = Math.max(r, fan.near + 8);
    render();
  }

  const text = () => [fan.x, fan.y, fan.left, fan.right, fan.near, fan.far].map((n) => n.toFixed(1)).join(",") + (fan.aspect === 1 ? "" : `,${fan.aspect.toFixed(3)}`) + (fan.up ? ",up" : "");

  // The same fan, its apex at the other end.
  function turn() {
    fan.y = fan.up ? fan.y - fan.far : fan.y + fan.far;
    fan.up = !fan.up;
    render();
  }

  function point(event) {
    const box = svg.getBoundingClientRect();
    return [view[0] + ((event.clientX - box.left) / box.width) * view[2], view[1] + ((event.clientY - box.top) / box.height) * view[3]];
  }

  let held = null, away = 0;
  svg.addEventListener("pointerdown", (event) => {
    held = event.target.dataset.handle || null;
    if (!held) return;
    away = standOff();
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => { if (held) move(held, ...point(event), away); });
  for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { held = null; });
  svg.addEventListener("keydown", (event) => {
    const name = event.target.dataset.handle;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!name || !step) return;
    const [x, y] = places()[name], far = event.shiftKey ? 10 : 1;
    move(name, x + far * step[0], y + far * step[1], standOff());
    event.preventDefault();
  });

  return {
    load, reset, turn,
    edit(on) { editing = on; render(); },
    // The part of the frame that the pane shows: left, top, width, height in the frame's pixels.
    look(rectangle) { view = rectangle; if (fan) render(); },
    text,
  };
}
