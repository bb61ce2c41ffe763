import type { Accelerator } from "./backends/accelerators/accelerator.ts";
import { chosenAccelerators } from "./backends/accelerators/chosen.ts";
import { printC, type CSources } from "./backends/c/print.ts";
import { hostOpsOf } from "./backends/host-steps.ts";
import { sessionSteps } from "./backends/session-steps.ts";
import { stepNotes } from "./backends/step-notes.ts";
import { applyPartition } from "./backends/partition/apply.ts";
import type { PartitionReport } from "./backends/partition/report.ts";
import { lower, opMacs, type Lowered } from "./backends/lower.ts";
import { withFiles } from "./backends/region-steps.ts";
import { emitWasm, wasmMemoryPlan } from "./backends/wasm/emit.ts";
import { WasmInstance } from "./backends/wasm/run.ts";
import { WeightPool } from "./backends/weight-pool.ts";
import { defaultBindings, importModel, type ImportOptions } from "./frontends/index.ts";
import { TextTable } from "./host/text-table.ts";
import type { Graph, Op } from "./ir/graph.ts";
import { interpret } from "./ir/interpret.ts";
import { checkSharedState } from "./ir/keep-state.ts";
import { fullInputs, visibleInputs, visibleOutputs } from "./ir/port-extents.ts";
import { decodePort, encodePort } from "./ir/port-data.ts";
import type { Tensor } from "./ir/tensor.ts";
import { elementCount, isFloat, type DType } from "./ir/types.ts";
import type { Program } from "./kernel/program.ts";
import { buildBundle, type BuildArtifact, type BuildCode, type BuildSelfTest } from "./package/build.ts";
import { sha256Hex, type CryptoEngine } from "./package/crypto.ts";
import type { BuiltBundle } from "./package/write-bundle.ts";
import type { ManifestExtent, ManifestLists, ManifestPort, ManifestProgram } from "./package/manifest.ts";
import type { PreprocessSpec } from "./package/preprocess-spec.ts";
import { seededBytes } from "./package/self-test.ts";
import { DEFAULT_OPTIONS, runPasses, type PassHooks, type PassRun } from "./passes/pass.ts";
import { FOR_CPU, SIMPLIFY } from "./passes/pipelines.ts";
import { storedRegions, type StoredRegion, type TryRegion } from "./region-files.ts";
import { NeoError } from "./support/errors.ts";
import { printSize, type Size } from "./support/size-range.ts";
import type { TargetProfile } from "./target/profile.ts";

/** Sizes of named dims, or whole shapes by the names of inputs. A dim of a range has the size that the inputs of a run say. */
export type Binding = Readonly<Record<string, Size | readonly Size[]>>;

/** What the compiler needs of the machine it runs on. */
export interface CompilePorts {
  readonly crypto: CryptoEngine;
  /** A C compiler and linker; needed for native targets. */
  readonly compileC?: (sources: CSources, target: TargetProfile) => Promise<Uint8Array>;
  /** Runs a region in its engine, once; without it regions go into the bundle unchecked. */
  readonly tryRegion?: TryRegion;
  /** Milliseconds of a steady clock, for the report. */
  readonly now?: () => number;
  /** Told at the start of each stage. */
  readonly stage?: (name: string) => void;
}

export interface CompileOptions extends Omit<ImportOptions, "shapes"> {
  /** Name of the bundle; default: the file's name without extension. */
  readonly name?: string;
  readonly version?: string;
  readonly release?: number;
  readonly compiler: string;
  /** One artifact each, in order of preference. */
  readonly targets: readonly TargetProfile[];
  /** One program each; default: of a model of rows one for a single row and one for blocks of them, else one with nothing bound. */
  readonly bindings?: readonly Binding[];
  readonly preprocess?: Readonly<Record<string, PreprocessSpec>>;
  /** Code that is run step by step and says what each step computes, to see where time goes. It is a little slower and larger. */
  readonly profile?: boolean;
  readonly hooks?: PassHooks;
  /** Also code without regions, for where their engines are missing. */
  readonly cpuFallback?: boolean;
  /** What may run parts of the model beside native code, best first; default: what each target says. None: all is code. */
  readonly accelerators?: readonly Accelerator[];
}

export interface ArtifactReport {
  readonly target: string;
  readonly codeBytes: number;
  readonly weightsBytes: number;
  readonly arenaBytes: number;
  readonly arenaLowerBound: number;
  readonly kernels: number;
}

export interface CompileReport {
  readonly name: string;
  readonly macs: number;
  readonly ops: Readonly<Record<string, number>>;
  /** Nodes of steps of the host, by the function that does them. */
  readonly hostOps: Readonly<Record<string, readonly string[]>>;
  readonly passes: readonly PassRun[];
  readonly artifacts: readonly ArtifactReport[];
  readonly digest: string;
  /** Of the first program, by target, where accelerators were asked. */
  readonly partitions: readonly TargetPartition[];
}

export interface TargetPartition {
  readonly target: string;
  readonly partition: PartitionReport;
}

export interface Compiled {
  readonly bundle: BuiltBundle;
  readonly report: CompileReport;
}

/** From a model file to an unsigned bundle: the pipeline in order. */
export async function compile(bytes: Uint8Array, options: CompileOptions, ports: CompilePorts): Promise<Compiled> {
  const bindings = options.bindings?.length ? options.bindings : defaultBindings(bytes, options.fileName, options.limits);
  const passes: PassRun[] = [];
  const graphs: Graph[] = [];
  const cuts = new Map<TargetProfile, Graph[]>();
  const partitions: TargetPartition[] = [];
  for (const binding of bindings) {
    ports.stage?.("import");
    const graph = importModel(bytes, { ...options, shapes: binding });
    ports.stage?.("optimize");
    passes.push(
      ...optimize(graph, options.hooks, ports.now, () => {
        for (const target of options.targets) {
          const accelerators = acceleratorsFor(target, options.accelerators);
          if (accelerators.length === 0) continue;
          const applied = applyPartition(graph, target, accelerators);
          if (graphs.length === 0) partitions.push({ target: target.name, partition: applied.report });
          runPasses(applied.graph, FOR_CPU, DEFAULT_OPTIONS);
          cuts.set(target, [...(cuts.get(target) ?? []), applied.graph]);
        }
      }),
    );
    graphs.push(graph);
  }
  checkSharedState(graphs);
  const compiled = await compileGraphs(graphs, { ...options, name: options.name ?? baseName(options.fileName), bindings, cuts }, ports);
  return { bundle: compiled.bundle, report: { ...compiled.report, passes, partitions } };
}

/** What may run parts of a model beside code of this target: engines are libraries of a system, which WebAssembly does not reach. */
export function acceleratorsFor(target: TargetProfile, asked?: readonly Accelerator[]): readonly Accelerator[] {
  return target.kind === "native" ? (asked ?? chosenAccelerators(target.accelerators ?? [])) : [];
}

/** What `compileGraphs` takes of the options: nothing of reading a file. */
export interface GraphOptions extends Pick<CompileOptions, "version" | "release" | "compiler" | "targets" | "preprocess" | "profile" | "cpuFallback"> {
  readonly name: string;
  /** As many as there are graphs. */
  readonly bindings: readonly Binding[];
  /** The same graphs with regions of accelerators, for targets that have some. */
  readonly cuts?: ReadonlyMap<TargetProfile, readonly Graph[]>;
  /** Leaves out the known answers, which cost an interpreter run each. */
  readonly withoutSelfTest?: boolean;
}

/** From optimised graphs, one program each, to an unsigned bundle: the second half of `compile`. */
export async function compileGraphs(graphs: readonly Graph[], options: GraphOptions, ports: CompilePorts): Promise<Compiled> {
  const { name, bindings } = options;
  const texts = new TextTable();
  const generated: Generated[] = [];
  for (const target of options.targets) {
    ports.stage?.(`generate code for ${target.name}`);
    const cut = options.cuts?.get(target)?.some(hasRegions) ? options.cuts.get(target) : undefined;
    // Preferred is what has regions; the code without them stands behind it.
    for (const form of [...(cut ? [cut] : []), ...(!cut || options.cpuFallback ? [graphs] : [])])
      generated.push(await generate(form, target, { texts, profile: options.profile === true }, ports));
  }
  ports.stage?.("pack");
  const artifacts = generated.map((g) => g.artifact);
  const programs = generated[0]!.lowered.map(({ program }, i) => ({
    binding: storedBinding(bindings[i]!),
    inputs: program.inputs.map((port) => labelledPort(port, graphs[i]!)),
    outputs: program.outputs.map((port) => labelledPort(port, graphs[i]!)),
    ...listsOf(graphs[i]!),
  }));
  const selfTest = options.withoutSelfTest ? [] : await selfTests(graphs, programs, artifacts, texts);
  const bundle = buildBundle(
    {
      name,
      compiler: options.compiler,
      programs,
      artifacts,
      ...(options.version === undefined ? {} : { version: options.version }),
      ...(options.release === undefined ? {} : { release: options.release }),
      ...(options.preprocess ? { preprocess: options.preprocess } : {}),
      ...(texts.length > 1 ? { texts: texts.list() } : {}),
      selfTest,
    },
    ports.crypto,
  );
  return {
    bundle,
    report: {
      name,
      macs: macsOf(graphs[0]!),
      ops: countOps(graphs[0]!),
      hostOps: hostOpsOf(graphs[0]!),
      passes: [],
      partitions: [],
      artifacts: generated.map((g) => g.report),
      digest: bundle.digest,
    },
  };
}

/** As the manifest has it: ranges are texts. */
function storedBinding(binding: Binding): ManifestProgram["binding"] {
  const stored = (size: Size): number | string => (typeof size === "number" ? size : printSize(size));
  return Object.fromEntries(Object.entries(binding).map(([name, size]) => [name, Array.isArray(size) ? size.map(stored) : stored(size as Size)]));
}

function listsOf({ lists }: Graph): { readonly lists?: ManifestLists } {
  const [inputs, outputs] = [Object.fromEntries(lists.inputs), Object.fromEntries(lists.outputs)];
  return lists.inputs.size + lists.outputs.size > 0 ? { lists: { inputs, outputs } } : {};
}

function labelledPort<P extends ManifestPort>(port: P, graph: Graph): P {
  const [labels, table] = [graph.labels.get(port.name), graph.tables.get(port.name)];
  return { ...port, ...(labels ? { labels } : {}), ...(table ? { table } : {}) };
}

/** Makes the graph smaller, then ready for kernels of the CPU. `simplified` is called in between, with the graph still logical. */
export function optimize(graph: Graph, hooks: PassHooks = {}, now?: () => number, simplified?: () => void): PassRun[] {
  const all = { ...hooks, ...(now ? { now } : {}) };
  if (!simplified) return runPasses(graph, [...SIMPLIFY, ...FOR_CPU], DEFAULT_OPTIONS, all);
  const first = runPasses(graph, SIMPLIFY, DEFAULT_OPTIONS, all);
  simplified();
  return [...first, ...runPasses(graph, FOR_CPU, DEFAULT_OPTIONS, all)];
}

interface Generated {
  readonly lowered: readonly Lowered[];
  readonly artifact: BuildArtifact;
  readonly report: ArtifactReport;
}

/** Code of all programs for one target, over one pool of weights. */
async function generate(
  graphs: readonly Graph[],
  target: TargetProfile,
  { texts, profile }: { readonly texts: TextTable; readonly profile: boolean },
  ports: CompilePorts,
): Promise<Generated> {
  const pool = new WeightPool(texts);
  const lowered = graphs.map((graph) => lower(graph, target, pool));
  // Every program knows the whole pool, so that segments have one place in all of them.
  const segments = pool.segments((bytes) => sha256Hex(ports.crypto, bytes));
  const programs: BuildCode[] = [];
  for (const [i, { program: alone, lengths, limits, calls }] of lowered.entries()) {
    const regions = await storedRegions(graphs[i]!, ports.crypto, ports.tryRegion, macsOf);
    const program: Program = { ...alone, segments, ...(profile ? { stepwise: true } : {}) };
    const notes = profile ? { notes: stepNotes(program, calls) } : {};
    const steps = withFiles(sessionSteps(program), (region) => fileEntry(regions.get(region)!));
    const files = new Map([...regions.values()].map(({ file, bytes }) => [file, bytes]));
    programs.push({ ...(await codeFor(program, target, ports)), extents: extentsOf(program, lengths), limits, steps, files, ...notes });
  }
  const weights = pool.bytes();
  return { lowered, artifact: { target, weights, programs }, report: artifactReport(target, lowered, programs, weights.length) };
}

const hasRegions = ({ ops }: Graph): boolean => ops.some(({ name }) => name === "region");

function fileEntry({ file, version }: StoredRegion): Pick<StoredRegion, "file" | "version"> {
  return { file, version };
}

/** The lengths that a session writes before a run and reads after it, with the dims they count. */
function extentsOf(program: Program, lengths: Lowered["lengths"]): ManifestExtent[] {
  return Object.entries(program.extents).flatMap(([name, { max, at }]) => {
    const ports = lengths.filter(({ extent }) => extent === name);
    if (ports.length === 0) return [];
    const { low = 0, step = 1 } = ports[0]!;
    const range = { ...(low === 0 ? {} : { min: low }), ...(step === 1 ? {} : { step }) };
    return [{ name, ...range, max, at: at.offset, dims: ports.map(({ port, index, axis }) => ({ port, index, axis })) }];
  });
}

async function codeFor(program: Program, target: TargetProfile, ports: CompilePorts): Promise<BuildCode> {
  const { arenaBytes, stateBytes } = program;
  if (target.kind === "wasm") return { code: await emitWasm(program, target), arenaBytes, stateBytes, memory: wasmMemoryPlan(program) };
  if (!ports.compileC)
    throw new NeoError({
      code: "NEO3010",
      message: `no C compiler was given for ${target.name}`,
      hint: "compile for `wasm`, or install gcc or clang (`neo doctor`)",
    });
  return { code: await ports.compileC(printC(program, target), target), arenaBytes, stateBytes };
}

function artifactReport(target: TargetProfile, lowered: readonly Lowered[], programs: readonly BuildCode[], weightsBytes: number): ArtifactReport {
  const largest = (pick: (l: Lowered) => number): number => Math.max(...lowered.map(pick));
  return {
    target: target.name,
    codeBytes: programs.reduce((n, p) => n + p.code.length, 0),
    weightsBytes,
    arenaBytes: largest((l) => l.memory.plannedBytes),
    arenaLowerBound: largest((l) => l.memory.lowerBoundBytes),
    kernels: largest((l) => l.program.kernels.length),
  };
}

/** Above this many multiply-accumulates the interpreter would take longer than the compile: WebAssembly of the same bundle answers instead. */
const INTERPRETER_MACS = 40e6;
const SELF_TEST_SEED = 1;

/**
 * One known answer a program: inputs from a seed, outputs from the graph's interpreter or, for large models of code alone, the bundle's
 * own WebAssembly. Strings that come in are some of the model's own; a model that does not take them has no known answer.
 */
async function selfTests(
  graphs: readonly Graph[],
  programs: readonly Pick<Program, "inputs" | "outputs">[],
  artifacts: readonly BuildArtifact[],
  texts: TextTable,
): Promise<BuildSelfTest[]> {
  const wasm = artifacts.find((artifact) => artifact.target.kind === "wasm");
  const tests: BuildSelfTest[] = [];
  const own = texts.length - 1;
  for (const [program, graph] of graphs.entries()) {
    const ports = programs[program]!;
    const high = ({ dtype }: ManifestPort): number => (dtype === "string" ? Math.min(own, MOST_SEEDED_TEXTS) : 1);
    const seeds = ports.inputs.map((port) => ({ seed: SELF_TEST_SEED, low: isFloat(port.dtype as DType) ? -1 : 0, high: high(port) }));
    const inputs = seeds.map((seed, i) => seededBytes(ports.inputs[i]!, seed));
    const code = wasm?.programs[program];
    const large = code?.steps?.length === 0 && macsOf(graph) > INTERPRETER_MACS;
    const outputs = large ? await runWasm(code, wasm!.weights, inputs, ports.outputs) : interpretBytes(graph, inputs, texts);
    if (outputs) tests.push({ program, inputs: seeds, outputs, tolerance: SELF_TEST_TOLERANCE });
  }
  return tests;
}

const MOST_SEEDED_TEXTS = 15;

/** Of whole models: errors of single ops add up. */
const SELF_TEST_TOLERANCE = { abs: 1e-3, rel: 1e-3 };

/** Undefined where a function of the host takes no such data, or a value gets longer than its bound. */
function interpretBytes(graph: Graph, inputs: readonly Uint8Array[], texts: TextTable): Uint8Array[] | undefined {
  try {
    const tensors = visibleInputs(graph).map((param, i): Tensor => {
      const shape = param.type.shape as readonly number[];
      return { type: { dtype: param.type.dtype, shape }, data: decodePort(param.type.dtype, inputs[i]!, elementCount(shape), texts) };
    });
    const results = interpret(graph, fullInputs(graph, tensors)).slice(0, visibleOutputs(graph).length);
    return results.map((tensor) => encodePort(tensor.type.dtype, tensor.data, texts));
  } catch (error) {
    if (error instanceof NeoError && (error.code === "NEO1057" || error.code === "NEO1058")) return undefined;
    throw error;
  }
}

/** At the full length of every extent. */
async function runWasm(
  { code, memory, extents = [] }: BuildCode,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  outputs: Program["outputs"],
): Promise<Uint8Array[]> {
  const instance = await WasmInstance.create(code, memory!, weights);
  const words = new DataView(instance.memory.buffer, memory!.arena);
  for (const { at, max } of extents) words.setInt32(at, max, true);
  return instance.run(
    inputs,
    outputs.map((port) => port.bytes),
  );
}

/** Multiply-accumulates of a run: the larger branch of an `if`, bodies as often as they run, once where only data tell. */
export function macsOf(graph: Graph): number {
  return graph.ops.reduce((n, op) => n + opMacs(op) + turnsOf(op) * Math.max(0, ...op.regions.map(macsOf)), 0);
}

function turnsOf(op: Op): number {
  if (op.name === "scan") return op.operands[op.attrs["carried"] as number]!.type.shape[0] as number;
  return op.name === "loop" ? Math.max(1, op.attrs["turns"] as number, op.attrs["maxTrips"] as number) : 1;
}

/** Ops by name, those in branches and bodies included; what was fused counts as one. */
export function countOps(graph: Graph): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  const count = ({ ops }: Graph): void => {
    for (const op of ops) {
      if (op.name !== "return" && op.name !== "constant") counts.set(op.name, (counts.get(op.name) ?? 0) + 1);
      if (op.name !== "fused") op.regions.forEach(count);
    }
  };
  count(graph);
  return Object.fromEntries([...counts].sort());
}

function baseName(fileName: string): string {
  return (
    fileName
      .split(/[/\\]/)
      .at(-1)!
      .replace(/\.[a-z0-9]+$/i, "") || "model"
  );
}
