/**
 * `tensor<1x?Nx?(N * 2)xf32>`, `tensor<?N[1..64]xi64>` with bounds, `tensor<4x!q<i8, 0.5:3>>` with scale and zero point,
 * `tensor<2x4x!q<i8, axis = 0, [0.5:3, 0.25:0]>>`. A bare name of a symbol has no "x", which separates extents; others are quoted.
 */
import { InternalError } from "../../support/errors.ts";
import { DTYPES, type Dim, type DimOperator, type DimSymbol, type DType, type Quantisation, type TensorType } from "../types.ts";
import { Scanner } from "../../support/scanner.ts";

export function printType({ dtype, shape, quant }: TensorType): string {
  return `tensor<${shape.map((dim) => `${printDim(dim)}x`).join("")}${quant ? printQuant(dtype, quant) : dtype}>`;
}

/** An extent in words, as it stands in types. */
export function printDim(dim: Dim): string {
  if (typeof dim === "number") return String(dim);
  return `?${printTerm(dim)}`;
}

export function parseType(scanner: Scanner): TensorType {
  scanner.expect("tensor<");
  scanner.skip();
  const shape: Dim[] = [];
  for (;;) {
    const dim = parseDim(scanner);
    if (dim === undefined) break;
    if (scanner.tryMatchHere(/x/y) === undefined) scanner.fail('"x" behind an extent');
    if (shape.push(dim) > MAX_RANK) scanner.fail(`at most ${MAX_RANK} extents`);
  }
  const quantised = scanner.accept("!q<");
  const dtype = parseDtype(scanner);
  const quant = quantised ? parseQuant(scanner) : undefined;
  scanner.expect(">");
  return quant ? { dtype, shape, quant } : { dtype, shape };
}

function parseDtype(scanner: Scanner): DType {
  const start = scanner.at;
  const word = scanner.tryMatch(/[a-z]+\d*/y);
  if (DTYPES.includes(word as DType)) return word as DType;
  scanner.at = start;
  return scanner.fail(`a dtype (${DTYPES.join(", ")})`);
}

/** A number as JavaScript writes it, or inf, -inf, nan. */
export function parseNumber(scanner: Scanner): number {
  const word = scanner.match(NUMBER, "a number");
  return NAMED_NUMBERS[word] ?? Number(word);
}

export function printNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

export const NUMBER = /-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|inf\b)|nan\b/y;

const NAMED_NUMBERS: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity, nan: NaN };

const MAX_RANK = 64;
const MAX_DEPTH = 64;

const INFIX: Readonly<Partial<Record<DimOperator, string>>> = { add: "+", sub: "-", mul: "*", floorDiv: "floordiv", ceilDiv: "ceildiv", mod: "mod" };
const RESERVED: ReadonlySet<string> = new Set(["min", "max", ...Object.values(INFIX)]);

function printTerm(dim: Dim): string {
  if (typeof dim === "number") return String(dim);
  if (dim.kind === "symbol") return printSymbol(dim);
  const infix = INFIX[dim.operator];
  if (infix) return `(${printTerm(dim.left)} ${infix} ${printTerm(dim.right)})`;
  return `(${dim.operator}(${printTerm(dim.left)}, ${printTerm(dim.right)}))`;
}

function printSymbol({ name, low, high }: DimSymbol): string {
  const word = /^[A-WYZa-wyz_][A-WYZa-wyz0-9_]*$/.test(name) && !RESERVED.has(name) ? name : JSON.stringify(name);
  if (low === 0 && high === Infinity) return word;
  return `${word}[${low}..${high === Infinity ? "" : high}]`;
}

function parseDim(scanner: Scanner): Dim | undefined {
  const digits = scanner.tryMatchHere(/\d+/y);
  if (digits !== undefined) return extent(scanner, digits);
  if (scanner.tryMatchHere(/\?/y) === undefined) return undefined;
  return parseTerm(scanner, 0);
}

/** The extent that `printDim` wrote. */
export function readDim(text: string): Dim {
  const scanner = new Scanner(text);
  const dim = parseDim(scanner);
  if (dim === undefined || scanner.at < text.length) return scanner.fail("an extent");
  return dim;
}

function parseTerm(scanner: Scanner, depth: number): Dim {
  if (depth > MAX_DEPTH) scanner.fail(`at most ${MAX_DEPTH} nested expressions`);
  if (scanner.accept("(")) {
    const inner = parseOperation(scanner, depth + 1);
    scanner.expect(")");
    return inner;
  }
  const digits = depth > 0 ? scanner.tryMatch(/-?\d+/y) : undefined;
  if (digits !== undefined) return extent(scanner, digits);
  const name = scanner.isAt('"') ? scanner.string() : scanner.match(/[A-WYZa-wyz_][A-WYZa-wyz0-9_]*/y, "the name of a symbol");
  if (scanner.tryMatchHere(/\[/y) === undefined) return { kind: "symbol", name, low: 0, high: Infinity };
  const low = extent(scanner, scanner.match(/\d+/y, "a lower bound"));
  scanner.expect("..");
  const high = scanner.tryMatch(/\d+/y);
  scanner.expect("]");
  return { kind: "symbol", name, low, high: high === undefined ? Infinity : extent(scanner, high) };
}

function parseOperation(scanner: Scanner, depth: number): Dim {
  const call = scanner.tryMatch(/(?:min|max)(?=\()/y) as "min" | "max" | undefined;
  if (call) {
    scanner.expect("(");
    const left = parseTerm(scanner, depth);
    scanner.expect(",");
    const right = parseTerm(scanner, depth);
    scanner.expect(")");
    return { kind: "expr", operator: call, left, right };
  }
  const left = parseTerm(scanner, depth);
  const sign = scanner.match(/[-+*]|floordiv\b|ceildiv\b|mod\b/y, "an operator: + - * floordiv ceildiv mod");
  const operator = (Object.keys(INFIX) as DimOperator[]).find((key) => INFIX[key] === sign)!;
  return { kind: "expr", operator, left, right: parseTerm(scanner, depth) };
}

function extent(scanner: Scanner, digits: string): number {
  const value = Number(digits);
  if (!Number.isSafeInteger(value)) scanner.fail("a number below 2^53");
  return value;
}

function printQuant(dtype: DType, { scale, zeroPoint, axis, block }: Quantisation): string {
  if (scale.length !== zeroPoint.length) throw new InternalError("printType", `${scale.length} scales and ${zeroPoint.length} zero points`);
  const pairs = scale.map((s, i) => `${printNumber(s)}:${printNumber(zeroPoint[i]!)}`);
  const words = [dtype, ...(axis === undefined ? [] : [`axis = ${axis}`]), ...(block === undefined ? [] : [`block = ${block}`])];
  return `!q<${[...words, axis === undefined && block === undefined && pairs.length === 1 ? pairs[0]! : `[${pairs.join(", ")}]`].join(", ")}>`;
}

function parseQuant(scanner: Scanner): Quantisation {
  const setting = (name: string): number | undefined => {
    if (!scanner.accept(`${name} = `)) return undefined;
    const value = extent(scanner, scanner.match(/\d+/y, `the ${name}`));
    scanner.expect(",");
    return value;
  };
  scanner.expect(",");
  const axis = setting("axis");
  const block = setting("block");
  const pair = (): readonly [number, number] => {
    const scale = parseNumber(scanner);
    scanner.expect(":");
    return [scale, parseNumber(scanner)];
  };
  const pairs = scanner.isAt("[") ? scanner.list("[", "]", pair) : [pair()];
  scanner.expect(">");
  const values = { scale: pairs.map(([s]) => s), zeroPoint: pairs.map(([, z]) => z) };
  return { ...values, ...(axis === undefined ? {} : { axis }), ...(block === undefined ? {} : { block }) };
}
