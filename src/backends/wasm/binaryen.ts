import type Binaryen from "binaryen";
import { NeoError } from "../../support/errors.ts";

export type BinaryenApi = typeof Binaryen;
export type Module = InstanceType<BinaryenApi["Module"]>;
/** A node of a module under construction; each is used at one place only. */
export type Ref = number;

/** The symbols that the typed interface lacks: relaxed SIMD. */
interface Untyped {
  readonly RelaxedMaddVecF32x4: number;
  readonly RelaxedMaddVecF64x2: number;
  _BinaryenSIMDTernary(module: number, op: number, a: Ref, b: Ref, c: Ref): Ref;
}

let loading: Promise<BinaryenApi> | undefined;

/** The package binaryen, loaded at the first use: half a second. */
export function loadBinaryen(): Promise<BinaryenApi> {
  return (loading ??= importBinaryen(() => import("binaryen")));
}

export async function importBinaryen(load: () => Promise<{ readonly default: BinaryenApi }>): Promise<BinaryenApi> {
  const found = await load().catch((error: unknown) => {
    throw missing("it can't be loaded", error);
  });
  const api = found.default;
  if (typeof (api as unknown as Partial<Untyped>)._BinaryenSIMDTernary !== "function") throw missing("this version lacks relaxed SIMD");
  return api;
}

function missing(reason: string, cause?: unknown): NeoError {
  return new NeoError({
    code: "NEO3020",
    message: "WebAssembly is written with the package binaryen, which is not here",
    notes: [{ where: "binaryen", text: reason }],
    hint: "npm i binaryen@132",
    cause,
  });
}

/** a * b + c, with one rounding or two as the engine likes. */
export function relaxedMadd(api: BinaryenApi, module: Module, elem: "f32" | "f64", a: Ref, b: Ref, c: Ref): Ref {
  const untyped = api as unknown as Untyped;
  return untyped._BinaryenSIMDTernary(
    (module as unknown as { readonly ptr: number }).ptr,
    elem === "f32" ? untyped.RelaxedMaddVecF32x4 : untyped.RelaxedMaddVecF64x2,
    a,
    b,
    c,
  );
}
