import { outputName } from "../backends/lower.ts";
import { optimize } from "../compile.ts";
import { importModel } from "../frontends/index.ts";
import type { Graph } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import { tensor, type Tensor } from "../ir/tensor.ts";
import type { DType, StaticType } from "../ir/types.ts";
import type { ManifestPort } from "../package/manifest.ts";
import { PASSES } from "../passes/pipelines.ts";
import type { Session } from "../session/session.ts";
import { NeoError } from "../support/errors.ts";
import { textOption, type Invocation } from "./command.ts";
import { isBundle, readInput } from "./files.ts";
import { modelFrom } from "./model-options.ts";
import { openSession } from "./open-session.ts";

/** Values of the inputs by name, as `--input` gave them. */
export type InputValues = Readonly<Record<string, unknown>>;

/** What A computes. */
export interface Reference {
  readonly outputs: ReadonlyMap<string, { readonly dtype: string; readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint | string> }>;
  readonly label: string;
}

/** The word of `--at`: a stage of the graph. */
export function stageFrom({ options }: Invocation): string {
  const stage = textOption(options, "at")!;
  const names = ["import", "passes", ...PASSES.map((pass) => pass.name)];
  if (!names.includes(stage)) throw new NeoError({ code: "NEO1015", message: `--at ${stage}: there is no such stage`, hint: `one of ${names.join(", ")}` });
  return stage;
}

/** Outputs of A: of its interpreter at `stage` for a model, of its code for a bundle. */
export async function referenceFor(file: string, session: Session, inputs: InputValues, stage: string, invocation: Invocation): Promise<Reference> {
  if (isBundle(await readInput(file, invocation.cwd))) {
    const other = await openSession(file, invocation);
    try {
      const outputs = await other.run(inputs as never);
      return { outputs: new Map(Object.entries(outputs)), label: `${file} (${other.artifact.id})` };
    } finally {
      other.close();
    }
  }
  const graph = await importedGraph(file, session.inputs, invocation);
  if (stage !== "import") optimize(graph, stage === "passes" ? {} : { stopAfter: stage });
  const results = interpret(graph, tensorsFor(graph, inputs));
  return {
    outputs: new Map(results.map((t, i) => [outputName(graph, i), { dtype: t.type.dtype, shape: t.type.shape, data: t.data }])),
    label: `the interpreter of ${file}`,
  };
}

/** The graph of a model with the shapes of these inputs. */
export async function importedGraph(file: string, ports: readonly ManifestPort[], invocation: Invocation): Promise<Graph> {
  const model = await modelFrom(file, invocation);
  const shapes = Object.fromEntries(ports.map((port) => [port.name, [...port.shape]]));
  return importModel(model.bytes, { ...model, shapes });
}

/** Values of the inputs in the order and types of the graph's parameters. */
export function tensorsFor(graph: Graph, inputs: InputValues): Tensor[] {
  return graph.params.map((param) => {
    const type = param.type as StaticType;
    const value = inputs[param.name];
    const data = (Array.isArray(value) || ArrayBuffer.isView(value) ? value : (value as { data: unknown }).data) as ArrayLike<number | bigint>;
    return tensor(type.dtype as DType, type.shape, data);
  });
}
