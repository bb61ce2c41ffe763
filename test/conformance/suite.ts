import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { decodeMessage } from "../../src/frontends/formats/protobuf.ts";
import { TENSOR } from "../../src/frontends/onnx/schema.ts";
import { readTensor } from "../../src/frontends/onnx/tensors.ts";
import { ExternalFiles } from "../../src/frontends/onnx/external.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { elementCount } from "../../src/ir/types.ts";
import { DEFAULT_LIMITS } from "../../src/support/limits.ts";
import { readFiles } from "./archive.ts";

/** Classes of data sets, each inside the next: dtypes that every runtime has, all plain tensors, all. */
export const CLASSES = ["core", "plain", "all"] as const;
export type Class = (typeof CLASSES)[number];

/** One data set of a model. */
export interface DataSet {
  /** Path of the data set, as the baseline names it; a model without one for `light`. */
  readonly name: string;
  readonly group: string;
  /** The smallest class it belongs to. */
  readonly class: Class;
  /** What ONNX Runtime makes of it: pass, error, mismatch; undefined where nobody tried. */
  readonly baseline: string | undefined;
  readonly model: () => Uint8Array;
  /** Contents of input_N.pb and output_N.pb by N; undefined where the file is absent. */
  readonly inputs: readonly (() => Uint8Array)[];
  readonly outputs: readonly (() => Uint8Array)[];
}

const CORE_TYPES = new Set(["FLOAT", "INT64", "BOOL", "INT8", "INT32", "UINT8"]);

interface Index {
  readonly tests: readonly { readonly t: string; readonly dt: readonly string[] }[];
}

/** Every data set of an archive or folder, sorted by name. `onnx-backend-index.json` and `ort-*-baseline.json` beside it tell the classes. */
export function conformanceSuite(path: string): DataSet[] {
  const files = readFiles(path);
  const beside = (name: string): unknown => {
    const file = join(dirname(path), name);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  };
  const index = beside("onnx-backend-index.json") as Index | undefined;
  const baseline = beside("ort-1.30.0-baseline.json") as Record<string, string> | undefined;
  const dtypes = new Map(index?.tests.map((test) => [test.t, test.dt]));
  const sets: DataSet[] = [];
  const folders = new Map<string, string[]>();
  for (const name of files.keys()) {
    const folder = /^(.*\/test_data_set_\d+)\/[^/]+\.pb$/.exec(name)?.[1];
    if (folder) folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  const add = (name: string, test: string, model: string, inputs: readonly string[], outputs: readonly string[]): void => {
    const verdict = baseline?.[name];
    const isCore = (dtypes.get(test) ?? ["?"]).every((dtype) => CORE_TYPES.has(dtype));
    sets.push({
      name,
      group: name.split("/")[0]!,
      class: verdict === undefined ? "all" : isCore ? "core" : "plain",
      baseline: verdict,
      model: files.get(model)!,
      inputs: inputs.map((file) => files.get(file)!),
      outputs: outputs.map((file) => files.get(file)!),
    });
  };
  for (const [folder, names] of folders) {
    const test = folder.replace(/\/test_data_set_\d+$/, "");
    const numbered = (kind: string): string[] => names.filter((name) => name.includes(`/${kind}_`)).sort((a, b) => numberOf(a) - numberOf(b));
    add(folder, test, `${test}/model.onnx`, numbered("input"), numbered("output"));
  }
  for (const name of files.keys())
    if (name.startsWith("light/") && name.endsWith(".onnx")) add(name, name, name, [], [name.replace(/\.onnx$/, "_output_0.pb")]);
  return sets.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function numberOf(file: string): number {
  return Number(/_(\d+)\.pb$/.exec(file)?.[1]);
}

export interface NamedTensor extends Tensor {
  readonly name: string;
}

/** A tensor of a .pb file. Throws what the importer throws about constants. */
export function readTensorFile(bytes: Uint8Array, file: string): NamedTensor {
  const proto = decodeMessage(TENSOR, bytes, file, DEFAULT_LIMITS);
  return { name: proto.name ?? "", ...readTensor(proto, { file, limits: DEFAULT_LIMITS, external: new ExternalFiles(undefined, DEFAULT_LIMITS) }) };
}

/** What the whole topologies are fed that come without data: element i of n is i / n. */
export function rampInput(shape: readonly number[]): Tensor {
  const count = elementCount(shape);
  return tensor(
    "f32",
    shape,
    Float64Array.from({ length: count }, (_, i) => i / count),
  );
}
