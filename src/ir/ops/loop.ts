import { bool, int, text } from "../attr.ts";
import { bindDim, dimSymbol, equalDims } from "../dims.ts";
import { defineOp, TypeMismatch } from "../op-def.ts";
import { called, isOneElement, notEvaluated, wantFlag, wantTypes } from "../region-types.ts";
import { allocate, tensor, type Data, type Tensor } from "../tensor.ts";
import { readDim } from "../text/types.ts";
import { elementCount, tensorType, type Dim, type StaticType, type TensorType } from "../types.ts";

/**
 * The body takes the iteration (i64) and all values, the first `carried` of which change from turn to turn and the others do not;
 * it gives a bool that says whether to go on, the carried values, and rows that are stacked along a new first axis, whose extent
 * is the symbol called `extent`, `maxTrips` at most where that is above 0, or with "?" in front of `extent` what that says. With `turns` the body runs exactly so often: there are no
 * trips and no condition then, the body's bool is not looked at, and the extent is a number. With `counted` there are always
 * `maxTrips` rows, zeros behind the last turn, and a last result of i32 that says how many turns there were.
 */
export const loopOp = defineOp({
  name: "loop",
  summary: "Repeats its body `trips` times at most, while its condition holds.",
  operands: ["trips?", "condition?", "values*"],
  results: ["ys*"],
  attrs: { carried: int(), maxTrips: int(0), extent: text("trips"), turns: int(-1), counted: bool(false) },
  regions: ["body"],
  samples: [],
  infer({ trips, condition, values }, { carried, maxTrips, extent, turns, counted }, [body]) {
    if (trips && !(trips.dtype === "i64" && isOneElement(trips))) throw new TypeMismatch("trips wants one i64");
    if (condition) wantFlag("condition", condition);
    if (turns >= 0 && (trips || condition)) throw new TypeMismatch(`turns is ${turns}, and there are trips or a condition`);
    if (carried < 0 || carried > values.length) throw new TypeMismatch(`carried is ${carried}, loop has ${values.length} values`);
    const [goOn, ...results] = called("body", body, [tensorType("i64", []), ...values]);
    if (!goOn) throw new TypeMismatch("body gives nothing, wanted a bool and the carried values");
    wantFlag("the first result of body", goOn);
    wantTypes("carried results of body", results.slice(0, carried), values.slice(0, carried));
    if (counted && (turns >= 0 || maxTrips < 1)) throw new TypeMismatch(`a counted loop wants maxTrips and no turns, they are ${maxTrips} and ${turns}`);
    const rows = turns >= 0 ? turns : counted ? maxTrips : rowsOf(extent, maxTrips);
    const stacked = results.slice(carried).map((row) => tensorType(row.dtype, [rows, ...row.shape]));
    return [...values.slice(0, carried), ...stacked, ...(counted ? [tensorType("i32", [])] : [])];
  },
  evaluate: notEvaluated,
  execute([trips, condition, ...values], attrs, [body], { results }) {
    const carried = attrs["carried"] as number;
    const turns = attrs["turns"] as number;
    const most = attrs["maxTrips"] as number;
    const limit = turns >= 0 ? BigInt(turns) : trips ? (trips.data[0] as bigint) : undefined;
    let state = values.slice(0, carried) as Tensor[];
    const invariant = values.slice(carried) as Tensor[];
    const rows: Tensor[][] = [];
    let goOn = condition ? Boolean(condition.data[0]) : true;
    let i = 0n;
    for (; goOn && (limit === undefined || i < limit) && (most < 1 || i < most); i++) {
      const [again, ...given] = body!([tensor("i64", [], [i]), ...state, ...invariant]);
      goOn = turns >= 0 || Boolean(again!.data[0]);
      state = given.slice(0, carried);
      given.slice(carried).forEach((row, k) => (rows[k] ??= []).push(row));
    }
    if (!attrs["counted"]) return [...state, ...results.slice(carried).map((type, k) => stack(rows[k] ?? [], type))];
    const padded = results.slice(carried, -1).map((type, k) => padTo(stack(rows[k] ?? [], type), type as StaticType));
    return [...state, ...padded, tensor("i32", [], [i])];
  },
});

function rowsOf(extent: string, maxTrips: number): Dim {
  return extent.startsWith("?") ? bindDim(readDim(extent), {}) : dimSymbol(extent, 0, maxTrips > 0 ? maxTrips : Infinity);
}

/**
 * The body takes the `carried` values, one slice of each scanned value (its first axis removed) and the last `captured` values as they
 * are, and gives new carried values and rows.
 */
export const scan = defineOp({
  name: "scan",
  summary: "Runs its body over the first axis of values, carrying others along, and stacks what it gives.",
  operands: ["values*"],
  results: ["ys*"],
  attrs: { carried: int(), captured: int(0) },
  regions: ["body"],
  samples: [],
  infer({ values }, { carried, captured }, [body]) {
    if (carried < 0 || captured < 0 || carried + captured > values.length)
      throw new TypeMismatch(`carried is ${carried} and captured ${captured}, scan has ${values.length} values`);
    const scanned = values.slice(carried, values.length - captured);
    const turns = scanned[0]?.shape[0];
    if (turns === undefined || scanned.some((type) => !equalDims(type.shape[0]!, turns)))
      throw new TypeMismatch("scan wants scanned values with one first extent");
    const slices = scanned.map((type) => tensorType(type.dtype, type.shape.slice(1), type.quant));
    const results = called("body", body, [...values.slice(0, carried), ...slices, ...values.slice(values.length - captured)]);
    wantTypes("carried results of body", results.slice(0, carried), values.slice(0, carried));
    return [...values.slice(0, carried), ...results.slice(carried).map((row) => tensorType(row.dtype, [turns, ...row.shape]))];
  },
  evaluate: notEvaluated,
  execute(operands, attrs, [body], { results }) {
    const carried = attrs["carried"] as number;
    const end = operands.length - (attrs["captured"] as number);
    const scanned = operands.slice(carried, end) as Tensor[];
    const captured = operands.slice(end) as Tensor[];
    let state = operands.slice(0, carried) as Tensor[];
    const rows: Tensor[][] = [];
    for (let i = 0; i < scanned[0]!.type.shape[0]!; i++) {
      const given = body!([...state, ...scanned.map((value) => slice(value, i)), ...captured]);
      state = given.slice(0, carried);
      given.slice(carried).forEach((row, k) => (rows[k] ??= []).push(row));
    }
    return [...state, ...results.slice(carried).map((type, k) => stack(rows[k] ?? [], type))];
  },
});

/** Rows under each other; `type` is that of the result, whose first extent is their number. */
function stack(rows: readonly Tensor[], type: TensorType): Tensor {
  const shape = [rows.length, ...(rows[0]?.type.shape ?? (type.shape.slice(1) as number[]))];
  const data = allocate(type.dtype, elementCount(shape));
  rows.forEach((row, i) => copyInto(data, row.data, i * row.data.length));
  return { type: { dtype: type.dtype, shape }, data };
}

/** The rows, and zeros behind them. */
function padTo({ data }: Tensor, type: StaticType): Tensor {
  const whole = allocate(type.dtype, elementCount(type.shape));
  copyInto(whole, data, 0);
  return { type, data: whole };
}

function copyInto(target: Data, source: Data, at: number): void {
  if (Array.isArray(target)) (source as string[]).forEach((element, i) => (target[at + i] = element));
  else (target as Float64Array).set(source as Float64Array, at);
}

function slice(value: Tensor, index: number): Tensor {
  const shape = value.type.shape.slice(1);
  const count = elementCount(shape);
  return { type: { ...value.type, shape }, data: value.data.slice(index * count, (index + 1) * count) as Data };
}
