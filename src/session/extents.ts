import { InternalError, NeoError } from "../support/errors.ts";
import type { ArtifactProgram, ManifestPort, ManifestProgram } from "../package/manifest.ts";
import type { Runnable } from "./engine.ts";

export interface PortExtent {
  readonly name: string;
  readonly min: number;
  readonly step: number;
  readonly max: number;
  readonly at: number;
}

/** The extent that counts an axis of a port. */
export function extentOf(code: Pick<ArtifactProgram, "extents">, port: "input" | "output", index: number, axis: number): PortExtent | undefined {
  const found = code.extents.find((extent) => extent.dims.some((dim) => dim.port === port && dim.index === index && dim.axis === axis));
  return found && { min: 0, step: 1, ...found };
}

/** `1..64`, `32..640/8` */
export function rangeOf(extent: PortExtent | undefined): string | undefined {
  return extent && `${extent.min}..${extent.max}${extent.step === 1 ? "" : `/${extent.step}`}`;
}

/** Why the shapes of inputs, as given, are none of this program; undefined where they fit. Axes with an extent may be shorter, all of one extent alike. */
export function shapeProblem(
  code: Pick<ArtifactProgram, "extents">,
  port: ManifestPort,
  index: number,
  shape: readonly number[],
  values: Map<string, number>,
): string | undefined {
  const wanted = port.shape.map((dim, axis) => rangeOf(extentOf(code, "input", index, axis)) ?? dim);
  const found = `found [${shape.join(", ")}], wanted [${wanted.join(", ")}]`;
  if (shape.length !== port.shape.length) return found;
  for (const [axis, dim] of shape.entries()) {
    const extent = extentOf(code, "input", index, axis);
    if (!extent && dim !== port.shape[axis]) return found;
    if (!extent) continue;
    if (dim > extent.max || dim < extent.min || (dim - extent.min) % extent.step !== 0) return found;
    const known = values.get(extent.name) ?? dim;
    if (known !== dim) return `${found}: ${extent.name} is ${known} elsewhere`;
    values.set(extent.name, dim);
  }
  return undefined;
}

/** Tells the program the extents of its inputs. */
export function writeExtents(code: ArtifactProgram, runnable: Runnable, values: ReadonlyMap<string, number>): void {
  const { arena } = runnable;
  for (const { name, at } of code.extents) {
    const value = values.get(name);
    if (value !== undefined) new DataView(arena.buffer, arena.byteOffset + at, 4).setInt32(0, value, true);
  }
}

/** Fails where a value wanted to be longer than its bound: what the run gave is not the model's. */
export function checkLimits(code: Pick<ArtifactProgram, "limits">, { arena }: Pick<Runnable, "arena">): void {
  const notes = (code.limits ?? []).flatMap(({ value, most, at }) => {
    const found = new DataView(arena.buffer, arena.byteOffset + at, 4).getInt32(0, true);
    return found > most ? [{ where: value, text: `is ${found === 2 ** 31 - 1 ? "very" : found} long, at most ${most} were planned` }] : [];
  });
  if (notes.length === 0) return;
  const names = notes.map(({ where }) => where).join(", ");
  throw new NeoError({
    code: "NEO1058",
    message: `${names} ${notes.length > 1 ? "are" : "is"} longer in this run than ${notes.length > 1 ? "their bounds allow" : "its bound allows"}`,
    notes,
    hint: `give other data, or compile with a higher bound: \`--bound ${notes[0]!.where}=N\``,
  });
}

/** The true shape of an output after a run. */
export function shapeOfOutput(code: ArtifactProgram, program: ManifestProgram, index: number, runnable: Runnable): number[] {
  const { arena } = runnable;
  return program.outputs[index]!.shape.map((dim, axis) => {
    const extent = extentOf(code, "output", index, axis);
    if (!extent) return dim;
    const value = new DataView(arena.buffer, arena.byteOffset + extent.at, 4).getInt32(0, true);
    if (value < 0 || value > extent.max) throw new InternalError("session", `extent ${extent.name} is ${value} after a run, at most ${extent.max} was planned`);
    return value;
  });
}

/** Copies the elements of a dense tensor of shape `box` to or from the corner of one of shape `whole`, whose dims are not smaller. */
export function copyCorner(
  direction: "in" | "out",
  dense: Uint8Array,
  box: readonly number[],
  padded: Uint8Array,
  whole: readonly number[],
  width: number,
): void {
  // Axes behind the last one that differs are one run of bytes.
  let axis = box.length;
  while (axis > 0 && box[axis - 1] === whole[axis - 1]) axis--;
  const rowAxis = Math.max(axis - 1, 0);
  const run = box.slice(rowAxis).reduce((n, d) => n * d, width);
  const stride = whole.slice(rowAxis).reduce((n, d) => n * d, width);
  const rows = box.slice(0, rowAxis).reduce((n, d) => n * d, 1);
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let at = 0;
    let step = stride;
    for (let a = rowAxis - 1; a >= 0; a--) {
      at += (rest % box[a]!) * step;
      rest = Math.floor(rest / box[a]!);
      step *= whole[a]!;
    }
    const part = dense.subarray(row * run, (row + 1) * run);
    if (direction === "in") padded.set(part, at);
    else part.set(padded.subarray(at, at + run));
  }
}
