import { F32, I32, KernelBuilder, scalar, vector } from "../../src/kernel/build.ts";
import { ELEM_BYTES, type Elem, type Kernel, type Type } from "../../src/kernel/kernel.ts";
import type { OpCase } from "./op-cases.ts";

/** Kernels that show one form of loop, access, constant or name each. */
export function formCases(lanes: number, mode: "exact" | "fast"): OpCase[] {
  const bytes = lanes * 4;
  return [
    convolution(lanes, mode),
    ...walks(lanes, mode),
    ...accesses(lanes, mode, bytes),
    constants(lanes, mode, bytes),
    names(lanes, mode),
    modes(lanes, mode),
  ];
}

const elems: readonly Elem[] = ["u8", "i8", "u16", "i16", "i32", "i64", "f32", "f64"];

/** Buffers with small numbers in all parameters that are read. */
export function filled(name: string, kernel: Kernel): OpCase {
  const buffers = kernel.params.map((param, p) => {
    const view = new DataView(new ArrayBuffer(param.size * ELEM_BYTES[param.elem]));
    if (param.access === "out") return new Uint8Array(view.buffer);
    for (let i = 0; i < param.size; i++) {
      const at = i * ELEM_BYTES[param.elem];
      const [low, high] = param.range ?? [-100, 100];
      const whole = low + ((i * 37 + p * 11) % (high - low + 1));
      if (param.elem === "f32") view.setFloat32(at, whole / 7, true);
      else if (param.elem === "f64") view.setFloat64(at, whole / 7, true);
      else if (param.elem === "i64") view.setBigInt64(at, BigInt(whole), true);
      else if (param.elem === "i32") view.setInt32(at, whole, true);
      else if (ELEM_BYTES[param.elem] === 2) view.setInt16(at, whole, true);
      else view.setInt8(at, whole);
    }
    return new Uint8Array(view.buffer);
  });
  return { name, kernel, buffers };
}

/** 3x3 over channels-last, 2 pixels times 2 vectors, with rewinds of three loops in one place. */
function convolution(lanes: number, mode: "exact" | "fast"): OpCase {
  const [c, w, h] = [3, 4, 2];
  const [row, nr] = [(w + 2) * c, 2 * lanes];
  const b = new KernelBuilder("conv", { lanes, mode, loc: ["/a/Conv */ of a user", "/a/Relu"] });
  b.param("x", "f32", (h + 2) * row, "in");
  b.param("w", "f32", 2 * 9 * c * nr, "in");
  b.param("y", "f32", h * w * 2 * nr, "out");
  const [i, k, o] = [b.cursor("i", "x"), b.cursor("k", "w"), b.cursor("o", "y")];
  const type = vector("f32", lanes);
  b.loop("g", 2, { [k]: 9 * c * nr, [o]: nr }, () =>
    b.loop("oy", h, { [i]: row, [o]: w * 2 * nr }, () =>
      b.loop("ox", w / 2, { [i]: 2 * c, [o]: 4 * nr }, () => {
        const acc = [0, 1, 2, 3].map((n) => b.let(`a${n >> 1}_${n & 1}`, b.constant(type, 0.25)));
        const s = b.register("s", type);
        b.loop("kh", 3, { [i]: row, [k]: 3 * c * nr }, () =>
          b.loop("kw", 3, { [i]: c, [k]: c * nr }, () =>
            b.loop("c", c, { [i]: 1, [k]: nr }, () => {
              b.prefetch(k, nr);
              for (const pixel of [0, 1]) {
                b.set(s, b.splat(type, i, pixel * c));
                for (const v of [0, 1]) b.set(acc[2 * pixel + v]!, b.madd(s, b.load(type, k, v * lanes), acc[2 * pixel + v]!));
              }
              b.launder(i);
            }),
          ),
        );
        acc.forEach((a, n) => b.store(o, (n >> 1) * 2 * nr + (n & 1) * lanes, b.pmax(a, b.constant(type, 0))));
      }),
    ),
  );
  return filled("rewinds of nested loops", b.finish());
}

function walks(lanes: number, mode: "exact" | "fast"): OpCase[] {
  const walk = (name: string, build: (b: KernelBuilder) => void): OpCase => {
    const b = new KernelBuilder(name.replaceAll(" ", "_"), { lanes, mode });
    b.param("x", "f32", 12, "in");
    b.param("y", "f32", 12, "out");
    build(b);
    return filled(name, b.finish());
  };
  return [
    walk("one cursor walks back", (b) => {
      const [i, o] = [b.cursor("i", "x", 11), b.cursor("o", "y")];
      b.loop("n", 12, { [i]: -1, [o]: 1 }, () => b.store(o, 0, b.load(F32, i)));
    }),
    walk("all cursors walk back", (b) => {
      const [i, o] = [b.cursor("i", "x", 11), b.cursor("o", "y", 11)];
      b.loop("n", 12, { [i]: -1, [o]: -1 }, () => b.store(o, 0, b.load(F32, i)));
    }),
    walk("no cursor moves", (b) => {
      const [i, o] = [b.cursor("i", "x"), b.cursor("o", "y")];
      const sum = b.let("sum", b.constant(F32, 1));
      b.loop("n", 10, {}, () => b.set(sum, b.add(sum, b.load(F32, i, 3))));
      for (let n = 0; n < 12; n++) b.store(o, n, sum);
    }),
    walk("one iteration", (b) => {
      const [i, o] = [b.cursor("i", "x"), b.cursor("o", "y")];
      b.loop("n", 1, { [i]: 3, [o]: 5 }, () => b.loop("m", 12, { [i]: 1, [o]: 1 }, () => b.store(o, 0, b.load(F32, i))));
    }),
    walk("loops one after the other", (b) => {
      const [i, o] = [b.cursor("i", "x"), b.cursor("o", "y")];
      b.loop("r", 2, { [i]: 6, [o]: 6 }, () => {
        b.loop("n", 4, { [i]: 1, [o]: 1 }, () => b.store(o, 0, b.load(F32, i)));
        b.loop("m", 2, { [i]: 2, [o]: 1 }, () => b.store(o, 4, b.op("neg", F32, [b.load(F32, i, 1)])));
      });
    }),
    walk("a register carried from iteration to iteration", (b) => {
      const [i, o] = [b.cursor("i", "x"), b.cursor("o", "y")];
      const state = b.let("state", b.constant(F32, 0));
      b.loop("n", 12, { [i]: 1, [o]: 1 }, () => {
        b.set(state, b.add(b.mul(state, b.constant(F32, 0.5)), b.load(F32, i)));
        b.store(o, 0, state);
      });
    }),
  ];
}

function accesses(lanes: number, mode: "exact" | "fast", bytes: number): OpCase[] {
  const cases: OpCase[] = [];
  const start = (name: string): KernelBuilder => new KernelBuilder(name.replaceAll(" ", "_"), { lanes, mode });
  const width = (type: Type): number => (type as { lanes: number }).lanes;
  for (const elem of elems) {
    for (const part of [1, 2, 4]) {
      const n = bytes / ELEM_BYTES[elem] / part;
      if (n < 2) continue;
      const name = `copies of ${elem}x${n}`;
      const b = start(name);
      b.param("x", elem, 5 * n + 1, "in");
      b.param("y", elem, 5 * n + 3, "out");
      const [i, o] = [b.cursor("i", "x", 1), b.cursor("o", "y", 3)];
      b.loop("v", 2, { [i]: 2 * n, [o]: 2 * n }, () => [0, n].forEach((at) => b.store(o, at, b.load(vector(elem, n), i, at))));
      cases.push(filled(name, b.finish()));
    }
    const scalars = start(`scalars of ${elem}`);
    scalars.param("x", elem, 20, "in");
    scalars.param("y", elem, 20, "out");
    const [i, o] = [scalars.cursor("i", "x"), scalars.cursor("o", "y")];
    scalars.loop("n", 10, { [i]: 2, [o]: 2 }, () => [0, 1].forEach((at) => scalars.storeAs(scalar(elem), o, at, scalars.load(scalar(elem), i, 1 - at))));
    cases.push(filled(`scalars of ${elem}`, scalars.finish()));

    const n = bytes / ELEM_BYTES[elem];
    const splats = start(`splats of ${elem}`);
    splats.param("x", elem, 6, "in");
    splats.param("y", elem, 6 * n, "out");
    const [s, t] = [splats.cursor("i", "x"), splats.cursor("o", "y")];
    splats.loop("n", 3, { [s]: 2, [t]: 2 * n }, () => [0, 1].forEach((at) => splats.store(t, at * n, splats.splat(vector(elem, n), s, at))));
    cases.push(filled(`splats of ${elem}`, splats.finish()));
  }
  const widened: readonly (readonly [Elem, Elem])[] = [
    ["u8", "i16"],
    ["i8", "i16"],
    ["u8", "u16"],
    ["u8", "i32"],
    ["i8", "i32"],
    ["u16", "i32"],
    ["i16", "i32"],
    ["i32", "i64"],
    ["f32", "f64"],
  ];
  for (const [from, to] of widened) {
    const n = bytes / ELEM_BYTES[to];
    const name = `widens ${from}x${n} to ${to}`;
    const b = start(name);
    b.param("x", from, 4 * n, "in");
    b.param("y", to, 4 * n, "out");
    const [i, o] = [b.cursor("i", "x"), b.cursor("o", "y")];
    b.loop("v", 2, { [i]: 2 * n, [o]: 2 * n }, () => [0, n].forEach((at) => b.store(o, at, b.widen(vector(to, n), vector(from, n), i, at))));
    cases.push(filled(name, b.finish()));
  }
  const gather = start("gathers and scatters by index");
  gather.param("x", "f32", 16, "in");
  gather.param("at", "u16", 8, "in", [0, 15]);
  gather.param("to", "i32", 8, "in", [0, 7]);
  gather.param("y", "f32", 12, "out");
  const [gi, ga, gt, go] = [gather.cursor("i", "x"), gather.cursor("a", "at"), gather.cursor("t", "to"), gather.cursor("o", "y")];
  gather.loop("n", 8, { [ga]: 1, [gt]: 1 }, () => {
    const index = gather.let("index", gather.load(scalar("u16"), ga));
    gather.store(go, 2, gather.load(F32, gi, 0, index), gather.load(I32, gt));
  });
  cases.push(filled("gathers and scatters by index", gather.finish()));

  const views = start("bytes of longer numbers");
  views.param("x", "i64", 8, "in");
  views.param("y", "i64", 8, "out");
  const [vi, vo] = [views.cursor("i", "x", 3, "u8"), views.cursor("o", "y", 5, "i16")];
  views.loop("n", 24, { [vi]: 2, [vo]: 1 }, () => views.storeAs(scalar("i16"), vo, 0, views.load(scalar("u8"), vi)));
  cases.push(filled("bytes of longer numbers", views.finish()));

  const offsetVectors = start("vectors at an index");
  const full = vector("i32", lanes);
  offsetVectors.param("x", "i32", 4 * lanes, "in");
  offsetVectors.param("at", "u8", 4, "in", [0, lanes]);
  offsetVectors.param("y", "i32", 4 * lanes, "out");
  const [oi, oa, oo] = [offsetVectors.cursor("i", "x"), offsetVectors.cursor("a", "at"), offsetVectors.cursor("o", "y")];
  offsetVectors.loop("n", 4, { [oa]: 1, [oo]: width(full) }, () =>
    offsetVectors.store(oo, 0, offsetVectors.load(full, oi, 2, offsetVectors.load(scalar("u8"), oa))),
  );
  cases.push(filled("vectors at an index", offsetVectors.finish()));
  return cases;
}

const NUMBERS: readonly number[] = [0, -0, 1, -1, 0.1, -1.5, 3.4028234663852886e38, 1e-45, 16777216, 12582912, Infinity, -Infinity, NaN, 1e10];
const WORDS: readonly number[] = [0, 1, -1, 127, -128, 100];

/** Stores constants of every type, as scalars and as vectors. */
function constants(lanes: number, mode: "exact" | "fast", bytes: number): OpCase {
  const b = new KernelBuilder("constants", { lanes, mode });
  const wide: Readonly<Partial<Record<Elem, readonly (number | bigint)[]>>> = {
    i32: [2147483647, -2147483648, 0xffffffff],
    i64: [2n ** 63n - 1n, -(2n ** 63n), 2 ** 40],
    u16: [65535],
    u8: [255],
  };
  for (const elem of elems) {
    const values = [...(elem === "f32" || elem === "f64" ? NUMBERS : WORDS.filter((x) => !elem.startsWith("u") || x >= 0)), ...(wide[elem] ?? [])];
    const n = bytes / ELEM_BYTES[elem];
    b.param(`y_${elem}`, elem, values.length * (n + 1), "out");
    const o = b.cursor(`o_${elem}`, `y_${elem}`);
    values.forEach((value, i) => {
      if (n > 1) b.store(o, i * (n + 1), b.constant(vector(elem, n), value));
      b.storeAs(scalar(elem), o, i * (n + 1) + n, b.constant(elem === "i64" || elem === "f32" || elem === "f64" ? scalar(elem) : I32, value));
    });
  }
  return filled("constants", b.finish());
}

/** Words of C and of our own C files as names. */
function names(lanes: number, mode: "exact" | "fast"): OpCase {
  const b = new KernelBuilder("int", { lanes, mode, loc: ["\u0000\n??/ */ /* end"] });
  b.param("float", "f32", 4, "in");
  b.param("unused", "f32", 4, "in");
  b.param("arena", "f32", 4, "out");
  const [i, o] = [b.cursor("i32", "float"), b.cursor("model_run", "arena")];
  b.let("dead", b.load(F32, i));
  b.loop("for", 4, { [i]: 1, [o]: 1 }, () => b.store(o, 0, b.let("register", b.load(F32, i))));
  return filled("names of the language", b.finish());
}

function modes(lanes: number, mode: "exact" | "fast"): OpCase {
  const b = new KernelBuilder("modes", { lanes, mode });
  b.param("x", "f32", 24, "in");
  b.param("y", "f32", 24, "out");
  const [i, o] = [b.cursor("i", "x"), b.cursor("o", "y")];
  b.loop(
    "p",
    4,
    { [i]: 6, [o]: 6 },
    () => {
      b.loop("u", 3, { [i]: 2, [o]: 2 }, () => [0, 1].forEach((at) => b.store(o, at, b.mul(b.load(F32, i, at), b.constant(F32, 3)))), "unrolled");
    },
    "parallel",
  );
  return filled("parallel and unrolled loops", b.finish());
}
