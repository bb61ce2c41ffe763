import type { Importer } from "../context.ts";
import { sequenceImporterFor, sequenceOperators } from "../sequences.ts";
import { ACTIVATION, MICROSOFT_ACTIVATION } from "./activation.ts";
import { ATTENTION } from "./attention.ts";
import { CAUSAL_CONV } from "./causal-conv.ts";
import { COL2IM } from "./col2im.ts";
import { CONVERSION } from "./conversion.ts";
import { CONVOLUTION } from "./convolution.ts";
import { EINSUM } from "./einsum.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { FOUND, MICROSOFT_FOUND } from "./found.ts";
import { FOURIER } from "./fourier.ts";
import { INDEXING } from "./indexing.ts";
import { LINEAR_ATTENTION } from "./linear-attention.ts";
import { LOSS } from "./loss.ts";
import { MATMUL, MICROSOFT_MATMUL } from "./matmul.ts";
import { MEL } from "./mel.ts";
import { ML_ENCODERS } from "./ml-encoders.ts";
import { ML_FEATURES } from "./ml-features.ts";
import { ML_LINEAR } from "./ml-linear.ts";
import { ML_SVM } from "./ml-svm.ts";
import { ML_TREES } from "./ml-trees.ts";
import { MICROSOFT_ATTENTION } from "./microsoft-attention.ts";
import { MICROSOFT_EMBEDDING } from "./microsoft-embedding.ts";
import { MICROSOFT_FEW_BITS } from "./microsoft-few-bits.ts";
import { MICROSOFT_GROUPED } from "./microsoft-grouped.ts";
import { MICROSOFT_INTEGER } from "./microsoft-integer.ts";
import { MICROSOFT_WINDOWS } from "./microsoft-windows.ts";
import { MICROSOFT_MOVEMENT, MOVEMENT } from "./movement.ts";
import { NGRAMS } from "./ngrams.ts";
import { MICROSOFT_NORMALISATION, NORMALISATION } from "./normalisation.ts";
import { OPTIMIZERS } from "./optimizers.ts";
import { POOLING } from "./pooling.ts";
import { MICROSOFT_QUANTISED, QUANTISED } from "./quantised.ts";
import { RECURRENCE } from "./recurrence.ts";
import { REDUCTION } from "./reduction.ts";
import { RESIZE } from "./resize.ts";
import { SAMPLING } from "./sampling.ts";
import { MICROSOFT_ROTARY, ROTARY } from "./rotary.ts";
import { MICROSOFT_SHAPE, SHAPE } from "./shape.ts";
import { SIGNAL } from "./signal.ts";
import { OLDEST_OPSET, type Operator, type OperatorTable } from "./table.ts";
import { TENSOR_SCATTER } from "./tensor-scatter.ts";
import { TEXTS } from "./texts.ts";

/** Every operator that has an importer, by domain; "" is the default domain. */
const TABLES: Readonly<Record<string, readonly OperatorTable[]>> = {
  "": [
    ACTIVATION,
    ATTENTION,
    CAUSAL_CONV,
    COL2IM,
    CONVERSION,
    CONVOLUTION,
    EINSUM,
    ELEMENTWISE,
    FOUND,
    FOURIER,
    INDEXING,
    LINEAR_ATTENTION,
    LOSS,
    MATMUL,
    MEL,
    MOVEMENT,
    NGRAMS,
    NORMALISATION,
    POOLING,
    QUANTISED,
    RECURRENCE,
    REDUCTION,
    RESIZE,
    ROTARY,
    SAMPLING,
    SHAPE,
    SIGNAL,
    TENSOR_SCATTER,
    TEXTS,
  ],
  "ai.onnx.preview.training": [OPTIMIZERS],
  "ai.onnx.ml": [ML_ENCODERS, ML_FEATURES, ML_LINEAR, ML_SVM, ML_TREES],
  "com.microsoft": [
    MICROSOFT_ACTIVATION,
    MICROSOFT_ATTENTION,
    MICROSOFT_EMBEDDING,
    MICROSOFT_FEW_BITS,
    MICROSOFT_FOUND,
    MICROSOFT_GROUPED,
    MICROSOFT_INTEGER,
    MICROSOFT_MATMUL,
    MICROSOFT_MOVEMENT,
    MICROSOFT_NORMALISATION,
    MICROSOFT_QUANTISED,
    MICROSOFT_ROTARY,
    MICROSOFT_SHAPE,
    MICROSOFT_WINDOWS,
  ],
};

const OPERATORS = new Map<string, ReadonlyMap<string, Operator>>(
  Object.entries(TABLES).map(([domain, tables]) => [
    domain,
    new Map(
      tables
        .flatMap((table) => Object.entries(table))
        .map(([name, entry]) => [name, typeof entry === "function" ? { since: OLDEST_OPSET, run: entry } : entry]),
    ),
  ]),
);

/** Operators that the importer of nodes treats itself, as they have other nodes inside. */
const LAID_OPEN: readonly SupportedOperator[] = [
  { domain: "", name: "If", since: OLDEST_OPSET },
  { domain: "", name: "Loop", since: OLDEST_OPSET },
  { domain: "", name: "Scan", since: OLDEST_OPSET },
  { domain: "ai.onnx.preview", name: "FlexAttention", since: 1 },
];

export function importerFor(domain: string, operator: string): Importer | undefined {
  return OPERATORS.get(domain)?.get(operator)?.run;
}

/** The first version of its domain that has an operator with an importer. */
export function firstVersion(domain: string, operator: string): number | undefined {
  return OPERATORS.get(domain)?.get(operator)?.since;
}

export function hasImporter(domain: string, operator: string): boolean {
  return (
    sequenceImporterFor(domain, operator, []) !== undefined ||
    importerFor(domain, operator) !== undefined ||
    LAID_OPEN.some((known) => known.domain === domain && known.name === operator)
  );
}

export interface SupportedOperator {
  /** "" is the default domain. */
  readonly domain: string;
  readonly name: string;
  /** The first version of the domain that has it; 7 for what is older than the oldest version that is read. */
  readonly since: number;
}

/** Every operator that can be imported, by domain and name. */
export function supportedOperators(): readonly SupportedOperator[] {
  const imported = [...OPERATORS].flatMap(([domain, operators]) => [...operators].map(([name, operator]) => ({ domain, name, since: operator.since })));
  return [...imported, ...LAID_OPEN, ...sequenceOperators()].sort((a, b) => compare(a.domain, b.domain) || compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
