/** Runs graphs over the records of their ops: the meaning of a graph, and the oracle of every backend. */
import { InternalError, NeoError, type Note } from "../support/errors.ts";
import { inferTypes, namedOperands } from "./builder.ts";
import { shapeText } from "./broadcast.ts";
import { bindType } from "./dims.ts";
import { steppedOf } from "./stepped.ts";
import { Value, type Graph, type Op } from "./graph.ts";
import { allocate, convertElement, type Data, type Tensor } from "./tensor.ts";
import { elementCount, isStatic, isWide, type DType, type StaticType, type TensorType } from "./types.ts";

export interface InterpretOptions {
  /** Called with every result of every op, regions included, as soon as it is there. */
  readonly onValue?: (value: Value, tensor: Tensor) => void;
  /** Elements that may be computed in all; beyond them `BudgetExceeded` is thrown. Counted down in place. */
  readonly budget?: { elements: number };
  /** What `readState` and `writeState` see; a fresh one without it. */
  readonly state?: Map<string, Tensor>;
  /** What symbols of extents are, as far as it is known; added to as values come. */
  readonly symbols?: Map<string, number>;
}

/** Whoever gives a budget catches this. */
export class BudgetExceeded extends Error {}

/** Results of the graph. Inputs must have the types of its parameters; symbols take the extents of the inputs. */
export function interpret(graph: Graph, inputs: readonly Tensor[], options: InterpretOptions = {}): Tensor[] {
  checkInputs(graph, inputs);
  return run(graph, inputs, { ...options, state: options.state ?? new Map(), symbols: options.symbols ?? new Map() });
}

/** Results of one op on tensors. Data may be shared with operands and attributes; nobody writes into a tensor. */
export function evaluateOp(op: Op, operands: readonly (Tensor | undefined)[], options: InterpretOptions = {}): Tensor[] {
  const types = resultTypes(op, operands, options.symbols);
  if (options.budget) spend(op, types, options.budget);
  if (op.def.execute) {
    const regions = op.regions.map((region) => (args: readonly Tensor[]) => run(region, args, options));
    return [...op.def.execute(operands, op.attrs, regions, { results: types, state: options.state ?? new Map() })];
  }
  const given = namedOperands(
    op.def,
    operands.map((operand) => operand?.data),
  );
  const staticTypes = namedOperands(
    op.def,
    operands.map((operand) => operand?.type),
  );
  // The symbols left in `types` are extents that only the data decide; `evaluate` of such an op doesn't look at them.
  const elements = op.def.evaluate(given, op.attrs, types as readonly StaticType[], staticTypes);
  return types.map((type, i) => toTensor(op, decideShape(op, type, elements[i]!.length), elements[i]!));
}

/** Elements rounded to the dtype; the array itself where its class says that they are. */
function roundTo(dtype: DType, elements: ArrayLike<number | bigint | string>): Data {
  if (!ROUNDED_BY_STORE.has(dtype)) return convertEach(dtype, elements);
  const none = allocate(dtype, 0);
  if (elements.constructor === none.constructor) return elements as Data;
  // Constructing from doubles rounds and wraps as storing one by one does.
  if (elements instanceof Float64Array && !isWide(dtype) && dtype !== "string") return new (none.constructor as Float32ArrayConstructor)(elements);
  return convertEach(dtype, elements);
}

/** Dtypes whose array rounds or wraps what is stored in it, as the dtype wants. */
const ROUNDED_BY_STORE: ReadonlySet<DType> = new Set(["f64", "f32", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "string"]);

function convertEach(dtype: DType, elements: ArrayLike<number | bigint | string>): Data {
  const data = allocate(dtype, elements.length) as { [i: number]: unknown };
  for (let i = 0; i < elements.length; i++) data[i] = convertElement(dtype, elements[i]!);
  return data as unknown as Data;
}

function run(graph: Graph, inputs: readonly Tensor[], options: InterpretOptions): Tensor[] {
  const live = new Map<Value, Tensor>(graph.params.map((param, i) => [param, inputs[i]!]));
  const learn = (value: Value, tensor: Tensor): void => {
    if (options.symbols && !isStatic(value.type)) learnSymbols(value.type, tensor.type, options.symbols);
  };
  graph.params.forEach((param, i) => learn(param, inputs[i]!));
  const lastReader = new Map<Value, Op>();
  for (const op of graph.ops) for (const value of op.operands) if (value) lastReader.set(value, op);
  for (const op of graph.ops) {
    const operands = op.operands.map((value) => value && known(live, op, value));
    if (op === graph.ops.at(-1)) return operands as Tensor[];
    const results = evaluateOp(op, operands, options);
    op.results.forEach((value, i) => {
      learn(value, results[i]!);
      options.onValue?.(value, results[i]!);
      if (value.uses.size > 0) live.set(value, results[i]!);
    });
    for (const value of op.operands) if (value && lastReader.get(value) === op) live.delete(value);
  }
  throw new InternalError("interpret", `@${graph.name} does not end in return`);
}

function known(live: ReadonlyMap<Value, Tensor>, op: Op, value: Value): Tensor {
  const tensor = live.get(value);
  if (!tensor) throw new InternalError("interpret", `${op.name} reads a value that was not computed before it`);
  return tensor;
}

/** Symbols that a type has alone, or times and plus a number, are what the extents of the tensor make them. */
function learnSymbols(type: TensorType, found: StaticType, symbols: Map<string, number>): void {
  type.shape.forEach((dim, axis) => {
    const stepped = steppedOf(dim);
    if (stepped) symbols.set(stepped.symbol.name, (found.shape[axis]! - stepped.offset) / stepped.step);
  });
}

/** The recorded types where they are static, else those that follow from the operands at hand and from what symbols are. */
function resultTypes(op: Op, operands: readonly (Tensor | undefined)[], symbols: ReadonlyMap<string, number> = new Map()): readonly TensorType[] {
  if (op.results.every((value) => isStatic(value.type))) return op.results.map((value) => value.type);
  const known = Object.fromEntries(symbols);
  // Regions are of the recorded types.
  if (op.regions.length > 0) return op.results.map((value) => bindType(value.type, known));
  const inferred = inferTypes(
    op.def,
    operands.map((operand) => operand && new Value(operand.type)),
    op.attrs,
    op.regions,
  );
  if (op.name !== "reshapeSymbolic" && op.name !== "broadcastSymbolic") return inferred;
  return inferred.map((type) => bindType(type, known));
}

function spend(op: Op, types: readonly TensorType[], budget: { elements: number }): void {
  for (const type of types) budget.elements -= isStatic(type) ? elementCount(type.shape) : 0;
  if (budget.elements < 0) throw new BudgetExceeded(`no elements are left for ${op.name}`);
}

/** A type whose one open extent is decided by the number of elements. */
function decideShape(op: Op, type: TensorType, count: number): StaticType {
  if (isStatic(type)) {
    if (elementCount(type.shape) !== count) throw new InternalError(op.name, `evaluate gave ${count} elements for shape ${shapeText(type.shape)}`);
    return type;
  }
  const open = type.shape.filter((dim) => typeof dim !== "number");
  const rest = elementCount(type.shape.filter((dim) => typeof dim === "number"));
  if (open.length !== 1 || (rest > 0 && count % rest !== 0)) throw new InternalError(op.name, `${count} elements don't decide shape ${shapeText(type.shape)}`);
  return { ...type, shape: type.shape.map((dim) => (typeof dim === "number" ? dim : rest === 0 ? 0 : count / rest)) };
}

function toTensor(op: Op, type: StaticType, elements: ArrayLike<number | bigint | string>): Tensor {
  if (elements.length > 0 && type.dtype !== "string" && typeof elements[0] === "string") throw new InternalError(op.name, "evaluate gave strings");
  return { type, data: roundTo(type.dtype, elements) };
}

function checkInputs(graph: Graph, inputs: readonly Tensor[]): void {
  const notes: Note[] = [];
  graph.params.forEach((param, i) => {
    const given = inputs[i];
    const where = param.name || `input ${i}`;
    const wanted = `${shapeText(param.type.shape)} ${param.type.dtype}`;
    if (!given) notes.push({ where, text: `is missing, wanted ${wanted}` });
    else if (!fits(given.type, param.type)) notes.push({ where, text: `is ${shapeText(given.type.shape)} ${given.type.dtype}, wanted ${wanted}` });
  });
  for (let i = graph.params.length; i < inputs.length; i++) notes.push({ where: `input ${i}`, text: `is one more than @${graph.name} takes` });
  if (notes.length > 0) throw new NeoError({ code: "NEO2069", message: `the inputs do not fit @${graph.name}`, notes });
}

function fits(given: StaticType, wanted: TensorType): boolean {
  return (
    given.dtype === wanted.dtype &&
    given.shape.length === wanted.shape.length &&
    wanted.shape.every((dim, i) => typeof dim !== "number" || dim === given.shape[i])
  );
}
