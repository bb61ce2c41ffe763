import { NeoError } from "../support/errors.ts";

const LF = 10;

/** A row longer than this is none. */
const LONGEST_ROW = 2 ** 26;

/** The part of a text that was not read yet, with a line feed behind it: what reads a cell need not look for the end. */
export class PendingBytes {
  bytes = new Uint8Array(2 ** 16).fill(LF, 0, 1);
  length = 0;
  isLast = false;

  /** Forgets what lies before `at` and adds bytes. `at` becomes 0. */
  feed(more: Uint8Array, at: number, file: string): void {
    const kept = this.length - at;
    if (kept > LONGEST_ROW)
      throw new NeoError({
        code: "NEO1060",
        message: `${file} has a row of more than ${LONGEST_ROW} bytes`,
        hint: 'lines end in a line feed; is a " left open?',
        file,
      });
    const wanted = kept + more.length + 2;
    const old = this.bytes;
    if (wanted > old.length) this.bytes = new Uint8Array(2 ** Math.ceil(Math.log2(wanted)));
    this.bytes.set(old.subarray(at, this.length));
    this.bytes.set(more, kept);
    this.length = kept + more.length;
    this.bytes[this.length] = LF;
  }

  /** The text ends here; its last line ends in a line feed now. */
  finish(at: number): void {
    this.isLast = true;
    if (this.length > at && this.bytes[this.length - 1] !== LF) this.bytes[++this.length] = LF;
  }
}
