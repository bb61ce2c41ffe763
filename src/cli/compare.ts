import { importModel } from "../frontends/index.ts";
import { interpret } from "../ir/interpret.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { tensor, type Tensor } from "../ir/tensor.ts";
import type { DType, StaticType } from "../ir/types.ts";
import { outputName } from "../backends/lower.ts";
import { optimize } from "../compile.ts";
import type { ManifestPort } from "../package/manifest.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { table } from "../support/table.ts";
import { repeatedOption, textOption, type CommandSpec, type Invocation, type OptionValues } from "./command.ts";
import { isBundle, readInput } from "./files.ts";
import { INPUT_OPTION, inputValues } from "./input-values.ts";
import { MODEL_OPTIONS, modelFrom } from "./model-options.ts";
import { openSession, SESSION_OPTIONS } from "./open-session.ts";
import { compareTensors, type TensorDifference } from "./tensor-difference.ts";

export const compare: CommandSpec = {
  name: "compare",
  args: [
    { name: "a", text: "a model (its interpreter is the reference) or a .neo file" },
    { name: "b", text: "what to compare: a .neo file or a model; without it, A compiled for this machine", optional: true },
  ],
  options: [
    INPUT_OPTION,
    { flags: "--max-abs <x>", text: "exit 4 if an element differs by more" },
    { flags: "--max-rel <x>", text: "exit 4 if an element differs by a larger share" },
    { flags: "--min-cos <x>", text: "exit 4 if an output's cosine is smaller" },
    { flags: "--at <stage>", text: "the reference is the graph as imported, or after passes", choices: ["import", "passes"], fallback: "import" },
    { flags: "--layers", text: "also compares the interpreter before and after the passes, tensor by tensor" },
    ...SESSION_OPTIONS.filter((option) => !MODEL_OPTIONS.includes(option)),
    ...MODEL_OPTIONS,
  ],
  examples: ["neo compare model.onnx model.neo --max-rel 1e-3", "neo compare model.onnx --executor wasm"],
  exits: {
    0: "ok",
    2: "usage",
    3: "no code for this machine, unsupported model",
    4: "a limit is exceeded",
    5: "not signed by a trusted key, or damaged",
    6: "no such file",
    7: "the model exceeds a limit",
  },
  async run(invocation) {
    const [a, b] = invocation.args as [string, string | undefined];
    const { options, cwd } = invocation;
    const session = await openSession(b ?? a, invocation);
    try {
      const inputs = (await inputValues(
        repeatedOption(options, "input"),
        { inputs: session.inputs, preprocess: (name, picture) => session.preprocess(name, picture) as never },
        cwd,
      )) as Record<string, unknown>;
      const reference = await referenceOutputs(a, session.inputs, inputs, invocation);
      const found = await session.run(inputs as never);
      const outputs = Object.entries(found).map(([name, got]): TensorDifference => {
        const want = reference.outputs.get(name);
        if (!want)
          throw new NeoError({
            code: "NEO4004",
            message: `the reference has no output ${name}`,
            notes: [...reference.outputs.keys()].map((key) => ({ where: key, text: "is there" })),
            hint: "are A and B the same model?",
          });
        return compareTensors(name, got, want);
      });
      const failed = violations(outputs, options);
      const nodes = options["layers"] === true && reference.graph ? layers(reference.graph, reference.tensors!) : [];
      const columns = ["output", "elements", "max abs", "max rel", "rmse", "cosine", "SQNR dB", "top"];
      const text = [
        table(
          columns.map((title, i) => ({ title, ...(i === 0 ? { max: 40 } : { align: "right" as const }) })),
          [...outputs, ...nodes].map((d) => [
            d.name,
            d.elements,
            exp(d.maxAbs),
            exp(d.maxRel),
            exp(d.rmse),
            d.cosine.toFixed(8),
            Number.isFinite(d.sqnrDb) ? d.sqnrDb.toFixed(1) : "inf",
            d.topEqual ? "same" : "differs",
          ]),
        ),
        `${session.artifact.id} against ${reference.label}`,
      ].join("\n");
      const firstBad = [...nodes].find((d) => !(d.ratio <= 1));
      return {
        text,
        result: { outputs, ...(firstBad ? { firstBad: { node: firstBad.name, value: firstBad.maxAbs } } : {}), nodes },
        diagnostics:
          failed.length > 0
            ? [
                new NeoError({
                  code: "NEO4003",
                  message: `${failed.length} limit${failed.length > 1 ? "s are" : " is"} exceeded`,
                  notes: failed,
                  hint: "--layers names the first tensor that differs",
                }),
              ]
            : [],
      };
    } finally {
      session.close();
    }
  },
};

interface Reference {
  readonly outputs: ReadonlyMap<string, { readonly dtype: string; readonly data: ArrayLike<number | bigint> }>;
  readonly label: string;
  readonly graph?: Graph;
  readonly tensors?: readonly Tensor[];
}

async function referenceOutputs(
  file: string,
  ports: readonly ManifestPort[],
  inputs: Readonly<Record<string, unknown>>,
  invocation: Invocation,
): Promise<Reference> {
  const bytes = await readInput(file, invocation.cwd);
  if (isBundle(bytes)) {
    const session = await openSession(file, invocation);
    try {
      const outputs = await session.run(inputs as never);
      return { outputs: new Map(Object.entries(outputs)), label: `${file} (${session.artifact.id})` };
    } finally {
      session.close();
    }
  }
  const model = await modelFrom(file, invocation);
  const shapes = Object.fromEntries(ports.map((port) => [port.name, [...port.shape]]));
  const graph = importModel(model.bytes, { ...model, shapes });
  if (invocation.options["at"] === "passes") optimize(graph);
  const tensors = graph.params.map((param) => asTensor(param, inputs[param.name]));
  const results = interpret(graph, tensors);
  return {
    outputs: new Map(results.map((t, i) => [outputName(graph, i), { dtype: t.type.dtype, data: t.data as ArrayLike<number> }])),
    label: `the interpreter of ${file}`,
    graph: importModel(model.bytes, { ...model, shapes }),
    tensors,
  };
}

function asTensor(param: Value, value: unknown): Tensor {
  const type = param.type as StaticType;
  const data = (Array.isArray(value) || ArrayBuffer.isView(value) ? value : (value as { data: unknown }).data) as ArrayLike<number | bigint>;
  return tensor(type.dtype as DType, type.shape, data);
}

/** Values that keep their name through the passes, before against after. */
function layers(graph: Graph, inputs: readonly Tensor[]): TensorDifference[] {
  const before = new Map<string, Tensor>();
  const collect =
    (into: Map<string, Tensor>) =>
    (value: Value, t: Tensor): void =>
      void (value.name && t.type.dtype !== "string" ? into.set(value.name, t) : undefined);
  interpret(graph, inputs, { onValue: collect(before) });
  optimize(graph);
  const after = new Map<string, Tensor>();
  interpret(graph, inputs, { onValue: collect(after) });
  return [...after]
    .filter(([name, t]) => before.get(name)?.data.length === t.data.length)
    .map(([name, t]) =>
      compareTensors(
        name,
        { dtype: t.type.dtype, data: t.data as ArrayLike<number> },
        { dtype: t.type.dtype, data: before.get(name)!.data as ArrayLike<number> },
      ),
    );
}

function violations(outputs: readonly TensorDifference[], options: OptionValues): Note[] {
  const notes: Note[] = [];
  const limit = (key: string): number | undefined => (textOption(options, key) === undefined ? undefined : Number(textOption(options, key)));
  const [maxAbs, maxRel, minCos] = [limit("maxAbs"), limit("maxRel"), limit("minCos")];
  for (const o of outputs) {
    if (maxAbs !== undefined && !(o.maxAbs <= maxAbs)) notes.push({ where: o.name, text: `max abs ${exp(o.maxAbs)}, wanted at most ${maxAbs}` });
    if (maxRel !== undefined && !(o.maxRel <= maxRel)) notes.push({ where: o.name, text: `max rel ${exp(o.maxRel)}, wanted at most ${maxRel}` });
    if (minCos !== undefined && !(o.cosine >= minCos)) notes.push({ where: o.name, text: `cosine ${o.cosine}, wanted at least ${minCos}` });
  }
  return notes;
}

function exp(x: number): string {
  return x === 0 ? "0" : x.toExponential(2);
}
