import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { importModel } from "../../src/frontends/index.ts";
import { decodeData, type Tensor } from "../../src/ir/tensor.ts";
import { elementCount, type DType } from "../../src/ir/types.ts";
import { nativeTest } from "../backends/host-compilers.ts";
import { Executors, type Executor } from "../executors/executors.ts";

/** Results of XGBoost, LightGBM and CatBoost themselves; `generate*.py` beside them trained the models. */
const FOLDER = new URL("../fixtures/tree-models/", import.meta.url);
const DTYPES: Readonly<Record<string, DType>> = { float32: "f32", float64: "f64", int32: "i32", int64: "i64" };

interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}

interface Reference {
  readonly library: "xgboost" | "lightgbm" | "catboost";
  readonly model: string;
  readonly x: Stored;
  /** Those beside x. */
  readonly inputs?: Readonly<Record<string, Stored>>;
  readonly outputs: Readonly<Record<string, Stored>>;
}

function tensorOf({ dtype, shape, data }: Stored): Tensor {
  const type = { dtype: DTYPES[dtype]!, shape };
  return { type, data: decodeData(type.dtype, Buffer.from(data, "base64"), elementCount(shape)) };
}

const names = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));

async function check(name: string, executor: Executor): Promise<void> {
  const reference = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Reference;
  const x = tensorOf(reference.x);
  const outputKinds = Object.keys(reference.outputs);
  const graph = importModel(Buffer.from(reference.model, "base64"), { fileName: name, shapes: { N: x.type.shape[0]! }, outputKinds });
  const results = await new Executors(graph).run(executor, [x, ...Object.values(reference.inputs ?? {}).map(tensorOf)]);
  for (const [i, kind] of outputKinds.entries()) {
    const want = Array.from(tensorOf(reference.outputs[kind]!).data as Float64Array, Number);
    const got = Array.from(results[i]!.data as Float64Array, Number);
    expect(results[i]!.type.shape, kind).toEqual(reference.outputs[kind]!.shape);
    const allowed = allowedFor(name, reference.library, kind);
    const far = want
      .map((value, at) => [at, got[at]!, value] as const)
      .filter(([, a, b]) => !(Object.is(a, b) || a === b || Math.abs(a - b) <= allowed * (kind === "contributions" ? Math.max(1, Math.abs(b)) : Math.abs(b))));
    expect(far.slice(0, 4), kind).toEqual([]);
  }
}

/** Relative to the value. Linear trees are summed in an order of our own, and their raw sums go through no transform. */
function allowedFor(name: string, library: Reference["library"], kind: string): number {
  if (kind === "leaf" || kind === "class") return 0;
  // CatBoost sums several trees at once.
  if (library === "catboost") return 1e-12;
  // XGBoost computes them in f32.
  if (kind === "contributions") return library === "xgboost" ? 1e-5 : 1e-12;
  if (name.startsWith("lightgbm-linear")) return 1e-12;
  if (kind !== "predict") return 0;
  return library === "xgboost" ? 2 ** -22 : 1e-15;
}

test.each(names)("%s: sums and leaves are the library's, bit for bit, and predictions to an ulp or two", (name) => check(name, "interpreter"));

test.each(names.filter((name) => name.includes("contributions")))("%s: contributions come to the sums", async (name) => {
  const reference = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Reference;
  const x = tensorOf(reference.x);
  const sums = reference.library === "xgboost" ? "margin" : "raw";
  const graph = importModel(Buffer.from(reference.model, "base64"), { fileName: name, shapes: { N: x.type.shape[0]! }, outputKinds: [sums, "contributions"] });
  const [raw, contributions] = (await new Executors(graph).run("interpreter", [x])).map(({ data }) => Array.from(data as Float64Array));
  const width = x.type.shape[1]! + 1;
  raw!.forEach((sum, i) => expect(Math.abs(contributions!.slice(i * width, (i + 1) * width).reduce((a, b) => a + b, 0) - sum)).toBeLessThan(1e-5));
});

const COMPILED = [
  "catboost-nan-last",
  "catboost-leafwise",
  "catboost-one-hot",
  "catboost-scaled",
  "xgboost-contributions-classes",
  "xgboost-contributions-dart",
  "xgboost-contributions-linear",
  "lightgbm-contributions-zeros",
  "lightgbm-contributions-classes",
  "xgboost-forest",
  "xgboost-categories",
  "xgboost-linear",
  "lightgbm-one-against-all",
  "lightgbm-cross-entropy-lambda",
  "lightgbm-linear",
];

nativeTest.each(COMPILED)("%s: as native code", (name) => check(`${name}.json`, "native"));
test.each(COMPILED)("%s: as WebAssembly", (name) => check(`${name}.json`, "wasm"));
