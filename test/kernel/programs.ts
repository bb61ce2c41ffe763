import { createHash } from "node:crypto";
import { F32, I32, KernelBuilder, vector, type Term } from "../../src/kernel/build.ts";
import type { SessionStep } from "../../src/kernel/interpret-program.ts";
import { ELEM_BYTES, type Elem, type Kernel } from "../../src/kernel/kernel.ts";
import type { Port, Program, Slice, Step } from "../../src/kernel/program.ts";

/** Runs of one instance, one after another. */
export interface ProgramCase {
  readonly name: string;
  readonly program: Program;
  readonly weights: Uint8Array;
  readonly runs: readonly {
    readonly inputs: readonly Uint8Array[];
    /** Written before the run. */
    readonly extents?: Readonly<Record<string, number>>;
    readonly outputs: readonly Uint8Array[];
    /** What the program itself wrote. */
    readonly extentsAfter?: Readonly<Record<string, number>>;
  }[];
  /** Does the host and region steps. */
  readonly session?: SessionStep;
}

const LANES = 4;
const V = vector("f32", LANES);

export const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
export const ints = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);

const port = (name: string, elem: Elem, size: number): Port => ({ name, dtype: elem, shape: [size], elem, bytes: size * ELEM_BYTES[elem] });
const arena = (offset: number): Slice => ({ space: "arena", index: 0, offset });
const input = (index: number): Slice => ({ space: "input", index, offset: 0 });
const output = (index: number): Slice => ({ space: "output", index, offset: 0 });
const call = (kernel: Kernel, args: Record<string, Slice>, more: { extents?: Record<string, string>; parts?: number } = {}): Step => ({
  kind: "call",
  kernel: kernel.name,
  args,
  parts: more.parts ?? 1,
  ...(more.extents ? { extents: more.extents } : {}),
});

/** y[i] = f(x[i]) of `size` floats. */
function map(name: string, size: number, f: (k: KernelBuilder, x: Term) => Term, parallel = false): Kernel {
  const k = new KernelBuilder(name, { lanes: LANES, mode: "exact", loc: [`/${name}`] });
  k.param("x", "f32", size, "in");
  k.param("y", "f32", size, "out");
  const [i, o] = [k.cursor("i", "x"), k.cursor("o", "y")];
  k.loop("at", size / LANES, { [i]: LANES, [o]: LANES }, () => k.store(o, 0, f(k, k.load(V, i))), parallel ? "parallel" : "serial");
  return k.finish();
}

/** y[i] = f(x[i], w[i]) of `size` floats; `access` of y is inout where f reads what stands there. */
function zip(name: string, size: number, f: (k: KernelBuilder, x: Term, w: Term) => Term): Kernel {
  const k = new KernelBuilder(name, { lanes: LANES, mode: "exact" });
  k.param("x", "f32", size, "in");
  k.param("w", "f32", size, "in");
  k.param("y", "f32", size, "out");
  const [i, j, o] = [k.cursor("i", "x"), k.cursor("j", "w"), k.cursor("o", "y")];
  k.loop("at", size / LANES, { [i]: LANES, [j]: LANES, [o]: LANES }, () => k.store(o, 0, f(k, k.load(V, i), k.load(V, j))));
  return k.finish();
}

/** flag = x[0] > limit */
function exceeds(limit: number): Kernel {
  const k = new KernelBuilder(`exceeds_f32_${limit}`, { lanes: LANES, mode: "exact" });
  k.param("x", "f32", 4, "in");
  k.param("flag", "i32", 1, "out");
  const [i, o] = [k.cursor("i", "x"), k.cursor("o", "flag")];
  k.store(o, 0, k.select(k.compare("gt", k.load(F32, i), k.constant(F32, limit)), k.constant(I32, 1), k.constant(I32, 0)));
  return k.finish();
}

function copyWord(): Kernel {
  const k = new KernelBuilder("copy_i32_1", { lanes: LANES, mode: "exact" });
  k.param("x", "i32", 1, "in");
  k.param("y", "i32", 1, "out");
  k.store(k.cursor("o", "y"), 0, k.load(I32, k.cursor("i", "x")));
  return k.finish();
}

function program(name: string, parts: Partial<Program> & Pick<Program, "inputs" | "outputs" | "steps" | "kernels">): Program {
  return { name, extents: {}, arenaBytes: 0, stateBytes: 0, segments: [], ...parts };
}

const none = new Uint8Array();

function calls(): ProgramCase {
  const scale = zip("mul_f32_8", 8, (k, x, w) => k.mul(x, w));
  const increment = map("add1_f32_8", 8, (k, x) => k.add(x, k.constant(V, 1)));
  const data = floats(1, 2, 3, 4, 5, 6, 7, 8);
  const weights = new Uint8Array(64 + 32);
  weights.set(data, 64);
  const segments = [
    { offset: 0, bytes: 16, sha256: createHash("sha256").update(weights.subarray(0, 16)).digest("hex") },
    { offset: 64, bytes: 32, sha256: createHash("sha256").update(data).digest("hex") },
  ];
  return {
    name: "calls through the arena",
    program: program("calls", {
      inputs: [port("x", "f32", 8)],
      outputs: [port("y", "f32", 8)],
      kernels: [scale, increment],
      steps: [call(scale, { x: input(0), w: { space: "weights", index: 1, offset: 0 }, y: arena(128) }), call(increment, { x: arena(128), y: output(0) })],
      arenaBytes: 256,
      segments,
    }),
    weights,
    runs: [
      { inputs: [floats(1, 1, 1, 1, 1, 1, 1, 1)], outputs: [floats(2, 3, 4, 5, 6, 7, 8, 9)] },
      { inputs: [floats(0, -1, 2, 0, 0, 0, 0, 0.5)], outputs: [floats(1, -1, 7, 1, 1, 1, 1, 5)] },
    ],
  };
}

function choice(): ProgramCase {
  const [test, twice, negate] = [exceeds(0), map("twice_f32_4", 4, (k, x) => k.add(x, x)), map("neg_f32_4", 4, (k, x) => k.neg(x))];
  return {
    name: "if",
    program: program("choice", {
      inputs: [port("x", "f32", 4)],
      outputs: [port("y", "f32", 4)],
      kernels: [test, twice, negate],
      steps: [
        call(test, { x: input(0), flag: arena(0) }),
        { kind: "if", condition: arena(0), then: [call(twice, { x: input(0), y: output(0) })], else: [call(negate, { x: input(0), y: output(0) })] },
      ],
      arenaBytes: 128,
    }),
    weights: none,
    runs: [
      { inputs: [floats(1, 2, 3, 4)], outputs: [floats(2, 4, 6, 8)] },
      { inputs: [floats(-1, 2, 3, 4)], outputs: [floats(1, -2, -3, -4)] },
    ],
  };
}

/** sum += x, so many times. */
function countedLoop(): ProgramCase {
  const [zero, add, copy, word] = [
    map("zero_f32_4", 4, (k) => k.constant(V, 0)),
    zip("add_f32_4", 4, (k, x, w) => k.add(x, w)),
    map("copy_f32_4", 4, (_, x) => x),
    copyWord(),
  ];
  const step = call(add, { x: arena(0), w: input(0), y: arena(0) });
  return {
    name: "loop by a number, and by a word",
    program: program("countedLoop", {
      inputs: [port("x", "f32", 4), port("n", "i32", 1)],
      outputs: [port("y", "f32", 4)],
      kernels: [zero, add, copy, word],
      steps: [
        call(zero, { x: input(0), y: arena(0) }),
        call(word, { x: input(1), y: arena(128) }),
        { kind: "loop", trips: 3, body: [step] },
        { kind: "loop", trips: arena(128), body: [step] },
        call(copy, { x: arena(0), y: output(0) }),
      ],
      arenaBytes: 256,
    }),
    weights: none,
    runs: [
      { inputs: [floats(1, 2, 3, 4), ints(2)], outputs: [floats(5, 10, 15, 20)] },
      { inputs: [floats(1, 2, 3, 4), ints(0)], outputs: [floats(3, 6, 9, 12)] },
      { inputs: [floats(1, 2, 3, 4), ints(-1)], outputs: [floats(3, 6, 9, 12)] },
    ],
  };
}

/** Halves x until x[0] <= 1, at most four times. */
function whileLoop(): ProgramCase {
  const [test, halve, copy] = [exceeds(1), map("halve_f32_4", 4, (k, x) => k.mul(x, k.constant(V, 0.5))), map("copy_f32_4", 4, (_, x) => x)];
  return {
    name: "loop while a word is set",
    program: program("whileLoop", {
      inputs: [port("x", "f32", 4)],
      outputs: [port("y", "f32", 4)],
      kernels: [test, halve, copy],
      steps: [
        call(copy, { x: input(0), y: arena(0) }),
        call(test, { x: arena(0), flag: arena(128) }),
        { kind: "loop", trips: 4, condition: arena(128), body: [call(halve, { x: arena(0), y: arena(0) }), call(test, { x: arena(0), flag: arena(128) })] },
        call(copy, { x: arena(0), y: output(0) }),
      ],
      arenaBytes: 256,
    }),
    weights: none,
    runs: [
      { inputs: [floats(4, 8, 0, 1)], outputs: [floats(1, 2, 0, 0.25)] },
      { inputs: [floats(1, 8, 0, 1)], outputs: [floats(1, 8, 0, 1)] },
      { inputs: [floats(64, 16, 0, 1)], outputs: [floats(4, 1, 0, 0.0625)] },
    ],
  };
}

/** y[i] = 2 x[i] for the vectors that begin below n, 0 behind; m = how many of x are positive, and z the same for m. */
function extents(): ProgramCase {
  const zero = map("zero_f32_16", 16, (k) => k.constant(V, 0));
  const k = new KernelBuilder("twiceFirst_f32_16", { lanes: LANES, mode: "exact" });
  k.param("x", "f32", 16, "in");
  k.param("y", "f32", 16, "inout");
  const [i, o] = [k.cursor("i", "x"), k.cursor("o", "y")];
  k.loop("at", { extent: "rows", per: LANES, max: 4 }, { [i]: LANES, [o]: LANES }, () => k.store(o, 0, k.add(k.load(V, i), k.load(V, i))));
  const twice = k.finish();
  const c = new KernelBuilder("countPositive_f32_16", { lanes: LANES, mode: "exact" });
  c.param("x", "f32", 16, "in");
  c.param("count", "i32", 1, "out");
  const [ci, co] = [c.cursor("i", "x"), c.cursor("o", "count")];
  const count = c.let("n", c.constant(I32, 0));
  c.loop("at", 16, { [ci]: 1 }, () =>
    c.set(count, c.add(count, c.select(c.compare("gt", c.load(F32, ci), c.constant(F32, 0)), c.constant(I32, 1), c.constant(I32, 0)))),
  );
  c.store(co, 0, count);
  const positive = c.finish();
  const x = floats(1, -2, 3, -4, 5, -6, -7, -8, -9, -10, 11, -12, -13, -14, -15, 16);
  const doubled = (vectors: number): Uint8Array =>
    floats(...[1, -2, 3, -4, 5, -6, -7, -8, -9, -10, 11, -12, -13, -14, -15, 16].map((v, at) => (at < 4 * vectors ? 2 * v : 0)));
  return {
    name: "extents from the host and from a kernel",
    program: program("extents", {
      inputs: [port("x", "f32", 16)],
      outputs: [port("y", "f32", 16), port("z", "f32", 16)],
      kernels: [zero, twice, positive],
      extents: { n: { max: 16, at: arena(0) }, m: { max: 16, at: arena(4) } },
      steps: [
        call(zero, { x: input(0), y: output(0) }),
        call(zero, { x: input(0), y: output(1) }),
        call(twice, { x: input(0), y: output(0) }, { extents: { rows: "n" } }),
        call(positive, { x: input(0), count: arena(4) }),
        call(twice, { x: input(0), y: output(1) }, { extents: { rows: "m" } }),
      ],
      arenaBytes: 128,
      stateBytes: 128,
    }),
    weights: none,
    runs: [
      { inputs: [x], extents: { n: 16 }, outputs: [doubled(4), doubled(2)], extentsAfter: { m: 5 } },
      { inputs: [x], extents: { n: 6 }, outputs: [doubled(2), doubled(2)], extentsAfter: { m: 5 } },
      { inputs: [x], extents: { n: 0 }, outputs: [doubled(0), doubled(2)], extentsAfter: { m: 5 } },
    ],
  };
}

/** A running sum that outlives runs. */
function state(): ProgramCase {
  const [add, copy] = [zip("add_f32_4", 4, (k, x, w) => k.add(x, w)), map("copy_f32_4", 4, (_, x) => x)];
  return {
    name: "state",
    program: program("state", {
      inputs: [port("x", "f32", 4)],
      outputs: [port("y", "f32", 4)],
      kernels: [add, copy],
      steps: [call(add, { x: arena(0), w: input(0), y: arena(0) }), call(copy, { x: arena(0), y: output(0) })],
      arenaBytes: 128,
      stateBytes: 128,
    }),
    weights: none,
    runs: [
      { inputs: [floats(1, 2, 3, 4)], outputs: [floats(1, 2, 3, 4)] },
      { inputs: [floats(1, 0, 0, -4)], outputs: [floats(2, 2, 3, 0)] },
    ],
  };
}

/** A kernel, a host step that squares, a region step that adds 10, a kernel. */
function sessionSteps(): ProgramCase {
  const [negate, copy] = [map("neg_f32_4", 4, (k, x) => k.neg(x)), map("copy_f32_4", 4, (_, x) => x)];
  const view = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.buffer, bytes.byteOffset, 4);
  return {
    name: "host and region steps",
    program: program("sessionSteps", {
      inputs: [port("x", "f32", 4)],
      outputs: [port("y", "f32", 4)],
      kernels: [negate, copy],
      steps: [
        call(negate, { x: input(0), y: arena(0) }),
        { kind: "host", name: "square", inputs: [arena(0)], outputs: [arena(128)] },
        {
          kind: "host",
          name: "nothing",
          inputs: [arena(0)],
          outputs: [],
          call: { function: "nothing", attrs: { words: ["a", '"'], flag: true }, inputs: [{ dtype: "f32", shape: [4] }], outputs: [] },
        },
        { kind: "region", name: "plus10", inputs: [arena(128)], outputs: [arena(0)] },
        call(copy, { x: arena(0), y: output(0) }),
      ],
      arenaBytes: 256,
    }),
    weights: none,
    runs: [{ inputs: [floats(1, 2, 3, 4)], outputs: [floats(11, 14, 19, 26)] }],
    session(name, [x], [y]) {
      if (name === "nothing") return;
      view(y!).set(view(x!).map((v) => (name === "square" ? v * v : v + 10)));
    },
  };
}

/** One kernel whose loop may be split. */
function parallel(): ProgramCase {
  const twice = map("twice_f32_32", 32, (k, x) => k.add(x, x), true);
  const x = Array.from({ length: 32 }, (_, i) => i - 7);
  return {
    name: "parallel loop",
    program: program("parallel", {
      inputs: [port("x", "f32", 32)],
      outputs: [port("y", "f32", 32)],
      kernels: [twice],
      steps: [call(twice, { x: input(0), y: output(0) }, { parts: 8 })],
      arenaBytes: 128,
    }),
    weights: none,
    runs: [{ inputs: [floats(...x)], outputs: [floats(...x.map((v) => 2 * v))] }],
  };
}

/** One program for each kind of step. */
export const PROGRAMS: readonly ProgramCase[] = [calls(), choice(), countedLoop(), whileLoop(), extents(), state(), sessionSteps(), parallel()];
