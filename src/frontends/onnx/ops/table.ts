import type { Importer } from "../context.ts";

/** An importer with the first version of its operator set that has the operator. */
export interface Operator {
  readonly since: number;
  readonly run: Importer;
}

/** Importers of one domain by operator. A bare function: the operator is older than opset 7, the first that is read. */
export type OperatorTable = Readonly<Record<string, Importer | Operator>>;

export function since(version: number, run: Importer): Operator {
  return { since: version, run };
}

export const OLDEST_OPSET = 7;
