import { isMask } from "../../kernel/build.ts";
import { ELEM_BYTES, type Elem, type Type } from "../../kernel/kernel.ts";
import { typeText } from "../../kernel/ops.ts";
import { InternalError } from "../../support/errors.ts";
import type { Module, Ref } from "./binaryen.ts";
import type { LocalType, Locals } from "./locals.ts";

/** Elements in a local: one in a scalar, several in the low bytes of a v128; what stands above them is anybody's. */
export interface Shape {
  readonly elem: Elem;
  readonly lanes: number;
}

export type Method = (...args: (Ref | readonly number[])[]) => Ref;

const VECTOR: Readonly<Record<Elem, "f32x4" | "f64x2" | "i32x4" | "i64x2" | "i16x8" | "i8x16">> = {
  f32: "f32x4",
  f64: "f64x2",
  i32: "i32x4",
  i64: "i64x2",
  i16: "i16x8",
  u16: "i16x8",
  i8: "i8x16",
  u8: "i8x16",
};

export function isFloat(elem: Elem): elem is "f32" | "f64" {
  return elem === "f32" || elem === "f64";
}

/** "_u" where instructions have a form for unsigned elements, "_s" for the others. */
export function signOf(elem: Elem): "u" | "s" {
  return elem.startsWith("u") ? "u" : "s";
}

export function localTypeOf({ elem, lanes }: Shape): LocalType {
  if (lanes > 1) return "v128";
  return isFloat(elem) || elem === "i64" ? elem : "i32";
}

/** Nodes that are written often, over shapes: of one function. */
export class Lanes {
  readonly module: Module;
  private readonly locals: Locals;
  private readonly where: string;
  /** binaryen's word for the type that a block's last node has. */
  private readonly auto: number;

  constructor(module: Module, locals: Locals, auto: number, where: string) {
    this.module = module;
    this.locals = locals;
    this.auto = auto;
    this.where = where;
  }

  /** A mask of n lanes has lanes of 16/n bytes, -1 or 0; a mask of one lane is an i32, 1 or 0. */
  shape(type: Type): Shape {
    if (isMask(type)) return { elem: type.mask === 1 ? "i32" : integerOf(16 / type.mask), lanes: type.mask };
    if (type.lanes > 1 && type.lanes * ELEM_BYTES[type.elem] > 16) throw this.fault(`${typeText(type)} is longer than 16 bytes`);
    return type;
  }

  /** An instruction by name, of scalars or of vectors. */
  method({ elem, lanes }: Shape, name: string): Method {
    const space = lanes > 1 ? VECTOR[elem] : localTypeOf({ elem, lanes });
    const found = (this.module[space] as unknown as Readonly<Record<string, Method>>)[name];
    if (!found) throw this.fault(`WebAssembly has no ${space}.${name}`);
    return found;
  }

  constant({ elem, lanes }: Shape, value: number | bigint): Ref {
    const { module: m } = this;
    if (lanes > 1) return this.bytes(repeated(elem, value));
    switch (elem) {
      case "f32":
        return m.f32.const(Number(value));
      case "f64":
        return m.f64.const(Number(value));
      case "i64":
        return m.i64.const(BigInt.asIntN(64, BigInt(value)));
      default:
        return m.i32.const(Number(BigInt.asIntN(32, BigInt(value))));
    }
  }

  bytes(bytes: Uint8Array): Ref {
    return this.module.v128.const([...bytes]);
  }

  zero(): Ref {
    return this.bytes(new Uint8Array(16));
  }

  /** Lanes by number: those of `a`, then (from the number of lanes on) of `b`. */
  shuffle(a: Ref, b: Ref | undefined, lanes: readonly number[], { elem, lanes: count }: Shape): Ref {
    const size = ELEM_BYTES[elem];
    const bytes = lanes.flatMap((lane) => Array.from({ length: size }, (_, i) => (lane < count ? lane * size : 16 + (lane - count) * size) + i));
    return this.module.i8x16.shuffle(a, b ?? this.zero(), [...bytes, ...new Array<number>(16 - bytes.length).fill(0)]);
  }

  /** The low half of the lanes, twice as wide. */
  extendLow(value: Ref, bytes: number, sign: "s" | "u"): Ref {
    const { module: m } = this;
    if (bytes === 1) return m.i16x8[`extend_low_i8x16_${sign}`](value);
    return bytes === 2 ? m.i32x4[`extend_low_i16x8_${sign}`](value) : m.i64x2[`extend_low_i32x4_${sign}`](value);
  }

  /** The same mask with lanes of other bytes. */
  maskAs(mask: Ref, from: number, to: number): Ref {
    const { module: m } = this;
    let value = mask;
    for (let bytes = from; bytes < to; bytes *= 2) value = this.extendLow(value, bytes, "s");
    for (let bytes = from; bytes > to; bytes /= 2) {
      if (bytes === 8) value = this.shuffle(value, undefined, [0, 2, 4, 4], { elem: "i32", lanes: 4 });
      else value = bytes === 4 ? m.i16x8.narrow_i32x4_s(value, this.zero()) : m.i8x16.narrow_i16x8_s(value, this.zero());
    }
    return value;
  }

  /** A value used more than once goes through a local: a node stands at one place of the tree. */
  twice(shape: Shape, value: Ref, use: (again: () => Ref) => Ref): Ref {
    const local = this.locals.temporary(localTypeOf(shape));
    const result = use(() => this.locals.at(local));
    return this.module.block(null, [this.module.local.set(local, value), result], this.auto);
  }

  fault(message: string): InternalError {
    return new InternalError("emitWasm", `${this.where}: ${message}`);
  }
}

function integerOf(bytes: number): Elem {
  return bytes === 1 ? "i8" : bytes === 2 ? "i16" : bytes === 4 ? "i32" : "i64";
}

/** 16 bytes of one value. */
function repeated(elem: Elem, value: number | bigint): Uint8Array {
  const lane = new DataView(new ArrayBuffer(8));
  if (elem === "f32") lane.setFloat32(0, Number(value), true);
  else if (elem === "f64") lane.setFloat64(0, Number(value), true);
  else lane.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
  return Uint8Array.from({ length: 16 }, (_, i) => lane.getUint8(i % ELEM_BYTES[elem]));
}
