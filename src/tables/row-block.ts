/** Rows of features that go through a model together: row-major, `count` of at most `capacity` are there. */
export interface RowBlock {
  readonly data: Float32Array | Float64Array;
  /** Features of a row. */
  readonly width: number;
  readonly capacity: number;
  count: number;
}

/** Reads rows out of a file that comes in pieces. */
export interface RowReader {
  /** Where the rows come from has a line with names. Known once the first row was filled in. */
  readonly hasHeader: boolean;
  /** The next bytes of the file. They are copied. */
  feed(bytes: Uint8Array): void;
  /** No more bytes come. */
  finish(): void;
  /** Adds rows to the block. True where it is full; false where more bytes are wanted, or nothing is left. */
  fill(block: RowBlock): boolean;
}

export function rowBlock(dtype: "f32" | "f64", width: number, capacity: number): RowBlock {
  const size = width * capacity;
  return { data: dtype === "f32" ? new Float32Array(size) : new Float64Array(size), width, capacity, count: 0 };
}
