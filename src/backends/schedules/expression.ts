import type { AttrValue } from "../../ir/attr.ts";
import type { DType } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import type { Type } from "../../kernel/kernel.ts";

/** One elementwise op on registers. */
export interface Use {
  readonly b: KernelBuilder;
  /** Registers or constants, so that they may be used more than once. An absent operand is not there. */
  readonly args: readonly Term[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  /** Dtypes of the operands. */
  readonly from: readonly DType[];
  readonly to: DType;
  /** The register's type of the result. */
  readonly type: Type;
}

export type Expression = (use: Use) => Term;

/** How an op is computed, and whether vectors can: where not, its loop goes element by element. */
export interface ElementwiseOp {
  readonly emit: Expression;
  readonly scalarOnly?: (from: readonly DType[], to: DType) => boolean;
  /** Emits many operations: the loop around it is not unrolled. */
  readonly heavy?: boolean;
}
