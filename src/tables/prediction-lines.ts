import { LONGEST_SINGLE, writeSingle, writeText } from "./write-single.ts";

/** One output of a model: `width` elements a row. */
export interface PredictionColumns {
  readonly name: string;
  readonly dtype: string;
  readonly width: number;
  /** Names of the elements of a row, where there are as many. */
  readonly labels?: readonly string[];
  /** One element a row that is no column of its own: [rows]. */
  readonly isFlat: boolean;
}

export type Elements = ArrayLike<number | bigint | string>;

const [COMMA, LF] = [44, 10];

/** Predictions as lines of CSV: all outputs of a row with commas between, numbers as short as they can be without loss. */
export class PredictionLines {
  private readonly outputs: readonly PredictionColumns[];
  private bytes = new Uint8Array(2 ** 16);
  /** Of what was not taken yet. */
  length = 0;

  constructor(outputs: readonly PredictionColumns[]) {
    this.outputs = outputs;
  }

  /** Names of all columns: of an output with several elements a row, with label or number behind. */
  header(): void {
    const names = this.outputs.flatMap(({ name, width, labels }) =>
      width === 1 ? [name] : Array.from({ length: width }, (_, i) => `${name}_${labels?.length === width ? labels[i] : i}`),
    );
    this.text(`${names.map(quoted).join(",")}\n`);
  }

  /** The first `rows` rows of each output, in order. */
  rows(data: readonly Elements[], rows: number): void {
    for (let row = 0; row < rows; row++) {
      this.outputs.forEach(({ width, dtype }, output) => {
        const elements = data[output]!;
        for (let i = row * width; i < (row + 1) * width; i++) {
          this.element(elements[i]!, dtype);
          this.bytes[this.length++] = COMMA;
        }
      });
      // Behind the last element stands the end of the line; a row of none is an empty line.
      if (this.length > 0 && this.bytes[this.length - 1] === COMMA) this.bytes[this.length - 1] = LF;
      else this.text("\n");
    }
  }

  /** What was written since the last time. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  private element(element: number | bigint | string, dtype: string): void {
    if (typeof element === "number" && dtype === "f32") {
      this.reserve(LONGEST_SINGLE + 2);
      this.length = writeSingle(this.bytes, this.length, element);
    } else this.text(typeof element === "string" ? quoted(element) : typeof element === "bigint" ? element.toString() : printNumber(element));
  }

  private text(text: string): void {
    const isAscii = /^[\0-\x7f]*$/.test(text);
    const encoded = isAscii ? undefined : new TextEncoder().encode(text);
    this.reserve((encoded ?? text).length + 2);
    if (encoded) this.bytes.set(encoded, this.length);
    this.length = encoded ? this.length + encoded.length : writeText(this.bytes, this.length, text);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.length + more)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

function printNumber(x: number): string {
  if (Number.isFinite(x)) return Object.is(x, -0) ? "-0" : String(x);
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
