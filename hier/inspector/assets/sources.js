// Sources: where the page's data comes from, a server or the file itself. Both answer alike.
"use strict";

inspector.served = () => {
  let key = "";

  const ask = async (path, body) => {
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    if (body) headers["content-type"] = "application/json";
    const options = body
      ? { method: "POST", headers, body: JSON.stringify(body) }
      : { headers };
    const answer = await fetch(path, options);
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      const why = told.error?.message ?? told.detail ?? `the server answered ${answer.status}`;
      throw Object.assign(new Error(why), { status: answer.status });
    }
    return told;
  };

  return {
    rungs: null,
    questions: [],
    unlock: (typed) => { key = typed; },
    map: () => ask("./map"),
    view: (query, budget, relevance) => ask("./view", { query: query || null, budget, relevance }),
    node: (id) => ask(`./node/${id}`),
    curve: async (query) =>
      (await ask(`./curve${query ? `?query=${encodeURIComponent(query)}` : ""}`)).points,
    // The address names what is shown, so that it can be handed on.
    remember: (query, budget) =>
      history.replaceState(null, "", `?${new URLSearchParams({ q: query, b: budget })}`),
    start: () => {
      const named = new URLSearchParams(location.search);
      return { query: named.get("q") ?? "", budget: Number(named.get("b")) || 500 };
    },
  };
};

inspector.filed = (told) => {
  const tree = new inspector.Tree(told.map);
  const starts = [0];
  for (const text of told.texts) starts.push(starts.at(-1) + Array.from(text).length);

  // Characters of the source, out of the pieces it is kept in.
  const source = (start, end) => {
    let found = "";
    for (let i = inspector.last(starts, start); i < told.texts.length && starts[i] < end; i += 1) {
      found += inspector.cut(told.texts[i], Math.max(0, start - starts[i]), end - starts[i]);
    }
    return found;
  };
  const question = (query) => told.questions.find((each) => (each.query ?? "") === (query ?? ""));
  const nearest = (budget) => told.budgets.reduce((a, b) =>
    (Math.abs(Math.log(a / budget)) <= Math.abs(Math.log(b / budget)) ? a : b));

  const summary = (id, level) => {
    if (told.nodes.written[id] !== undefined) return told.nodes.written[id];
    if (level === 0) return source(...tree.characters(id));
    const { offsets, leaves } = told.nodes.summaries[level - 1];
    const place = id - tree.offsets[level];
    const spans = leaves.slice(offsets[place], offsets[place + 1]);
    return spans.map((leaf) => source(...tree.characters(leaf)).trim()).join(" ");
  };

  return {
    rungs: told.budgets,
    questions: told.questions.map((each) => each.query ?? ""),
    unlock: () => {},
    remember: () => {},
    map: async () => told.map,
    view: async (query, budget) => {
      const asked = question(query);
      if (!asked) {
        throw new Error("This file holds the questions above and no others: "
          + "what is relevant to another is worked out by hier serve.");
      }
      const view = asked.views[told.budgets.indexOf(nearest(budget))];
      const { start, end, text } = view.segments;
      const texts = text.map((each, i) => each ?? source(start[i], end[i]));
      return { ...view, segments: { ...view.segments, text: texts }, relevance: asked.relevance };
    },
    node: async (id) => {
      const level = tree.level(id);
      const [start, end] = tree.characters(id);
      const above = id < tree.offsets[1] ? tree.parent(id) : id;
      const cut = end - start > 16000;
      return {
        id, level, start, end, cut, summary: summary(id, level),
        by_model: told.nodes.written[id] !== undefined,
        place: told.nodes.place[above - tree.offsets[1]] ?? "",
        text: source(start, cut ? start + 16000 : end),
      };
    },
    curve: async (query) => question(query)?.curve ?? [],
    start: () => ({ query: told.questions[0].query ?? "", budget: told.budget }),
  };
};
