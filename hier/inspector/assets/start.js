// The start: light or dark, whose data, and what is said when something is wrong.
"use strict";

inspector.theme = (name) => {
  document.documentElement.dataset.theme = name;
  document.getElementById("theme").textContent = name === "dark" ? "Light" : "Dark";
  const ramp = document.getElementById("ramp").getContext("2d");
  for (let x = 0; x < 96; x += 1) {
    ramp.fillStyle = inspector.colours[name].cells[Math.round((255 * x) / 95)];
    ramp.fillRect(x, 0, 1, 10);
  }
};

inspector.turn = (page) => {
  inspector.theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  page?.map.draw();
};

inspector.complain = (error) => {
  const problem = document.getElementById("problem");
  problem.hidden = error === null;
  problem.textContent = error === null ? "" : inspector.visible(error.message);
  if (error?.status === 401) document.getElementById("key").hidden = false;
};

inspector.start = async () => {
  const pick = (id) => document.getElementById(id);
  const night = matchMedia("(prefers-color-scheme: dark)");
  inspector.theme(night.matches ? "dark" : "light");
  night.addEventListener("change", () => {
    inspector.theme(night.matches ? "dark" : "light");
    inspector.page?.map.draw();
  });
  pick("theme").addEventListener("click", () => inspector.turn(inspector.page));
  pick("keys").addEventListener("click", () => pick("help").showModal());
  const held = pick("data");
  const source = held ? inspector.filed(JSON.parse(held.textContent)) : inspector.served();
  const open = async () => {
    try {
      const told = await source.map();
      inspector.complain(null);
      inspector.page = new inspector.Page(source, told);
      inspector.listen(inspector.page);
      await inspector.page.begin();
    } catch (error) {
      inspector.complain(error);
    }
  };
  pick("key").addEventListener("submit", (event) => {
    event.preventDefault();
    source.unlock(pick("secret").value);
    pick("secret").value = "";
    pick("key").hidden = true;
    open();
  });
  await open();
};

inspector.start();
