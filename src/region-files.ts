import { exchangeFilesOf, type ExchangeFile } from "./backends/region-steps.ts";
import { TextTable } from "./host/text-table.ts";
import type { Graph, Value } from "./ir/graph.ts";
import { interpret } from "./ir/interpret.ts";
import { decodePort } from "./ir/port-data.ts";
import type { Data, Tensor } from "./ir/tensor.ts";
import { BITS, elementCount, integerRange, isFloat, type StaticType } from "./ir/types.ts";
import { sha256Hex, type CryptoEngine } from "./package/crypto.ts";
import { dtypeBytes } from "./package/dtypes.ts";
import { seededBytes } from "./package/self-test.ts";
import type { RegionFile } from "./session/engines/region-engine.ts";
import { NeoError } from "./support/errors.ts";

/** A region to be run once by its engine, away from the compiler: engines crash, hang and lie. */
export interface RegionTrial {
  readonly engine: string;
  readonly region: RegionFile;
  readonly inputs: readonly Uint8Array[];
}

/** What came out. Whoever tries throws an error whose message is the engine's own words, or what became of it. */
export interface TrialResult {
  readonly version: string;
  readonly outputs: readonly Uint8Array[];
}

export type TryRegion = (trial: RegionTrial) => Promise<TrialResult>;

/** A region as it lies in the bundle. */
export interface StoredRegion {
  readonly file: string;
  /** Of the engine that it was checked with; "" where nobody checked. */
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** The files of a graph's regions by the name of the region. With `tryRegion` each is run and compared with the interpreter: NEO3062. */
export async function storedRegions(
  graph: Graph,
  crypto: CryptoEngine,
  tryRegion: TryRegion | undefined,
  macsOf: (graph: Graph) => number,
): Promise<ReadonlyMap<string, StoredRegion>> {
  const stored = new Map<string, StoredRegion>();
  for (const found of exchangeFilesOf(graph)) {
    const file = `regions/${sha256Hex(crypto, found.bytes).slice(0, 16)}.${found.exchange}`;
    const version = tryRegion ? await checkedVersion(found, tryRegion, macsOf(found.body)) : "";
    stored.set(found.region, { file, version, bytes: found.bytes });
  }
  return stored;
}

/** Larger regions are tried, too, and judged by type and NaN alone: the interpreter would take minutes. */
const INTERPRETED_MACS = 100e6;
const SEED = 1;

async function checkedVersion({ region, engine, exchange, options, body, bytes }: ExchangeFile, tryRegion: TryRegion, macs: number): Promise<string> {
  const types = (values: readonly Value[]): StaticType[] => values.map(({ type }) => type as StaticType);
  const [takes, gives] = [types(body.params), types(body.outputs)];
  const inputs = takes.map((type) => madeUp(type));
  const plain = (list: readonly StaticType[]): RegionFile["inputs"] => list.map(({ dtype, shape }) => ({ dtype, shape }));
  const words = await tryRegion({ engine, region: { name: region, exchange, bytes, inputs: plain(takes), outputs: plain(gives), options }, inputs }).then(
    ({ version, outputs }) => {
      const wanted =
        macs <= INTERPRETED_MACS
          ? interpret(
              body,
              inputs.map((data, i) => tensorOf(takes[i]!, data)),
            )
          : undefined;
      const problem = gives.map((type, i) => resultProblem(i, type, outputs[i], wanted?.[i])).find((text) => text !== undefined);
      return problem === undefined ? { version } : problem;
    },
    (error: unknown) => (error as Error).message,
  );
  if (typeof words !== "string") return words.version;
  throw new NeoError({
    code: "NEO3062",
    message: `the engine ${engine} does not compute region ${region} as it should`,
    notes: [{ where: `${region} on ${engine}`, text: words }],
    hint: "leave the accelerator out: `--accelerators none`; `neo doctor` says which engines are found",
  });
}

/** Reals from -1 to 1; stored bytes of their whole range; other integers 0 and 1, which may be places. */
function madeUp({ dtype, shape }: StaticType): Uint8Array {
  const bytes = elementCount(shape) * dtypeBytes(dtype)!;
  const [low, high] = isFloat(dtype) ? [-1, 1] : BITS[dtype] === 8 && dtype !== "bool" ? integerRange(dtype) : [0, 1];
  return seededBytes({ dtype, bytes }, { seed: SEED, low, high });
}

function tensorOf(type: StaticType, bytes: Uint8Array): Tensor {
  return { type, data: decodePort(type.dtype, bytes, elementCount(type.shape), new TextTable()) };
}

/** What is wrong with a result: its size, NaN where there is none, or its numbers. */
function resultProblem(index: number, type: StaticType, bytes: Uint8Array | undefined, wanted: Tensor | undefined): string | undefined {
  const size = elementCount(type.shape) * dtypeBytes(type.dtype)!;
  if (!bytes) return `gives no result ${index}`;
  if (bytes.length !== size) return `gives ${bytes.length} bytes for result ${index}, wanted ${size}`;
  const found = tensorOf(type, bytes).data as Exclude<Data, string[]>;
  const nan = Array.prototype.findIndex.call(found, (value: number, i: number) => value !== value && (!wanted || wanted.data[i] === wanted.data[i]));
  if (nan >= 0) return `gives NaN for element ${nan} of result ${index}${wanted ? `, wanted ${String(wanted.data[nan])}` : ""}`;
  return wanted && numbersProblem(index, type, found as ArrayLike<number | bigint>, wanted.data as ArrayLike<number | bigint>);
}

/** Reals agree to a thousandth; integers are equal but for a few that lie one apart, where a real behind them lay between two. */
function numbersProblem(index: number, { dtype }: StaticType, found: ArrayLike<number | bigint>, wanted: ArrayLike<number | bigint>): string | undefined {
  let [far, worst, at] = [0, 0, 0];
  const greatest = Math.max(...Array.from({ length: wanted.length }, (_, i) => (Number.isFinite(Number(wanted[i])) ? Math.abs(Number(wanted[i])) : 0)), 0);
  for (let i = 0; i < wanted.length; i++) {
    const [x, y] = [Number(found[i]), Number(wanted[i])];
    if (!Number.isFinite(y)) continue;
    const distance = Number.isFinite(x) ? Math.abs(x - y) : Infinity;
    const allowed = isFloat(dtype) ? 1e-3 + 1e-3 * Math.abs(y) + 1e-4 * greatest : 0;
    if (distance <= allowed) continue;
    far += distance <= 1 && !isFloat(dtype) ? 1 : wanted.length;
    if (distance > worst) [worst, at] = [distance, i];
  }
  if (far <= 0.02 * wanted.length) return undefined;
  return `gives ${String(found[at])} for element ${at} of result ${index}, wanted ${String(wanted[at])}`;
}
