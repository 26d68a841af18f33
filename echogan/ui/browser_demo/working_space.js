// The sector cropped and scaled to what the network sees, and the way back: echogan/enhance/working_space.py,
// echogan/core/grey_curve.py and echogan/enhance/put_back.py, with the numbers that model.json gives.

const GREY = 127.5;

// A frame as the network sees it, and its result put back. `facts` is model.json.
export class WorkingSpace {
  constructor(mask, box, width, facts) {
    Object.assign(this, { mask, box, width, facts });
    this.boxSize = [box.bottom - box.top, box.right - box.left];
    const scale = facts.working_size / Math.max(...this.boxSize);
    this.size = this.boxSize.map((side) => Math.max(1, halfEven(side * scale)));
    this.boxMask = this.crop(mask);
    this.shrink = resizer(this.boxSize, this.size);
    this.grow = resizer(this.size, this.boxSize);
    this.small = this.shrink(this.boxMask).map((share) => (share >= 0.5 ? 1 : 0));
    this.gain = this.grow(this.small).map((share) => 1 / Math.max(share, 1e-3));
    this.padding = this.size.map((side) => {
      const missing = Math.ceil(Math.max(facts.smallest, side) / facts.multiple) * facts.multiple - side;
      return [Math.floor(missing / 2), missing - Math.floor(missing / 2)];
    });
    this.padded = this.size.map((side, axis) => side + this.padding[axis][0] + this.padding[axis][1]);
  }

  // The box of a frame (height * width) as Float32Array.
  crop(frame) {
    const { top, left, bottom, right } = this.box, rows = [];
    for (let y = top; y < bottom; y++) rows.push(frame.subarray(y * this.width + left, y * this.width + right));
    const cropped = new Float32Array(this.boxSize[0] * this.boxSize[1]);
    rows.forEach((row, index) => cropped.set(row, index * this.boxSize[1]));
    return cropped;
  }

  // Grey levels of a frame to [-1, 1] (h * w), black outside the sector.
  enter(frame) {
    const cropped = this.crop(frame).map((level, at) => (this.boxMask[at] ? level : 0));
    return this.shrink(cropped).map((level) => level / GREY - 1);
  }

  // Frames on the grey curve, padded with black, one after the other in `into`.
  pad(frame, curve, into, offset) {
    const [height, width] = this.size, [[top], [left]] = this.padding, across = this.padded[1];
    into.fill(-1, offset, offset + this.padded[0] * across);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) into[offset + (y + top) * across + x + left] = curve.toCanonical(frame[y * width + x]);
  }

  // What the network made of a padded frame, as displayed; x outside the sector.
  unpad(result, curve, x) {
    const [height, width] = this.size, [[top], [left]] = this.padding, across = this.padded[1];
    return x.map((level, at) => {
      if (!this.small[at]) return level;
      const found = result[(Math.floor(at / width) + top) * across + (at % width) + left];
      return curve.toDisplay(Math.max(-1, Math.min(1, found)));
    });
  }

  // The enhanced grey levels of the frame's box, given x and g in [-1, 1]; others stay as they are.
  putBack(frame, x, g) {
    const change = this.grow(g.map((level, at) => (level - x[at]) * GREY));
    const before = this.crop(frame), after = Uint8Array.from(before);
    for (let at = 0; at < after.length; at++)
      if (this.boxMask[at]) after[at] = halfEven(Math.max(0, Math.min(255, before[at] + change[at] * this.gain[at])));
    return after;
  }

  // The change, as often as the checkpoint asks, with more removed where that is still hazy, less what it adds where x
  // is black. `curve` is the clip's.
  settle(x, g, { blackLevel, clear, hazy }) {
    const { gain, haze_gain, black_sigma } = this.facts;
    const level = blur(x.map((value) => (value + 1) * GREY), this.size, black_sigma);
    return g.map((value, at) => {
      const change = gain === 1 ? value - x[at] : Math.max(-1, Math.min(1, x[at] + gain * (value - x[at]))) - x[at];
      if (change > 0) return x[at] + Math.max(0, Math.min(1, level[at] / blackLevel)) * change;
      const still = Math.max(0, Math.min(1, (x[at] + change - clear) / (hazy - clear)));
      return Math.max(-1, x[at] + change * (1 + haze_gain * still));
    });
  }
}

// The canonical grey curve of a clip: from how often each grey level stands in its tissue, 256 numbers.
export class GreyCurve {
  constructor(counts, facts) {
    this.toe = facts.curve.toe;
    const found = facts.canonical_grey ? curveOf(percentiles(counts), facts.curve) : { power: 1, lift: 0, plain: 1 };
    this.settle(found.power, found.lift);
    // Without lift, as the networks that know structures see the clip.
    this.plain = Object.assign(Object.create(GreyCurve.prototype), { toe: this.toe });
    this.plain.settle(found.plain, 0);
    [this.clear, this.hazy] = [facts.clear, facts.hazy].map((level) => this.plain.toDisplay(2 * level - 1));
    this.blackLevel = Math.min(facts.black_level, (this.plain.toDisplay(2 * facts.curve.echo - 1) + 1) * GREY);
  }

  settle(power, lift) {
    Object.assign(this, { power, lift, low: this.toe ** power, high: (1 + this.toe) ** power });
  }

  get asDisplayed() {
    return this.power === 1 && this.lift === 0;
  }

  toCanonical(x) {
    if (this.asDisplayed) return x;
    const level = Math.max(0, Math.min(1, x / 2 + 0.5)), scale = (2 * (1 - this.lift)) / (this.high - this.low);
    return ((level + this.toe) ** this.power - this.low) * scale + 2 * this.lift - 1;
  }

  toDisplay(y) {
    if (this.asDisplayed) return y;
    const room = 1 - this.lift, level = Math.max(0, Math.min(room, y / 2 + 0.5 - this.lift));
    return (((level * (this.high - this.low)) / room + this.low) ** (1 / this.power) - this.toe) * 2 - 1;
  }
}

// Percentiles 0, 1, ..., 100 in [0, 1], with linear interpolation between two values.
function percentiles(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const sums = counts.map(((sum) => (count) => (sum += count))(0));
  const sorted = (index) => sums.findIndex((sum) => sum > index);
  return Array.from({ length: 101 }, (_, percent) => {
    const place = (percent / 100) * (total - 1), below = Math.floor(place), low = sorted(below);
    return (low + (place - below) * (sorted(Math.min(total - 1, below + 1)) - low)) / 255;
  });
}

function curveOf(levels, facts) {
  if (!(Math.max(...levels) >= 1 / 255)) return { power: 1, lift: 0, plain: 1 };
  const plain = powerOf(levels, facts, 0), dark = facts.dark_level;
  const power = dark ? Math.max(powerOf(levels, facts, dark), facts.strongest_lifted * plain) : plain;
  const rounded = (value) => Math.round(value * 1e4) / 1e4;
  const lift = rounded(liftOf(onPower(levels, power, facts.toe), facts.dark, dark));
  return { power: rounded(power), lift, plain: rounded(plain) };
}

function onPower(levels, power, toe) {
  const zero = toe ** power, span = (1 + toe) ** power - zero;
  return levels.map((level) => ((level + toe) ** power - zero) / span);
}

// `levels` are percentiles, so that the one numbered `dark` is the level of the darkest part.
function liftOf(levels, dark, darkLevel) {
  return levels[dark] < darkLevel ? (darkLevel - levels[dark]) / (1 - levels[dark]) : 0;
}

function powerOf(levels, { toe, reference, visible, strongest, dark }, darkLevel) {
  let low = -Math.log(strongest), high = Math.log(strongest);
  for (let step = 0; step < 40; step++) {
    const plain = onPower(levels, Math.exp((low + high) / 2), toe), lift = liftOf(plain, dark, darkLevel);
    const seen = plain.map((level) => lift + (1 - lift) * level).filter((level) => level > visible);
    seen.sort((a, b) => a - b);
    const middle = seen.length ? (seen[(seen.length - 1) >> 1] + seen[seen.length >> 1]) / 2 : 0;
    if (middle > reference) low = (low + high) / 2;
    else high = (low + high) / 2;
  }
  return Math.exp((low + high) / 2);
}

export function halfEven(value) {
  const round = Math.round(value);
  return Math.abs(value % 1) === 0.5 && round % 2 ? round - 1 : round;
}

// A function that scales images (h * w) from one size to another: area averages down, bilinear up, as OpenCV does.
export function resizer(from, to) {
  const down = to[0] <= from[0] && to[1] <= from[1];
  const [rows, columns] = [0, 1].map((axis) => (down ? areaWeights : linearWeights)(from[axis], to[axis]));
  return (image) => {
    const across = new Float32Array(from[0] * to[1]), scaled = new Float32Array(to[0] * to[1]);
    for (let y = 0; y < from[0]; y++)
      columns.forEach((weights, x) => {
        let sum = 0;
        for (const [at, weight] of weights) sum += weight * image[y * from[1] + at];
        across[y * to[1] + x] = sum;
      });
    rows.forEach((weights, y) => {
      for (const [at, weight] of weights)
        for (let x = 0; x < to[1]; x++) scaled[y * to[1] + x] += weight * across[at * to[1] + x];
    });
    return scaled;
  };
}

function areaWeights(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const start = index * scale, end = Math.min(from, start + scale), weights = [];
    for (let at = Math.floor(start); at < end - 1e-6; at++)
      weights.push([at, (Math.min(end, at + 1) - Math.max(start, at)) / (end - start)]);
    return weights;
  });
}

function linearWeights(from, to) {
  return Array.from({ length: to }, (_, index) => {
    const place = Math.max(0, Math.min(from - 1, ((index + 0.5) * from) / to - 0.5)), at = Math.floor(place);
    return at + 1 < from ? [[at, 1 - (place - at)], [at + 1, place - at]] : [[at, 1]];
  });
}

// A Gaussian blur of (h * w), reaching four sigma: mirrored at the border without repeating it, or zero beyond it.
export function blur(image, [height, width], sigma, zero = false) {
  const reach = Math.round(sigma * 4), kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)));
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  const pass = (source, count, step, lines, stride) => {
    const out = new Float32Array(source.length);
    const place = (at) => (at >= 0 && at < count ? at : zero ? NaN : mirrored(at, count)) * step;
    const places = Array.from({ length: count }, (_, index) => kernel.map((_, k) => place(index + k - reach)));
    for (let line = 0; line < lines; line++)
      places.forEach((ats, index) => {
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) sum += kernel[k] * (source[line * stride + ats[k]] ?? 0);
        out[line * stride + index * step] = sum / total;
      });
    return out;
  };
  return pass(pass(image, width, 1, height, width), height, width, width, 1);
}

function mirrored(index, count) {
  const period = Math.max(1, 2 * (count - 1)), at = ((index % period) + period) % period;
  return Math.min(at, period - at);
}
