import { describe, expect, test } from "vitest";
import { compile, load, type Session } from "../../src/index.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { nativeTest } from "../backends/host-compilers.ts";
import { node, value, writeOnnx, type NodeSpec } from "../fixtures/onnx-writer.ts";
import { loadReference } from "../frontends/onnx/reference.ts";

const [VOCABULARY, WIDTH, HEADS, GROUPS, DEPTH, HIDDEN, ROOM] = [50, 32, 4, 2, 8, 48, 72];
const PROMPT = [3, 17, 8, 41, 2, 29, 11, 36];
const NEW_TOKENS = 64;

/** A decoder block over a cache of fixed room: RMSNorm, rotary embedding, queries in groups, a gated MLP; logits of the last token. */
function decoder(): Uint8Array {
  const nodes: NodeSpec[] = [];
  const initializers: Record<string, Tensor> = {};
  let count = 0;
  const fresh = (): string => `v${count++}`;
  const op = (name: string, inputs: readonly string[], attrs: NodeSpec["attrs"] = {}, output = fresh()): string => {
    nodes.push(node(name, inputs, [output], attrs));
    return output;
  };
  const known = (t: Tensor): string => {
    const name = `c${count++}`;
    initializers[name] = t;
    return name;
  };
  const weights = (...shape: number[]): string => known(randomTensor({ dtype: "f32", shape }, count + 100, [-0.5, 0.5]));
  const number = (x: number): string => known(tensor("f32", [], [x]));
  const ints = (...values: number[]): string => known(tensor("i64", [values.length], values.map(BigInt)));
  const shaped = (x: string, ...shape: number[]): string => op("Reshape", [x, ints(...shape)]);
  const turned = (x: string, ...perm: number[]): string => op("Transpose", [x], { perm });

  const norm = (x: string): string => {
    const mean = op("ReduceMean", [op("Mul", [x, x])], { axes: [-1], keepdims: 1 });
    return op("Mul", [op("Div", [x, op("Sqrt", [op("Add", [mean, number(1e-6)])])]), weights(WIDTH)]);
  };
  const length = op("Gather", [op("Shape", ["tokens"]), known(tensor("i64", [], [0n]))]);
  const zero = known(tensor("i64", [], [0n]));
  const one = known(tensor("i64", [], [1n]));
  const places = op("Add", [op("Range", [zero, length, one]), "position"]);
  const frequencies = known(
    tensor(
      "f32",
      [1, 1, DEPTH / 2],
      Array.from({ length: DEPTH / 2 }, (_, i) => 10000 ** ((-2 * i) / DEPTH)),
    ),
  );
  const angles = op("Mul", [shaped(op("Cast", [places], { to: 1 }), -1, 1, 1), frequencies]);
  const [cos, sin] = [op("Cos", [angles]), op("Sin", [angles])];
  const rotated = (x: string): string => {
    const [left, right] = [fresh(), fresh()];
    nodes.push(node("Split", [x], [left, right], { axis: -1 }));
    const a = op("Sub", [op("Mul", [left, cos]), op("Mul", [right, sin])]);
    const b = op("Add", [op("Mul", [right, cos]), op("Mul", [left, sin])]);
    return op("Concat", [a, b], { axis: -1 });
  };

  const embedding = weights(VOCABULARY, WIDTH);
  const x = op("Gather", [embedding, "tokens"]);
  const n = norm(x);
  const heads = (of: number): string => shaped(op("MatMul", [n, weights(WIDTH, of * DEPTH)]), -1, of, DEPTH);
  const rows = shaped(places, -1, 1);
  const keys = op("ScatterND", ["keys", rows, rotated(heads(GROUPS))], {}, "keys_out");
  const values = op("ScatterND", ["values", rows, heads(GROUPS)], {}, "values_out");
  const queries = shaped(turned(rotated(heads(HEADS)), 1, 0, 2), GROUPS, -1, DEPTH);
  const scores = op("Mul", [op("MatMul", [queries, turned(keys, 1, 2, 0)]), number(DEPTH ** -0.5)]);
  const seen = op("LessOrEqual", [
    known(
      tensor(
        "i64",
        [1, ROOM],
        Array.from({ length: ROOM }, (_, i) => BigInt(i)),
      ),
    ),
    rows,
  ]);
  const masked = op("Where", [seen, shaped(scores, HEADS, -1, ROOM), number(-1e9)]);
  const shares = shaped(op("Softmax", [masked], { axis: -1 }), GROUPS, -1, ROOM);
  const mixed = shaped(op("MatMul", [shares, turned(values, 1, 0, 2)]), HEADS, -1, DEPTH);
  const attended = op("MatMul", [shaped(turned(mixed, 1, 0, 2), -1, HEADS * DEPTH), weights(HEADS * DEPTH, WIDTH)]);
  const middle = op("Add", [x, attended]);
  const m = norm(middle);
  const gate = op("MatMul", [m, weights(WIDTH, HIDDEN)]);
  const gated = op("Mul", [op("Mul", [gate, op("Sigmoid", [gate])]), op("MatMul", [m, weights(WIDTH, HIDDEN)])]);
  const y = norm(op("Add", [middle, op("MatMul", [gated, weights(HIDDEN, WIDTH)])]));
  const last = op("Gather", [y, known(tensor("i64", [], [-1n]))], { axis: 0 });
  op("MatMul", [last, turned(embedding, 1, 0)], {}, "logits");
  const cache = [ROOM, GROUPS, DEPTH] as const;
  return writeOnnx({
    opset: 17,
    nodes,
    initializers,
    inputs: [value("tokens", "i64", ["S"]), value("position", "i64", [1]), value("keys", "f32", cache), value("values", "f32", cache)],
    outputs: [value("logits", "f32", [VOCABULARY]), value("keys_out", "f32", cache), value("values_out", "f32", cache)],
  });
}

function greatest(logits: Float32Array): number {
  return logits.indexOf(Math.max(...logits));
}

/** Greedy tokens: the prompt at once, then one by one. */
async function generate(step: (tokens: readonly number[], position: number) => Promise<Float32Array>): Promise<number[]> {
  const made = [greatest(await step(PROMPT, 0))];
  while (made.length < NEW_TOKENS) made.push(greatest(await step([made.at(-1)!], PROMPT.length + made.length - 1)));
  return made;
}

const reference = await loadReference();

describe.skipIf(!reference)("a decoder with its cache as state generates what ONNX Runtime does (wants onnxruntime-node)", () => {
  const model = decoder();
  const wanted = (async (): Promise<number[]> => {
    const empty = tensor("f32", [ROOM, GROUPS, DEPTH], new Array<number>(ROOM * GROUPS * DEPTH).fill(0));
    let [keys, values] = [empty, empty];
    return generate(async (tokens, position) => {
      const inputs = { tokens: tensor("i64", [tokens.length], tokens.map(BigInt)), position: tensor("i64", [1], [BigInt(position)]), keys, values };
      const [logits, nextKeys, nextValues] = (await reference!(model, inputs, ["logits", "keys_out", "values_out"])) as [Tensor, Tensor, Tensor];
      [keys, values] = [nextKeys, nextValues];
      return logits.data as Float32Array;
    });
  })();
  const run = async (target: string): Promise<void> => {
    const { bundle } = await compile(model, {
      fileName: "decoder.onnx",
      targets: [target],
      bindings: [{ S: PROMPT.length }, { S: 1 }],
      state: [
        { input: "keys", output: "keys_out" },
        { input: "values", output: "values_out" },
      ],
    });
    const session: Session = await load(bundle, { trust: "unsigned" });
    for (let round = 0; round < 2; round++) {
      const tokens = await generate(async (ids, position) => {
        const { logits } = await session.run({
          tokens: { data: BigInt64Array.from(ids, BigInt), shape: [ids.length] },
          position: { data: BigInt64Array.of(BigInt(position)), shape: [1] },
        });
        return logits!.data as Float32Array;
      });
      expect(tokens).toEqual(await wanted);
      session.reset();
    }
    expect(new Set(await wanted).size).toBeGreaterThan(5);
    session.close();
  };
  test("wasm", { timeout: 120_000 }, () => run("wasm"));
  nativeTest("native", { timeout: 120_000 }, () => run("host"));
});
