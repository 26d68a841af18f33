// What part of the frame the panes show: the sector fitted, zoom and pan, the same in every pane.

const MOST = 24; // screen pixels a pixel of the clip

function makeView(changed) {
  let size = [1, 1], crop = [0, 0, 1, 1], aspect = 1, pane = [1, 1];
  let scale = 1, centre = [0.5, 0.5], fitted = "sector";

  const fitScale = ([left, top, right, bottom]) => 0.985 * Math.min(pane[0] / ((right - left) * aspect), pane[1] / (bottom - top));

  function load(detail) {
    size = [detail.width, detail.height];
    crop = detail.sector.crop;
    aspect = detail.pixel_aspect || 1;
    fit("sector");
  }

  function fit(what) {
    fitted = what;
    const box = what === "sector" ? crop : [0, 0, ...size];
    scale = fitScale(box);
    centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    changed();
  }

  function resize(width, height) {
    if (!width || !height || (width === pane[0] && height === pane[1])) return;
    pane = [width, height];
    if (fitted) fit(fitted); else changed();
  }

  // The frame's own point under a point of the pane, both from the left top, and back.
  const toFrame = ([x, y]) => [centre[0] + (x - pane[0] / 2) / (scale * aspect), centre[1] + (y - pane[1] / 2) / scale];
  const toPane = ([x, y]) => [(x - centre[0]) * scale * aspect + pane[0] / 2, (y - centre[1]) * scale + pane[1] / 2];

  // The point of the frame under the pointer stays there.
  function zoom(factor, at = [pane[0] / 2, pane[1] / 2]) {
    const held = toFrame(at), least = 0.5 * fitScale([0, 0, ...size]);
    scale = Math.max(least, Math.min(MOST, scale * factor));
    centre = [held[0] - (at[0] - pane[0] / 2) / (scale * aspect), held[1] - (at[1] - pane[1] / 2) / scale];
    moved();
  }

  function pan(dx, dy) {
    centre = [centre[0] - dx / (scale * aspect), centre[1] - dy / scale];
    moved();
  }

  // A box of the frame (left, top, right, bottom), with as much around it on each side.
  function show([left, top, right, bottom]) {
    const wide = Math.max(right - left, 8), high = Math.max(bottom - top, 8);
    scale = Math.min(MOST / 2, fitScale([left - wide, top - high, right + wide, bottom + high]));
    centre = [(left + right) / 2, (top + bottom) / 2];
    moved();
  }

  function moved() {
    fitted = "";
    centre = centre.map((c, i) => Math.max(0, Math.min(size[i], c)));
    changed();
  }

  // The part of the frame in view: left, top, width, height in the frame's pixels.
  function rectangle() {
    const [left, top] = toFrame([0, 0]);
    return [left, top, pane[0] / (scale * aspect), pane[1] / scale];
  }

  return { load, fit, resize, show, zoom, pan, toFrame, toPane, rectangle,
    get fitted() { return fitted; }, get scale() { return scale; },
    get percent() { return Math.round((100 * scale) / fitScale(crop)); } };
}

// A way to draw pictures into a pane's canvas as the view shows them: each covers `box` of the frame (left, top, right,
// bottom).
function inView(canvas, view) {
  const ink = canvas.getContext("2d"), dots = canvas.width / Math.max(1, canvas.clientWidth);
  ink.imageSmoothingEnabled = view.scale * dots < 8;
  ink.imageSmoothingQuality = view.scale * dots < 1 ? "high" : "low";
  return (picture, box) => {
    const [left, top] = view.toPane([box[0], box[1]]), [right, bottom] = view.toPane([box[2], box[3]]);
    ink.drawImage(picture, left * dots, top * dots, (right - left) * dots, (bottom - top) * dots);
  };
}

// The canvas gets as many pixels as the screen has there; true if that changed (its content is then gone).
function fitCanvas(canvas) {
  const dots = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [Math.round(canvas.clientWidth * dots), Math.round(canvas.clientHeight * dots)];
  if (canvas.width === width && canvas.height === height) return false;
  [canvas.width, canvas.height] = [Math.max(1, width), Math.max(1, height)];
  return true;
}
