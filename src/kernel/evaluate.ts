import { InternalError } from "../support/errors.ts";
import { checkedLaneOp } from "./checked-ops.ts";
import type { At, Elem, Expr, Kernel, Type } from "./kernel.ts";
import { constantLane, converter, MASK_OPS, type Lane, type LaneOp } from "./lane-ops.ts";
import { typeText } from "./ops.ts";
import { floatLoop, laneLoop } from "./vector-loops.ts";

export type Store = Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

const STORES = { u8: Uint8Array, i8: Int8Array, u16: Uint16Array, i16: Int16Array, i32: Int32Array, i64: BigInt64Array, f32: Float32Array, f64: Float64Array };

export function viewOf(elem: Elem, buffer: ArrayBufferLike, byteOffset: number, size: number): Store {
  return new STORES[elem](buffer as ArrayBuffer, byteOffset, size);
}

/** A cursor at run time: where it stands, over a view of its parameter. */
export interface Pointer {
  readonly name: string;
  readonly param: string;
  readonly elem: Elem;
  readonly view: Store;
  at: number;
}

type ScalarCode = () => Lane;

/** `run` leaves the lanes in `out`; without it they stand there already. Typed as f32, whatever it holds. */
interface VectorCode {
  readonly out: Float32Array;
  readonly run?: () => void;
}

type OpExpr = Extract<Expr, { kind: "op" }>;
type AccessExpr = Extract<Expr, { at: At }>;

/** Registers and expressions of one kernel as closures. Scalars and one-lane masks are numbers (i64: bigints), vectors typed arrays. */
export class Evaluator {
  private readonly kernel: Kernel;
  private readonly pointers: ReadonlyMap<string, Pointer>;
  private readonly fused: boolean;
  private readonly scalars = new Map<string, { value: Lane }>();
  private readonly vectors = new Map<string, Float32Array>();

  constructor(kernel: Kernel, pointers: ReadonlyMap<string, Pointer>, fused: boolean) {
    this.kernel = kernel;
    this.pointers = pointers;
    this.fused = fused;
    for (const [name, type] of Object.entries(kernel.registers)) {
      if (lanesIn(type) === 1) this.scalars.set(name, { value: elemIn(type) === "i64" ? 0n : 0 });
      else this.vectors.set(name, room(type));
    }
  }

  set(reg: string, value: Expr): () => void {
    const slot = this.scalars.get(reg);
    if (slot) {
      const code = this.scalar(value);
      return () => {
        slot.value = code();
      };
    }
    const home = this.vectors.get(reg);
    if (!home) throw this.fault(`there is no register ${reg}`);
    return this.vectorInto(value, home);
  }

  store(type: Type, at: At, value: Expr): () => void {
    const { address, view } = this.access("store", type, at, lanesIn(type));
    if (lanesIn(type) === 1) {
      const code = this.scalar(value) as () => number;
      return () => {
        const v = code();
        view[address()] = v;
      };
    }
    const { out, run } = this.vector(value);
    return () => {
      run?.();
      const to = address();
      for (let i = 0; i < out.length; i++) view[to + i] = out[i]!;
    };
  }

  private fault(what: string): InternalError {
    return new InternalError(this.kernel.name, what);
  }

  private typeOf(expr: Expr): Type {
    if (expr.kind !== "reg") return expr.type;
    const type = this.kernel.registers[expr.name];
    if (!type) throw this.fault(`there is no register ${expr.name}`);
    return type;
  }

  /** A checked address for `width` elements. */
  private access(what: string, type: Type, at: At, width: number): { address: () => number; view: Float32Array } {
    const pointer = this.pointers.get(at.cursor);
    if (!pointer) throw this.fault(`there is no cursor ${at.cursor}`);
    if (elemIn(type) !== pointer.elem) throw this.fault(`${what} of ${typeText(type)} through cursor ${at.cursor} of ${pointer.elem}`);
    const { offset } = at;
    const last = pointer.view.length - width;
    const check = (place: number): number => {
      if (place >= 0 && place <= last) return place;
      throw this.fault(`${what} ${typeText(type)} ${pointer.param}[${place}] through cursor ${pointer.name} is outside [0, ${pointer.view.length})`);
    };
    const view = pointer.view as Float32Array;
    if (!at.index) return { address: () => check(pointer.at + offset), view };
    const index = this.scalar(at.index) as () => number;
    return { address: () => check(pointer.at + offset + index()), view };
  }

  private scalar(expr: Expr): ScalarCode {
    switch (expr.kind) {
      case "const": {
        const value = constantLane(expr.type, expr.value);
        return () => value;
      }
      case "reg": {
        const slot = this.scalars.get(expr.name);
        if (!slot) throw this.fault(`there is no scalar register ${expr.name}`);
        return () => slot.value;
      }
      case "load":
      case "splat": {
        const { address, view } = this.access(expr.kind, expr.type, expr.at, 1);
        return () => view[address()]!;
      }
      case "widen":
        throw this.fault(`widen gives vectors, not ${typeText(expr.type)}`);
      case "op":
        return this.scalarOp(expr);
    }
  }

  private scalarOp(expr: OpExpr): ScalarCode {
    switch (expr.op) {
      case "extract": {
        const { out, run } = this.vector(expr.args[0]!);
        const lane = expr.imm![0]!;
        return () => {
          run?.();
          return out[lane]!;
        };
      }
      case "bitmask":
        return this.bitmask(expr.args.map((arg) => this.mask(arg)));
      case "bitcast":
        return this.scalarBitcast(elemIn(this.typeOf(expr.args[0]!)), elemIn(expr.type), this.scalar(expr.args[0]!));
      case "convert": {
        const x = this.scalar(expr.args[0]!);
        const f = converter(elemIn(this.typeOf(expr.args[0]!)), elemIn(expr.type));
        return () => f(x());
      }
      case "spread8": {
        const b = this.scalar(expr.args[0]!);
        return () => spread8(b() as number);
      }
      case "expand": {
        const bits = this.scalar(expr.args[0]!);
        return () => Number(BigInt(bits()) & 1n);
      }
      default: {
        const [a, b, c] = expr.args.map((arg) => this.scalar(arg)) as [ScalarCode, ScalarCode | undefined, ScalarCode | undefined];
        const f = this.laneFunction(expr) as (a: Lane, b?: Lane, c?: Lane) => Lane;
        const count = expr.imm?.[0];
        if (count !== undefined) return () => f(a(), count);
        if (!b) return () => f(a());
        return c ? () => f(a(), b(), c()) : () => f(a(), b());
      }
    }
  }

  private laneFunction(expr: OpExpr): LaneOp {
    const first = this.typeOf(expr.args[0]!);
    const ofMasks = "mask" in expr.type && "mask" in first;
    const elem = elemIn("mask" in expr.type ? first : expr.type);
    const complain = (what: string): never => {
      throw this.fault(`${expr.op} ${typeText(expr.type)} ${what}`);
    };
    const f = ofMasks ? MASK_OPS[expr.op] : checkedLaneOp(expr.op, elem, this.fused, complain);
    if (!f) throw this.fault(`cannot compute ${expr.op} as ${typeText(expr.type)}`);
    return f;
  }

  private bitmask(masks: readonly VectorCode[]): ScalarCode {
    return () => {
      let bits = 0n;
      let place = 0n;
      for (const { out, run } of masks) {
        run?.();
        for (const lane of out) bits |= BigInt(lane) << place++;
      }
      return BigInt.asIntN(64, bits);
    };
  }

  /** A mask of any number of lanes as a vector. */
  private mask(expr: Expr): VectorCode {
    if (lanesIn(this.typeOf(expr)) > 1) return this.vector(expr);
    const code = this.scalar(expr) as () => number;
    const out = room({ mask: 1 });
    return {
      out,
      run: () => {
        out[0] = code();
      },
    };
  }

  private scalarBitcast(from: Elem, to: Elem, x: ScalarCode): ScalarCode {
    const input = new STORES[from](1) as Float32Array;
    const output = viewOf(to, input.buffer, 0, 1);
    return () => {
      input[0] = x() as number;
      return output[0]!;
    };
  }

  /** Code that leaves the value in `home`. */
  private vectorInto(expr: Expr, home: Float32Array): () => void {
    const { out, run } = this.vector(expr, home);
    if (out === home) return run ?? (() => undefined);
    return () => {
      run?.();
      home.set(out);
    };
  }

  /** Code for a vector. It writes to `home` where it can do so without reading lanes that it has overwritten. */
  private vector(expr: Expr, home?: Float32Array): VectorCode {
    switch (expr.kind) {
      case "const":
        return { out: room(expr.type).fill(constantLane(expr.type, expr.value) as number) };
      case "reg": {
        const out = this.vectors.get(expr.name);
        if (!out) throw this.fault(`there is no vector register ${expr.name}`);
        return { out };
      }
      case "load":
      case "splat":
      case "widen":
        return this.vectorLoad(expr, home ?? room(expr.type));
      case "op":
        return this.vectorOp(expr, home);
    }
  }

  private vectorLoad(expr: AccessExpr, out: Float32Array): VectorCode {
    const type = expr.kind === "widen" ? expr.from : expr.type;
    const { address, view } = this.access(expr.kind, type, expr.at, expr.kind === "splat" ? 1 : out.length);
    if (expr.kind === "splat") {
      return { out, run: () => void out.fill(view[address()]!) };
    }
    const wide = expr.kind === "widen" && elemIn(expr.type) === "i64";
    return {
      out,
      run: () => {
        const from = address();
        for (let i = 0; i < out.length; i++) out[i] = wide ? (BigInt(view[from + i]!) as unknown as number) : view[from + i]!;
      },
    };
  }

  private vectorOp(expr: OpExpr, home: Float32Array | undefined): VectorCode {
    switch (expr.op) {
      case "splatScalar": {
        const x = this.scalar(expr.args[0]!) as () => number;
        const out = home ?? room(expr.type);
        return { out, run: () => void out.fill(x()) };
      }
      case "expand": {
        const bits = this.scalar(expr.args[0]!);
        const out = home ?? room(expr.type);
        return {
          out,
          run: () => {
            const all = BigInt(bits());
            for (let i = 0; i < out.length; i++) out[i] = Number((all >> BigInt(i)) & 1n);
          },
        };
      }
      case "bitcast": {
        const { out, run } = this.vector(expr.args[0]!);
        const cast = viewOf(elemIn(expr.type), out.buffer, out.byteOffset, lanesIn(expr.type)) as Float32Array;
        return run ? { out: cast, run } : { out: cast };
      }
      case "laneSplat": {
        const v = this.vector(expr.args[0]!);
        const lane = expr.imm![0]!;
        const out = room(expr.type);
        return { out, run: after([v], () => void out.fill(v.out[lane]!)) };
      }
      case "shuffle":
        return this.shuffle(
          expr.args.map((arg) => this.vector(arg)),
          expr.imm!,
          room(expr.type),
        );
      case "lookup8":
      case "lookup32":
        return this.lookup(expr);
      case "dot2":
      case "dot4":
        return this.dot(
          expr.args.map((arg) => this.vector(arg)),
          expr.op === "dot2" ? 2 : 4,
          room(expr.type),
        );
      default:
        return this.laneWise(expr, home ?? room(expr.type));
    }
  }

  private laneWise(expr: OpExpr, out: Float32Array): VectorCode {
    const args = expr.args.map((arg) => this.vector(arg));
    const fast = "elem" in expr.type && expr.type.elem === "f32" ? floatLoop(expr.op, this.fused) : undefined;
    const stores = args.map((arg) => arg.out);
    const loop = fast ? fast(out, stores[0]!, stores[1]!, stores[2]!) : laneLoop(this.laneFunction(expr), out, stores, expr.imm?.[0]);
    return { out, run: after(args, loop) };
  }

  private shuffle(args: readonly VectorCode[], imm: readonly number[], out: Float32Array): VectorCode {
    const sources = imm.map((i) => args[Math.floor(i / out.length)]!.out);
    return {
      out,
      run: after(args, () => {
        for (let i = 0; i < out.length; i++) out[i] = sources[i]![imm[i]! % out.length]!;
      }),
    };
  }

  private lookup(expr: OpExpr): VectorCode {
    const args = expr.args.map((arg) => this.vector(arg));
    const tables = args.slice(0, -1).map((arg) => arg.out);
    const index = args.at(-1)!.out;
    const out = room(expr.type);
    const entries = expr.imm?.[0] ?? tables.length * out.length;
    return {
      out,
      run: after(args, () => {
        for (let i = 0; i < out.length; i++) {
          const entry = index[i]!;
          if (entry < 0 || entry >= entries) throw this.fault(`${expr.op} of entry ${entry} in a table of ${entries}`);
          out[i] = tables[Math.floor(entry / out.length)]![entry % out.length]!;
        }
      }),
    };
  }

  private dot(args: readonly VectorCode[], group: number, out: Float32Array): VectorCode {
    const [acc, x, w] = args.map((arg) => arg.out) as [Float32Array, Float32Array, Float32Array];
    return {
      out,
      run: after(args, () => {
        for (let i = 0; i < out.length; i++) {
          let sum = acc[i]!;
          for (let k = group * i; k < group * (i + 1); k++) sum += x[k]! * w[k]!;
          out[i] = sum | 0;
        }
      }),
    };
  }
}

/** Runs the operands, then `step`. */
function after(args: readonly VectorCode[], step: () => void): () => void {
  const runs = args.flatMap((arg) => arg.run ?? []);
  const [first, second] = runs;
  if (!first) return step;
  if (!second) {
    return () => {
      first();
      step();
    };
  }
  return () => {
    for (const run of runs) run();
    step();
  };
}

function lanesIn(type: Type): number {
  return "mask" in type ? type.mask : type.lanes;
}

/** Masks hold 0 and 1. */
function elemIn(type: Type): Elem {
  return "mask" in type ? "u8" : type.elem;
}

function room(type: Type): Float32Array {
  return new STORES[elemIn(type)](lanesIn(type)) as Float32Array;
}

function spread8(b: number): bigint {
  let bytes = 0n;
  for (let i = 0; i < 8; i++) bytes |= BigInt((b >> i) & 1) << BigInt(8 * i);
  return bytes;
}
