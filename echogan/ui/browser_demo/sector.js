// The fan: its mask as echogan/core/geometry.py draws it, its bounding box, and a first guess of it.

export const NUMBERS = ["apex_x", "apex_y", "left_deg", "right_deg", "r_min", "r_max"];
const DEGREES = 180 / Math.PI;

// A sentence that says what is wrong with a fan; empty where nothing is.
export function faultOf(fan) {
  if (NUMBERS.some((name) => !Number.isFinite(fan[name]))) return "The sector lacks a number. Give all six.";
  if (!(fan.left_deg > -90 && fan.left_deg < fan.right_deg && fan.right_deg < 90))
    return "The sector's left angle must be less than its right one, both within -90 to 90 degrees.";
  if (!(fan.r_min >= 0 && fan.r_min < fan.r_max)) return "The sector's r min must be at least 0 and less than its r max.";
  return "";
}

// Uint8Array (height * width): 1 inside the fan.
export function fanMask(fan, width, height) {
  const mask = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const dx = x - fan.apex_x, dy = y - fan.apex_y, r = Math.hypot(dx, dy), theta = Math.atan2(dx, dy) * DEGREES;
      mask[at] = r >= fan.r_min && r <= fan.r_max && theta >= fan.left_deg && theta <= fan.right_deg ? 1 : 0;
    }
  }
  return mask;
}

// { top, left, bottom, right } of the ones, ends exclusive; null where there are none.
export function boxOf(mask, width, height) {
  const box = { top: height, left: width, bottom: 0, right: 0 };
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!mask[at]) continue;
      box.top = Math.min(box.top, y);
      box.bottom = y + 1;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
    }
  }
  return box.bottom ? box : null;
}

const BRIGHT = 10, MOVES = 6, SHARE = 0.02; // grey levels; of a row's or column's pixels
const NEAR = 0.2, OUTERMOST = 0.01; // shares: of the depth, where angles are not told yet; of the pixels on each side

// A fan around what is bright and moves; in a still, around what is bright. A guess for the reader to correct.
export function guessFan(frames, width, height) {
  const low = new Uint8Array(width * height).fill(255), high = new Uint8Array(width * height);
  const step = Math.max(1, Math.floor(frames.length / 12));
  for (let t = 0; t < frames.length; t += step)
    frames[t].grey.forEach((level, at) => {
      if (level < low[at]) low[at] = level;
      if (level > high[at]) high[at] = level;
    });
  const still = frames.length === 1;
  const bright = high.map((level, at) => (level > BRIGHT && (still || level - low[at] > MOVES) ? 1 : 0));
  const alive = withoutSpecks(bright, width, height);
  const box = boxOf(alive, width, height) ?? { top: 0, left: 0, bottom: height, right: width };
  const depth = box.bottom - box.top, middle = (box.left + box.right - 1) / 2, angles = [];
  alive.forEach((one, at) => {
    const dx = (at % width) - middle, dy = Math.floor(at / width) - box.top;
    if (one && Math.hypot(dx, dy) > NEAR * depth) angles.push(Math.atan2(dx, dy) * DEGREES);
  });
  angles.sort((a, b) => a - b);
  const outermost = Math.floor(OUTERMOST * angles.length), round = (value) => Math.round(2 * value) / 2;
  return {
    apex_x: round(middle), apex_y: round(box.top), r_min: 0, r_max: round(depth),
    left_deg: Math.max(-80, Math.min(-10, round(angles[outermost] ?? -40))),
    right_deg: Math.min(80, Math.max(10, round(angles[angles.length - 1 - outermost] ?? 40))),
  };
}

// Rows and columns with hardly anything in them, such as a line of text, do not count.
function withoutSpecks(alive, width, height) {
  const rows = new Float32Array(height), columns = new Float32Array(width);
  alive.forEach((one, at) => {
    rows[Math.floor(at / width)] += one / width;
    columns[at % width] += one / height;
  });
  return alive.map((one, at) => (rows[Math.floor(at / width)] > SHARE && columns[at % width] > SHARE ? one : 0));
}

// The points of a fan where it can be dragged, and what a drag to (x, y) makes of it.
export function handlesOf(fan) {
  const on = (r, degrees) => ({ x: fan.apex_x + r * Math.sin(degrees / DEGREES), y: fan.apex_y + r * Math.cos(degrees / DEGREES) });
  const middle = (fan.left_deg + fan.right_deg) / 2;
  return {
    near: on(fan.r_min, middle), apex: { x: fan.apex_x, y: fan.apex_y }, deep: on(fan.r_max, middle),
    left: on(fan.r_max, fan.left_deg), right: on(fan.r_max, fan.right_deg),
  };
}

export function dragged(fan, name, x, y) {
  const round = (value) => Math.round(2 * value) / 2;
  if (name === "apex") return { ...fan, apex_x: round(x), apex_y: round(y) };
  const r = round(Math.hypot(x - fan.apex_x, y - fan.apex_y));
  const angle = Math.max(-89, Math.min(89, round(Math.atan2(x - fan.apex_x, y - fan.apex_y) * DEGREES)));
  if (name === "near") return { ...fan, r_min: Math.min(r, fan.r_max - 1) };
  if (name === "deep") return { ...fan, r_max: Math.max(r, fan.r_min + 1) };
  const side = name === "left" ? { left_deg: Math.min(angle, fan.right_deg - 1) } : { right_deg: Math.max(angle, fan.left_deg + 1) };
  return { ...fan, ...side, r_max: Math.max(r, fan.r_min + 1) };
}
