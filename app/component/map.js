// A choropleth without WebGL: which territory stands on which pixel is worked out once per view, so that a new
// indicator, a hover or a second pane only look colours up. Coordinates arrive projected (Lambert-93), on a grid.

const AGREEMENT_MIN = 0.8;
const PACKS_KEPT = 24;
const NONE = -1;
const STROKED_AT_MOST = 2500; // territories in view up to which each gets its own outline
const HATCH_PERIOD = 10;
const HATCH_GAP = 4;
const DOT_PERIOD = 5;
const ZOOM_STEP = 1.5;
const NEAREST_M = 8; // metres per pixel
const RESULTS = 8;

// ---------------------------------------------------------------- packs

const packs = (globalThis.climartPacks ??= new Map());

function unshuffle(bytes, count, size) {
  if (size === 1) return bytes.slice();
  const out = new Uint8Array(count * size);
  for (let plane = 0; plane < size; plane++) {
    for (let i = 0, from = plane * count; i < count; i++) out[i * size + plane] = bytes[from + i];
  }
  return out;
}

const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const pack = { header };
  let at = 4 + length;
  for (const [name, type, count] of header.arrays) {
    const size = Number(type[1]);
    const bytes = unshuffle(new Uint8Array(buffer, at, count * size), count, size);
    pack[name] = new TYPES[type](bytes.buffer);
    at += count * size;
  }
  return pack;
}

async function fetched(url) {
  const answer = await fetch(url, { cache: "force-cache" });
  if (!answer.ok) throw new Error(String(answer.status));
  const stream = answer.body.pipeThrough(new DecompressionStream("gzip"));
  return unpack(await new Response(stream).arrayBuffer());
}

function packOf(url, prepare = (pack) => pack) {
  if (!packs.has(url)) {
    if (packs.size >= PACKS_KEPT) packs.delete(packs.keys().next().value);
    const promise = fetched(url).then(prepare);
    promise.catch(() => packs.delete(url));
    packs.set(url, promise);
  }
  const promise = packs.get(url);
  packs.delete(url);
  packs.set(url, promise); // the last used go last
  return promise;
}

// Coordinates from their differences; where each ring and territory starts; the box of each territory.
function prepareShapes(pack) {
  const { dx, dy, ringLengths, ringsOf, header } = pack;
  const xs = dx, ys = dy;
  for (let i = 1; i < xs.length; i++) {
    xs[i] = xs[i] + xs[i - 1];
    ys[i] = ys[i] + ys[i - 1];
  }
  const ringStart = new Uint32Array(ringLengths.length + 1);
  for (let i = 0; i < ringLengths.length; i++) ringStart[i + 1] = ringStart[i] + ringLengths[i];
  const count = header.ids.length;
  const firstRing = new Uint32Array(count + 1);
  const boxes = new Uint16Array(count * 4);
  for (let t = 0; t < count; t++) {
    firstRing[t + 1] = firstRing[t] + ringsOf[t];
    let west = 65535, south = 65535, east = 0, north = 0;
    for (let i = ringStart[firstRing[t]]; i < ringStart[firstRing[t + 1]]; i++) {
      if (xs[i] < west) west = xs[i];
      if (xs[i] > east) east = xs[i];
      if (ys[i] < south) south = ys[i];
      if (ys[i] > north) north = ys[i];
    }
    boxes.set([west, south, east, north], t * 4);
  }
  const placeOf = new Map(header.ids.map((id, place) => [id, place]));
  return { ...pack, xs, ys, ringStart, firstRing, boxes, placeOf, count };
}

// ---------------------------------------------------------------- raster

// The territory under the centre of each pixel, NONE where there is none. `view` is centre and metres per pixel.
function rasterise(shapes, view, width, height, shown) {
  const ids = new Int32Array(width * height).fill(NONE);
  const { xs, ys, ringStart, firstRing, boxes, header } = shapes;
  const { step, origin } = header;
  const scale = step / view.metres;
  const left = (origin[0] - view.x) / view.metres + width / 2;
  const top = height / 2 - (origin[1] - view.y) / view.metres;
  let flips = new Uint8Array(1 << 16);
  const inView = [];
  for (let t = 0; t < shapes.count; t++) {
    if (firstRing[t] === firstRing[t + 1] || !shown(t)) continue;
    const c0 = Math.max(0, Math.ceil(left + boxes[t * 4] * scale - 0.5));
    const c1 = Math.min(width - 1, Math.floor(left + boxes[t * 4 + 2] * scale - 0.5));
    const r0 = Math.max(0, Math.ceil(top - boxes[t * 4 + 3] * scale - 0.5));
    const r1 = Math.min(height - 1, Math.floor(top - boxes[t * 4 + 1] * scale - 0.5));
    if (c1 < c0 || r1 < r0) continue;
    inView.push(t);
    const wide = c1 - c0 + 1;
    const size = wide * (r1 - r0 + 1);
    if (flips.length < size) flips = new Uint8Array(size);
    for (let ring = firstRing[t]; ring < firstRing[t + 1]; ring++) {
      const end = ringStart[ring + 1];
      let px = left + xs[end - 1] * scale;
      let py = top - ys[end - 1] * scale;
      for (let i = ringStart[ring]; i < end; i++) {
        const x = left + xs[i] * scale;
        const y = top - ys[i] * scale;
        if (y !== py) {
          const lowY = y < py ? y : py;
          const highY = y < py ? py : y;
          let row = Math.ceil(lowY - 0.5);
          if (row < r0) row = r0;
          let last = Math.ceil(highY - 0.5) - 1;
          if (last > r1) last = r1;
          if (row <= last) {
            const slope = (x - px) / (y - py);
            let at = px + (row + 0.5 - py) * slope - 0.5;
            for (let cell = (row - r0) * wide; row <= last; row++, cell += wide, at += slope) {
              const column = Math.ceil(at);
              if (column <= c1) flips[cell + (column > c0 ? column - c0 : 0)] ^= 1;
            }
          }
        }
        px = x;
        py = y;
      }
    }
    let cell = 0;
    for (let row = r0; row <= r1; row++) {
      let inside = 0;
      for (let at = row * width + c0, stop = at + wide; at < stop; at++, cell++) {
        inside ^= flips[cell];
        flips[cell] = 0;
        if (inside) ids[at] = t;
      }
    }
  }
  return { ids, width, height, inView };
}

const packed = (rgb) => (0xff000000 | (rgb[2] << 16) | (rgb[1] << 8) | rgb[0]) >>> 0;

// Paints the raster into an image `factor` times smaller, each pixel the mean of its samples.
function paint(image, raster, factor, plain, striped, dotted, second) {
  const out = new Uint32Array(image.data.buffer);
  const { ids, width } = raster;
  const wide = image.width, high = image.height;
  const colour = (t, x, y) => {
    if (striped[t]) return (x + y) % HATCH_PERIOD < HATCH_GAP ? second[0] : plain[t];
    if (dotted[t]) return x % DOT_PERIOD === 0 && y % DOT_PERIOD === 0 ? second[1] : plain[t];
    return plain[t];
  };
  for (let y = 0, at = 0; y < high; y++) {
    for (let x = 0; x < wide; x++, at++) {
      if (factor === 1) {
        const t = ids[y * width + x];
        out[at] = t === NONE ? 0 : colour(t, x, y);
        continue;
      }
      const i = 2 * y * width + 2 * x;
      const a = ids[i], b = ids[i + 1], c = ids[i + width], d = ids[i + width + 1];
      if (a === b && a === c && a === d) {
        out[at] = a === NONE ? 0 : colour(a, x, y);
        continue;
      }
      let red = 0, green = 0, blue = 0, n = 0;
      for (const t of [a, b, c, d]) {
        if (t === NONE) continue;
        const rgb = colour(t, x, y);
        red += rgb & 255;
        green += (rgb >> 8) & 255;
        blue += (rgb >> 16) & 255;
        n++;
      }
      out[at] = n ? ((n * 63.75) << 24) | ((blue / n) << 16) | ((green / n) << 8) | (red / n) : 0;
    }
  }
}

function outline(shapes, t, path) {
  const { xs, ys, ringStart, firstRing } = shapes;
  for (let ring = firstRing[t]; ring < firstRing[t + 1]; ring++) {
    path.moveTo(xs[ringStart[ring]], ys[ringStart[ring]]);
    for (let i = ringStart[ring] + 1; i < ringStart[ring + 1]; i++) path.lineTo(xs[i], ys[i]);
    path.closePath();
  }
}

function classOf(breaks, value) {
  let place = 0;
  while (place < breaks.length && value >= breaks[place]) place++;
  return place;
}

// ---------------------------------------------------------------- the map

const ICONS = {
  in: "M8 3v10M3 8h10",
  out: "M3 8h10",
  whole: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  picture: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10",
};

function made(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const folded = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/['’-]/g, " ").toLowerCase();

class Choropleth {
  constructor(host) {
    this.root = made("div", { class: "map loading" });
    this.panesHost = made("div", { class: "panes" });
    this.live = made("div", { class: "aside", "aria-live": "polite" });
    this.find = made("input", { type: "search", role: "combobox", "aria-expanded": "false", "aria-controls": "found",
      "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false" });
    this.found = made("ul", { class: "found", id: "found", role: "listbox" });
    this.buttons = Object.fromEntries(
      Object.keys(ICONS).map((name) => [name, made("button", { type: "button" }, icon(name))]),
    );
    const tools = made("div", { class: "tools" }, ...Object.values(this.buttons));
    this.bar = made("div", { class: "bar" }, made("div", { class: "find" }, this.find, this.found), tools);
    this.root.append(this.panesHost, this.live);
    host.append(this.root);
    this.panes = [];
    this.view = null;
    this.moved = false;
    this.hovered = NONE;
    this.pointers = new Map();
    this.listen();
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.panesHost);
  }

  // ---- data

  async update(data, send) {
    const begun = performance.now();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.send = send;
    const before = this.data;
    this.data = data;
    this.root.style.setProperty("--map-height", `${data.height}px`);
    this.layout();
    try {
      const [shapes, ground, ...values] = await Promise.all([
        packOf(data.shapes, prepareShapes),
        data.ground ? packOf(data.ground, prepareShapes) : null,
        ...data.panes.map((pane) => packOf(pane.values)),
      ]);
      if (turn !== this.turn) return;
      const elsewhere = this.shapes !== shapes || before?.filter !== data.filter;
      Object.assign(this, { shapes, ground, values });
      const bank = data.filter ? shapes.header.caisses.indexOf(data.filter) : NONE;
      this.shown = bank === NONE ? () => true : (t) => shapes.caisse[t] === bank + 1;
      if (elsewhere) {
        this.raster = null;
        this.view = null;
        this.moved = false;
        this.hover(NONE);
      }
      this.selected = shapes.placeOf.get(data.selected) ?? NONE;
      this.root.classList.remove("loading", "failed");
      this.say("");
      this.draw();
      this.root.dataset.painted = data.stamp;
      this.root.dataset.took = String(Math.round(performance.now() - begun));
    } catch (error) {
      if (turn !== this.turn) return;
      this.root.classList.remove("loading");
      this.root.classList.add("failed");
      this.say(data.words.failed);
    }
  }

  say(text) {
    for (const pane of this.panes) pane.state.textContent = text;
  }

  layout() {
    const { data } = this;
    const { words } = data;
    if (this.panes.length !== data.panes.length) {
      this.panes = data.panes.map(() => {
        const pane = { title: made("h4"), base: made("canvas"), top: made("canvas"), state: made("div", { class: "state" }),
          tip: made("div", { class: "tip" }) };
        pane.sheet = made("div", { class: "sheet", tabindex: "0", role: "application" }, pane.base, pane.top, pane.state);
        pane.box = made("div", { class: "pane" }, pane.title, pane.sheet, pane.tip);
        return pane;
      });
      this.panesHost.replaceChildren(...this.panes.map((pane) => pane.box));
      this.panes[0].sheet.append(this.bar);
      this.raster = null;
      this.panes.forEach((pane) => this.listenTo(pane));
      if (!this.shapes) this.say(words.loading);
    }
    this.panes.forEach((pane, place) => {
      pane.title.textContent = data.panes[place].title;
      pane.title.hidden = !data.panes[place].title;
      pane.sheet.setAttribute("aria-label", data.panes[place].alt);
    });
    this.find.placeholder = words.search;
    this.find.setAttribute("aria-label", words.search);
    for (const [name, button] of Object.entries(this.buttons)) {
      button.setAttribute("aria-label", words[name]);
      button.title = words[name];
    }
  }

  // ---- view

  size() {
    const sheet = this.panes[0].sheet;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const wide = Math.max(1, Math.round(sheet.clientWidth * ratio));
    const high = Math.max(1, Math.round(sheet.clientHeight * ratio));
    return { wide, high, ratio, factor: ratio >= 1.5 ? 1 : 2 };
  }

  boxOf(places) {
    const { boxes, firstRing, header } = this.shapes;
    let west = Infinity, south = Infinity, east = -Infinity, north = -Infinity;
    for (const t of places) {
      if (firstRing[t] === firstRing[t + 1]) continue;
      west = Math.min(west, boxes[t * 4]);
      south = Math.min(south, boxes[t * 4 + 1]);
      east = Math.max(east, boxes[t * 4 + 2]);
      north = Math.max(north, boxes[t * 4 + 3]);
    }
    if (west > east) return null;
    const at = (value, axis) => header.origin[axis] + value * header.step;
    return [at(west, 0), at(south, 1), at(east, 0), at(north, 1)];
  }

  fit(box, room = 0.94) {
    const { wide, high, ratio } = this.size();
    const [west, south, east, north] = box;
    const metres = Math.max((east - west) / (wide * room), (north - south) / (high * room), NEAREST_M / ratio);
    return { x: (west + east) / 2, y: (south + north) / 2, metres };
  }

  whole() {
    const all = [];
    for (let t = 0; t < this.shapes.count; t++) if (this.shown(t)) all.push(t);
    const box = this.boxOf(all);
    return box && this.fit(box);
  }

  zoom(factor, x, y) {
    if (!this.view) return;
    const { wide, high, ratio } = this.size();
    const px = x === undefined ? wide / 2 : x * ratio;
    const py = y === undefined ? high / 2 : y * ratio;
    const metres = Math.min(Math.max(this.view.metres / factor, NEAREST_M / ratio), this.farthest);
    const dx = (px - wide / 2) * (this.view.metres - metres);
    const dy = (high / 2 - py) * (this.view.metres - metres);
    this.move({ x: this.view.x + dx, y: this.view.y + dy, metres });
  }

  pan(dx, dy) {
    const { ratio } = this.size();
    this.move({ ...this.view, x: this.view.x - dx * ratio * this.view.metres, y: this.view.y + dy * ratio * this.view.metres });
  }

  move(view) {
    this.view = view;
    this.moved = true;
    this.raster = null;
    if (!this.waiting) {
      this.waiting = requestAnimationFrame(() => {
        this.waiting = 0;
        this.draw();
      });
    }
  }

  resized() {
    if (!this.shapes) return;
    this.raster = null;
    if (!this.moved) this.view = null;
    this.draw();
  }

  // ---- drawing

  draw() {
    if (!this.shapes || !this.panes.length) return;
    const { wide, high, ratio, factor } = this.size();
    if (!this.view) {
      this.view = this.whole();
      if (!this.view) return this.say(this.data.words.nothing);
      this.farthest = this.view.metres * 1.6;
    }
    if (!this.raster || this.raster.width !== wide * factor || this.raster.height !== high * factor) {
      const fine = { ...this.view, metres: this.view.metres / factor };
      this.raster = rasterise(this.shapes, fine, wide * factor, high * factor, this.shown);
      this.lines = null;
    }
    this.panes.forEach((pane, place) => this.drawPane(pane, place, wide, high, ratio, factor));
    this.drawTop();
  }

  place(context, shapes, wide, high) {
    const { step, origin } = shapes.header;
    const scale = step / this.view.metres;
    context.setTransform(scale, 0, 0, -scale, (origin[0] - this.view.x) / this.view.metres + wide / 2,
      high / 2 - (origin[1] - this.view.y) / this.view.metres);
    return scale;
  }

  // Colour of each territory, and which are striped (runs diverge) or dotted (no value).
  colours(place) {
    const pane = this.data.panes[place], values = this.values[place], { paints } = this.data;
    const key = `${pane.values}|${pane.measure}|${paints.absent}`;
    if (this.panes[place].key === key && this.panes[place].colours.of === this.shapes) return this.panes[place].colours;
    const count = this.shapes.count;
    const plain = new Uint32Array(count), striped = new Uint8Array(count), dotted = new Uint8Array(count);
    const palette = pane.colours.map(packed), absent = packed(paints.absent);
    const column = pane.measure === "level" || pane.measure === "amount" ? values.q50 : values.delta_q50;
    for (let t = 0; t < count; t++) {
      if (values.reason[t]) {
        plain[t] = absent;
        dotted[t] = 1;
      } else if (pane.measure === "class") {
        plain[t] = palette[values.category[t]];
      } else {
        plain[t] = palette[classOf(pane.breaks, column[t])];
        striped[t] = values.agreement && diverges(values, t, AGREEMENT_MIN) ? 1 : 0;
      }
    }
    this.panes[place].key = key;
    this.panes[place].colours = { plain, striped, dotted, of: this.shapes };
    return this.panes[place].colours;
  }

  drawPane(pane, place, wide, high, ratio, factor) {
    const { base, top } = pane;
    if (base.width !== wide || base.height !== high) {
      base.width = top.width = wide;
      base.height = top.height = high;
    }
    const { paints } = this.data;
    const context = base.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, wide, high);
    if (this.ground) {
      this.land ??= new Map();
      if (!this.land.has(this.ground)) {
        const path = new Path2D();
        for (let t = 0; t < this.ground.count; t++) outline(this.ground, t, path);
        this.land.set(this.ground, path);
      }
      this.place(context, this.ground, wide, high);
      context.fillStyle = `rgb(${paints.ground})`;
      context.fill(this.land.get(this.ground), "evenodd");
    }
    const { plain, striped, dotted } = this.colours(place);
    const image = new ImageData(wide, high);
    paint(image, this.raster, factor, plain, striped, dotted, [packed(paints.hatch), packed(paints.dot)]);
    this.easel ??= document.createElement("canvas");
    if (this.easel.width !== wide || this.easel.height !== high) {
      this.easel.width = wide;
      this.easel.height = high;
    }
    this.easel.getContext("2d").putImageData(image, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.easel, 0, 0);
    if (this.raster.inView.length <= STROKED_AT_MOST) {
      if (!this.lines) {
        this.lines = new Path2D();
        for (const t of this.raster.inView) outline(this.shapes, t, this.lines);
      }
      const scale = this.place(context, this.shapes, wide, high);
      context.lineWidth = (0.5 * ratio) / scale;
      context.strokeStyle = `rgba(${paints.line})`;
      context.stroke(this.lines);
    }
    if (this.ground) {
      const scale = this.place(context, this.ground, wide, high);
      context.lineWidth = (0.8 * ratio) / scale;
      context.strokeStyle = `rgba(${paints.border})`;
      context.stroke(this.land.get(this.ground));
    }
  }

  drawTop() {
    const { wide, high, ratio } = this.size();
    for (const pane of this.panes) {
      const context = pane.top.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, wide, high);
      if (!this.view) continue;
      const scale = this.place(context, this.shapes, wide, high);
      for (const [t, width, colour] of [[this.hovered, 2, this.data.paints.hover], [this.selected, 5, this.data.paints.halo],
        [this.selected, 2.4, this.data.paints.chosen]]) {
        if (t === NONE) continue;
        const path = new Path2D();
        outline(this.shapes, t, path);
        context.lineJoin = "round";
        context.lineWidth = (width * ratio) / scale;
        context.strokeStyle = `rgb(${colour})`;
        context.stroke(path);
      }
    }
  }

  // ---- hover and choice

  under(pane, event) {
    const { ratio, factor } = this.size();
    const box = pane.sheet.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    if (!this.raster || x < 0 || y < 0 || x >= box.width || y >= box.height) return { x, y, t: NONE };
    const at = Math.floor(y * ratio * factor) * this.raster.width + Math.floor(x * ratio * factor);
    return { x, y, t: this.raster.ids[at] ?? NONE };
  }

  named(t) {
    const { names, parents } = this.shapes.header;
    return parents[t] ? `${names[t]} (${parents[t]})` : names[t];
  }

  hover(t, x, y) {
    const changed = t !== this.hovered;
    this.hovered = t;
    this.panes.forEach((pane, place) => {
      if (t === NONE) return pane.tip.replaceChildren();
      if (changed) {
        const lines = said(this.values[place], t, this.data.panes[place], this.data.words);
        pane.tip.replaceChildren(made("b", {}, this.named(t)), lines.join("\n"));
      }
      const wide = pane.sheet.clientWidth, high = pane.sheet.clientHeight, from = pane.sheet.offsetTop;
      const left = x + 16 + pane.tip.offsetWidth > wide ? x - 16 - pane.tip.offsetWidth : x + 16;
      pane.tip.style.left = `${Math.max(0, Math.min(left, wide - pane.tip.offsetWidth))}px`;
      pane.tip.style.top = `${from + Math.max(0, Math.min(y + 12, high - pane.tip.offsetHeight - 4))}px`;
    });
    if (changed && this.shapes) this.drawTop();
  }

  choose(t) {
    if (t === NONE) return;
    this.selected = t;
    this.drawTop();
    const lines = said(this.values[0], t, this.data.panes[0], this.data.words);
    this.live.textContent = [this.named(t), ...lines].join(", ");
    this.send("picked", this.shapes.header.ids[t]);
  }

  listen() {
    this.buttons.in.onclick = () => this.zoom(ZOOM_STEP);
    this.buttons.out.onclick = () => this.zoom(1 / ZOOM_STEP);
    this.buttons.whole.onclick = () => {
      this.moved = false;
      this.view = null;
      this.raster = null;
      this.draw();
    };
    this.buttons.picture.onclick = () => this.picture();
    for (const type of ["pointerdown", "wheel", "dblclick", "keydown"]) {
      this.bar.addEventListener(type, (event) => event.stopPropagation());
    }
    this.find.oninput = () => this.search(this.find.value);
    this.find.onfocus = () => this.search(this.find.value);
    this.find.onblur = () => setTimeout(() => this.results([]), 150);
    this.find.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) this.point((this.pointed ?? -1) + step);
      else if (event.key === "Enter" && this.matches?.length) this.go(this.matches[Math.max(this.pointed, 0)]);
      else if (event.key === "Escape") this.results([]);
      else return;
      event.preventDefault();
    };
  }

  listenTo(pane) {
    const { sheet } = pane;
    sheet.onpointerdown = (event) => {
      if (event.button) return;
      sheet.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      this.dragged = 0;
    };
    sheet.onpointermove = (event) => {
      const before = this.pointers.get(event.pointerId);
      if (!before || !this.view) {
        if (this.shapes && this.values) {
          const { x, y, t } = this.under(pane, event);
          this.hover(event.target === sheet || sheet.contains(event.target) && !this.bar.contains(event.target) ? t : NONE, x, y);
        }
        return;
      }
      const now = { x: event.clientX, y: event.clientY };
      const box = sheet.getBoundingClientRect();
      if (this.pointers.size === 2) {
        const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
        const span = (point) => Math.hypot(point.x - other.x, point.y - other.y);
        this.zoom(span(now) / Math.max(span(before), 1), (now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top);
        this.dragged = 99;
      } else {
        this.dragged += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
        if (this.dragged > 4) {
          this.hover(NONE);
          this.pan(now.x - before.x, now.y - before.y);
        }
      }
      this.pointers.set(event.pointerId, now);
    };
    sheet.onpointerup = (event) => {
      const was = this.pointers.delete(event.pointerId);
      if (was && this.dragged <= 4 && this.shapes && this.values) this.choose(this.under(pane, event).t);
    };
    sheet.onpointercancel = (event) => this.pointers.delete(event.pointerId);
    sheet.onpointerleave = () => this.hover(NONE);
    sheet.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = sheet.getBoundingClientRect();
      this.hover(NONE);
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.03 : 0.0015)), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    sheet.onkeydown = (event) => {
      if (event.target !== sheet || !this.view) return;
      const step = 60;
      const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (moves[event.key]) this.pan(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(ZOOM_STEP);
      else if (event.key === "-") this.zoom(1 / ZOOM_STEP);
      else if (event.key === "0") this.buttons.whole.onclick();
      else if (event.key === "Enter") this.choose(this.middle());
      else return;
      event.preventDefault();
    };
  }

  middle() {
    const { ids, width, height } = this.raster;
    return ids[Math.floor(height / 2) * width + Math.floor(width / 2)];
  }

  // ---- search

  search(text) {
    if (!this.shapes) return;
    const wanted = folded(text.trim());
    if (wanted.length < 2) return this.results([]);
    const { names, codes } = this.shapes.header;
    this.shapes.folded ??= names.map(folded);
    const ranks = [[], [], []];
    for (let t = 0; t < names.length; t++) {
      if (!this.shown(t)) continue;
      const name = this.shapes.folded[t];
      if (name === wanted || codes[t].toLowerCase() === wanted) ranks[0].push(t);
      else if (name.startsWith(wanted) || codes[t].startsWith(wanted.toUpperCase())) ranks[1].push(t);
      else if (ranks[2].length < RESULTS && name.includes(` ${wanted}`)) ranks[2].push(t);
    }
    ranks[1].sort((a, b) => names[a].length - names[b].length);
    this.results(ranks.flat().slice(0, RESULTS), true);
  }

  results(matches, asked = false) {
    this.matches = matches;
    this.pointed = -1;
    const { names, codes } = this.shapes?.header ?? {};
    const rows = matches.map((t, place) => {
      const row = made("li", { role: "option", id: `found-${place}`, "aria-selected": "false" },
        made("span", { class: "code" }, codes[t]), names[t]);
      row.onpointerdown = () => this.go(t);
      return row;
    });
    if (asked && !rows.length) rows.push(made("li", { "aria-disabled": "true" }, this.data.words.noMatch));
    this.found.replaceChildren(...rows);
    this.find.setAttribute("aria-expanded", String(rows.length > 0));
    this.find.removeAttribute("aria-activedescendant");
  }

  point(place) {
    const count = this.matches?.length;
    if (!count) return;
    this.pointed = (place + count) % count;
    [...this.found.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === this.pointed)));
    this.find.setAttribute("aria-activedescendant", `found-${this.pointed}`);
  }

  go(t) {
    const box = this.boxOf([t]);
    this.find.value = this.shapes.header.names[t];
    this.results([]);
    if (box) {
      const near = this.fit(box, 0.25);
      this.move({ ...near, metres: Math.min(near.metres, this.farthest) });
    }
    this.choose(t);
  }

  // ---- picture

  picture() {
    const { picture, panes } = this.data;
    const ratio = 2, margin = 24, gap = 16;
    const sheet = this.panes[0].sheet;
    const wide = sheet.clientWidth, high = sheet.clientHeight;
    const full = panes.length * wide + (panes.length - 1) * gap + 2 * margin;
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    const font = getComputedStyle(this.root).fontFamily;
    const wrap = (text, size) => {
      context.font = `${size}px ${font}`;
      const lines = [""];
      for (const word of text.split(" ")) {
        const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
        if (context.measureText(longer).width > full - 2 * margin && lines.at(-1)) lines.push(word);
        else lines[lines.length - 1] = longer;
      }
      return lines;
    };
    const notes = picture.source.flatMap((line) => wrap(line, 11));
    const titled = panes.some((pane) => pane.title) ? 22 : 0;
    const columns = Math.max(1, Math.floor((full - 2 * margin) / 260));
    const legendHigh = Math.ceil(picture.legend.length / columns) * 20 + 28;
    const total = margin + 30 + titled + high + 12 + legendHigh + notes.length * 15 + margin;
    canvas.width = full * ratio;
    canvas.height = total * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(this.root);
    context.fillStyle = style.getPropertyValue("--st-background-color") || "#fff";
    context.fillRect(0, 0, full, total);
    const ink = style.color;
    const write = (text, x, y, size, weight = "400") => {
      context.font = `${weight} ${size}px ${font}`;
      context.fillStyle = ink;
      context.fillText(text, x, y);
    };
    write(picture.title, margin, margin + 14, 17, "600");
    let y = margin + 30;
    this.panes.forEach((pane, place) => {
      const x = margin + place * (wide + gap);
      if (titled) write(panes[place].title, x, y + 14, 13, "600");
      for (const layer of [pane.base, pane.top]) context.drawImage(layer, x, y + titled, wide, high);
    });
    y += titled + high + 12;
    write(picture.legendTitle, margin, y + 14, 12, "600");
    y += 24;
    picture.legend.forEach(([rgb, text, hatched], place) => {
      const x = margin + (place % columns) * 260, top = y + Math.floor(place / columns) * 20;
      context.fillStyle = `rgb(${rgb})`;
      context.fillRect(x, top, 22, 13);
      context.save();
      context.beginPath();
      context.rect(x, top, 22, 13);
      context.strokeStyle = "rgba(120,120,120,.7)";
      context.stroke();
      context.clip();
      if (hatched) {
        context.lineWidth = 2.5;
        for (let at = -13; at < 22; at += 7) {
          context.beginPath();
          context.moveTo(x + at, top + 13);
          context.lineTo(x + at + 13, top);
          context.stroke();
        }
      }
      context.restore();
      write(text, x + 30, top + 11, 12);
    });
    y += legendHigh - 24 + 8;
    notes.forEach((line, place) => write(line, margin, y + place * 15, 11));
    canvas.toBlob((blob) => {
      const link = made("a", { href: URL.createObjectURL(blob), download: picture.file });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  close() {
    this.sizes.disconnect();
    if (this.waiting) cancelAnimationFrame(this.waiting);
    this.root.remove();
  }
}

const maps = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!maps.has(parentElement)) maps.set(parentElement, new Choropleth(parentElement));
  const map = maps.get(parentElement);
  map.update(data, setTriggerValue);
  return () => {
    map.close();
    maps.delete(parentElement);
  };
}
