import type { Value } from "../../ir/graph.ts";
import type { NodeContext } from "./context.ts";
import { range } from "./rearrange.ts";
import { dimOf } from "../../ir/dims.ts";
import type { Dim } from "../../ir/types.ts";
import { rankOf } from "./static-shape.ts";

/** Kernel, steps and padding of a sliding window, as convolutions and pools write them. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** All beginnings, then all ends. */
  readonly pads: readonly number[];
}

/** The window attributes of a node over the spatial axes of x; `fallback` is the kernel where the node names none. */
export function readWindow(c: NodeContext, x: Value, fallback?: readonly number[]): Window {
  const window = readWindowSize(c, x, fallback);
  return { ...window, pads: readPads(c, x.type.shape.slice(2), window) };
}

export function readWindowSize(c: NodeContext, x: Value, fallback?: readonly number[]): Omit<Window, "pads"> {
  const axes = rankOf(x) - 2;
  if (axes < 1) c.fail(`has an input of rank ${rankOf(x)}, wanted 3 or more`, { reason: "rank", nearest: "an input of rank 3 or more" });
  const kernel: readonly number[] = c.ints("kernel_shape") ?? fallback ?? c.fail("lacks attribute kernel_shape", { awsName: "OperatorAttributeRequired" });
  if (fallback && kernel.join() !== fallback.join()) c.fail(`has kernel_shape ${kernel.join("x")}, its weights are ${fallback.join("x")}`);
  const window = { kernel, strides: c.ints("strides") ?? range(axes).map(() => 1), dilations: c.ints("dilations") ?? range(axes).map(() => 1) };
  for (const [name, values] of Object.entries(window)) {
    if (values.length !== axes || values.some((value) => value < 1 || value > 2 ** 31))
      c.fail(`has ${name} ${values.join(", ")} for ${axes} spatial axes`, { awsName: "OperatorAttributeValueNotValid" });
  }
  return window;
}

/** SAME puts the odd element at the end (UPPER) or the beginning (LOWER). */
export function readPads(c: NodeContext, space: readonly Dim[], window: Omit<Window, "pads">): readonly number[] {
  const auto = c.word("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]);
  const given = c.ints("pads");
  if (auto === "VALID") return range(2 * space.length).map(() => 0);
  if (auto === "NOTSET") {
    const pads = given ?? range(2 * space.length).map(() => 0);
    if (pads.length !== 2 * space.length || pads.some((n) => n < 0 || n > 2 ** 31))
      c.fail(`has pads ${pads.join(", ")} for ${space.length} spatial axes`, { awsName: "OperatorAttributeValueNotValid" });
    return pads;
  }
  const totals = space.map((size, i) => {
    const reach = (window.kernel[i]! - 1) * window.dilations[i]! + 1;
    const stride = window.strides[i]!;
    const last = dimOf("mul", dimOf("sub", dimOf("ceilDiv", size, stride), 1), stride);
    const total = dimOf("max", dimOf("sub", dimOf("add", last, reach), size), 0);
    if (typeof total !== "number")
      return c.fail(`pads by auto_pad ${auto} as much as the length of axis ${i + 2} says, which is open; give it steps of ${stride}`);
    return total;
  });
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total) => Math.ceil(total / 2));
  return auto === "SAME_UPPER" ? [...small, ...large] : [...large, ...small];
}
