/** One C file of a printed program. */
export interface CSource {
  /** "model.c" */
  readonly name: string;
  readonly text: string;
  /** fast: multiply and add may become one operation with one rounding; off: every operation rounds. */
  readonly contract: "fast" | "off";
}

/** A file that C sources include; it is not compiled by itself. */
export interface CHeader {
  readonly name: string;
  readonly text: string;
}

/**
 * What every compiler of printed C must be told. Freestanding: nothing but the compiler's own headers exists. wrapv: integer
 * arithmetic wraps. No flag that gives up NaN, infinities or signed zeros.
 */
export const C_FLAGS: readonly string[] = ["-std=c99", "-O2", "-ffreestanding", "-fno-builtin", "-fwrapv", "-fno-strict-aliasing", "-fno-math-errno"];
