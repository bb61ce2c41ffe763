import { describe, expect, test } from "vitest";
import { tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx, float } from "../fixtures/onnx-writer.ts";
import { neo, testFolder } from "./run-neo.ts";

/** Nodes, a constant and a dim that can't be compiled, each for another reason, none behind another. */
function manyProblems(): Uint8Array {
  const broken = [
    node("Sotfmax", ["x"], ["y1"], {}, { name: "slip" }),
    node("Foo", ["x"], ["y2"], {}, { name: "foreign", domain: "com.acme" }),
    node("AveragePool", ["image"], ["y3"], { kernel_shape: [2, 2], auto_pad: "SAME_UPER" }, { name: "bad-value" }),
    node("Cast", ["x"], ["y4"], {}, { name: "no-attribute" }),
    node("Softmax", ["x"], ["y5"], { axis: float(1) }, { name: "attribute-type" }),
    node("Relu", ["x"], ["y6"], { slope: float(0.5) }, { name: "attribute-unknown" }),
    node("Conv", ["x", "w"], ["y7"], {}, { name: "rank" }),
    node("Add", ["x", "i"], ["y8"], {}, { name: "dtype" }),
    node("Gelu", ["x"], ["y9"], {}, { name: "newer" }),
    node("MatMul", ["x", "short"], ["y10"], {}, { name: "reads-short" }),
    node("Relu", ["z"], ["y11"], {}, { name: "reads-open" }),
    node("Range", ["from", "to", "step"], ["y12"], {}, { name: "length" }),
    node("If", ["c"], ["y13"], { then_branch: branch("Bar", "then"), else_branch: branch("Neg", "else") }, { name: "branches" }),
    node("Twice", ["x"], ["y14"], {}, { name: "calls", domain: "local" }),
  ];
  return writeOnnx({
    nodes: broken,
    inputs: [
      value("x", "f32", [1, 4]),
      value("image", "f32", [1, 1, 8, 8]),
      value("i", "i64", [1, 4]),
      value("z", "f32", ["N", 4]),
      value("c", "bool", []),
      ...["from", "to", "step"].map((name) => value(name, "f32", [])),
    ],
    outputs: broken.map(({ outputs }) => value(outputs[0]!, "f32")),
    initializers: {
      w: tensor("f32", [1, 1, 2, 2], [1, 2, 3, 4]),
      short: { message: { dims: ["4", "4"], data_type: 1, raw_data: new Uint8Array(8) } },
    },
    functions: [{ name: "Twice", domain: "local", inputs: ["a"], outputs: ["b"], nodes: [node("LRN", ["a"], ["b"], {}, { name: "lrn" })] }],
    opsets: [
      { domain: "", version: 17 },
      { domain: "com.acme", version: 3 },
      { domain: "local", version: 1 },
    ],
  });
}

const branch = (op: string, name: string) => ({ graph: { nodes: [node(op, ["x"], ["b"], {}, { name })], outputs: [value("b", "f32", [1, 4])] } });

interface Finding {
  readonly node: string;
  readonly op?: string;
  readonly opset?: number;
  readonly code: string;
  readonly reason?: string;
  readonly text: string;
  readonly nearest?: string;
}

interface Checked {
  readonly result: {
    readonly findings: readonly Finding[];
    readonly ops: readonly { readonly op: string; readonly supported: boolean; readonly nodes?: readonly string[]; readonly nearest?: string }[];
    readonly dims: readonly object[];
    readonly fallback: { readonly nodes: readonly string[] };
    readonly latency?: { readonly ms: number };
  };
}

/** What is found where: node, operator and opset, code, reason, and what the text and the nearest form hold. */
const FOUND: readonly (readonly [
  node: string,
  op: string | undefined,
  opset: number | undefined,
  code: string,
  reason: string,
  text: string,
  nearest: string,
])[] = [
  ["slip", "Sotfmax", 17, "NEO2004", "operator", "Sotfmax", "Softmax"],
  ["foreign", "com.acme::Foo", 3, "NEO2004", "operator", "com.acme::Foo", "a function of this name"],
  ["bad-value", "AveragePool", 17, "NEO2005", "attribute", 'auto_pad = "SAME_UPER"', 'auto_pad = "SAME_UPPER"'],
  ["no-attribute", "Cast", 17, "NEO2005", "attribute", "lacks attribute to", "attribute to given"],
  ["attribute-type", "Softmax", 17, "NEO2005", "attribute", "axis as FLOAT, wanted INT", "axis as INT"],
  ["attribute-unknown", "Relu", 17, "NEO2005", "attribute", "has attribute slope", "without slope"],
  ["rank", "Conv", 17, "NEO2005", "rank", "has an input of rank 2", "an input of rank 3 or more"],
  ["dtype", "Add", 17, "NEO2005", "dtype", "f32 and b is i64", "b as f32"],
  ["newer", "Gelu", 17, "NEO2004", "opset", "from opset 20 on, the file imports 17", "opset 20"],
  ["short", undefined, undefined, "NEO2007", "constant", "8 bytes", ""],
  ["N", undefined, undefined, "NEO2003", "dim", "of input z", "--shape N=1"],
  ["length", "Range", 17, "NEO2006", "length", "which hang on the model's inputs", "--bound y12=N"],
  ["branches/then", "Bar", 17, "NEO2004", "operator", "Bar", ""],
  ["calls/lrn", "LRN", 17, "NEO2005", "attribute", "lacks attribute size", "attribute size given"],
];

describe("check names all that is in the way in one run", () => {
  test("as JSON: node, operator, opset, reason and the nearest form", async () => {
    const folder = testFolder({ "m.onnx": manyProblems() });
    const { code, stdout } = await neo(["check", "m.onnx", "-t", "wasm", "--json"], { cwd: folder.path });
    expect(code).toBe(3);
    const { findings, ops } = (JSON.parse(stdout) as Checked).result;
    const byNode = new Map(findings.map((finding) => [finding.node, finding]));
    for (const [where, op, opset, errorCode, reason, text, nearest] of FOUND) {
      const found = byNode.get(where);
      expect([where, found?.op, found?.opset, found?.code, found?.reason]).toEqual([where, op, opset, errorCode, reason]);
      expect(found!.text).toContain(text);
      expect(found!.nearest ?? "").toContain(nearest);
    }
    expect(findings.map((finding) => finding.node).sort()).toEqual(FOUND.map(([where]) => where).sort());
    expect(ops.find(({ op }) => op === "Conv")).toMatchObject({ supported: false, nodes: ["rank"] });
    expect(ops.find(({ op }) => op === "MatMul")).toEqual({ op: "MatMul", count: 1, supported: true });
  });

  test("as text: a table, and an error with a note each", async () => {
    const folder = testFolder({ "m.onnx": manyProblems() });
    const { code, stdout, stderr } = await neo(["check", "m.onnx", "-t", "wasm"], { cwd: folder.path });
    expect(code).toBe(3);
    for (const [where, op, opset, , reason, text] of FOUND) {
      expect(stdout).toMatch(new RegExp(`^${where} +${op ?? ""} +${opset ?? ""} +${reason}`.replaceAll(" + +", " +"), "m"));
      expect(stderr.split("\n").find((line) => line.startsWith(`  ${where} `))).toContain(text);
    }
    expect(stderr).toMatch(/^error NEO2007: 1 constant .* can't be read; 4 nodes .* \(opset 17\); 1 dim .*; 1 node .* needs a size .*; 7 nodes /m);
  });
});

/** Behind an open dim: two mistakes that no size mends, and a reshape and a window that only some sizes fit. */
function behindOpenDim(): Uint8Array {
  return writeOnnx({
    nodes: [
      node("Sotfmax", ["x"], ["a"], {}, { name: "slip" }),
      node("Sqrt", ["x"], ["r"], { axis: 1 }, { name: "attribute" }),
      node("Reshape", ["x", "shape"], ["y"], {}, { name: "fits-3" }),
      node("MaxPool", ["x"], ["p"], { kernel_shape: [200] }, { name: "fits-200" }),
      node("Relu", ["r"], ["s"], { slope: float(1) }, { name: "behind" }),
    ],
    inputs: [value("x", "f32", [1, 4, "N"])],
    outputs: [value("a", "f32"), value("s", "f32"), value("y", "f32", [3, 4]), value("p", "f32"), value("r", "f32", [1, 4, "N"])],
    initializers: { shape: tensor("i64", [2], [3, 4]) },
  });
}

test("an open dim hides no mistake, and makes none", async () => {
  const folder = testFolder({ "m.onnx": behindOpenDim() });
  const places = async (flags: readonly string[]): Promise<string[]> => {
    const { code, stdout } = await neo(["check", "m.onnx", "-t", "wasm", "--json", ...flags], { cwd: folder.path });
    expect(code).toBe(3);
    return (JSON.parse(stdout) as Checked).result.findings.map((finding) => finding.node).sort();
  };
  expect(await places([])).toEqual(["N", "attribute", "behind", "slip"]);
  expect(await places(["--shape", "N=3"])).toEqual(["attribute", "behind", "fits-200", "slip"]);
});

/** Rows of x that c names, and what is made of them. */
function foundLengths(): Uint8Array {
  return writeOnnx({
    nodes: [node("Compress", ["x", "c"], ["rows"], { axis: 0 }, { name: "pick" }), node("Relu", ["rows"], ["y"], {}, { name: "relu" })],
    inputs: [value("x", "f32", ["N", 4]), value("c", "bool", ["N"])],
    outputs: [value("y", "f32", ["M", 4])],
  });
}

describe("check says what each dim is, and why", () => {
  test("fixed, bound, and found by a node", async () => {
    const folder = testFolder({ "m.onnx": foundLengths() });
    const { code, stdout } = await neo(["check", "m.onnx", "-t", "wasm", "--shape", "N=6", "--json"], { cwd: folder.path });
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as Checked).result.dims).toEqual([
      { where: "input", value: "x", axis: 0, name: "N", state: "bound", size: 6, from: "--shape" },
      { where: "input", value: "x", axis: 1, state: "fixed", size: 4 },
      { where: "input", value: "c", axis: 0, name: "N", state: "bound", size: 6, from: "--shape" },
      { where: "output", value: "y", axis: 0, name: "M", state: "open", low: 0, high: 6, from: "pick" },
      { where: "output", value: "y", axis: 1, state: "fixed", size: 4 },
      { where: "inside", value: "rows", axis: 0, state: "open", low: 0, high: 6, from: "pick" },
    ]);
    const text = (await neo(["check", "m.onnx", "-t", "wasm", "--shape", "N=6"], { cwd: folder.path })).stdout;
    expect(text).toMatch(/^input +x +6x4 +N = 6 by --shape$/m);
    expect(text).toMatch(/^output +y +Mx4 +M is 0 to 6, as pick finds$/m);
  });

  test("and which have no size, as far as flags give none", async () => {
    const folder = testFolder({ "m.onnx": foundLengths() });
    const { code, stdout } = await neo(["check", "m.onnx", "-t", "wasm"], { cwd: folder.path });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^input +x +Nx4 +N has no size$/m);
  });
});

test("--assert-latency times the compiled model", async () => {
  const folder = testFolder({ "m.onnx": foundLengths() });
  const run = (limit: string) => neo(["check", "m.onnx", "-t", "wasm", "--shape", "N=6", "--assert-latency", limit, "--json"], { cwd: folder.path });
  const [good, bad, slip] = [await run("p99<100s"), await run("mean<0.00001us"), await run("p99<5")];
  expect([good.code, bad.code, slip.code]).toEqual([0, 4, 2]);
  expect((JSON.parse(good.stdout) as Checked).result.latency!.ms).toBeGreaterThan(0);
  const { diagnostics } = JSON.parse(bad.stdout) as { diagnostics: readonly { code: string; notes: readonly { where: string; text: string }[] }[] };
  expect(diagnostics).toMatchObject([
    {
      code: "NEO4002",
      notes: [{ where: expect.stringMatching(/^--assert-latency on wasm/), text: expect.stringMatching(/^found mean .*, wanted mean<0\.00001us$/) }],
    },
  ]);
  expect(slip.stderr).toMatch(/^error NEO1017: /m);
});
