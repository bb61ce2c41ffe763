import type { Graph } from "../ir/graph.ts";
import { keepState, namedStates, type StatePair } from "../ir/keep-state.ts";
import { NeoError } from "../support/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../support/limits.ts";
import type { Size } from "../support/size-range.ts";
import { describeOnnx, type ModelDescription } from "./onnx/describe.ts";
import { describeNir, importNir } from "./nir/import.ts";
import { importOnnx } from "./onnx/import.ts";
import { supportedOperators, type SupportedOperator } from "./onnx/ops/index.ts";
import type { TabularOptions } from "./tabular/graph.ts";
import { describeCatboost, importCatboost } from "./catboost/import.ts";
import { describeLightgbm, importLightgbm } from "./lightgbm/import.ts";
import { describeXgboost, importXgboost } from "./xgboost/import.ts";
import { detectFormat, FORMAT_NAMES } from "./detect.ts";
import { jsonKind } from "./json-kind.ts";

/** How models of a format are read. A format is added here and in `detect.ts`. */
interface Frontend {
  readonly name: string;
  importModel(bytes: Uint8Array, options: ImportOptions): Graph;
  describe(bytes: Uint8Array, fileName: string, limits: Limits): ModelDescription;
  operators(): readonly SupportedOperator[];
  /** Whether its models choose outputs by kind, and rounds of boosting. */
  readonly isTabular?: boolean;
}

export interface ImportOptions extends TabularOptions {
  /** Outputs that the next run finds in inputs; "auto": those whose names tell it. */
  readonly state?: readonly (StatePair | "auto")[];
}
export type { ModelDescription, SupportedOperator };

export const FRONTENDS: readonly Frontend[] = [
  { name: "onnx", importModel: importOnnx, describe: describeOnnx, operators: supportedOperators },
  { name: "xgboost", importModel: importXgboost, describe: describeXgboost, operators: () => [], isTabular: true },
  { name: "lightgbm", importModel: importLightgbm, describe: describeLightgbm, operators: () => [], isTabular: true },
  { name: "catboost", importModel: importCatboost, describe: describeCatboost, operators: () => [], isTabular: true },
  { name: "nir", importModel: importNir, describe: describeNir, operators: () => [] },
];

/** The graph of a model file of any format that has a frontend, told by its content. */
export function importModel(bytes: Uint8Array, options: ImportOptions): Graph {
  const frontend = frontendFor(bytes, options.fileName);
  if (!frontend.isTabular) refuseTabular(options);
  const graph = frontend.importModel(bytes, options);
  const pairs = options.state ?? [];
  const given = pairs.filter((pair) => pair !== "auto");
  const named = pairs.includes("auto") ? namedStates(graph) : [];
  const others = named.filter(({ input, output }) => !given.some((pair) => pair.input === input || pair.output === output));
  if (pairs.length > 0) keepState(graph, [...given, ...others]);
  return graph;
}

/** What a model file says of itself: its inputs with open dims, its operators. */
export function describeModel(bytes: Uint8Array, fileName: string, limits: Limits = DEFAULT_LIMITS): ModelDescription {
  return frontendFor(bytes, fileName).describe(bytes, fileName, limits);
}

/** Rows of the larger program that a table's model gets where nobody says how many there are. */
const MOST_ROWS = 1024;
/** Elements of such a block of rows. */
const MOST_ELEMENTS = 2 ** 22;

/**
 * The sizes that a model is compiled for where nobody gives any: a model of rows for one row, and for blocks of them, of any length
 * where its kernels take that. Of others whatever the file says.
 */
export function defaultBindings(bytes: Uint8Array, fileName: string, limits: Limits = DEFAULT_LIMITS): readonly Readonly<Record<string, Size>>[] {
  const frontend = frontendFor(bytes, fileName);
  if (!frontend.isTabular) return [{}];
  const { inputs, opCounts } = frontend.describe(bytes, fileName, limits);
  const columns = inputs[0]!.dims!.at(-1) as number;
  const most = Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(Math.max(1, MOST_ELEMENTS / Math.max(1, columns)))));
  if (most === 1) return [{ N: 1 }];
  return [{ N: 1 }, { N: Object.hasOwn(opCounts, "gblinear") ? most : { low: 1, high: most, step: 1 } }];
}

function refuseTabular({ fileName, outputKinds = [], iterations = "all" }: ImportOptions): void {
  if (outputKinds.length === 0 && iterations === "all") return;
  throw new NeoError({
    code: "NEO2033",
    message: `${fileName} is no tree model: it has neither kinds of outputs nor rounds to choose from`,
    hint: "leave --output-kind and --iterations out",
    file: fileName,
  });
}

function frontendFor(bytes: Uint8Array, fileName: string): Frontend {
  const format = detectFormat(bytes);
  const frontend = FRONTENDS.find((candidate) => candidate.name === format);
  if (frontend) return frontend;
  const kind = format === "json" ? jsonKind(bytes) : undefined;
  const named = kind?.name ?? (format && `${FORMAT_NAMES[format]}, which has no importer yet`);
  throw new NeoError({
    code: "NEO2000",
    message: named ? `${fileName} is ${named}` : `${fileName} is not a model of a known format`,
    notes: [{ where: fileName, text: bytes.length === 0 ? "the file is empty" : `begins with ${hex(bytes.subarray(0, 8))}` }],
    hint: kind?.hint ?? `models are read from: ${FRONTENDS.map((candidate) => candidate.name).join(", ")}`,
    file: fileName,
  });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
