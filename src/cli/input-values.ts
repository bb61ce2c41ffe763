import { readNpy } from "../frontends/formats/npy.ts";
import { readNpz } from "../frontends/formats/npz.ts";
import { TextTable } from "../host/text-table.ts";
import { decodePort } from "../ir/port-data.ts";
import { decodeData, tensor, type Tensor } from "../ir/tensor.ts";
import { DTYPES, elementCount, isFloat, type DType } from "../ir/types.ts";
import { seededBytes } from "../package/self-test.ts";
import type { ManifestPort } from "../package/manifest.ts";
import type { InputValue } from "../session/tensors.ts";
import { NeoError } from "../support/errors.ts";
import type { OptionSpec } from "./command.ts";
import { readInput } from "./files.ts";

export const INPUT_OPTION: OptionSpec = {
  flags: "--input <name=value>",
  text: "x=@a.npy, @a.npz, @a.csv, @a.png, @a.jpg, random:SEED, 1,2,3, or 4x3xf32=@- for raw bytes; the name may be left out if there is one input; rows.csv, .libsvm, .npy without @ or - for stdin: a file of rows, run block by block",
  repeat: true,
};

export interface InputTarget {
  readonly inputs: readonly ManifestPort[];
  preprocess?(input: string, picture: { width: number; height: number; data: Uint8Array }): InputValue;
}

/** What `--input` says for each input; inputs it does not name are random with seed 1. */
export async function inputValues(words: readonly string[], target: InputTarget, cwd: string): Promise<Record<string, InputValue>> {
  const values: Record<string, InputValue> = {};
  for (const word of words) {
    const { name, rest } = splitWord(word, target.inputs);
    if (name === undefined) Object.assign(values, await archive(rest, cwd));
    else values[name] = await oneValue(name, rest, target, cwd);
  }
  for (const port of target.inputs) values[port.name] ??= random(port, 1);
  return values;
}

function splitWord(word: string, inputs: readonly ManifestPort[]): { name: string | undefined; rest: string } {
  for (const { name } of [...inputs].sort((a, b) => b.name.length - a.name.length))
    if (word.startsWith(`${name}=`)) return { name, rest: word.slice(name.length + 1) };
  if (/^@.*\.npz$/i.test(word)) return { name: undefined, rest: word };
  if (inputs.length === 1 && (!word.includes("=") || word.startsWith("@") || /^[\dx]+x?[a-z]+\d*=@/.test(word))) return { name: inputs[0]!.name, rest: word };
  const at = word.indexOf("=");
  const named = at > 0 ? word.slice(0, at) : word;
  // The session says which inputs there are.
  return { name: named, rest: at > 0 ? word.slice(at + 1) : "" };
}

async function archive(word: string, cwd: string): Promise<Record<string, InputValue>> {
  const file = word.slice(1);
  return Object.fromEntries(readNpz(await readInput(file, cwd), file));
}

async function oneValue(name: string, word: string, target: InputTarget, cwd: string): Promise<InputValue> {
  const port = target.inputs.find((input) => input.name === name);
  const seed = /^random:(\d+)$/.exec(word);
  if (seed) return port ? random(port, Number(seed[1])) : new Float32Array(0);
  const raw = /^((?:\d+x)*)([a-z]+\d*)=@(.*)$/.exec(word);
  if (raw) return rawTensor(name, raw[1]!, raw[2]!, await readInput(raw[3]!, cwd));
  if (word.startsWith("@")) return fileValue(name, word.slice(1), target, cwd);
  if (port?.dtype === "string") return word.split(",");
  const numbers = word.split(",").map((text) => text.trim());
  if (word === "" || numbers.some((text) => text === "" || Number.isNaN(Number(text)))) throw malformed(name, word);
  return numbers.map((text) => (port && /^[iu]64$/.test(port.dtype) && /^-?\d+$/.test(text) ? BigInt(text) : Number(text)));
}

async function fileValue(name: string, file: string, target: InputTarget, cwd: string): Promise<InputValue> {
  const bytes = await readInput(file, cwd);
  const port = target.inputs.find((input) => input.name === name);
  if (/\.(png|jpe?g)$/i.test(file)) {
    const { decodePicture } = await import("../support/node/picture.ts");
    const picture = await decodePicture(bytes, file);
    if (!target.preprocess)
      throw new NeoError({ code: "NEO1054", message: `input ${name} takes no picture here`, hint: "compile with `--preprocess` and run the bundle" });
    return target.preprocess(name, picture);
  }
  if (/\.npz$/i.test(file)) {
    const members = readNpz(bytes, file);
    const found = members.get(name) ?? (members.size === 1 ? [...members.values()][0] : undefined);
    if (!found)
      throw new NeoError({
        code: "NEO1020",
        message: `${file} has no array ${name}`,
        notes: [...members.keys()].map((key) => ({ where: key, text: "is there" })),
        hint: "rename the array, or name another input",
      });
    return found;
  }
  if (/\.csv$/i.test(file)) return csvTensor(name, new TextDecoder().decode(bytes), file, (port?.dtype ?? "f32") as DType);
  if (/\.npy$/i.test(file)) return readNpy(bytes, file);
  throw malformed(name, `@${file}`);
}

/** Rows of numbers; a first row that is none is a header. Empty cells are NaN. */
function csvTensor(name: string, text: string, file: string, dtype: DType): Tensor {
  const rows = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map((line) => line.split(/[,;\t]/).map((cell) => cell.trim()));
  const isHeader = rows[0]?.some((cell) => cell !== "" && Number.isNaN(Number(cell)) && !/^nan$/i.test(cell));
  const body = isHeader ? rows.slice(1) : rows;
  const width = body[0]?.length ?? 0;
  const ragged = body.findIndex((row) => row.length !== width);
  if (ragged >= 0)
    throw new NeoError({
      code: "NEO1020",
      message: `${file}: row ${ragged + 1 + (isHeader ? 1 : 0)} has ${body[ragged]!.length} cells, wanted ${width}`,
      hint: `input ${name} is a table: all rows have the same number of cells`,
    });
  const values = body.flat().map((cell) => (cell === "" || /^nan$/i.test(cell) ? NaN : Number(cell)));
  const wrong = body.flat().findIndex((cell, i) => Number.isNaN(values[i]!) && cell !== "" && !/^nan$/i.test(cell));
  if (wrong >= 0) throw new NeoError({ code: "NEO1020", message: `${file}: "${body.flat()[wrong]}" is no number`, hint: "cells are numbers, empty or nan" });
  return tensor(dtype, [body.length, width], values);
}

function rawTensor(name: string, dims: string, dtype: string, bytes: Uint8Array): Tensor {
  const shape = dims
    .split("x")
    .filter((d) => d !== "")
    .map(Number);
  if (!DTYPES.includes(dtype as DType) || dtype === "string") throw malformed(name, `${dims}${dtype}`);
  const wanted = Math.ceil((elementCount(shape) * bitsOf(dtype as DType)) / 8);
  if (bytes.length !== wanted)
    throw new NeoError({
      code: "NEO1020",
      message: `input ${name}: found ${bytes.length} bytes, ${dims}${dtype} has ${wanted}`,
      hint: "raw bytes are little-endian and dense",
    });
  return { type: { dtype: dtype as DType, shape }, data: decodeData(dtype as DType, bytes, elementCount(shape)) };
}

const bitsOf = (dtype: DType): number => (dtype === "bool" ? 8 : Number(/\d+$/.exec(dtype)![0]));

function random(port: ManifestPort, seed: number): InputValue {
  const dtype = port.dtype as DType;
  const bytes = seededBytes(port, { seed, low: isFloat(dtype) ? -1 : 0, high: 1 });
  return { type: { dtype, shape: port.shape }, data: decodePort(dtype, bytes, elementCount(port.shape), TextTable.of(["1"])) } as InputValue;
}

function malformed(name: string, word: string): NeoError {
  return new NeoError({
    code: "NEO1020",
    message: `input ${name}: "${word}" is no value`,
    hint: "@file.npy, @file.npz, @file.csv, @file.png, random:SEED, or numbers with commas",
  });
}
