/** Tables of numbers as C: the narrowest type that holds them, several to a line. */
export interface CTable {
  readonly type: string;
  /** The definition. */
  readonly text: string;
}

const LINE = 120;

/** Unsigned whole numbers. */
export function wholeTable(name: string, values: ArrayLike<number>): CTable {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]!);
  const type = most <= 0xff ? "uint8_t" : most <= 0xffff ? "uint16_t" : "uint32_t";
  return {
    type,
    text: define(
      type,
      name,
      Array.from(values, (value) => (type === "uint32_t" ? `${value}u` : String(value))),
    ),
  };
}

export function signedTable(name: string, values: ArrayLike<number>): CTable {
  return {
    type: "int32_t",
    text: define(
      "int32_t",
      name,
      Array.from(values, (value) => (value === -(2 ** 31) ? "(-2147483647 - 1)" : String(value))),
    ),
  };
}

export function floatTable(name: string, type: "float" | "double", values: ArrayLike<number>): CTable {
  return {
    type,
    text: define(
      type,
      name,
      Array.from(values, (value) => floatText(type, value)),
    ),
  };
}

/** A literal that is read as exactly this number. */
export function floatText(type: "float" | "double", value: number): string {
  const suffix = type === "float" ? "f" : "";
  if (Number.isNaN(value)) return "NAN";
  if (!Number.isFinite(value)) return value < 0 ? "-INFINITY" : "INFINITY";
  if (value === 0) return Object.is(value, -0) ? `-0.0${suffix}` : `0`;
  const text = type === "float" ? shortSingle(value) : String(value);
  const short = text.replace(/^(-?)0\./, "$1.").replace("e+", "e");
  return /[.e]/.test(short) ? short + suffix : type === "float" && Math.abs(value) < 2 ** 24 ? short : `${short}.0${suffix}`;
}

/** The shortest decimal that a compiler reads as this f32, also one that reads it as a double first. */
function shortSingle(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const read = Number(value.toPrecision(digits));
    if ([1 - 2 ** -50, 1, 1 + 2 ** -50].every((near) => Math.fround(read * near) === value)) return String(read);
  }
  return String(value);
}

function define(type: string, name: string, words: readonly string[]): string {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (line.length + word.length > LINE) {
      lines.push(line);
      line = "";
    }
    line += `${word},`;
  }
  // C has no tables of nothing.
  lines.push(line || "0,");
  return `static const ${type} ${name}[] = {\n${lines.join("\n")}\n};`;
}
