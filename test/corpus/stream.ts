import { readFileSync } from "node:fs";
import { join } from "node:path";
import { importModel } from "../../src/frontends/index.ts";
import { compile, load, type Session } from "../../src/index.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import type { Executor } from "../executors/executors.ts";
import type { CaseRun } from "./case.ts";
import type { GoldenCase } from "./golden.ts";
import { reasonOf } from "./reason.ts";
import { compareElements, type Rule } from "./tolerance.ts";

/** What `golden/README.md` says of streams: each probability within 1e-3. */
const RULE: Rule = { name: "stream", abs: 1e-3, rel: 0, ofMax: false, minCosine: 0 };

const FRAME = 512;
const CONTEXT = 64;
const SHAPES = { input: [1, CONTEXT + FRAME], state: [2, 1, 128] };

/** Whether a case is a stream over a sound file: frames of 512 samples behind the last 64 of the one before, and a state fed back. */
export function isStream({ manifest }: GoldenCase): boolean {
  return Array.isArray(manifest["probabilities"]) && typeof manifest["input"] === "string";
}

/**
 * Runs a stream on each executor: the interpreter with the state fed by hand, code with the state kept inside and, as a second
 * opinion on where it ends, fed by hand; both must give the same probabilities.
 */
export async function runStream(golden: GoldenCase, bytes: Uint8Array, root: string, executors: readonly Executor[]): Promise<CaseRun[]> {
  const frames = framesOf(readFileSync(join(root, golden.manifest["input"] as string)));
  const runs: CaseRun[] = [];
  for (const executor of executors) {
    try {
      const { probabilities, state } = executor === "interpreter" ? interpreted(bytes, frames) : await compiled(bytes, frames, executor);
      const probability = compareElements(probabilities, golden.manifest["probabilities"] as number[], 1, RULE, false);
      const end = compareElements([Math.hypot(...state)], [golden.manifest["finalStateL2"] as number], 1, { ...RULE, abs: 1e-2 }, false);
      runs.push({ executor, comparison: end.ok ? probability : end });
    } catch (error) {
      runs.push({ executor, reason: `${executor}: ${reasonOf(error)}` });
    }
  }
  return runs;
}

interface Streamed {
  readonly probabilities: readonly number[];
  readonly state: readonly number[];
}

function interpreted(bytes: Uint8Array, frames: readonly Float32Array[]): Streamed {
  const graph = importModel(bytes, { fileName: "stream.onnx", shapes: SHAPES, constants: { sr: tensor("i64", [], [16000n]) } });
  let state = tensor("f32", SHAPES.state, new Float32Array(256));
  const probabilities = frames.map((frame) => {
    const given: Readonly<Record<string, Tensor>> = { input: tensor("f32", SHAPES.input, frame), state };
    const [output, next] = interpret(
      graph,
      graph.params.map(({ name }) => given[name]!),
    );
    state = next!;
    return Number(output!.data[0]);
  });
  return { probabilities, state: Array.from(state.data as Float32Array) };
}

async function compiled(bytes: Uint8Array, frames: readonly Float32Array[], executor: Executor): Promise<Streamed> {
  const common = {
    fileName: "stream.onnx",
    targets: [executor === "native" ? "host" : "wasm"],
    bindings: [SHAPES],
    constants: { sr: tensor("i64", [], [16000n]) },
  };
  const byHand = await opened((await compile(bytes, common)).bundle);
  const kept = await opened((await compile(bytes, { ...common, state: [{ input: "state", output: "stateN" }] })).bundle);
  let state: Float32Array = new Float32Array(256);
  const probabilities: number[] = [];
  for (const input of frames) {
    const { output, stateN } = await byHand.run({ input, state });
    const own = Number((await kept.run({ input }))["output"]!.data[0]);
    probabilities.push(Number(output!.data[0]));
    if (own !== probabilities.at(-1))
      throw new Error(`frame ${probabilities.length} is ${own} with the state kept inside, ${probabilities.at(-1)} with it fed`);
    state = stateN!.data as Float32Array;
  }
  byHand.close();
  kept.close();
  return { probabilities, state: [...state] };
}

function opened(bundle: Uint8Array): Promise<Session> {
  return load(bundle, { trust: "unsigned" });
}

/** Samples of a mono WAV of 16 bits, in frames with what came before each; the last one that is not full is left out. */
function framesOf(wav: Uint8Array): readonly Float32Array[] {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  const start = 44;
  const count = Math.floor((wav.byteLength - start) / 2);
  const samples = Float32Array.from({ length: count }, (_, i) => view.getInt16(start + 2 * i, true) / 32768);
  return Array.from({ length: Math.floor(count / FRAME) }, (_, n) => {
    const frame = new Float32Array(CONTEXT + FRAME);
    frame.set(samples.subarray(n * FRAME, (n + 1) * FRAME), CONTEXT);
    if (n > 0) frame.set(samples.subarray(n * FRAME - CONTEXT, n * FRAME), 0);
    return frame;
  });
}
