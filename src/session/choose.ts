import type { ArtifactProgram, Manifest, ManifestPort, ManifestProgram } from "../package/manifest.ts";
import { NeoError, type ErrorCode, type Note } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import { asPorts } from "./border.ts";
import { shapeProblem } from "./extents.ts";
import { dtypeProblem, givenOf, type Given } from "./tensors.ts";
import { asPlaces } from "./words.ts";

/** Inputs that fit a program. */
export interface Chosen {
  readonly program: number;
  /** In the order of the program's inputs. */
  readonly given: readonly Given[];
  readonly shapes: readonly (readonly number[])[];
  readonly extents: ReadonlyMap<string, number>;
}

/** What is asked of a bundle to choose: its programs, and the lengths that each takes. */
type Programs = Pick<Manifest, "programs">;
interface Lengths {
  readonly programs: readonly Pick<ArtifactProgram, "extents">[];
}

/** The first program whose inputs have these names, dtypes and shapes. */
export function chooseProgram(manifest: Programs, artifact: Lengths, inputs: Readonly<Record<string, unknown>>): Chosen {
  const ports = asPorts(manifest.programs, inputs);
  const names = Object.keys(ports);
  // Programs for sequences of other lengths have other inputs.
  const takes = ({ inputs: wanted }: ManifestProgram): boolean => wanted.length === names.length && wanted.every((port) => names.includes(port.name));
  const known = manifest.programs.findIndex(takes);
  const given = checkNames(manifest.programs[Math.max(0, known)]!.inputs, ports);
  const dtypes = manifest.programs[Math.max(0, known)]!.inputs.flatMap((port, i) => noteIf(port, dtypeProblem(given[i]!, port.dtype)));
  if (dtypes.length > 0) throw wrong("NEO1051", "of the wrong type", dtypes, "`neo inspect` lists the inputs of a bundle");
  const problems: Note[] = [];
  for (const program of manifest.programs.keys()) {
    if (!takes(manifest.programs[program]!)) continue;
    const fit = fitShapes(manifest, artifact, program, given);
    if ("extents" in fit) return fit;
    for (const { where, text } of fit) {
      problems.push({ where: manifest.programs.length > 1 ? `${where} of program ${manifest.programs[program]!.id}` : where, text });
    }
  }
  throw wrong("NEO1052", "of the wrong shape", problems, "compile with `--shape` for other shapes");
}

function fitShapes(manifest: Programs, artifact: Lengths, program: number, given: readonly Given[]): Chosen | Note[] {
  const extents = new Map<string, number>();
  const shapes: (readonly number[])[] = [];
  const notes = manifest.programs[program]!.inputs.flatMap((port, i) => {
    const count = given[i]!.data.length;
    const shape = given[i]!.shape ?? port.shape;
    shapes.push(shape);
    const wanted = shape.reduce((n, d) => n * d, 1);
    return noteIf(
      port,
      shapeProblem(artifact.programs[program]!, port, i, shape, extents) ??
        (count === wanted ? undefined : `found ${count} elements, wanted ${wanted} for [${shape.join(", ")}]`),
    );
  });
  return notes.length > 0 ? notes : { program, given, shapes, extents };
}

/** The inputs in order; all wrong, missing and unknown names in one error. */
function checkNames(ports: readonly ManifestPort[], inputs: Readonly<Record<string, unknown>>): Given[] {
  const names = ports.map((port) => port.name);
  const notes: Note[] = [];
  const given = ports.map((port): Given | undefined => {
    if (!Object.hasOwn(inputs, port.name)) return void notes.push({ where: port.name, text: `is missing, wanted ${describe(port)}` });
    const value = givenOf(inputs[port.name]);
    if (!value) notes.push({ where: port.name, text: `found ${kindOf(inputs[port.name])}, wanted a typed array, a list of numbers or {data, shape}` });
    return value && { ...value, data: asPlaces(port, value.data) };
  });
  for (const name of Object.keys(inputs)) {
    if (names.includes(name)) continue;
    const near = nearestWord(name, names);
    notes.push({ where: name, text: `is no input${near ? `, did you mean ${near}?` : `, found inputs: ${names.join(", ") || "none"}`}` });
  }
  if (notes.length > 0) throw wrong("NEO1050", "missing, unknown or no tensor", notes, "`neo inspect` lists the inputs of a bundle");
  return given as Given[];
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export function describe(port: ManifestPort): string {
  return `${port.dtype} [${port.shape.join(", ")}]`;
}

function noteIf(port: ManifestPort, text: string | undefined): Note[] {
  return text === undefined ? [] : [{ where: port.name, text }];
}

function wrong(code: ErrorCode, what: string, notes: readonly Note[], hint: string): NeoError {
  return new NeoError({ code, message: `the inputs don't fit the model: ${notes.length} ${notes.length === 1 ? "is" : "are"} ${what}`, notes, hint });
}
