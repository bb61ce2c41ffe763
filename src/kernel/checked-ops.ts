import type { Elem, OpName } from "./kernel.ts";
import { laneOp, type Lane, type LaneOp } from "./lane-ops.ts";
import { isFloat } from "./ops.ts";

const RANGES: Partial<Record<Elem, readonly [number, number]>> = { u8: [0, 255], i8: [-128, 127], u16: [0, 65535], i16: [-32768, 32767] };

/** The range of a narrow element. */
export function narrowRange(elem: Elem): readonly [number, number] | undefined {
  return RANGES[elem];
}

/** A lane function that complains where an operand leaves the range which the op table lets printers rely on. */
export function checkedLaneOp(op: OpName, elem: Elem, fused: boolean, complain: (what: string) => never): LaneOp | undefined {
  const plain = laneOp(op, elem, fused) as ((a: Lane, b?: Lane) => Lane) | undefined;
  switch (op) {
    case "div":
    case "rem": {
      if (isFloat(elem) || !plain) return plain as LaneOp;
      const smallest: Lane = elem === "i64" ? -(2n ** 63n) : -(2 ** 31);
      const [zero, minusOne]: Lane[] = elem === "i64" ? [0n, -1n] : [0, -1];
      return (a: Lane, b: Lane) => (b === zero ? complain("divides by 0") : b === minusOne && a === smallest ? complain(`divides ${a} by -1`) : plain(a, b));
    }
    case "roundToInt":
      return (x: number) => (Math.abs(x) >= 2 ** 22 ? complain(`gets ${x}`) : plain!(x));
    case "truncToInt":
      return (x: number) => (x > -(2 ** 31) - 1 && x < 2 ** 31 ? plain!(x) : complain(`gets ${x}`));
    case "narrow": {
      const [low, high] = RANGES[elem]!;
      return (x: number) => (x >= low && x <= high ? x : complain(`gets ${x}`));
    }
    default:
      return plain as LaneOp;
  }
}
