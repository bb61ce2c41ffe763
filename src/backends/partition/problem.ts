/**
 * A partition as numbers alone: ops, values and devices have indices, device 0 is the CPU. Times are microseconds. What an accelerator
 * can't run takes it Infinity; the CPU can run everything.
 */

/** Lists of whole numbers, one after the other: list i is `items[start[i]]` to before `items[start[i + 1]]`. */
export interface Lists {
  readonly start: Int32Array;
  readonly items: Int32Array;
}

export interface Problem {
  readonly ops: number;
  readonly values: number;
  readonly devices: number;
  /** By device, then op. */
  readonly opUs: readonly Float64Array[];
  /** By device: what one more region of it costs. */
  readonly launchUs: readonly number[];
  /** By device, then value: into a region, and out of it. */
  readonly inUs: readonly Float64Array[];
  readonly outUs: readonly Float64Array[];
  /** The op that computes a value; -1: it comes from outside. */
  readonly producer: Int32Array;
  /** 1: the graph gives the value back. */
  readonly isResult: Uint8Array;
  /** Ops that read a value, each once. */
  readonly readers: Lists;
  /** Values that an op reads, and those that it computes, each once. */
  readonly reads: Lists;
  readonly gives: Lists;
  /** Ops that come behind an op: those that read it, and those whose effects must stay behind its own. Each once. */
  readonly after: Lists;
  /** How many ops an op comes behind. */
  readonly before: Int32Array;
}

/** A device for each op. */
export type Assignment = Uint8Array;

export function listsOf(lists: readonly (readonly number[])[]): Lists {
  const start = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => (start[i + 1] = start[i]! + list.length));
  const items = new Int32Array(start[lists.length]!);
  lists.forEach((list, i) => items.set(list, start[i]));
  return { start, items };
}

export interface ProblemValue {
  readonly producer: number;
  readonly readers: readonly number[];
  readonly isResult: boolean;
  /** By device; the CPU's is not looked at. */
  readonly inUs: readonly number[];
  readonly outUs: readonly number[];
}

export interface ProblemInput {
  /** By op, then device. Ops stand in an order in which each comes behind those it reads. */
  readonly opUs: readonly (readonly number[])[];
  readonly launchUs: readonly number[];
  readonly values: readonly ProblemValue[];
  /** Pairs of ops that keep their order although no value goes from one to the other. */
  readonly effects?: readonly (readonly [number, number])[];
}

export function problem({ opUs, launchUs, values, effects = [] }: ProblemInput): Problem {
  const ops = opUs.length;
  const each = <T>(): T[][] => Array.from({ length: ops }, () => []);
  const [reads, gives, after] = [each<number>(), each<number>(), Array.from({ length: ops }, () => new Set<number>())];
  values.forEach(({ producer, readers }, v) => {
    if (producer >= 0) gives[producer]!.push(v);
    for (const reader of readers) {
      reads[reader]!.push(v);
      if (producer >= 0) after[producer]!.add(reader);
    }
  });
  for (const [first, second] of effects) after[first]!.add(second);
  const before = new Int32Array(ops);
  for (const later of after) for (const op of later) before[op]!++;
  const devices = launchUs.map((_, d) => d);
  return {
    ops,
    values: values.length,
    devices: devices.length,
    opUs: devices.map((d) => Float64Array.from(opUs, (us) => us[d]!)),
    launchUs,
    inUs: devices.map((d) => Float64Array.from(values, ({ inUs }) => inUs[d]!)),
    outUs: devices.map((d) => Float64Array.from(values, ({ outUs }) => outUs[d]!)),
    producer: Int32Array.from(values, ({ producer }) => producer),
    isResult: Uint8Array.from(values, ({ isResult }) => Number(isResult)),
    readers: listsOf(values.map(({ readers }) => readers)),
    reads: listsOf(reads),
    gives: listsOf(gives),
    after: listsOf(after.map((set) => [...set])),
    before,
  };
}
