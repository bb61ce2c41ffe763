import { namedOperands } from "../../ir/builder.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { evaluateOp } from "../../ir/interpret.ts";
import { longest } from "../../ir/ops/padded.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount, type StaticType } from "../../ir/types.ts";
import { limitError, type Limits } from "../../support/limits.ts";

/** Computes values that hang on constants only, when somebody asks; never more than the limit of elements in one model. */
export class Folder {
  private readonly known = new Map<Value, Tensor | undefined>();
  private readonly limits: Limits;
  private readonly file: string;
  private spent = 0;

  constructor(limits: Limits, file: string) {
    this.limits = limits;
    this.file = file;
  }

  /** The tensor a value is, whatever the inputs are; undefined where it hangs on them. */
  constant(value: Value): Tensor | undefined {
    const stack: Value[] = [value];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const next = this.known.has(top) ? undefined : this.nextOperand(top);
      if (next) stack.push(next);
      else {
        stack.pop();
        if (!this.known.has(top)) this.compute(top);
      }
    }
    return this.known.get(value);
  }

  /** An operand of the value's op that has to be known first; undefined when it is time to compute, or when it never will be. */
  private nextOperand(value: Value): Value | undefined {
    const op = value.producer;
    if (!op || !isFoldable(op)) return undefined;
    let open: Value | undefined;
    for (const operand of op.operands) {
      if (!operand) continue;
      if (!this.known.has(operand)) open ??= operand;
      else if (this.known.get(operand) === undefined) return undefined;
    }
    return open;
  }

  private compute(value: Value): void {
    const op = value.producer;
    const given = op?.operands.map((operand) => operand && this.known.get(operand));
    if (op?.name === "constant") this.known.set(value, op.attrs["value"] as Tensor);
    else if (!op || !isFoldable(op) || op.operands.some((operand, i) => operand && !given![i])) this.known.set(value, undefined);
    else {
      this.spend(costOf(op));
      evaluateOp(op, given!).forEach((tensor, i) => this.known.set(op.results[i]!, tensor));
    }
  }

  /** Takes `cost` elements from what a model may compute. */
  spend(cost: number): void {
    this.spent += cost;
    if (!(this.spent <= this.limits.foldElements)) throw limitError("foldElements", this.limits, this.file, "elements computed to learn shapes:", this.spent);
  }
}

/** Elements read, written and multiplied. */
function costOf(op: Op): number {
  const results = op.results.map((result) => longest(result.type) as StaticType);
  const operands = op.operands.map((operand) => operand && (longest(operand.type) as StaticType));
  const moved = [...results, ...operands].reduce((n, type) => n + (type ? elementCount(type.shape) : 0), 0);
  return moved + op.def.macs(namedOperands(op.def, operands), op.attrs, results);
}

function isFoldable(op: Op): boolean {
  return op.def.pure && op.regions.length === 0 && op.name !== "reshapeSymbolic" && op.name !== "broadcastSymbolic";
}
