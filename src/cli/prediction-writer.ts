import { join, resolve } from "node:path";
import { npyHeader } from "../frontends/formats/npy.ts";
import type { DType } from "../ir/types.ts";
import { NeoError } from "../support/errors.ts";
import { GrowingFile } from "../support/node/growing-file.ts";
import { PredictionLines, type Elements, type PredictionColumns } from "../tables/prediction-lines.ts";
import { fileNamesFor, makeFolder } from "./files.ts";
import { writeStdout } from "./stdout.ts";

/** Takes predictions block by block. What is written to files appears when all is there. */
export interface PredictionWriter {
  add(data: readonly Elements[], rows: number): Promise<void>;
  /** Ends the files and says which there are. */
  finish(): Promise<string[]>;
  /** Nothing is left behind. */
  abandon(): Promise<void>;
}

/** Lines of csv to stdout or a file by its name; `.npy` for one output, a folder of them for any number. */
export async function openPredictions(
  place: string | undefined,
  outputs: readonly PredictionColumns[],
  hasHeader: () => boolean,
  cwd: string,
): Promise<PredictionWriter> {
  if (place === undefined || place === "-") return linesTo(outputs, hasHeader, undefined, []);
  if (/\.(csv|tsv|txt)$/i.test(place)) return linesTo(outputs, hasHeader, await GrowingFile.create(resolve(cwd, place)), [place]);
  const text = outputs.find(({ dtype }) => dtype === "string");
  if (/\.npz$/i.test(place) || text)
    throw new NeoError({
      code: "NEO1064",
      message: `--output ${place}: predictions of rows ${text ? `that are texts (${text.name}) are written as csv` : "are not written as npz"}`,
      hint: "--output preds.csv, preds.npy, or a folder for one .npy an output",
    });
  if (!/\.npy$/i.test(place)) {
    makeFolder(place, cwd);
    const paths = fileNamesFor(outputs.map(({ name }) => name)).map((name) => join(place, `${name}.npy`));
    return arraysTo(outputs, paths, cwd);
  }
  if (outputs.length === 1) return arraysTo(outputs, [place], cwd);
  throw new NeoError({
    code: "NEO1064",
    message: `--output ${place}: a .npy holds one array, the model gives ${outputs.map(({ name }) => name).join(", ")}`,
    hint: "--output preds.csv, or a folder for one .npy an output",
  });
}

/** Bytes of text that are collected before they are written. */
const PIECE = 2 ** 18;

function linesTo(outputs: readonly PredictionColumns[], hasHeader: () => boolean, file: GrowingFile | undefined, paths: string[]): PredictionWriter {
  const lines = new PredictionLines(outputs);
  let began = false;
  const begin = (): void => {
    if (!began && hasHeader()) lines.header();
    began = true;
  };
  const drain = (): Promise<void> => (file ? file.write(lines.take()) : writeStdout(lines.take()));
  return {
    async add(data, rows) {
      begin();
      lines.rows(data, rows);
      if (lines.length > PIECE) await drain();
    },
    async finish() {
      begin();
      await drain();
      await file?.commit();
      return paths;
    },
    abandon: () => file?.abandon() ?? Promise.resolve(),
  };
}

/** numpy wants the number of rows first: the header has room for any, and is written again at the end. */
const HEADER_BYTES = 128;

async function arraysTo(outputs: readonly PredictionColumns[], paths: readonly string[], cwd: string): Promise<PredictionWriter> {
  const files: GrowingFile[] = [];
  const abandon = async (): Promise<void> => void (await Promise.all(files.map((file) => file.abandon())));
  const header = ({ dtype, width, isFlat }: PredictionColumns, rows: number): Uint8Array =>
    npyHeader(dtype === "f16" || dtype === "bf16" ? "f32" : (dtype as DType), isFlat ? [rows] : [rows, width], HEADER_BYTES);
  try {
    for (const [i, path] of paths.entries()) {
      files.push(await GrowingFile.create(resolve(cwd, path)));
      await files[i]!.write(header(outputs[i]!, 0));
    }
  } catch (error) {
    await abandon();
    throw error;
  }
  let total = 0;
  return {
    async add(data, rows) {
      total += rows;
      for (const [i, file] of files.entries()) {
        const { buffer, byteOffset, byteLength, length } = data[i] as unknown as Float32Array;
        if (length > 0) await file.write(new Uint8Array(buffer, byteOffset, (byteLength / length) * rows * outputs[i]!.width));
      }
    },
    async finish() {
      for (const [i, file] of files.entries()) await file.write(header(outputs[i]!, total), 0);
      for (const file of files) await file.commit();
      return [...paths];
    },
    abandon,
  };
}
