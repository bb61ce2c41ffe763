import { KernelBuilder, scalar } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { storeFor } from "../constant-data.ts";
import { plainLayout } from "../layout.ts";
import type { LowerContext, Place } from "../schedule.ts";
import { elementConstant } from "./scalar-elements.ts";

export interface GroupShape {
  readonly groups: number;
  /** Channels of one group. */
  readonly cin: number;
  readonly cout: number;
  readonly kernel: readonly number[];
}

/**
 * Groups joined until each begins at a block of channels on both sides. A joined group has the weights of its members on the
 * diagonal and zeros elsewhere.
 */
export function mergeGroups(
  context: LowerContext,
  weights: Place,
  shape: GroupShape,
  xBlock: number,
  yBlock: number,
): GroupShape & { readonly weights: Place } {
  const joined = groupsToJoin(shape, xBlock, yBlock);
  if (joined === 1) return { ...shape, weights };
  const merged = { groups: shape.groups / joined, cin: shape.cin * joined, cout: shape.cout * joined, kernel: shape.kernel };
  const layout = plainLayout(weights.layout.elem, [merged.groups * merged.cout, merged.cin, ...shape.kernel]);
  if (weights.constant) {
    const data = storeFor(layout.elem, layout.size);
    spread(weights.constant as Float32Array, data as Float32Array, shape, joined);
    return { ...merged, weights: { buffer: context.weights(layout.elem, data), layout, dtype: weights.dtype, constant: data } };
  }
  const buffer = context.scratch(layout.elem, layout.size);
  context.call(spreadKernel(shape, joined, weights.layout.elem, weights.layout.size, layout.size), { weights: weights.buffer, joined: buffer });
  return { ...merged, weights: { buffer, layout, dtype: weights.dtype } };
}

function groupsToJoin({ groups, cin, cout }: GroupShape, xBlock: number, yBlock: number): number {
  if (groups === 1) return 1;
  for (let n = 1; n < groups; n++) if (groups % n === 0 && (n * cin) % xBlock === 0 && (n * cout) % yBlock === 0) return n;
  return groups;
}

function spread(from: Float32Array, to: Float32Array, { groups, cin, cout, kernel }: GroupShape, joined: number): void {
  const run = kernel.reduce((n, k) => n * k, cin);
  for (let row = 0; row < groups * cout; row++) {
    const member = Math.floor(row / cout) % joined;
    for (let i = 0; i < run; i++) to[(row * joined + member) * run + i] = from[row * run + i]!;
  }
}

/** The same at run time. */
function spreadKernel({ groups, cin, cout, kernel }: GroupShape, joined: number, elem: Place["layout"]["elem"], fromSize: number, toSize: number): Kernel {
  const run = kernel.reduce((n, k) => n * k, cin);
  const type = scalar(elem);
  const b = new KernelBuilder(`join_groups_${groups}x${cout}x${cin}_${joined}`, { lanes: 1, mode: "fast" });
  b.param("weights", elem, fromSize, "in");
  b.param("joined", elem, toSize, "out");
  const clear = b.cursor("z", "joined");
  b.loop("all", groups * cout * joined * run, { [clear]: 1 }, () => b.storeAs(type, clear, 0, elementConstant(b, elem, 0)));
  const from = b.cursor("i", "weights");
  const to = b.cursor("o", "joined");
  const row = joined * run;
  b.loop("grp", groups / joined, { [from]: joined * cout * run, [to]: joined * cout * row }, () =>
    b.loop("member", joined, { [from]: cout * run, [to]: cout * row + run }, () =>
      b.loop("o", cout, { [from]: run, [to]: row }, () => b.loop("k", run, { [from]: 1, [to]: 1 }, () => b.storeAs(type, to, 0, b.load(type, from)))),
    ),
  );
  return b.finish();
}
