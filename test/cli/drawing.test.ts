import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, afterAll, describe, expect, test } from "vitest";
import { drawingOf } from "../../src/cli/drawing/drawing.ts";
import { layoutOf } from "../../src/cli/drawing/layout.ts";
import { printSvg } from "../../src/cli/drawing/svg.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { node } from "../fixtures/onnx-writer.ts";
import { rowModel } from "./models.ts";
import { folderWith, neo } from "./run-neo.ts";

const HOSTILE = `</script><img src=x onerror=alert(1)>"'\\N\u001b[31m\u202e]]>--&amp;`;

/** A product, hostile in its names, and a way round it. */
const model = rowModel(
  node("MatMul", ["x", "w"], [`m${HOSTILE}`], {}, { name: HOSTILE }),
  node("Softmax", [`m${HOSTILE}`], ["s"], { axis: 1 }, { name: "share" }),
  node("Mul", ["s", "x"], ["y"], {}, { name: "gate" }),
);

let folder: ReturnType<typeof folderWith>;
const text = (name: string): string => readFileSync(join(folder.path, name), "utf8");
beforeAll(async () => {
  folder = folderWith({ "m.onnx": model });
  const { code, stderr } = await neo("inspect m.onnx --html m.html --svg m.svg --dot m.dot".split(" "), { cwd: folder.path });
  expect([code, stderr]).toEqual([0, ""]);
}, 120_000);
afterAll(() => folder.remove());

describe("the page of --html", () => {
  test("allows its own script and style by digest, and nothing else", () => {
    const page = text("m.html");
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!;
    const digestOf = (tag: string): string =>
      `'sha256-${createHash("sha256")
        .update(new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page)![1]!)
        .digest("base64")}'`;
    expect(policy).toBe(`default-src 'none'; script-src ${digestOf("script")}; style-src ${digestOf("style")}; base-uri 'none'; form-action 'none'`);
    expect(page).not.toMatch(/\b(?:src|href|srcset|on\w+)=["']|url\(|@import|\bstyle="/);
    expect(page).not.toMatch(/innerHTML|insertAdjacent|document\.write|eval\(/);
  });

  test("has the graph as data, from which no name gets out", () => {
    const page = text("m.html");
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).not.toContain("<img");
    expect(page).not.toContain("\u001b");
    const data = JSON.parse(/id="data">([^]*?)<\/script>/.exec(page)![1]!) as { nodes: { name: string; op: string; macs: number }[]; edges: object[] };
    expect(data.nodes.map((n) => n.op)).toEqual(["input", "linear", "softmax", "mul", "output"]);
    expect(data.nodes[1]!.name).toContain("</script><img src=x onerror=alert(1)>");
    expect(data.nodes[1]!.macs).toBe(16);
    expect(data.edges).toHaveLength(5);
  });

  test("is the same for the same model", async () => {
    await neo("inspect m.onnx --html again.html".split(" "), { cwd: folder.path });
    expect(text("again.html")).toBe(text("m.html"));
  });
});

test("the SVG is well formed, whatever the names", () => {
  const svg = text("m.svg");
  expect(svg).not.toMatch(/<(?:img|script|foreignObject|style)|href/);
  const open: string[] = [];
  let rest = svg;
  for (let tag = /<([^>]*)>/.exec(rest); tag; tag = /<([^>]*)>/.exec(rest)) {
    expect(rest.slice(0, tag.index)).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
    rest = rest.slice(tag.index + tag[0].length);
    const inner = tag[1]!;
    if (inner.startsWith("/")) expect(open.pop()).toBe(inner.slice(1));
    else if (!inner.endsWith("/")) open.push(/^\w+/.exec(inner)![0]);
    expect(inner).toMatch(/^\/?[a-z]+(?: [A-Za-z-]+="[^"<&]*")*\/?$/);
  }
  expect(open).toEqual([]);
  expect(svg).toContain("share");
});

test("the DOT text quotes names; Graphviz reads it where it is installed", () => {
  const dot = text("m.dot");
  expect(dot).toContain("onerror=alert(1)>\\\"'\\\\N");
  for (const line of dot.split("\n").slice(2, -2)) expect(line).toMatch(/^ {2}n\d+(?: -> n\d+)? \[(?:\w+="(?:[^"\\]|\\.)*" ?)+\];$/);
  const dotCommand = spawnSync("dot", ["-Tplain"], { input: dot });
  if (!dotCommand.error) expect(dotCommand.status).toBe(0);
});

test("- writes a drawing to stdout; --stage import draws what was imported; a bundle has none", async () => {
  const here = (args: string) => neo(args.split(" "), { cwd: folder.path });
  expect((await here("inspect m.onnx --dot - --stage import --heat none")).stdout).toMatch(/^digraph [^]*matmul/);
  expect(await here("inspect m.onnx --dot - --svg -")).toMatchObject({ code: 2, stderr: expect.stringContaining("NEO1008") as string });
  expect(await here("inspect m.onnx --dot - --json")).toMatchObject({ code: 2, stderr: expect.stringContaining("NEO1008") as string });
  await here("compile m.onnx -t wasm --no-sign -o m.neo");
  expect(await here("inspect m.neo --svg n.svg")).toMatchObject({ code: 2, stderr: expect.stringContaining("NEO1022") as string });
});

describe("the layout", () => {
  const graph = parseGraph(`graph @two(%x: tensor<4xf32>) -> (tensor<4xf32>) {
  %a = neg %x : tensor<4xf32>
  %b = tanh %a : tensor<4xf32>
  %c = exp %x : tensor<4xf32>
  %d = add %b, %c : tensor<4xf32>
  %e = add %d, %x : tensor<4xf32>
  return %e
}
`);
  const drawing = drawingOf(graph);
  const { boxes, lines, width, height } = layoutOf(drawing);

  test("puts every node below what it reads, and no box over another", () => {
    for (const { from, to } of drawing.edges) expect(boxes[to]!.y).toBeGreaterThan(boxes[from]!.y + boxes[from]!.height);
    boxes.forEach((a, i) =>
      boxes.slice(i + 1).forEach((b) => expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true)),
    );
    for (const box of boxes) expect(box.x >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(true);
  });

  test("leads long edges between the boxes of the layers they cross", () => {
    drawing.edges.forEach(({ from, to }, i) => {
      for (const [x, y] of lines[i]!.slice(1, -1))
        for (const [n, box] of boxes.entries())
          if (n !== from && n !== to) expect(x > box.x && x < box.x + box.width && y >= box.y && y <= box.y + box.height).toBe(false);
    });
  });

  test("of a graph without ops is a drawing too", () => {
    expect(printSvg(drawingOf(parseGraph("graph @none() -> () {\n  return\n}\n")), "macs")).toContain("</svg>");
  });
});
