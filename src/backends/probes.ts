/** Programs that do one thing as fast as a target's code can, to tell how near kernels come to what a machine has. */
import { KernelBuilder, vector, type Term } from "../kernel/build.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Program } from "../kernel/program.ts";
import { lanesOf, type TargetProfile } from "../target/profile.ts";

export interface Probe {
  readonly program: Program;
  /** Multiply-accumulates, or bytes read, of one run. */
  readonly amount: number;
}

const TRIPS = 4096;

/** Multiply-accumulates in registers: as many chains as there are registers beside the two factors, enough to hide the latency of each. */
export function arithmeticProbe(target: TargetProfile): Probe {
  const lanes = lanesOf(target);
  const chains = Math.max(2, Math.min(12, target.registers - 4));
  const b = new KernelBuilder("multiply_accumulate", { lanes, mode: "fast" });
  const type = vector("f32", lanes);
  b.param("x", "f32", 2 * lanes, "in");
  b.param("y", "f32", chains * lanes, "out");
  const [from, to] = [b.cursor("i", "x"), b.cursor("o", "y")];
  const [factor, addend] = [b.let("factor", b.load(type, from)), b.let("addend", b.load(type, from, lanes))];
  const sums = Array.from({ length: chains }, () => b.let("sum", factor));
  b.loop("turn", TRIPS, {}, () => {
    for (const sum of sums) b.set(sum, b.madd(sum, factor, addend));
  });
  sums.forEach((sum, i) => b.store(to, i * lanes, sum));
  return { program: alone(b.finish(), [2 * lanes, chains * lanes]), amount: TRIPS * chains * lanes };
}

/** Reads `bytes` once, from front to back: of so large a working set, memory gives no more. */
export function readingProbe(target: TargetProfile, bytes: number): Probe {
  const lanes = lanesOf(target);
  const streams = 8;
  const rounds = Math.max(1, Math.ceil(bytes / (4 * lanes * streams)));
  const size = rounds * streams * lanes;
  const b = new KernelBuilder("read", { lanes, mode: "fast" });
  const type = vector("f32", lanes);
  b.param("x", "f32", size, "in");
  b.param("y", "f32", lanes, "out");
  const [from, to] = [b.cursor("i", "x"), b.cursor("o", "y")];
  const sums: Term[] = Array.from({ length: streams }, () => b.let("sum", b.constant(type, 0)));
  b.loop("round", rounds, { [from]: streams * lanes }, () => {
    sums.forEach((sum, i) => b.set(sum, b.add(sum, b.load(type, from, i * lanes))));
  });
  b.store(
    to,
    0,
    sums.reduce((a, c) => b.add(a, c)),
  );
  return { program: alone(b.finish(), [size, lanes]), amount: 4 * size };
}

/** A program of one call from its input to its output. */
function alone(kernel: Kernel, [x, y]: readonly [number, number]): Program {
  const port = (name: string, size: number): Program["inputs"][number] => ({ name, dtype: "f32", shape: [size], elem: "f32", bytes: 4 * size });
  return {
    name: kernel.name,
    inputs: [port("x", x)],
    outputs: [port("y", y)],
    steps: [
      {
        kind: "call",
        kernel: kernel.name,
        args: { x: { space: "input", index: 0, offset: 0 }, y: { space: "output", index: 0, offset: 0 } },
        parts: 1,
      },
    ],
    kernels: [kernel],
    extents: {},
    arenaBytes: 0,
    stateBytes: 0,
    segments: [],
  };
}
