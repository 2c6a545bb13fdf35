// The page: one question, one budget, one part of the document; and who tells whom.
"use strict";

inspector.Page = class {
  constructor(source, told) {
    const pick = (id) => document.getElementById(id);
    this.source = source;
    this.tree = new inspector.Tree(told);
    this.map = new inspector.Map(this.tree, pick("map"));
    this.items = new inspector.Items(this.tree, pick("tree"), pick("items"));
    this.panel = new inspector.NodePanel(this.tree, (id) => this.open(id));
    this.context = new inspector.Context({
      lit: (number) => this.point(number, false),
      left: () => { if (!this.pinned) this.light(null, false); },
      chosen: (number) => this.goTo(number),
    });
    this.budget = new inspector.Budget(...told.budgets, source.rungs, () => this.ask());
    this.texts = new Map(); // of sections, for the words on leaves
    this.map.leafText = (id) => this.leafText(id);
    this.title(told);
    this.wire(pick);
    inspector.point(this.map, {
      over: (found) => this.over(found),
      chosen: (found) => (found.node === null ? this.goTo(found.piece) : this.open(found.node)),
    });
    this.path();
    this.items.show(this.map.selected, (id) => this.describe(id));
  }

  title(told) {
    const name = inspector.visible(told.name);
    document.title = `${name} – hier inspector`;
    document.getElementById("document").textContent =
      `${name} · ${inspector.plural(told.tokens, "token")}`;
    this.levels();
  }

  levels() {
    const highest = this.tree.height - 1;
    const names = new Map(); // each with the highest of its levels
    for (let level = 0; level <= highest; level += 1) names.set(this.tree.named(level), level);
    document.getElementById("levels").replaceChildren(...[...names].map(([name, level]) => {
      const label = inspector.make("span", {}, level === highest ? name : `${name}s`);
      label.style.top = `${this.map.top(level) + this.map.row / 2 - 10}px`;
      return label;
    }));
  }

  wire(pick) {
    pick("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.question(pick("question").value);
    });
    pick("in").addEventListener("click", () => this.map.zoomBy(0.5));
    pick("out").addEventListener("click", () => this.map.zoomBy(2));
    pick("all").addEventListener("click", () => this.open(this.tree.root));
    pick("copy").addEventListener("click", () => this.copy());
    pick("tree").addEventListener("keydown", (event) => inspector.steer(this, event));
    const { questions } = this.source;
    pick("questions").hidden = questions.length < 2;
    pick("questions").replaceChildren(...questions.map((query) => {
      const chip = inspector.make("button", { type: "button" }, inspector.visible(query));
      chip.addEventListener("click", () => this.question(query));
      return chip;
    }));
  }

  async begin() {
    const { query, budget } = this.source.start();
    this.budget.set(Math.min(budget, this.budget.most));
    await this.question(query);
  }

  async question(query) {
    document.getElementById("question").value = query;
    this.query = query.trim();
    const chips = document.querySelectorAll("#questions button");
    this.source.questions.forEach((each, i) =>
      chips[i].setAttribute("aria-pressed", String(each === this.query)));
    this.fresh = true;
    await this.ask();
  }

  // Ask for what is on the page now; while one answer is awaited, only the latest question waits.
  async ask() {
    this.wanted = [this.query, this.budget.value];
    if (this.asking) return;
    this.asking = true;
    document.getElementById("pieces").setAttribute("aria-busy", "true");
    try {
      while (this.wanted) {
        const [query, budget] = this.wanted;
        const { fresh } = this;
        [this.wanted, this.fresh] = [null, false];
        await this.load(query, budget, fresh);
      }
    } catch (error) {
      this.fresh = true;
      inspector.complain(error);
    } finally {
      this.asking = false;
      document.getElementById("pieces").setAttribute("aria-busy", "false");
    }
  }

  async load(query, budget, fresh) {
    const view = await this.source.view(query, budget, fresh);
    if (!fresh) delete view.relevance;
    inspector.complain(null);
    this.view = view;
    this.map.lit = null;
    this.pinned = false;
    this.budget.show(view);
    this.context.show(view);
    this.map.show(view);
    this.under(this.map.selected);
    this.say();
    if (fresh) this.loadCurve(query);
  }

  // The curve takes longer than an allocation, and nothing waits for it.
  async loadCurve(query) {
    this.budget.points = [];
    try {
      const points = await this.source.curve(query);
      if (query !== this.query) return;
      this.budget.points = points;
      this.budget.drawCurve();
    } catch (error) {
      inspector.complain(error);
    }
  }

  say() {
    clearTimeout(this.saying);
    const { view } = this;
    this.saying = setTimeout(() => {
      this.source.remember(this.query, this.budget.value);
      document.getElementById("said").textContent =
        `${inspector.number(view.tokens)} of ${inspector.number(view.budget)} tokens, `
        + `${inspector.plural(view.segments.text.length, "piece")}, `
        + `${inspector.percent(view.coverage)} of the value, at least `
        + `${Math.floor(100 * view.optimality)}% of the best possible; 500 more tokens would add `
        + `${inspector.percent(view.next.coverage, 1)}.`;
    }, 350);
  }

  under(id) {
    document.getElementById("under").textContent = this.describe(id);
  }

  describe(id) {
    const [low, high] = this.tree.range(id);
    const level = this.tree.level(id);
    const { relevance } = this.map;
    const shade = relevance ? relevance[level][id - this.tree.offsets[level]] / 255 : null;
    const kept = this.map.kept.within(low, high);
    const words = level ? this.tree.label(id) : this.leafText(id) || this.tree.label(id);
    return [inspector.shortened(words, 90), this.tree.named(level),
      inspector.plural(this.tree.size(id), "token"),
      shade === null ? "" : `relevance ${inspector.percent(shade)}`,
      kept ? `${inspector.plural(kept, "piece")} kept` : ""].filter(Boolean).join(" · ");
  }

  // The words of a leaf, once its section has come.
  leafText(id) {
    const { tree } = this;
    const level = Math.min(2, tree.height - 1);
    const section = tree.above(level, tree.span(id)[0]);
    const text = this.texts.get(section);
    if (text === undefined) {
      if (this.map.high - this.map.low < 4000) this.fetchText(section);
      return "";
    }
    const [start, end] = tree.characters(id);
    const from = tree.characters(section)[0];
    return inspector.shortened(inspector.cut(text, start - from, end - from), 120);
  }

  async fetchText(section) {
    this.texts.set(section, "");
    try {
      this.texts.set(section, (await this.source.node(section)).text);
      this.map.draw();
    } catch (error) {
      inspector.complain(error);
    }
  }

  async select(id) {
    this.map.selected = id;
    this.map.draw();
    this.path();
    this.items.show(id, (node) => this.describe(node));
    this.under(id);
    try {
      const node = await this.source.node(id);
      if (this.map.selected === id) this.panel.show(node);
    } catch (error) {
      inspector.complain(error);
    }
  }

  open(id) {
    this.map.open(this.tree.level(id) > 0 ? id : this.tree.parent(id) ?? id);
    return this.select(id);
  }

  path() {
    const buttons = this.tree.ancestors(this.map.selected).map((id) => {
      const button = inspector.make("button", { type: "button" },
        id === this.tree.root ? "All" : this.tree.label(id));
      button.addEventListener("click", () => this.open(id));
      return button;
    });
    const shown = buttons.length > 1 ? [buttons[0], ...buttons.slice(1).slice(-3)] : []; // no room
    document.getElementById("path").replaceChildren(...shown);
  }

  over({ node, piece }) {
    this.map.hovered = node;
    this.under(node ?? this.map.selected);
    if (piece !== null) this.point(piece, piece !== this.map.lit);
    else if (!this.pinned) this.light(null, false);
    else this.map.draw();
  }

  // A piece is pointed at: what was chosen before is no longer held.
  point(number, scroll) {
    this.pinned = false;
    if (number !== this.map.lit || scroll) this.light(number, scroll);
    else this.map.draw();
  }

  light(number, scroll) {
    this.map.lit = number;
    this.context.light(number, scroll);
    this.map.draw();
  }

  // Show the place of a piece in the map, with something of what stands around it.
  async goTo(number) {
    if (!number) return;
    const box = this.map.kept.boxes[number - 1];
    const id = this.view.segments.node_id[number - 1];
    const room = Math.max(150, 1.5 * (box.to[1] - box.to[0]));
    this.map.zoom(box.to[0] - room, box.to[1] + room);
    this.light(number, true);
    this.pinned = true;
    await this.select(id);
    this.context.light(this.map.lit, true); // the part that is read has taken some of its room
  }

  async copy() {
    const button = document.getElementById("copy");
    try {
      await navigator.clipboard.writeText(this.context.text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  }
};
