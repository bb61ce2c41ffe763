import { KernelBuilder, isMask, lanesOfType, scalar, vector, type Term } from "../../src/kernel/build.ts";
import { ELEM_BYTES, OPS, type Elem, type Kernel, type OpName, type Type } from "../../src/kernel/kernel.ts";
import { OP_SPECS, registerType, typeText } from "../../src/kernel/ops.ts";

/** One op over one combination of types: a kernel that applies it to `VECTORS` vectors of each operand. */
export interface OpCase {
  readonly name: string;
  readonly kernel: Kernel;
  /** By parameter, in order; the last is the output. */
  readonly buffers: readonly Uint8Array[];
}

const VECTORS = 6;

/** A use of an op, and how the values of its operands are limited where the op has a range. */
interface Use {
  readonly op: OpName;
  readonly type: Type;
  readonly args: readonly Type[];
  readonly imm: readonly number[];
}

/** Every op with every combination of types that it allows on vectors of so many f32 lanes. The values are the same each time. */
export function opCases(lanes: number, mode: "exact" | "fast", subnormals = true): OpCase[] {
  seed = 1;
  floats = subnormals ? FLOATS : FLOATS.filter((x) => x === 0 || !(Math.abs(x) < 1e-30));
  const uses = OPS.flatMap((op) => usesOf(op, lanes)).filter((use) => [use.type, ...use.args].every(exists) && OP_SPECS[use.op].check(use) === undefined);
  const cases = new Map(uses.map((use) => caseOf(use, lanes, mode)).map((c) => [c.name, c]));
  return [...cases.values()];
}

/** Short vectors of few lanes come out as parts of a lane. */
function exists(type: Type): boolean {
  return Number.isInteger(lanesOfType(type)) && lanesOfType(type) >= 1;
}

function usesOf(op: OpName, lanes: number): Use[] {
  const bytes = lanes * 4;
  const full = (elem: Elem): Type => vector(elem, bytes / ELEM_BYTES[elem]);
  const elems: readonly Elem[] = ["u8", "i8", "u16", "i16", "i32", "i64", "f32", "f64"];
  const scalars = (["i32", "i64", "f32", "f64"] as const).map(scalar);
  const vectors = elems.map(full);
  const all = [...scalars, ...vectors];
  const masks: Type[] = [1, bytes / 8, bytes / 4, bytes / 2, bytes].map((mask) => ({ mask }));
  const use = (type: Type, args: readonly Type[], imm: readonly number[] = []): Use => ({ op, type, args, imm });
  const bits = (type: Type): number => 8 * ELEM_BYTES[(type as { elem: Elem }).elem];
  switch (op) {
    case "lt":
    case "le":
    case "gt":
    case "ge":
    case "eq":
    case "ne":
      return [...all, vector("f32", lanes / 2), vector("u8", lanes)].map((t) => use({ mask: lanesOfType(t) }, [t, t]));
    case "select":
      return [...all, vector("u8", lanes), vector("f32", lanes / 2)].map((t) => use(t, [{ mask: lanesOfType(t) }, t, t]));
    case "and":
    case "or":
    case "xor":
      return [...all, ...masks].map((t) => use(t, [t, t]));
    case "not":
      return [...all, ...masks].map((t) => use(t, [t]));
    case "shl":
    case "shrS":
    case "shrU":
      return all.flatMap((t) => [...[0, 3, bits(t) - 1].map((n) => use(t, [t], [n])), use(t, [t, scalar("i32")])]);
    case "narrow":
      return ["i32", "i16"].flatMap((from) => elems.map((to) => use(vector(to, lanesOfType(full(from as Elem))), [full(from as Elem)])));
    case "convert":
      return scalars.flatMap((to) => scalars.map((from) => use(to, [from])));
    case "bitcast":
      return all.flatMap((to) => all.map((from) => use(to, [from])));
    case "roundToInt":
    case "truncToInt":
      return [use(scalar("i32"), [scalar("f32")]), use(full("i32"), [full("f32")])];
    case "toFloat":
      return [use(scalar("f32"), [scalar("i32")]), use(full("f32"), [full("i32")])];
    case "bitmask":
      return masks.flatMap((m) => [1, 2, 4, 5].map((n) => use(scalar("i64"), new Array<Type>(n).fill(m))));
    case "expand":
      return masks.flatMap((m) => [use(m, [scalar("i32")]), use(m, [scalar("i64")])]);
    case "spread8":
      return [use(scalar("i64"), [scalar("i32")])];
    case "shuffle":
      return vectors.flatMap((t) => {
        const n = lanesOfType(t);
        const lanesOf = (count: number): number[] => Array.from({ length: n }, (_, i) => (i * 5 + 3) % count);
        return [use(t, [t], lanesOf(n)), use(t, [t, t], lanesOf(2 * n))];
      });
    case "splatScalar":
      return vectors.map((t) => use(t, [registerType(scalar((t as { elem: Elem }).elem))]));
    case "laneSplat":
      return vectors.map((t) => use(t, [t], [lanesOfType(t) - 1]));
    case "extract":
      return vectors.flatMap((t) => [0, lanesOfType(t) - 1].map((i) => use(registerType(scalar((t as { elem: Elem }).elem)), [t], [i])));
    case "lookup8":
      return [1, 2, 4].flatMap((n) =>
        [...new Set(bytes >= 16 ? [16, n * bytes] : [n * bytes])].map((entries) =>
          use(full("u8"), [...new Array<Type>(n).fill(full("u8")), full("u8")], [entries]),
        ),
      );
    case "lookup32":
      return (["f32", "i32"] as const).flatMap((e) => [1, 2].map((n) => use(full(e), [...new Array<Type>(n).fill(full(e)), full("i32")])));
    case "dot2":
      return [use(full("i32"), [full("i32"), full("i16"), full("i16")])];
    case "dot4":
      return (["u8", "i8"] as const).map((x) => use(full("i32"), [full("i32"), full(x), full("i8")]));
    case "madd":
    case "mux":
      return all.map((t) => use(t, [t, t, t]));
    case "neg":
    case "abs":
    case "sqrt":
    case "floor":
    case "ceil":
    case "trunc":
    case "nearest":
    case "popcnt":
    case "ctz":
      return all.map((t) => use(t, [t]));
    default:
      return all.map((t) => use(t, [t, t]));
  }
}

function caseOf(use: Use, lanes: number, mode: "exact" | "fast"): OpCase {
  const words = [
    use.op,
    ...use.args.map(typeText),
    ...(use.imm.length > 0 && use.imm.length < 4 ? use.imm : use.imm.length > 0 ? [use.args.length] : []),
    "to",
    typeText(use.type),
  ];
  const b = new KernelBuilder(words.join("_"), { lanes, mode });
  const buffers: Uint8Array[] = [];
  const advance: Record<string, number> = {};
  const loads = use.args.map((type, i) => {
    const memory = memoryType(type, lanes);
    const size = memory.lanes * VECTORS;
    b.param(`p${i}`, memory.elem, size, "in");
    buffers.push(values(use, i, memory.elem, size));
    const cursor = b.cursor(`c${i}`, `p${i}`);
    advance[cursor] = memory.lanes;
    return (): Term => {
      const loaded = b.load(memory, cursor);
      return isMask(type) ? b.op("ne", type, [loaded, b.constant(loaded.type, 0)]) : loaded;
    };
  });
  const out = memoryType(use.type, lanes);
  b.param("out", out.elem, out.lanes * VECTORS, "out");
  buffers.push(new Uint8Array(out.lanes * VECTORS * ELEM_BYTES[out.elem]));
  const o = b.cursor("o", "out");
  advance[o] = out.lanes;
  b.loop("v", VECTORS, advance, () => {
    const args = loads.map((load, i) => b.let(`a${i}`, load()));
    const result = b.op(use.op, use.type, args, use.imm.length > 0 ? use.imm : undefined);
    b.storeAs(out, o, 0, isMask(use.type) ? b.select(result, b.constant(registerType(out), 1), b.constant(registerType(out), 0)) : result);
  });
  return { name: words.join(" "), kernel: b.finish(), buffers };
}

/** Masks come from and go to integers of as many lanes. */
function memoryType(type: Type, kernelLanes: number): { readonly elem: Elem; readonly lanes: number } {
  if (!isMask(type)) return type;
  if (type.mask === 1) return { elem: "i32", lanes: 1 };
  const width = (kernelLanes * 4) / type.mask;
  return { elem: width === 1 ? "i8" : width === 2 ? "i16" : width === 4 ? "i32" : "i64", lanes: type.mask };
}

const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.75,
  -7.25,
  1e-3,
  123456.75,
  -8388607.5,
  1e10,
  -3e9,
  1e-40,
  3.4e38,
  -1e20,
  Infinity,
  -Infinity,
  NaN,
  2147483520,
  16777217,
  0.49999997,
  9e18,
  -9.3e18,
];
const INTEGERS = [
  0, 1, -1, 2, -2, 3, 5, 7, -9, 100, 127, 128, -128, 255, 256, -129, 32767, -32768, 65535, 2147483647, -2147483648, 1234567, -7654321, 42, 31, 33,
];

let seed = 1;
let floats: readonly number[] = FLOATS;
function random(): number {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return seed / 0x7fffffff;
}

function values(use: Use, operand: number, elem: Elem, size: number): Uint8Array {
  const bytes = new Uint8Array(size * ELEM_BYTES[elem]);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < size; i++) {
    const at = i * ELEM_BYTES[elem];
    const value = inRange(use, operand, elem, i, size);
    switch (elem) {
      case "f32":
        view.setFloat32(at, Number(value), true);
        break;
      case "f64":
        view.setFloat64(at, Number(value), true);
        break;
      case "i64":
        view.setBigInt64(at, BigInt.asIntN(64, BigInt(value)), true);
        break;
      case "i32":
        view.setInt32(at, Number(value), true);
        break;
      case "i16":
      case "u16":
        view.setInt16(at, Number(value), true);
        break;
      default:
        view.setInt8(at, Number(value));
    }
  }
  return bytes;
}

function inRange(use: Use, operand: number, elem: Elem, i: number, size: number): number | bigint {
  const type = use.args[operand]!;
  const pick = (list: readonly number[]): number => list[(i * (2 * operand + 1) + operand * 7) % list.length]!;
  if (isMask(type)) return random() < 0.5 ? 0 : -1;
  switch (use.op) {
    case "roundToInt":
      return i % 3 === 0 ? Math.round(random() * 1000) + 0.5 : (random() - 0.5) * 4194303;
    case "truncToInt":
      return i % 2 === 0 ? Math.fround((random() - 0.5) * 4e9) : (random() - 0.5) * 20;
    case "narrow": {
      const to = (use.type as { elem: Elem }).elem;
      const [low, high] = to === "u8" ? [0, 255] : to === "i8" ? [-128, 127] : to === "u16" ? [0, 65535] : [-32768, 32767];
      return i % 5 === 0 ? low : i % 7 === 0 ? high : Math.floor(low + random() * (high - low));
    }
    case "div":
    case "rem":
      if (elem !== "f32" && elem !== "f64" && operand === 1) return pick(INTEGERS) === 0 || pick(INTEGERS) === -1 ? 3 : pick(INTEGERS);
      break;
    case "lookup8":
      if (operand === use.args.length - 1) return Math.floor(random() * use.imm[0]!);
      // A table of 16 entries repeats every 16 bytes.
      return use.imm[0] === 16 ? ((i % 16) * 37 + 11) & 255 : (i * 37 + operand * 101) & 255;
    case "lookup32":
      if (operand === use.args.length - 1) return Math.floor(random() * ((size / VECTORS) * (use.args.length - 1)));
      break;
    default:
  }
  if (elem === "f32" || elem === "f64") return i % 4 === 3 ? (random() - 0.5) * 100 : pick(floats);
  if (elem === "i64" && i % 3 === 0) return BigInt(pick(INTEGERS)) * 0x1_0000_0001n + BigInt(i);
  return i % 4 === 3 ? Math.floor((random() - 0.5) * 2 ** 32) : pick(INTEGERS);
}
