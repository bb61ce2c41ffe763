import { createHash } from "node:crypto";
import { formatBytes, formatCount } from "../../support/table.ts";
import type { Drawing, Heat } from "./drawing.ts";
import { fitting, layoutOf } from "./layout.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { pathOf, escapeXml } from "./svg.ts";

/**
 * One file that needs nothing else and may reach nothing: its policy allows its own script and style, by their digests. The graph is
 * data; the script puts its texts into text nodes.
 */
export function printHtml(drawing: Drawing, heat: Heat): string {
  const layout = layoutOf(drawing);
  const data = {
    heat,
    width: layout.width,
    height: layout.height,
    nodes: drawing.nodes.map((node, i) => ({
      ...node,
      title: fitting(node.name),
      line: fitting(`${node.op}  ${node.types}`),
      figures: `${formatCount(node.macs)} MACs, ${formatBytes(node.bytes)} results, ${formatBytes(node.weightBytes)} weights`,
      box: layout.boxes[i]!,
    })),
    edges: drawing.edges.map((edge, i) => ({ ...edge, path: pathOf(layout.lines[i]!) })),
  };
  const policy = `default-src 'none'; script-src '${digest(PAGE_SCRIPT)}'; style-src '${digest(STYLE)}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(drawing.name)}</title>
<style>${STYLE}</style>
</head>
<body>
<aside>
<h1>${escapeXml(drawing.name)}</h1>
<label>Find <input type="search" id="find" autocomplete="off"></label>
<label>Heat <select id="heat"><option value="macs">multiply-accumulates</option><option value="memory">memory</option><option value="none">none</option></select></label>
<p><button id="out">−</button> <button id="in">+</button> <span id="count"></span></p>
<pre id="details"></pre>
<ol id="list"></ol>
</aside>
<main id="main"></main>
<script type="application/json" id="data">${escapeJson(JSON.stringify(data))}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

const STYLE = `body{margin:0;display:flex;height:100vh;font:13px sans-serif;color:#22262e}aside{width:320px;flex:none;display:flex;flex-direction:column;gap:6px;padding:10px;box-sizing:border-box;border-right:1px solid #c5cad3}h1{font-size:15px;margin:0;overflow-wrap:anywhere}p{margin:0}label{display:flex;gap:6px}input,select{flex:1;min-width:0}ol{flex:1;overflow:auto;margin:0;padding-left:40px}li{cursor:pointer;overflow-wrap:anywhere}li:hover,li.chosen{background:#dde6f5}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;max-height:30vh;overflow:auto}main{flex:1;overflow:auto}g{cursor:pointer}.chosen rect{stroke:#1b4fd8;stroke-width:3}.missed{opacity:.25}text{text-anchor:middle;font-size:12px}text.name{font-weight:bold}path{fill:none;stroke:#8a8f98}path.chosen{stroke:#1b4fd8;stroke-width:2}`;

function digest(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** JSON inside a script element: nothing in it can end the element or begin a comment. */
function escapeJson(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
