/** Checks of ops with nested regions. */
import { InternalError } from "../support/errors.ts";
import { TypeMismatch, type RegionTypes } from "./op-def.ts";
import { equalTypes, type TensorType } from "./types.ts";

/** `evaluate` of ops that have `execute`. */
export function notEvaluated(): never {
  throw new InternalError("evaluate", "the op has `execute`");
}

/** What a region gives when it is called with values of these types. */
export function called(name: string, region: RegionTypes | undefined, args: readonly TensorType[]): readonly TensorType[] {
  if (!region) throw new TypeMismatch(`region ${name} is missing`);
  wantTypes(`parameters of ${name}`, region.params, args);
  return region.results;
}

export function wantTypes(what: string, found: readonly TensorType[], wanted: readonly TensorType[]): void {
  if (found.length !== wanted.length) throw new TypeMismatch(`${found.length} ${what}, wanted ${wanted.length}`);
  const at = found.findIndex((type, i) => !equalTypes(type, wanted[i]!));
  if (at >= 0) throw new TypeMismatch(`${what} differ in type from what is wanted at ${at}`);
}

export function wantFlag(name: string, type: TensorType): void {
  if (type.dtype !== "bool" || !isOneElement(type)) throw new TypeMismatch(`${name} wants one bool`);
}

export function isOneElement(type: TensorType): boolean {
  return type.shape.every((dim) => dim === 1);
}
