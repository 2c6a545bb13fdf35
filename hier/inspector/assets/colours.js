// Colours: one hue for relevance, light to dark (dark to light at night), and ink that is read on it.
"use strict";

inspector.colours = (() => {
  const STOPS = {
    light: ["#eeebe5", "#dfe3e6", "#c3d3e2", "#94b8d8", "#5a92c4", "#2b6cab", "#124a82", "#0a2f58"],
    dark: ["#1e2227", "#212a33", "#233b4d", "#25546f", "#2f7599", "#4d9bc6", "#86c3e8", "#cdeaff"],
  };
  const INK = { light: ["#1d1c1a", "#ffffff"], dark: ["#0b0d10", "#f4f3f0"] };
  const parts = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  const hex = (rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

  const luminance = (colour) => {
    const [red, green, blue] = parts(colour).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  const ramp = (stops, share) => {
    const place = share * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const [from, to] = [parts(stops[low]), parts(stops[low + 1])];
    return hex(from.map((part, i) => part + (to[i] - part) * (place - low)));
  };

  const table = (theme) => {
    const cells = Array.from({ length: 256 }, (_, i) => ramp(STOPS[theme], i / 255));
    const best = (cell, inks) =>
      inks.reduce((a, b) => (contrast(cell, a) >= contrast(cell, b) ? a : b));
    // Of black and white, one has a contrast of 4.5 to any colour; softer inks, to most.
    const inks = cells.map((cell) => {
      const soft = best(cell, INK[theme]);
      return contrast(cell, soft) >= 4.5 ? soft : best(cell, ["#000000", "#ffffff"]);
    });
    return { cells, inks };
  };
  return { light: table("light"), dark: table("dark"), contrast };
})();
