import type { Data } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/types.ts";
import type { Elem } from "../../kernel/kernel.ts";
import { storeFor } from "../constant-data.ts";
import type { AxisEnd } from "../open-steps.ts";
import type { Buffer, LowerContext, Place } from "../schedule.ts";
import { contractionKernel } from "./contraction-kernel.ts";
import { planContraction, type Contraction } from "./contraction.ts";
import { packKernel } from "./pack-kernel.ts";
import { columnTables, tableData } from "./requantise.ts";
import { packPanels, panelLayout } from "./weight-panels.ts";

export interface ContractionOperands {
  readonly x: Buffer;
  readonly weights: Place;
  readonly bias: Place | undefined;
  readonly residual: Buffer | undefined;
  readonly y: Buffer;
}

/** Packs the weights (at compile time where they are constant) and calls the kernel, which `ends` may end early. */
export function runContraction(context: LowerContext, c: Contraction, operands: ContractionOperands, ends: readonly AxisEnd[] = []): void {
  if (c.columns === 0 || [c.rows, c.cols, ...c.outer].some((axis) => axis.trips === 0)) return;
  const plan = planContraction(c, context.target);
  const w = c.direct ? operands.weights.buffer : packed();
  const kernel = contractionKernel(c, plan);
  const { biasRow, panelStart } = panelLayout(c, plan);
  const tables = columnTables(c).map((table) => [table.param, context.weights(table.elem, tableData(table, c.columns, biasRow, panelStart))]);
  const args = { x: operands.x, w, y: operands.y, ...(operands.residual ? { residual: operands.residual } : {}), ...Object.fromEntries(tables) };
  context.call(kernel, args, undefined, ends);

  function packed(): Buffer {
    const { weights, bias } = operands;
    const { size } = panelLayout(c, plan);
    if (isPackable(weights.constant, c.elem) && (!bias || isPackable(bias.constant, c.elem))) {
      const panels = storeFor(c.elem, size) as Float32Array;
      packPanels(c, plan, weights.constant, bias?.constant as Float32Array | undefined, panels);
      return context.weights(c.elem, panels);
    }
    const panels = context.scratch(c.elem, size);
    const kernel = packKernel(c, plan, { weights: elementCount(weights.layout.shape), ...(bias ? { bias: elementCount(bias.layout.shape) } : {}) });
    context.call(kernel, { weights: weights.buffer, panels, ...(bias ? { bias: bias.buffer } : {}) });
    return panels;
  }
}

/** Constants whose elements are numbers as the kernel reads them. */
function isPackable(data: Data | undefined, elem: Elem): data is Float32Array {
  return data !== undefined && (elem === "f32" || elem === "f64" || elem === "i32") && !(data instanceof BigInt64Array) && !Array.isArray(data);
}
