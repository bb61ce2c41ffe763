import { CellWords } from "../tables/cell-words.ts";
import { parseSeparator } from "../tables/csv-dialect.ts";
import { NeoError } from "../support/errors.ts";
import { listOption, repeatedOption, textOption, type Invocation, type OptionSpec } from "./command.ts";

const TABLE_FORMATS = ["csv", "libsvm", "npy"] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** Flags of a command that runs a model over the rows of a file. */
export const TABLE_OPTIONS: readonly OptionSpec[] = [
  { flags: "--input-format <format>", text: "of a file of rows: csv, libsvm, npy (default: by its name, then its content)", choices: TABLE_FORMATS },
  { flags: "--drop-columns <columns>", text: "columns that are no features, such as a label: names, or numbers from 1 on" },
  { flags: "--header <when>", text: "whether a csv has a line of names", choices: ["auto", "yes", "no"], fallback: "auto" },
  { flags: "--separator <character>", text: "between cells: comma, semicolon, tab, pipe, space (default: what the first line has)" },
  { flags: "--missing <words>", text: "what else stands for a missing value, words or numbers: -999,unknown" },
  { flags: "--index-base <number>", text: "the number of the first feature in libsvm files", choices: ["0", "1"], fallback: "0" },
];

export interface TableSettings {
  /** Path, or - for stdin. */
  readonly file: string;
  readonly format: TableFormat | undefined;
  readonly drop: readonly string[];
  readonly header: "auto" | "yes" | "no";
  readonly separator: string | undefined;
  readonly words: CellWords;
  readonly indexBase: 0 | 1;
}

/** What the flags say of a file of rows; undefined where `--input` names none. */
export function tableFrom({ options }: Invocation): TableSettings | undefined {
  const words = repeatedOption(options, "input");
  const format = textOption(options, "inputFormat") as TableFormat | undefined;
  const [file] = words;
  if (words.length !== 1 || !file || (format === undefined && !isTableWord(file))) {
    if (format === undefined) return undefined;
    throw new NeoError({
      code: "NEO1020",
      message: `--input-format ${format} wants one file of rows, found ${words.length === 0 ? "none" : words.join(", ")}`,
      hint: "--input rows.csv, or --input - for stdin",
    });
  }
  const separator = textOption(options, "separator");
  return {
    file,
    format,
    drop: listOption(options, "dropColumns"),
    header: (textOption(options, "header") ?? "auto") as TableSettings["header"],
    separator: separator === undefined ? undefined : parseSeparator(separator),
    words: new CellWords(listOption(options, "missing")),
    indexBase: textOption(options, "indexBase") === "1" ? 1 : 0,
  };
}

/** A path of a file of rows, or stdin; `x=@rows.csv` and `@rows.csv` are whole tensors. */
function isTableWord(word: string): boolean {
  return word === "-" || (/\.(csv|tsv|txt|data|svm|libsvm|npy)$/i.test(word) && !word.startsWith("@") && !/^[^/\\]+=/.test(word));
}
