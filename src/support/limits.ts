import { NeoError, type ErrorCode } from "./errors.ts";

/** How much a file from outside may ask of us. Every reader checks before it allocates. */
export interface Limits {
  /** One file. */
  readonly fileBytes: number;
  /** Nodes of a model, functions expanded. */
  readonly nodes: number;
  /** Nesting of subgraphs and functions. */
  readonly depth: number;
  /** One tensor, as it lies in memory. */
  readonly tensorBytes: number;
  /** All constants of a model. */
  readonly totalBytes: number;
  /** One name. */
  readonly nameBytes: number;
  readonly rank: number;
  /** Messages and strings of one container, before any of them means something. */
  readonly parts: number;
  readonly archiveMembers: number;
  /** Bytes that one byte of an archive may become. */
  readonly archiveRatio: number;
  /** Elements that an importer may compute to learn shapes. */
  readonly foldElements: number;
}

export const DEFAULT_LIMITS: Limits = {
  fileBytes: 2 ** 31,
  nodes: 1_000_000,
  depth: 64,
  tensorBytes: 2 ** 31,
  totalBytes: 2 ** 33,
  nameBytes: 65_536,
  rank: 64,
  parts: 8_000_000,
  archiveMembers: 4_096,
  archiveRatio: 200,
  foldElements: 2 ** 22,
};

const CODES = {
  fileBytes: "NEO7000",
  nodes: "NEO7001",
  depth: "NEO7002",
  tensorBytes: "NEO7003",
  nameBytes: "NEO7004",
  totalBytes: "NEO7005",
  parts: "NEO7006",
  archiveMembers: "NEO7007",
  archiveRatio: "NEO7007",
  foldElements: "NEO7008",
  rank: "NEO7009",
} as const satisfies Record<keyof Limits, ErrorCode>;

/** `what` was found `found` times as large as it may be: "tensor w has 12 bytes, the limit is 8". */
export function limitError(limit: keyof Limits, limits: Limits, file: string, what: string, found: number | bigint | string): NeoError {
  return new NeoError({
    code: CODES[limit],
    message: `${file} is beyond a limit: ${what} ${found}, the limit is ${limits[limit]}`,
    file,
    hint: `\`neo explain ${CODES[limit]}\` says what the limit is for`,
  });
}

export function checkLimit(limit: keyof Limits, limits: Limits, file: string, what: string, found: number | bigint): void {
  if (found > limits[limit]) throw limitError(limit, limits, file, what, found);
}

/**
 * Product of dims as a safe integer; undefined where a dim is negative or not an integer, or the product leaves the safe range
 * before a zero ends it.
 */
export function safeProduct(dims: readonly (number | bigint)[]): number | undefined {
  let product = 1n;
  for (const dim of dims) {
    if (typeof dim === "number" && !Number.isSafeInteger(dim)) return undefined;
    if (dim < 0) return undefined;
    product *= BigInt(dim);
    if (product > BigInt(Number.MAX_SAFE_INTEGER)) return dims.some((d) => d === 0 || d === 0n) ? 0 : undefined;
  }
  return Number(product);
}
