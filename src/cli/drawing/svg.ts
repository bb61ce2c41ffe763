import { formatBytes, formatCount } from "../../support/table.ts";
import { heatOf, type Drawing, type DrawnNode, type Heat } from "./drawing.ts";
import { fitting, layoutOf, type Layout } from "./layout.ts";

/** The drawing as one SVG file without styles, scripts or references. */
export function printSvg(drawing: Drawing, heat: Heat): string {
  const layout = layoutOf(drawing);
  const most = Math.max(0, ...drawing.nodes.map((node) => heatOf(node, heat)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(layout.width)}" height="${round(layout.height)}" viewBox="0 0 ${round(layout.width)} ${round(layout.height)}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(drawing.name)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...layout.lines.map((line) => `<path d="${pathOf(line)}" fill="none" stroke="#8a8f98"/>`),
    ...drawing.nodes.map((node, i) => boxText(node, layout.boxes[i]!, colourOf(heatOf(node, heat), most))),
    "</svg>",
    "",
  ].join("\n");
}

function boxText(node: DrawnNode, { x, y, width, height }: Layout["boxes"][number], fill: string): string {
  const middle = round(x + width / 2);
  const round4 = node.kind === "op" ? 4 : 20;
  return [
    `<g><title>${escapeXml(titleOf(node))}</title>`,
    `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" rx="${round4}" fill="${node.kind === "op" ? fill : "#dde6f5"}" stroke="#444a55"/>`,
    `<text x="${middle}" y="${round(y + 18)}" text-anchor="middle" font-weight="bold">${escapeXml(fitting(node.name))}</text>`,
    `<text x="${middle}" y="${round(y + 34)}" text-anchor="middle">${escapeXml(fitting(`${node.op}  ${node.types}`))}</text></g>`,
  ].join("");
}

/** Everything known of a node, for tooltips. */
export function titleOf(node: DrawnNode): string {
  return [
    node.name,
    `${node.op} ${node.types}`,
    ...(node.attrs ? [node.attrs] : []),
    `${formatCount(node.macs)} MACs, ${formatBytes(node.bytes)} results, ${formatBytes(node.weightBytes)} weights`,
  ].join("\n");
}

/** Smooth from point to point, leaving and arriving vertically. */
export function pathOf(points: Layout["lines"][number]): string {
  return points
    .map(([x, y], i) => {
      if (i === 0) return `M${round(x)} ${round(y)}`;
      const [fromX, fromY] = points[i - 1]!;
      const half = round((fromY + y) / 2);
      return `C${round(fromX)} ${half} ${round(x)} ${half} ${round(x)} ${round(y)}`;
    })
    .join("");
}

/** White to orange; by the root, so that the small ones are told apart. */
export function colourOf(value: number, most: number): string {
  const share = most > 0 ? Math.sqrt(value / most) : 0;
  const mix = (to: number): string =>
    Math.round(255 + (to - 255) * share)
      .toString(16)
      .padStart(2, "0");
  return `#${mix(255)}${mix(140)}${mix(50)}`;
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text for XML 1.0, which has no place for some characters at all. */
export function escapeXml(text: string): string {
  return text.replace(/[^\n\t\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd").replace(/[&<>"']/g, (c) => ENTITIES[c]!);
}
