// Texts: what stands in a document, fit to be looked at; and positions, which count code points.
"use strict";

const inspector = {};

inspector.visible = (text) =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, (c) =>
      String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\u007f/g, "\u2421")
    .replace(/[\u0080-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
    .replace(/[\u2028\u2029]/g, "\u2424");

// Python counts characters beyond the first 65,536 once, JavaScript twice.
inspector.cut = (text, start, end) =>
  /[\ud800-\udbff]/.test(text)
    ? Array.from(text).slice(start, end).join("")
    : text.slice(start, end);

inspector.shortened = (text, most) => {
  const words = inspector.visible(text.slice(0, 4 * most).split(/\s+/).filter(Boolean).join(" "));
  return words.length > most ? `${words.slice(0, most - 1)}…` : words;
};

inspector.number = (value) => value.toLocaleString("en-US");

inspector.percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}%`;

inspector.plural = (number, word) =>
  `${inspector.number(number)} ${word}${number === 1 ? "" : "s"}`;

// An element with attributes and text: never with markup.
inspector.make = (name, attributes = {}, ...inside) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
};
