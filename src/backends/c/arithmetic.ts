import { ELEM_BYTES, type Elem } from "../../kernel/kernel.ts";
import { integerOf } from "./names.ts";
import { byCompiler, type Support } from "./support.ts";

/** What a register holds: elements of `elem`, `lanes` of them. */
export interface Shape {
  readonly elem: Elem;
  readonly lanes: number;
}

export function nameOf({ elem, lanes }: Shape): string {
  return lanes === 1 ? elem : `${elem}x${lanes}`;
}

export function bytesOf({ elem, lanes }: Shape): number {
  return ELEM_BYTES[elem] * lanes;
}

export function isFloatElem(elem: Elem): elem is "f32" | "f64" {
  return elem === "f32" || elem === "f64";
}

/** The signed integers with the bits of a shape: lanes of comparisons and masks. */
export function bitsOf({ elem, lanes }: Shape): Shape {
  return { elem: integerOf(ELEM_BYTES[elem]), lanes };
}

/** 128, 256 or 512 bits of a float element on x86, where gcc has a builtin that generic code does not reach. */
function x86Float(support: Support, shape: Shape): { readonly bytes: 16 | 32 | 64; readonly suffix: "ps" | "pd" } | undefined {
  const bytes = bytesOf(shape);
  if (support.arch !== "x86_64" || !isFloatElem(shape.elem) || (bytes !== 16 && bytes !== 32 && bytes !== 64)) return undefined;
  return { bytes, suffix: shape.elem === "f32" ? "ps" : "pd" };
}

/** a < b ? b : a, or with `min` b < a ? b : a. */
export function extremum(support: Support, which: "max" | "min", shape: Shape): string {
  const type = nameOf(shape);
  const name = `p${which}_${type}`;
  const test = which === "max" ? "a < b" : "b < a";
  return support.define(name, type, [`${type} a`, `${type} b`], () => {
    if (shape.lanes === 1) return [`return ${test} ? b : a;`];
    if (!support.hasVectors) return lanewise(shape, which === "max" ? "a[i] < b[i] ? b[i] : a[i]" : "b[i] < a[i] ? b[i] : a[i]");
    const bits = support.type(nameOf(bitsOf(shape)));
    const generic = [`const ${bits} m = (${bits})(${test});`, `return (${type})(((${bits})b & m) | ((${bits})a & ~m));`];
    const x86 = x86Float(support, shape);
    if (!x86) return generic;
    const builtin = `__builtin_ia32_${which}${x86.suffix}`;
    // maxps gives its second operand where one is NaN.
    const call = x86.bytes === 16 ? `${builtin}(b, a)` : x86.bytes === 32 ? `${builtin}256(b, a)` : `${builtin}512_mask(b, a, a, -1, 4)`;
    return byCompiler([`return ${call};`], generic);
  });
}

export type Rounding = "floor" | "ceil" | "trunc" | "nearest";

const ROUNDINGS: Readonly<Record<Rounding, { readonly builtin: string; readonly x86: number }>> = {
  nearest: { builtin: "nearbyint", x86: 8 },
  floor: { builtin: "floor", x86: 9 },
  ceil: { builtin: "ceil", x86: 10 },
  trunc: { builtin: "trunc", x86: 11 },
};

/** To an integral float; `nearest` takes ties to even. */
export function rounding(support: Support, which: Rounding, shape: Shape): string {
  const type = nameOf(shape);
  const { builtin, x86: mode } = ROUNDINGS[which];
  return support.define(`${which}_${type}`, type, [`${type} a`], () => {
    // Elsewhere the builtins are calls into a C library.
    if (support.arch !== "x86_64" && support.arch !== "aarch64" && support.arch !== "wasm32") return portableRounding(support, which, shape);
    const lanes = perLane(shape, (x) => `__builtin_${builtin}${shape.elem === "f32" ? "f" : ""}(${x})`);
    const x86 = x86Float(support, shape);
    if (!x86) return lanes;
    const type512 = x86.suffix === "ps" ? "ps" : "pd";
    const call =
      x86.bytes === 64
        ? `__builtin_ia32_rndscale${type512}_mask(a, ${mode}, a, -1, 4)`
        : `__builtin_ia32_round${x86.suffix}${x86.bytes === 32 ? "256" : ""}(a, ${mode})`;
    return byCompiler([`return ${call};`], lanes);
  });
}

/** Adding and taking away 2^23 (2^52) rounds to even. Larger values, infinities and NaN are integral already. The sign is kept for -0. */
function portableRounding(support: Support, which: Rounding, shape: Shape): string[] {
  const type = nameOf(shape);
  const [magic, suffix, literal] = shape.elem === "f32" ? ["8388608.0f", "f", "1.0f"] : ["4503599627370496.0", "", "1.0"];
  if (shape.lanes > 1) {
    const one = rounding(support, which, { elem: shape.elem, lanes: 1 });
    return perLane(shape, (x) => `${one}(${x})`);
  }
  const correction = {
    nearest: [],
    floor: [`if (r > a) r -= ${literal};`],
    ceil: [`if (r < a) r += ${literal};`],
    trunc: [`if (r > m) r -= ${literal};`],
  }[which];
  const magnitude = which === "trunc" || which === "nearest";
  return [
    `const ${type} m = __builtin_fabs${suffix}(a);`,
    `if (!(m < ${magic})) return a;`,
    magnitude ? `${type} r = (m + ${magic}) - ${magic};` : `${type} r = __builtin_copysign${suffix}((m + ${magic}) - ${magic}, a);`,
    ...correction,
    `return __builtin_copysign${suffix}(r, a);`,
  ];
}

export function squareRoot(support: Support, shape: Shape): string {
  const type = nameOf(shape);
  return support.define(`sqrt_${type}`, type, [`${type} a`], () => perLane(shape, (x) => `__builtin_sqrt${shape.elem === "f32" ? "f" : ""}(${x})`));
}

export function absolute(support: Support, shape: Shape): string {
  const type = nameOf(shape);
  return support.define(`abs_${type}`, type, [`${type} a`], () => {
    if (shape.lanes === 1) return [isFloatElem(shape.elem) ? `return __builtin_fabs${shape.elem === "f32" ? "f" : ""}(a);` : "return a < 0 ? -a : a;"];
    const bits = support.type(nameOf(bitsOf(shape)));
    if (isFloatElem(shape.elem)) return [`return (${type})((${bits})a & ${shape.elem === "f32" ? "0x7fffffff" : "0x7fffffffffffffffll"});`];
    return [`const ${bits} m = (${bits})(a < 0);`, "return (a ^ m) - m;"];
  });
}

/** m ? a : b per lane. */
export function selection(support: Support, shape: Shape): string {
  const type = nameOf(shape);
  const bits = support.type(nameOf(bitsOf(shape)));
  return support.define(`select_${type}`, type, [`${bits} m`, `${type} a`, `${type} b`], () =>
    support.hasVectors ? [`return (${type})(((${bits})a & m) | ((${bits})b & ~m));`] : lanewise(shape, "m[i] ? a[i] : b[i]"),
  );
}

/** Bitwise: p = 0 gives a, p = 1 gives b. */
export function multiplexer(support: Support, shape: Shape): string {
  const type = nameOf(shape);
  return support.define(`mux_${type}`, type, [`${type} p`, `${type} a`, `${type} b`], () => ["return a ^ (p & (a ^ b));"]);
}

/** A body that sets each lane of `a` to an expression of lane i of anything. */
function lanewise({ lanes }: Shape, expression: string): string[] {
  return [`for (int i = 0; i < ${lanes}; i++) a[i] = ${expression};`, "return a;"];
}

/** A body that replaces each lane of `a` by an expression of it and returns it. */
export function perLane(shape: Shape, expression: (lane: string) => string): string[] {
  if (shape.lanes === 1) return [`return ${expression("a")};`];
  return [`for (int i = 0; i < ${shape.lanes}; i++) a[i] = ${expression("a[i]")};`, "return a;"];
}
