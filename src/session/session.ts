import { HostProblem } from "../host/host-function.ts";
import { TextTable } from "../host/text-table.ts";
import type { Artifact, Manifest, ManifestPort, ManifestProgram, Range } from "../package/manifest.ts";
import { SELF_TEST_FILE } from "../package/manifest.ts";
import { pictureShape, printPreprocess } from "../package/preprocess-spec.ts";
import type { Bundle } from "../package/read-bundle.ts";
import { seededBytes } from "../package/self-test.ts";
import { InternalError, NeoError } from "../support/errors.ts";
import { sequenceOf, type Inputs } from "./border.ts";
import { checkAnswer, type SelfTestReport } from "./check-answers.ts";
import { chooseProgram, describe, type Chosen } from "./choose.ts";
import type { Engine, Runnable } from "./engine.ts";
import { checkLimits, copyCorner, shapeOfOutput, writeExtents } from "./extents.ts";
import { runProgramAsync, type Regions } from "./regions.ts";
import { hostProblem, runProgram, type HostStep, type StepObserver } from "./host-steps.ts";
import { naturalWidth, pictureElements, type Picture } from "./preprocess.ts";
import { loadElements, storeElements, type InputData, type OutputTensor } from "./tensors.ts";

export type { Inputs };
export type Outputs = Record<string, OutputTensor>;

/** An artifact that was not taken, and why. */
export interface Refusal {
  readonly artifact: string;
  readonly reason: string;
}

/** Inputs in place, to be run any number of times. Another run of the session overwrites them. */
export interface BoundRun {
  readonly program: ManifestProgram;
  run(): void;
  /** The same, waiting for engines of regions that want to be waited for: `run` refuses these. */
  runAsync(): Promise<void>;
  /** The same step by step, of a bundle compiled with `profile`: `observe` is handed each step and runs it, once or more. */
  observe(observe: StepObserver): void;
  outputs(): Outputs;
}

/** A verified bundle, ready to run. State, if the model has any, lasts from run to run; `reset` forgets it. */
export class Session {
  readonly bundle: Bundle;
  readonly artifact: Artifact;
  readonly refusals: readonly Refusal[];
  private readonly hostSteps: Readonly<Record<string, HostStep>>;
  /** Those of the bundle; each run has its own behind them. */
  private readonly texts: TextTable;
  private engine: Engine | undefined;
  private readonly regions: Regions;
  /** The run that others wait for, where runs wait for engines. */
  private running: Promise<unknown> = Promise.resolve();
  /** The program that ran last: it has the state. */
  private last: Runnable | undefined;

  constructor(
    bundle: Bundle,
    artifact: Artifact,
    engine: Engine,
    hostSteps: Readonly<Record<string, HostStep>>,
    refusals: readonly Refusal[],
    regions: Regions = { steps: {}, isAsync: false, close: () => undefined },
  ) {
    this.bundle = bundle;
    this.artifact = artifact;
    this.engine = engine;
    this.hostSteps = { ...hostSteps, ...regions.steps };
    this.regions = regions;
    this.texts = TextTable.of(bundle.manifest.texts ?? []);
    this.refusals = refusals;
  }

  get name(): string {
    return this.manifest.name;
  }

  get manifest(): Manifest {
    return this.bundle.manifest;
  }

  get kind(): "native" | "wasm" {
    return this.artifact.kind;
  }

  /** Runs have to wait for an engine: `runSync` and `run` of a bound run don't. */
  get isAsync(): boolean {
    return this.regions.isAsync;
  }

  get programs(): readonly ManifestProgram[] {
    return this.manifest.programs;
  }

  /** Those of the first program; others differ in shape only. */
  get inputs(): readonly ManifestPort[] {
    return this.programs[0]!.inputs;
  }

  get outputs(): readonly ManifestPort[] {
    return this.programs[0]!.outputs;
  }

  /** Outputs by name. The program is the first whose shapes the inputs have. */
  async run(inputs: Inputs): Promise<Outputs> {
    if (!this.regions.isAsync) return oneRun(await this.bind(inputs));
    // Inputs lie in memory of the session until the run is through.
    const next = this.running.then(async () => {
      const bound = await this.bind(inputs);
      await bound.runAsync();
      return bound.outputs();
    });
    this.running = next.catch(() => undefined);
    return next;
  }

  runSync(inputs: Inputs): Outputs {
    return oneRun(this.bindSync(inputs));
  }

  async bind(inputs: Inputs): Promise<BoundRun> {
    const chosen = chooseProgram(this.manifest, this.artifact, inputs);
    return this.bound(chosen, await this.opened().open(chosen.program));
  }

  bindSync(inputs: Inputs): BoundRun {
    const chosen = chooseProgram(this.manifest, this.artifact, inputs);
    return this.bound(chosen, this.opened().openSync(chosen.program));
  }

  /** The tensors of an output that is a sequence, of what a run gave. */
  sequence(name: string, outputs: Outputs): OutputTensor[] {
    for (const program of this.programs) {
      const found = sequenceOf(program, name, outputs);
      if (found) return found;
    }
    const known = this.programs.flatMap(({ lists }) => Object.keys(lists?.outputs ?? {}));
    throw new NeoError({
      code: "NEO1050",
      message: `${name} is no output of ${this.name} that is a sequence`,
      notes: [...new Set(known)].map((output) => ({ where: output, text: "is one" })),
      hint: "`neo inspect` lists the outputs of a bundle",
    });
  }

  /** A picture as the input that the bundle says how to make; of several programs, for the one with the narrowest input that holds it. */
  preprocess(input: string, picture: Picture): OutputTensor {
    const spec = Object.hasOwn(this.manifest.preprocess, input) ? this.manifest.preprocess[input] : undefined;
    if (!spec) {
      const known = Object.keys(this.manifest.preprocess);
      throw new NeoError({
        code: "NEO1054",
        message: `input ${input} of ${this.name} takes no picture`,
        notes: [{ where: input, text: known.length > 0 ? `pictures are taken by ${known.join(", ")}` : "the bundle has no preprocessing" }],
        hint: "compile with `--preprocess`",
      });
    }
    const wanted = naturalWidth(picture, spec);
    const ports = this.programs
      .map((program) => program.inputs.find((port) => port.name === input)!)
      .filter((port) => spec.resize !== undefined || (pictureShape(port, spec)?.height === picture.height && pictureShape(port, spec)?.width === picture.width))
      .sort((a, b) => pictureShape(a, spec)!.width - pictureShape(b, spec)!.width);
    const port = ports.find((p) => pictureShape(p, spec)!.width >= wanted) ?? ports.at(-1);
    if (!port) {
      throw new NeoError({
        code: "NEO1054",
        message: `the picture does not fit input ${input} of ${this.name}`,
        notes: [
          { where: "picture", text: `${picture.width}x${picture.height}` },
          ...this.programs.map((program) => ({ where: input, text: `${describe(program.inputs.find((p) => p.name === input)!)}, ${printPreprocess(spec)}` })),
        ],
        hint: "compile with `--preprocess …,resize:HxW`",
      });
    }
    return { dtype: port.dtype, shape: port.shape, data: toDtype(pictureElements(picture, spec, port), port) };
  }

  /** Runs the known answers of the bundle. Leaves the state as it was. */
  async selfTest(): Promise<SelfTestReport> {
    const stored = this.bundle.file(SELF_TEST_FILE) ?? new Uint8Array(0);
    const at = ({ offset, bytes }: Range): Uint8Array => stored.subarray(offset, offset + bytes);
    const vectors: SelfTestReport["vectors"][number][] = [];
    for (const vector of this.manifest.selfTest) {
      const program = this.programs.findIndex(({ id }) => id === vector.program);
      const { inputs, outputs } = this.programs[program]!;
      const runnable = await this.opened().open(program);
      const state = this.stateOf(runnable).slice();
      this.stateOf(runnable).fill(0);
      vector.inputs.forEach((input, i) => runnable.inputs[i]!.set("seed" in input ? seededBytes(inputs[i]!, input) : at(input)));
      const full = this.artifact.programs[program]!;
      writeExtents(full, runnable, new Map(full.extents.map(({ name, max }) => [name, max])));
      await runProgramAsync(full, runnable, this.hostSteps, new TextTable(this.texts));
      this.stateOf(runnable).set(state);
      const reports = vector.outputs.map((output, i) => checkAnswer(outputs[i]!, runnable.outputs[i]!, at(output), output, vector.tolerance));
      vectors.push({ program: vector.program, ok: reports.every((r) => r.ok), outputs: reports });
    }
    return { ok: vectors.every((v) => v.ok), vectors };
  }

  /** The next run starts as if it were the first. */
  reset(): void {
    if (this.last) this.stateOf(this.last).fill(0);
  }

  /** Gives code and memory back. */
  close(): void {
    if (this.engine) this.regions.close();
    this.engine?.close();
    this.engine = undefined;
    this.last = undefined;
  }

  private opened(): Engine {
    if (this.engine) return this.engine;
    throw new NeoError({ code: "NEO1055", message: `the session of ${this.name} is closed`, hint: "load the bundle again" });
  }

  private bound(chosen: Chosen, runnable: Runnable): BoundRun {
    const program = this.programs[chosen.program]!;
    const code = this.artifact.programs[chosen.program]!;
    const texts = new TextTable(this.texts);
    program.inputs.forEach((port, i) => {
      const shape = chosen.shapes[i]!;
      const target = runnable.inputs[i]!;
      const { data } = chosen.given[i]!;
      if (sameShape(shape, port.shape)) return storeInput(target, port, data, texts);
      const width = port.bytes / port.shape.reduce((n, d) => n * d, 1);
      const dense = new Uint8Array(shape.reduce((n, d) => n * d, width));
      storeInput(dense, port, data, texts);
      copyCorner("in", dense, shape, target, port.shape, width);
    });
    const given = texts.length;
    const prepare = (): void => {
      this.opened();
      texts.shorten(given);
      this.takeState(runnable);
      writeExtents(code, runnable, chosen.extents);
    };
    const run = (observe?: StepObserver): void => {
      if (this.regions.isAsync) throw needsWaiting(this.name);
      prepare();
      runProgram(code, runnable, this.hostSteps, texts, observe);
      checkLimits(code, runnable);
    };
    return {
      program,
      run: () => run(),
      runAsync: async () => {
        prepare();
        await runProgramAsync(code, runnable, this.hostSteps, texts);
        checkLimits(code, runnable);
      },
      observe: (observe) => run(observe),
      outputs: () =>
        Object.fromEntries(
          program.outputs.map((port, i): [string, OutputTensor] => {
            const shape = shapeOfOutput(code, program, i, runnable);
            return [port.name, { dtype: port.dtype, shape, data: loadElements(outputBytes(runnable.outputs[i]!, shape, port), port.dtype, texts) }];
          }),
        ),
    };
  }

  /** State has one layout in all programs of an artifact; it moves along where their arenas are apart. */
  private takeState(runnable: Runnable): void {
    const { last } = this;
    if (last && last !== runnable && last.arena.buffer !== runnable.arena.buffer) this.stateOf(runnable).set(this.stateOf(last));
    this.last = runnable;
  }

  private stateOf({ arena }: Runnable): Uint8Array {
    return arena.subarray(0, this.artifact.programs[0]!.stateBytes);
  }
}

function needsWaiting(name: string): NeoError {
  return new NeoError({
    code: "NEO3063",
    message: `${name} has regions of an engine that has to be waited for`,
    hint: "`await session.run(inputs)`, or `await bound.runAsync()`",
  });
}

function storeInput(target: Uint8Array, port: ManifestPort, data: InputData, texts: TextTable): void {
  try {
    storeElements(target, port.dtype, data, texts);
  } catch (error) {
    if (!(error instanceof HostProblem)) throw error;
    throw hostProblem(port.name, error);
  }
}

function oneRun(bound: BoundRun): Outputs {
  bound.run();
  return bound.outputs();
}

function outputBytes(stored: Uint8Array, shape: readonly number[], port: ManifestPort): Uint8Array {
  if (sameShape(shape, port.shape)) return stored;
  const width = port.bytes / port.shape.reduce((n, d) => n * d, 1);
  const dense = new Uint8Array(shape.reduce((n, d) => n * d, width));
  copyCorner("out", dense, shape, stored, port.shape, width);
  return dense;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** Elements rounded and, for integers, clamped to what the dtype holds. */
function toDtype(elements: Float64Array, port: ManifestPort): OutputTensor["data"] {
  switch (port.dtype) {
    case "f64":
      return elements;
    case "f32":
    case "f16":
    case "bf16":
      return Float32Array.from(elements);
    case "u8":
      return new Uint8Array(Uint8ClampedArray.from(elements).buffer);
    case "i8":
      return Int8Array.from(elements, (x) => Math.min(Math.max(Math.round(x), -128), 127));
    case "i32":
      return Int32Array.from(elements, Math.round);
    default:
      throw new InternalError("session", `the manifest's check lets no picture become ${port.dtype}`);
  }
}
