/** Regions of accelerators: steps of the session between runs of code, and the files that engines read. */
import type { HostCall } from "../host/host-function.ts";
import type { Graph, Op } from "../ir/graph.ts";
import { exportOnnx } from "./exporters/onnx.ts";
import { borderTypes, inArena } from "./host-steps.ts";

import type { OpenBuffer } from "./open-steps.ts";
import type { RegionContext } from "./schedule.ts";

/** A region of a graph as a file of its exchange format. */
export interface ExchangeFile {
  readonly region: string;
  readonly accelerator: string;
  readonly engine: string;
  readonly exchange: string;
  readonly options: readonly string[];
  readonly body: Graph;
  readonly bytes: Uint8Array;
}

/** How bodies are written, by exchange format. */
const EXPORTERS: Readonly<Record<string, (body: Graph) => Uint8Array>> = { onnx: exportOnnx };

/** The regions of a graph in the order in which they run. Each has a name of its own. */
export function exchangeFilesOf(graph: Graph): readonly ExchangeFile[] {
  return graph.ops.filter(({ name }) => name === "region").map(exchangeFileOf);
}

function exchangeFileOf(op: Op): ExchangeFile {
  const { region, accelerator, engine, exchange, options } = regionAttrs(op);
  const body = op.regions[0]!;
  return { region, accelerator, engine, exchange, options, body, bytes: EXPORTERS[exchange]!(body) };
}

function regionAttrs({ attrs }: Op): Omit<ExchangeFile, "body" | "bytes"> {
  const text = (name: string): string => attrs[name] as string;
  return {
    region: text("region"),
    accelerator: text("accelerator"),
    engine: text("engine"),
    exchange: text("exchange"),
    options: attrs["options"] as readonly string[],
  };
}

/** The call names the engine; which file of the bundle it reads is known when the bundle is made. */
export function lowerToRegion(op: Op, context: RegionContext): void {
  const { engine, region, accelerator, exchange, options } = regionAttrs(op);
  const results = op.results.map((_, i) => context.result(op, i));
  context.open.push({
    kind: "region",
    name: region,
    call: { function: engine, attrs: { accelerator, exchange, options }, ...borderTypes(op) },
    inputs: op.operands.map((_, i) => inArena(context.operandAt(i)!, context)),
    outputs: results.map(({ buffer }) => buffer as OpenBuffer),
    info: { op: op.name, loc: op.loc, macs: 0 },
  });
}

/** Steps of a session whose regions know their file in the bundle, and the version of the engine that it was checked with. */
export function withFiles<S extends { readonly kind: string }>(
  steps: readonly S[],
  fileOf: (region: string) => { readonly file: string; readonly version: string },
): readonly S[] {
  return steps.map((step) => {
    const { kind, name, call } = step as { readonly kind: string; readonly name?: string; readonly call?: HostCall };
    return kind === "region" && name !== undefined && call ? { ...step, call: { ...call, attrs: { ...call.attrs, ...fileOf(name) } } } : step;
  });
}
