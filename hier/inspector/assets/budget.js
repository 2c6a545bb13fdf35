// The budget: a slider on a scale of factors, the curve above it, and what a choice comes to.
"use strict";

inspector.Budget = class {
  constructor(least, most, rungs, changed) {
    const pick = (id) => document.getElementById(id);
    [this.slider, this.field, this.curve] = [pick("slider"), pick("budget"), pick("curve")];
    this.rungs = rungs;
    [this.least, this.most] = rungs ? [rungs[0], rungs.at(-1)] : [least, most];
    this.changed = changed;
    this.points = [];
    this.value = this.least;
    if (rungs) {
      this.field.readOnly = true;
      pick("rungs").hidden = false;
      pick("rungs").textContent = `This file holds ${rungs.length} budgets a question, worked out `
        + "in advance; hier serve works out any.";
    }
    this.slider.addEventListener("input", () => this.move(this.amount(this.slider.value / 1000)));
    this.slider.addEventListener("keydown", (event) => this.press(event));
    this.field.addEventListener("change", () => {
      if (Number(this.field.value) >= 1) this.move(Number(this.field.value));
      else this.field.value = this.value;
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.target.blur();
    });
    new ResizeObserver(() => this.drawCurve()).observe(this.slider);
    this.drawTicks();
  }

  share(tokens) {
    const place = Math.log(Math.max(tokens, 1) / this.least) / Math.log(this.most / this.least);
    return Math.min(1, Math.max(0, place));
  }

  amount(share) {
    const exact = this.least * (this.most / this.least) ** share;
    const step = exact < 200 ? 1 : exact < 1000 ? 10 : exact < 5000 ? 50 : 100;
    return Math.round(exact / step) * step;
  }

  // Take a budget, the nearest that can be had; tell only what is new.
  move(tokens) {
    const nearest = (a, b) =>
      (Math.abs(Math.log(a / tokens)) <= Math.abs(Math.log(b / tokens)) ? a : b);
    const wanted = this.rungs
      ? this.rungs.reduce(nearest)
      : Math.min(Math.max(Math.round(tokens), 1), this.most);
    const fresh = wanted !== this.value;
    this.set(wanted);
    if (fresh) this.changed(wanted);
  }

  set(tokens) {
    this.value = tokens;
    this.field.value = tokens;
    this.slider.value = Math.round(1000 * this.share(tokens));
    this.slider.setAttribute("aria-valuetext", `${inspector.number(tokens)} tokens`);
  }

  press(event) {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 4, PageDown: -4 };
    const far = { Home: this.least, End: this.most };
    if (!(event.key in by) && !(event.key in far)) return;
    event.preventDefault();
    if (event.key in far) this.move(far[event.key]);
    else if (this.rungs) {
      const place = this.rungs.indexOf(this.value) + by[event.key];
      this.move(this.rungs[Math.min(Math.max(place, 0), this.rungs.length - 1)]);
    } else {
      const next = Math.round(this.value * 1.08 ** by[event.key]);
      this.move(next === this.value ? next + Math.sign(by[event.key]) : next);
    }
  }

  drawTicks() {
    const ticks = document.getElementById("ticks");
    const steps = [50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];
    for (const tokens of steps.filter((each) => each >= this.least && each <= this.most)) {
      const text = tokens < 1000 ? tokens : `${tokens / 1000}k`;
      const tick = inspector.make("span", {}, String(text));
      const share = this.share(tokens);
      tick.style.left = `calc(9px + ${share} * (100% - 18px))`;
      ticks.append(tick);
    }
  }

  show(view) {
    const pick = (id, text) => { document.getElementById(id).textContent = text; };
    this.view = view;
    pick("tokens", inspector.number(view.tokens));
    pick("coverage", inspector.percent(view.coverage));
    const asked = view.query.length > 0;
    pick("covered", asked ? "of all that is relevant" : "of what the text speaks of");
    document.getElementById("scale").hidden = !asked; // nothing is more relevant to no question
    pick("optimality", `≥ ${Math.floor(100 * view.optimality)}%`);
    const gain = view.next.coverage;
    pick("next", gain > 0 ? `+${inspector.percent(gain, gain < 0.1 ? 1 : 0)}` : "+0%");
    pick("going", view.going > 0
      ? `the next token: +${inspector.percent(view.going, 3)}` : "there is nothing left to add");
    this.drawCurve();
  }

  drawCurve() {
    const { curve, view } = this;
    const [width, height, top] = [this.slider.clientWidth, 118, 10];
    if (!width) return;
    const draw = (name, attributes, text = "") => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.textContent = text;
      curve.append(element);
    };
    curve.replaceChildren();
    const x = (tokens) => 9 + this.share(tokens) * (width - 18);
    const y = (value) => top + (1 - value) * (height - top - 2);
    for (const value of [0, 0.5, 1]) {
      draw("line", { class: "grid", x1: 0, x2: width, y1: y(value), y2: y(value) });
      if (value) draw("text", { x: 0, y: y(value) - 3 }, inspector.percent(value));
    }
    // The curve's choices nest, an allocation's need not: where that is worth more, it is.
    const points = this.points.filter(([tokens]) => tokens >= this.least / 2)
      .map(([tokens, value]) => `${x(tokens).toFixed(1)},${y(value).toFixed(1)}`);
    if (points.length > 1) {
      const [first, last] = [points[0].split(",")[0], points.at(-1).split(",")[0]];
      draw("polygon", { class: "area",
        points: `${first},${y(0)} ${points.join(" ")} ${last},${y(0)}` });
      draw("polyline", { class: "line", points: points.join(" ") });
    }
    if (!view) return;
    const [spent, covered] = [x(view.tokens), view.coverage];
    const further = [x(view.tokens + view.next.tokens), covered + view.next.coverage];
    draw("polygon", { class: "gain", points: `${spent},${y(0)} ${spent},${y(covered)} `
      + `${further[0]},${y(Math.min(1, further[1]))} ${further[0]},${y(0)}` });
    draw("line", { class: "drop", x1: spent, x2: spent, y1: y(covered), y2: height + 6 });
    draw("circle", { class: "dot", cx: spent, cy: y(covered), r: 6 });
    curve.setAttribute("aria-label", `Value covered against tokens: ${inspector.number(view.tokens)} `
      + `tokens cover ${inspector.percent(covered)}, 500 more ${inspector.percent(further[1])}`);
  }
};
