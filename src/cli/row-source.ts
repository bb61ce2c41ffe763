import { resolve } from "node:path";
import { readNpyHeader } from "../frontends/formats/npy.ts";
import type { ManifestPort } from "../package/manifest.ts";
import { NeoError } from "../support/errors.ts";
import { openChunks, stdinChunks } from "../support/node/byte-chunks.ts";
import { CsvRows, type Categories } from "../tables/csv-rows.ts";
import { isLibsvm, LibsvmRows } from "../tables/libsvm-rows.ts";
import { NpyRows } from "../tables/npy-rows.ts";
import type { RowReader } from "../tables/row-block.ts";
import type { TableFormat, TableSettings } from "./table-options.ts";

/** A file of rows, piece by piece. */
export interface RowSource {
  readonly reader: RowReader;
  /** Undefined for a pipe. */
  readonly totalBytes: number | undefined;
  /** Gives the reader the next piece, and says how many bytes that were; 0 at the end. */
  advance(): Promise<number>;
  close(): Promise<void>;
}

/** Opens a file and finds out what it is. */
export async function openRows(settings: TableSettings, port: ManifestPort, cwd: string): Promise<RowSource> {
  const { file } = settings;
  const name = file === "-" ? "stdin" : file;
  const input = file === "-" ? stdinChunks() : await openChunks(resolve(cwd, file));
  try {
    const chunks = input.chunks()[Symbol.asyncIterator]();
    const next = async (): Promise<Uint8Array> => {
      const { done, value } = await chunks.next();
      return done ? new Uint8Array(0) : value;
    };
    let first: Uint8Array | undefined = await next();
    const reader = readerFor(formatOf(settings, first), first, settings, port, name);
    return {
      reader,
      totalBytes: input.totalBytes,
      advance: async () => {
        const chunk = first ?? (await next());
        first = undefined;
        if (chunk.length > 0) reader.feed(chunk);
        else reader.finish();
        return chunk.length;
      },
      close: () => input.close(),
    };
  } catch (error) {
    await input.close();
    throw error;
  }
}

/** By flag, by name, and where the name says text only, by how the first lines look. */
function formatOf({ file, format }: TableSettings, first: Uint8Array): TableFormat {
  if (format) return format;
  if (/\.(svm|libsvm)$/i.test(file)) return "libsvm";
  if (first[0] === 0x93) return "npy";
  if (/\.npy$/i.test(file)) return "npy";
  if (/\.(csv|tsv)$/i.test(file)) return "csv";
  return isLibsvm(new TextDecoder().decode(first.subarray(0, 65_536))) ? "libsvm" : "csv";
}

function readerFor(format: TableFormat, first: Uint8Array, settings: TableSettings, port: ManifestPort, file: string): RowReader {
  const width = port.shape[1]!;
  const { words, indexBase, header, separator, drop } = settings;
  switch (format) {
    case "npy": {
      const found = readNpyHeader(first, file);
      if (!found)
        throw new NeoError({
          code: "NEO2012",
          message: `${file} is not a readable npy array: it ends in its header`,
          hint: "write it with `numpy.save`",
          file,
        });
      return new NpyRows(found, width, file);
    }
    case "libsvm":
      return new LibsvmRows({ file, indexBase, absent: port.table?.absent === "missing" ? NaN : 0, words });
    case "csv":
      return new CsvRows({
        file,
        features: { count: width, names: port.labels ?? [] },
        categories: categoriesOf(port),
        header,
        drop,
        words,
        ...(separator === undefined ? {} : { separator }),
      });
  }
}

function categoriesOf({ table }: ManifestPort): (Categories | undefined)[] {
  const found: (Categories | undefined)[] = [];
  for (const { feature, names } of table?.categories ?? [])
    found[feature] = { codes: new Map(names.map((name, code) => [name, code])), unknown: table!.unknown ?? "refuse" };
  return found;
}
