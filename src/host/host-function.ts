/** Elements as the graph's tensors hold them: numbers in the array of their dtype, bigints for i64 and u64, strings in a list. */
export type HostData = ArrayLike<number | bigint | string>;

/** Extents are numbers; -1 is one that only the data tell. */
export interface HostType {
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface HostTensor extends HostType {
  readonly data: HostData;
}

export type HostAttr = string | number | boolean | readonly string[];

export type HostAttrs = Readonly<Record<string, HostAttr>>;

/**
 * A computation that code can't do: it runs in a step of the session beside the code, and is what the interpreter of graphs runs, too.
 * It sees whole tensors and keeps nothing.
 */
export interface HostFunction {
  /** What comes out of inputs of these types; throws `HostProblem` where they, or the attributes, are none of this function's. */
  results(inputs: readonly HostType[], attrs: HostAttrs): readonly HostType[];
  /** Results in their true shapes. Throws `HostProblem` for data that it can't take. */
  run(inputs: readonly HostTensor[], attrs: HostAttrs): readonly HostTensor[];
}

/** What is wrong with types, attributes or data: a sentence without a subject. Whoever calls makes it an error of their own. */
export class HostProblem extends Error {}

/** Where types have extents that only the data tell, in order. */
export function openExtents(types: readonly HostType[]): readonly { readonly result: number; readonly axis: number }[] {
  return types.flatMap(({ shape }, result) => shape.flatMap((dim, axis) => (dim === -1 ? [{ result, axis }] : [])));
}

export function wantInputs(inputs: readonly HostType[], ...dtypes: readonly (string | readonly string[])[]): void {
  if (inputs.length !== dtypes.length) throw new HostProblem(`has ${inputs.length} inputs, wanted ${dtypes.length}`);
  inputs.forEach(({ dtype }, i) => {
    const wanted = dtypes[i]!;
    if (!(typeof wanted === "string" ? [wanted] : wanted).includes(dtype)) throw new HostProblem(`has ${dtype} for input ${i}, wanted ${String(wanted)}`);
  });
}

export function textAttr(attrs: HostAttrs, name: string): string {
  const value = own(attrs, name);
  if (typeof value !== "string") throw new HostProblem(`has no text ${name}`);
  return value;
}

export function textsAttr(attrs: HostAttrs, name: string): readonly string[] {
  const value = own(attrs, name);
  if (!Array.isArray(value)) throw new HostProblem(`has no list ${name}`);
  return value as readonly string[];
}

export function numberAttr(attrs: HostAttrs, name: string): number {
  const value = own(attrs, name);
  if (!Number.isSafeInteger(value)) throw new HostProblem(`has no whole number ${name}`);
  return value as number;
}

export function flagAttr(attrs: HostAttrs, name: string): boolean {
  const value = own(attrs, name);
  if (typeof value !== "boolean") throw new HostProblem(`has no flag ${name}`);
  return value;
}

function own(attrs: HostAttrs, name: string): HostAttr | undefined {
  return Object.hasOwn(attrs, name) ? attrs[name] : undefined;
}

/** A function with what it is called on; the open extents of its results are written as i32 results behind them. */
export interface HostCall {
  readonly function: string;
  readonly attrs: HostAttrs;
  readonly inputs: readonly HostType[];
  /** Of the greatest extents there can be: what is behind the true ones is zero. */
  readonly outputs: readonly HostType[];
}

/** Whether a value of unknown origin has the form of a call; that function, types and attributes suit each other is not looked at. */
export function isHostCall(value: unknown): value is HostCall {
  if (!isRecord(value) || typeof value["function"] !== "string" || !isRecord(value["attrs"])) return false;
  return Object.values(value["attrs"]).every(isAttr) && [value["inputs"], value["outputs"]].every((list) => Array.isArray(list) && list.every(isType));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAttr(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value) || (Array.isArray(value) && value.every((entry) => typeof entry === "string"));
}

function isType(value: unknown): boolean {
  if (!isRecord(value) || typeof value["dtype"] !== "string") return false;
  const { shape } = value;
  return Array.isArray(shape) && shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
}
