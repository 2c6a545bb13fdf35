// The map: a tree as an icicle. Width is tokens, colour is relevance, outlined is what was kept.
// Only what is in the window is drawn, and what is thinner than a pixel is drawn together.
"use strict";

inspector.Map = class {
  constructor(tree, canvas) {
    this.tree = tree;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.kept = new inspector.Kept(tree);
    [this.low, this.high] = [0, tree.tokens];
    this.relevance = null;
    this.earlier = null;
    this.share = 1;
    this.selected = tree.root;
    this.hovered = null;
    this.lit = null; // the number of a piece
    this.leafText = () => "";
    this.frame = 0; // milliseconds that drawing took
    this.window = new inspector.Motion(380, (share) => {
      this.low = inspector.mixed(this.from[0], this.to[0], share);
      this.high = inspector.mixed(this.from[1], this.to[1], share);
      this.draw();
    });
    this.change = new inspector.Motion(650, (share) => {
      this.share = share;
      this.kept.share = share;
      this.draw();
    });
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
  }

  resize() {
    const density = window.devicePixelRatio || 1;
    this.width = this.canvas.parentElement.clientWidth;
    this.row = Math.round(Math.min(36, Math.max(20, 262 / this.tree.height)));
    this.lane = 42;
    this.bottom = this.row * this.tree.height;
    this.canvas.style.height = `${this.bottom + this.lane}px`;
    this.canvas.width = Math.round(this.width * density);
    this.canvas.height = Math.round((this.bottom + this.lane) * density);
    this.context.setTransform(density, 0, 0, density, 0, 0);
    this.draw();
  }

  show(view) {
    this.kept.set(view);
    if (view.relevance !== undefined) {
      this.earlier = this.relevance;
      this.relevance = view.relevance && view.relevance.map((each) =>
        Uint8Array.from(atob(each), (character) => character.charCodeAt(0)));
    } else {
      this.earlier = this.relevance;
    }
    this.share = 0;
    this.change.begin();
  }

  // Show a window of tokens.
  zoom(low, high, moving = true) {
    const least = Math.min(this.tree.tokens, 24);
    const size = Math.min(this.tree.tokens, Math.max(least, high - low));
    const start = Math.min(Math.max(0, (low + high - size) / 2), this.tree.tokens - size);
    this.from = [this.low, this.high];
    this.to = [start, start + size];
    if (moving) this.window.begin();
    else {
      cancelAnimationFrame(this.window.running);
      [this.low, this.high] = this.to;
      this.draw();
    }
  }

  zoomBy(factor, x = this.width / 2, moving = true) {
    const token = this.token(x);
    const [low, high] = [this.low, this.high];
    this.zoom(token - (token - low) * factor, token + (high - token) * factor, moving);
  }

  open(id) {
    const [low, high] = this.tree.range(id);
    const room = id === this.tree.root ? 0 : 0.06 * (high - low);
    this.zoom(low - room, high + room);
  }

  // Move the window until a node is in it.
  reveal(id) {
    const [low, high] = this.tree.range(id);
    const size = this.high - this.low;
    if (high - low > size) this.open(id);
    else if (low < this.low) this.zoom(low - 0.1 * size, low + 0.9 * size);
    else if (high > this.high) this.zoom(high - 0.9 * size, high + 0.1 * size);
    else this.draw();
  }

  x(token) { return ((token - this.low) / (this.high - this.low)) * this.width; }

  token(x) { return this.low + (x / this.width) * (this.high - this.low); }

  top(level) { return (this.tree.height - 1 - level) * this.row; }

  // What lies under a point: a node, or a piece in the lane below.
  find(x, y) {
    if (y >= this.bottom) {
      let [best, distance] = [null, 14];
      for (const box of this.kept.boxes) {
        const away = Math.abs(this.x((box.to[0] + box.to[1]) / 2) - x);
        if (away < distance) [best, distance] = [box.number, away];
      }
      return { node: null, piece: best };
    }
    const token = Math.min(Math.max(this.token(x), 0), this.tree.tokens - 1e-6);
    const level = this.tree.height - 1 - Math.max(0, Math.floor(y / this.row));
    return { node: this.tree.under(level, token), piece: this.kept.holding(token) };
  }

  shade(level, place) {
    const now = this.relevance ? this.relevance[level][place] : 60;
    if (this.share >= 1 || this.earlier === this.relevance) return now;
    const before = this.earlier ? this.earlier[level][place] : 60;
    return Math.round(inspector.mixed(before, now, this.share));
  }

  draw() {
    const started = performance.now();
    const style = getComputedStyle(document.documentElement);
    this.theme = inspector.colours[document.documentElement.dataset.theme];
    this.paper = style.getPropertyValue("--paper");
    this.ink = style.getPropertyValue("--ink");
    this.accent = style.getPropertyValue("--accent");
    this.onAccent = style.getPropertyValue("--on-accent");
    this.context.clearRect(0, 0, this.width, this.bottom + this.lane);
    this.context.font = "12px Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
    this.context.textBaseline = "middle";
    for (let level = this.tree.height - 1; level >= 0; level -= 1) this.drawLevel(level);
    this.drawFrames();
    this.drawKept();
    this.frame = performance.now() - started;
  }

  drawLevel(level) {
    const { tree, context } = this;
    const first = tree.first[level];
    const top = this.top(level);
    const begin = inspector.last(tree.before, Math.max(0, this.low));
    let place = inspector.last(first, Math.min(begin, tree.leaves - 1));
    let [thin, shade] = [null, 0]; // where nodes thinner than a pixel begin, and the darkest of them
    const height = this.row - 2;
    for (; place < first.length; place += 1) {
      const from = tree.before[first[place]];
      if (from > this.high) break;
      const to = tree.before[place + 1 < first.length ? first[place + 1] : tree.leaves];
      const [left, right] = [this.x(from), this.x(to)];
      const own = this.shade(level, place);
      if (right - left < 1.5) {
        thin ??= left;
        shade = Math.max(shade, own);
        if (right - thin >= 1) {
          context.fillStyle = this.theme.cells[shade];
          context.fillRect(thin, top, right - thin + 0.3, height);
          [thin, shade] = [null, 0];
        }
        continue;
      }
      thin = null;
      context.fillStyle = this.theme.cells[own];
      context.fillRect(left, top, right - left - (right - left > 4 ? 1 : 0.3), height);
      if (right - left > 44) this.write(level, place, left, right, top, own);
    }
  }

  write(level, place, left, right, top, shade) {
    const start = Math.max(left, 0) + 7;
    const room = Math.min(right, this.width) - start - 8;
    if (room < 28 || this.row < 18) return;
    const id = this.tree.offsets[level] + place;
    const text = level > 0 ? this.tree.label(id) : this.leafText(id);
    const most = Math.floor(room / 6.1);
    if (!text || (most < text.length && most < 8)) return; // a few letters say nothing
    this.context.fillStyle = this.theme.inks[shade];
    const shown = text.length > most ? `${text.slice(0, most - 1).replace(/[\s…]+$/, "")}…` : text;
    this.context.fillText(shown, start, top + this.row / 2 - 0.5, room + 4);
  }

  drawFrames() {
    for (const [id, width] of [[this.hovered, 1], [this.selected, 2]]) {
      if (id === null || id === this.tree.root) continue;
      const [low, high] = this.tree.range(id);
      const [left, right] = [this.x(low), this.x(high)];
      if (right < 0 || left > this.width) continue;
      this.context.strokeStyle = this.ink;
      this.context.lineWidth = width;
      const inset = width / 2;
      this.context.strokeRect(left + inset, this.top(this.tree.level(id)) + inset,
        Math.max(2, right - left - 1 - width), this.row - 2 - width);
    }
  }

  drawKept() {
    const { context, kept } = this;
    for (const token of kept.next) {
      const x = this.x(token);
      if (x < -4 || x > this.width + 4) continue;
      context.strokeStyle = this.accent;
      context.lineWidth = 1.25;
      context.beginPath();
      context.arc(x, this.bottom + 35, 3, 0, 7);
      context.stroke();
    }
    for (const box of kept.leaving) {
      const middle = (box.at[0] + box.at[1]) / 2;
      context.globalAlpha = 1 - kept.share;
      this.drawBox(box, box.at.map((each) => inspector.mixed(each, middle, kept.share)));
    }
    context.globalAlpha = 1;
    if (kept.share >= 1) kept.leaving = [];
    for (const box of kept.boxes) this.drawBox(box, kept.now(box).at);
    const middle = (box) => this.x((kept.now(box).at[0] + kept.now(box).at[1]) / 2);
    for (const mark of inspector.marks(kept.boxes, middle, this.width)) this.drawMark(mark);
  }

  drawBox(box, [low, high]) {
    const { context } = this;
    let [left, right] = [this.x(low), this.x(high)];
    if (right < -4 || left > this.width + 4) return;
    const middle = (left + right) / 2;
    const lit = box.number === this.lit;
    const top = this.top(box.level) - 1;
    const bottom = box.summary ? top + this.row : this.bottom;
    [left, right] = [Math.max(left, -6), Math.min(right, this.width + 6)];
    if (right - left < 4) [left, right] = [middle - 2, middle + 2];
    context.strokeStyle = this.accent;
    context.fillStyle = this.accent;
    context.lineWidth = 1;
    context.fillRect(middle - 0.75, bottom, 1.5, this.bottom + 7 - bottom);
    if (right - left <= 5) {
      context.fillStyle = this.paper;
      context.fillRect(left - 1, top, right - left + 2, bottom - top);
      context.fillStyle = this.accent;
      context.fillRect(left, top, right - left, bottom - top);
      return;
    }
    context.setLineDash([]);
    context.strokeStyle = this.paper;
    context.lineWidth = 5;
    context.strokeRect(left, top, right - left, bottom - top);
    if (lit || box.summary) this.fillBox(box, left, top, right, bottom, lit);
    context.strokeStyle = this.accent;
    context.lineWidth = lit ? 3.5 : 2.5;
    context.setLineDash(box.summary ? [5, 3] : []);
    context.strokeRect(left, top, right - left, bottom - top);
    context.setLineDash([]);
  }

  fillBox(box, left, top, right, bottom, lit) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    if (lit) {
      context.globalAlpha *= 0.16;
      context.fillRect(left, top, right - left, bottom - top);
    }
    if (box.summary) {
      context.globalAlpha = 0.6;
      context.lineWidth = 1;
      context.strokeStyle = this.accent;
      context.beginPath();
      for (let x = left - (bottom - top); x < right; x += 6) {
        context.moveTo(x, bottom);
        context.lineTo(x + bottom - top, top);
      }
      context.stroke();
    }
    context.restore();
  }

  drawMark(mark) {
    const { context } = this;
    const lit = this.lit !== null && mark.low <= this.lit && this.lit <= mark.high;
    const half = Math.max(9, 4 + 3.6 * mark.text.length) + (lit ? 2 : 0);
    const x = Math.min(Math.max(mark.x, half), this.width - half);
    const [top, height] = [this.bottom + 7 - (lit ? 1 : 0), 18 + (lit ? 2 : 0)];
    context.fillStyle = this.accent;
    context.beginPath();
    context.roundRect(x - half, top, 2 * half, height, 10);
    context.fill();
    context.fillStyle = this.onAccent;
    context.textAlign = "center";
    const font = context.font;
    context.font = `600 11px ${font.slice(font.indexOf(" ") + 1)}`;
    context.fillText(mark.text, x, top + height / 2 + 0.5);
    context.font = font;
    context.textAlign = "left";
  }
};
