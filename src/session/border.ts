import type { ManifestPort, ManifestProgram } from "../package/manifest.ts";
import type { InputValue, OutputTensor } from "./tensors.ts";

/** For an input that is a map: what its keys stand for. Keys that are whole numbers may be given as such. */
export type MapValue = ReadonlyMap<string | number | bigint, number | bigint | string> | Readonly<Record<string, number | bigint | string>>;

/** By name. A sequence is a list of tensors. */
export type Inputs = Readonly<Record<string, InputValue | readonly InputValue[] | MapValue>>;

/** Inputs with what is no tensor taken apart: a list for a sequence into its tensors, a map or object into the row of its labelled port. */
export function asPorts(programs: readonly ManifestProgram[], inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const sequences = new Set(programs.flatMap(({ lists }) => Object.keys(lists?.inputs ?? {})));
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => {
      if (sequences.has(name) && Array.isArray(value)) return value.map((item: unknown, i) => [`${name}[${i}]`, item] as const);
      const port = programs[0]!.inputs.find((candidate) => candidate.name === name);
      return [[name, port ? (rowOf(port, value) ?? value) : value] as const];
    }),
  );
}

/** What a map has for each label; 0 or the empty text for those that it has not. Undefined for what is no map. */
function rowOf({ dtype, shape, labels }: ManifestPort, value: unknown): (number | bigint | string)[] | undefined {
  if (!labels || shape.length !== 2 || shape[0] !== 1 || shape[1] !== labels.length) return undefined;
  const map =
    value instanceof Map
      ? new Map(Array.from(value, ([key, entry]) => [String(key), entry as unknown]))
      : isRecord(value)
        ? new Map(Object.entries(value))
        : undefined;
  const none = dtype === "string" ? "" : /^[iu]64$/.test(dtype) ? 0n : 0;
  return map && labels.map((label) => (map.get(label) as number | bigint | string | undefined) ?? none);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !("data" in value);
}

/** The tensors of a sequence among the outputs of a run; undefined where the program has no such sequence, or other outputs. */
export function sequenceOf(
  { lists, outputs: ports }: ManifestProgram,
  name: string,
  outputs: Readonly<Record<string, OutputTensor>>,
): OutputTensor[] | undefined {
  const length = Object.hasOwn(lists?.outputs ?? {}, name) ? lists!.outputs[name]! : undefined;
  const isFrom = ports.length === Object.keys(outputs).length && ports.every((port) => Object.hasOwn(outputs, port.name));
  return length === undefined || !isFrom ? undefined : Array.from({ length }, (_, i) => outputs[`${name}[${i}]`]!);
}
