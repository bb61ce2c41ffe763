import type { HostAttrs, HostCall } from "../host/host-function.ts";
import type { TextTable } from "../host/text-table.ts";

import { isAtLeast, tensorBytes, type EngineSource, type LoadedRegion, type RegionEngine, type RegionFile } from "./engines/region-engine.ts";
import type { Artifact, ArtifactProgram, ManifestStep, StepTensor } from "../package/manifest.ts";
import { NeoError } from "../support/errors.ts";
import type { Runnable } from "./engine.ts";
import { regionKey, runProgram, type HostStep } from "./host-steps.ts";

type RegionStep = Extract<ManifestStep, { readonly kind: "host" | "region" }> & { readonly call: HostCall };

/** The regions of an artifact, each taken by its engine. */
export interface Regions {
  /** Steps by the key of their region. */
  readonly steps: Readonly<Record<string, HostStep>>;
  /** Some engine needs to be waited for. */
  readonly isAsync: boolean;
  close(): void;
}

/** Opens the engines that an artifact wants and hands them its regions. Throws NEO3060 or NEO3061 before anything has run. */
export async function loadRegions(
  artifact: Artifact,
  file: (name: string) => Uint8Array | undefined,
  sources: Readonly<Record<string, EngineSource>>,
): Promise<Regions> {
  const wanted = new Map<string, RegionStep>();
  for (const { steps } of artifact.programs) for (const step of steps) if (step.kind === "region" && step.call) wanted.set(regionKey(step), step as RegionStep);
  const loaded: LoadedRegion[] = [];
  const steps: Record<string, HostStep> = {};
  const close = (): void => loaded.forEach((region) => region.close());
  const engines = await openEngines([...wanted.values()], sources);
  try {
    for (const [key, step] of wanted) {
      const region = await taken(step, engines.get(step.call.function)!, file);
      loaded.push(region);
      steps[key] = stepOf(step, region);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { steps, isAsync: loaded.some((region) => !region.isSync), close };
}

/** All that is missing is in one error. */
async function openEngines(steps: readonly RegionStep[], sources: Readonly<Record<string, EngineSource>>): Promise<Map<string, RegionEngine>> {
  const engines = new Map<string, RegionEngine>();
  const missing = new Map<string, string>();
  for (const { name, call } of steps) {
    const engine = call.function;
    if (engines.has(engine) || missing.has(engine)) continue;
    const where = `${name} wants ${engine} ${textOf(call.attrs, "version")}`.trimEnd();
    if (!Object.hasOwn(sources, engine)) missing.set(engine, `${where}, which this host does not offer`);
    else {
      try {
        engines.set(engine, await sources[engine]!.open());
      } catch (error) {
        missing.set(engine, `${where}: ${(error as Error).message}`);
      }
    }
  }
  for (const { name, call } of steps) {
    const found = engines.get(call.function);
    const version = textOf(call.attrs, "version");
    if (found && !isAtLeast(found.version, version)) missing.set(call.function, `${name} wants ${call.function} ${version} or newer, found ${found.version}`);
  }
  if (missing.size === 0) return engines;
  throw new NeoError({
    code: "NEO3060",
    message: `${missing.size === 1 ? "an engine that the bundle wants is" : `${missing.size} engines that the bundle wants are`} not here`,
    notes: [...missing].map(([where, text]) => ({ where, text })),
    hint: "install it (`neo doctor` says what is found), or compile with `--cpu-fallback`, or without `--accelerators`",
  });
}

async function taken(step: RegionStep, engine: RegionEngine, file: (name: string) => Uint8Array | undefined): Promise<LoadedRegion> {
  const { name, call } = step;
  const { options } = call.attrs;
  const region: RegionFile = {
    name,
    exchange: textOf(call.attrs, "exchange"),
    bytes: file(textOf(call.attrs, "file"))!,
    inputs: call.inputs,
    outputs: call.outputs,
    options: Array.isArray(options) ? (options as readonly string[]) : [],
  };
  try {
    return await engine.load(region);
  } catch (error) {
    throw failed(step, "does not take", error);
  }
}

function stepOf(step: RegionStep, region: LoadedRegion): HostStep {
  const bytes = [step.call.inputs, step.call.outputs].map((types) => types.map(tensorBytes)) as [number[], number[]];
  const cut = (views: readonly Uint8Array[], sizes: readonly number[]): Uint8Array[] => views.map((view, i) => view.subarray(0, sizes[i]));
  return (inputs, outputs) => {
    try {
      const done = region.run(cut(inputs, bytes[0]), cut(outputs, bytes[1]));
      return done?.catch((error: unknown) => {
        throw failed(step, "failed to run", error);
      });
    } catch (error) {
      throw failed(step, "failed to run", error);
    }
  };
}

function failed({ name, call }: RegionStep, what: string, error: unknown): NeoError {
  return new NeoError({
    code: "NEO3061",
    message: `the engine ${call.function} ${what} region ${name}`,
    notes: [{ where: `${name} on ${call.function}`, text: (error as Error).message }],
    hint: "compile with `--cpu-fallback`, or without `--accelerators`",
    cause: error,
  });
}

/** As `runProgram`, waiting for engines that want to be waited for. */
export async function runProgramAsync(
  code: Pick<ArtifactProgram, "steps">,
  runnable: Pick<Runnable, "inputs" | "outputs" | "arena" | "run" | "runSteps">,
  hostSteps: Readonly<Record<string, HostStep>>,
  texts: TextTable,
): Promise<void> {
  if (!code.steps.some((step) => step.kind === "region" && step.call)) return runProgram(code, runnable, hostSteps, texts);
  const view = ({ space, index, offset, bytes }: StepTensor): Uint8Array => {
    const whole = space === "arena" ? runnable.arena : space === "input" ? runnable.inputs[index]! : runnable.outputs[index]!;
    return whole.subarray(offset, offset + bytes);
  };
  for (const step of code.steps) {
    if (step.kind === "region" && step.call) await hostSteps[regionKey(step)]!(step.inputs.map(view), step.outputs.map(view));
    else runProgram({ steps: [step] }, runnable, hostSteps, texts);
  }
}

function textOf(attrs: HostAttrs, name: string): string {
  const value = Object.hasOwn(attrs, name) ? attrs[name] : undefined;
  return typeof value === "string" ? value : "";
}
