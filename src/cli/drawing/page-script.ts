/** The script of the page that `inspect --html` writes. It makes elements and text nodes, never markup. */
export const PAGE_SCRIPT = `"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const make = (parent, name, attributes, text) => {
  const element = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
};
let scale = 1;
const svg = make(byId("main"), "svg", { viewBox: "0 0 " + data.width + " " + data.height });
const resize = (factor) => {
  scale = Math.min(4, Math.max(0.05, scale * factor));
  svg.setAttribute("width", data.width * scale);
  svg.setAttribute("height", data.height * scale);
};
const paths = data.edges.map((edge) => {
  const path = make(svg, "path", { d: edge.path });
  make(path, "title", {}, edge.label);
  return path;
});
const boxes = data.nodes.map((node, i) => {
  const { x, y, width, height } = node.box;
  const group = make(svg, "g", {});
  make(group, "rect", { x, y, width, height, rx: node.kind === "op" ? 4 : 20, stroke: "#444a55" });
  make(group, "text", { x: x + width / 2, y: y + 18, class: "name" }, node.title);
  make(group, "text", { x: x + width / 2, y: y + 34 }, node.line);
  group.addEventListener("click", () => choose(i, false));
  return group;
});
const items = data.nodes.map((node, i) => {
  const item = document.createElement("li");
  item.textContent = node.name + "  " + node.op;
  item.addEventListener("click", () => choose(i, true));
  byId("list").append(item);
  return item;
});
const texts = data.nodes.map((node) => [node.name, node.op, node.types, node.attrs].join(" ").toLowerCase());
function choose(chosen, scroll) {
  const node = data.nodes[chosen];
  byId("details").textContent = [node.name, node.op + "  " + node.types, node.attrs, node.figures].filter((line) => line !== "").join("\\n");
  boxes.forEach((box, i) => box.classList.toggle("chosen", i === chosen));
  items.forEach((item, i) => item.classList.toggle("chosen", i === chosen));
  paths.forEach((path, i) => path.classList.toggle("chosen", data.edges[i].from === chosen || data.edges[i].to === chosen));
  (scroll ? boxes : items)[chosen].scrollIntoView({ block: "center", inline: "center" });
}
function find() {
  const words = byId("find").value.toLowerCase().split(/\\s+/);
  let count = 0;
  texts.forEach((text, i) => {
    const found = words.every((word) => text.includes(word));
    if (found) count++;
    items[i].hidden = !found;
    boxes[i].classList.toggle("missed", !found);
  });
  byId("count").textContent = count + " of " + texts.length + " nodes";
}
function paint() {
  const heat = byId("heat").value;
  const values = data.nodes.map((node) => (heat === "none" ? 0 : heat === "macs" ? node.macs : node.bytes + node.weightBytes));
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  boxes.forEach((box, i) => {
    const share = most > 0 ? Math.sqrt(values[i] / most) : 0;
    const fill = data.nodes[i].kind === "op" ? "rgb(255," + Math.round(255 - 115 * share) + "," + Math.round(255 - 205 * share) + ")" : "#dde6f5";
    box.firstChild.setAttribute("fill", fill);
  });
}
byId("find").addEventListener("input", find);
byId("heat").addEventListener("change", paint);
byId("in").addEventListener("click", () => resize(1.25));
byId("out").addEventListener("click", () => resize(0.8));
byId("heat").value = data.heat;
resize(1);
find();
paint();
`;
