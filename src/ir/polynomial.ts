/** Extents as polynomials in what is no sum or product: the form in which equal ones are seen to be equal. */
import type { Dim, DimExpr, DimSymbol } from "./types.ts";

type Atom = DimSymbol | DimExpr;

interface Term {
  /** In the order of their keys; an atom stands as often as it is a factor. */
  readonly factors: readonly Atom[];
  readonly coefficient: number;
}

/** Terms by the keys of their factors, none with coefficient 0; the constant has the key "". */
export type Polynomial = ReadonlyMap<string, Term>;

/** Longer ones are left as they are written: a hostile file must not make them explode. */
const MAX_TERMS = 12;
const MAX_FACTORS = 8;

/** undefined where it would be too long. */
export function polynomialOf(dim: Dim): Polynomial | undefined {
  if (typeof dim === "number") return collected([{ factors: [], coefficient: dim }]);
  if (dim.kind === "expr" && (dim.operator === "add" || dim.operator === "sub" || dim.operator === "mul")) {
    const [a, b] = [polynomialOf(dim.left), polynomialOf(dim.right)];
    if (!a || !b) return undefined;
    return dim.operator === "mul" ? times(a, b) : plus(a, b, dim.operator === "add" ? 1 : -1);
  }
  return collected([{ factors: [dim], coefficient: 1 }]);
}

/** a + sign * b */
export function plus(a: Polynomial, b: Polynomial, sign: 1 | -1): Polynomial | undefined {
  return collected([...a.values(), ...[...b.values()].map((term) => ({ ...term, coefficient: sign * term.coefficient }))]);
}

export function times(a: Polynomial, b: Polynomial): Polynomial | undefined {
  if (a.size * b.size > MAX_TERMS * MAX_TERMS) return undefined;
  return collected(
    [...a.values()].flatMap((left) =>
      [...b.values()].map((right) => ({ factors: ordered([...left.factors, ...right.factors]), coefficient: left.coefficient * right.coefficient })),
    ),
  );
}

/** a / b where b is one term that divides each term of a, but for a constant over a constant, which `round` rounds. Atoms that may be 0 divide nothing. */
export function divided(a: Polynomial, b: Polynomial, round: (x: number) => number): Polynomial | undefined {
  const [divisor] = b.values();
  if (b.size !== 1 || !divisor || divisor.factors.some((atom) => atom.kind !== "symbol" || atom.low < 1)) return undefined;
  const terms: Term[] = [];
  for (const term of a.values()) {
    const coefficient = term.coefficient / divisor.coefficient;
    const factors = without(term.factors, divisor.factors);
    const isConstant = term.factors.length === 0 && divisor.factors.length === 0;
    if (!factors || (!Number.isInteger(coefficient) && !isConstant)) return undefined;
    terms.push({ factors, coefficient: isConstant ? round(coefficient) : coefficient });
  }
  return collected(terms);
}

/** The number that it is; undefined where it holds a symbol. */
export function constantPart(polynomial: Polynomial): number | undefined {
  if (polynomial.size === 0) return 0;
  return polynomial.size === 1 ? polynomial.get("")?.coefficient : undefined;
}

/** As an extent: what is added first, then what is taken away, the constant last of each. */
export function written(polynomial: Polynomial): Dim {
  const terms = [...polynomial.entries()].sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1)).map(([, term]) => term);
  const [added, taken] = [terms.filter(({ coefficient }) => coefficient > 0), terms.filter(({ coefficient }) => coefficient < 0)];
  let sum: Dim | undefined;
  for (const term of added) sum = sum === undefined ? termDim(term, 1) : { kind: "expr", operator: "add", left: sum, right: termDim(term, 1) };
  for (const term of taken) {
    const right = termDim(term, -1);
    sum = sum === undefined && typeof right === "number" ? -right : { kind: "expr", operator: "sub", left: sum ?? 0, right };
  }
  return sum ?? 0;
}

function termDim({ factors, coefficient }: Term, sign: 1 | -1): Dim {
  const number = sign * coefficient;
  if (factors.length === 0) return number;
  const all = factors.reduce<Dim | undefined>((left, right) => (left === undefined ? right : { kind: "expr", operator: "mul", left, right }), undefined)!;
  return number === 1 ? all : { kind: "expr", operator: "mul", left: all, right: number };
}

function collected(terms: readonly Term[]): Polynomial | undefined {
  const sums = new Map<string, Term>();
  for (const term of terms) {
    if (term.factors.length > MAX_FACTORS) return undefined;
    const key = term.factors.map(keyOf).join("*");
    const coefficient = (sums.get(key)?.coefficient ?? 0) + term.coefficient;
    if (!Number.isSafeInteger(coefficient)) return undefined;
    if (coefficient === 0) sums.delete(key);
    else sums.set(key, { factors: term.factors, coefficient });
  }
  return sums.size > MAX_TERMS ? undefined : sums;
}

function without(factors: readonly Atom[], divisors: readonly Atom[]): readonly Atom[] | undefined {
  const left = [...factors];
  for (const divisor of divisors) {
    const at = left.findIndex((factor) => keyOf(factor) === keyOf(divisor));
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

function ordered(factors: readonly Atom[]): readonly Atom[] {
  return factors.length < 2 ? factors : [...factors].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const KEYS = new WeakMap<Atom, string>();

function keyOf(atom: Atom): string {
  let key = KEYS.get(atom);
  if (key === undefined) KEYS.set(atom, (key = atom.kind === "symbol" ? `${atom.name}[${atom.low}..${atom.high}]` : JSON.stringify(atom)));
  return key;
}
