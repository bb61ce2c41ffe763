/** Arena offsets for buffers with lifetimes. Times count calls; a buffer is alive from `firstUse` to `lastUse`, both included. */

export interface Request {
  readonly id: number;
  readonly bytes: number;
  readonly firstUse: number;
  readonly lastUse: number;
}

export interface Plan {
  readonly offsets: ReadonlyMap<number, number>;
  readonly arenaBytes: number;
  /** The largest sum of bytes alive at one time: no plan can be smaller. */
  readonly lowerBound: number;
}

export const ARENA_ALIGN = 128;

const align = (bytes: number): number => Math.ceil(bytes / ARENA_ALIGN) * ARENA_ALIGN;

/** The best of several orders, each placing buffers one by one into the lowest gap among those alive with it. */
export function planMemory(requests: readonly Request[], reservedBytes = 0): Plan {
  const lowerBound = align(reservedBytes) + peak(requests);
  const life = (r: Request): number => r.lastUse - r.firstUse + 1;
  const orders: ((a: Request, b: Request) => number)[] = [
    (a, b) => b.bytes - a.bytes || a.firstUse - b.firstUse || a.id - b.id,
    (a, b) => b.bytes * life(b) - a.bytes * life(a) || a.id - b.id,
    (a, b) => life(b) - life(a) || b.bytes - a.bytes || a.id - b.id,
    (a, b) => a.firstUse - b.firstUse || b.bytes - a.bytes || a.id - b.id,
  ];
  let best: Plan | undefined;
  for (const order of orders) {
    const plan = place([...requests].sort(order), reservedBytes, lowerBound);
    if (!best || plan.arenaBytes < best.arenaBytes) best = plan;
    if (best.arenaBytes === lowerBound) break;
  }
  return best!;
}

interface Placed {
  readonly request: Request;
  readonly offset: number;
  readonly end: number;
}

function place(ordered: readonly Request[], reservedBytes: number, lowerBound: number): Plan {
  const start = align(reservedBytes);
  const offsets = new Map<number, number>();
  const placed: Placed[] = [];
  let arenaBytes = start;
  for (const request of ordered) {
    const bytes = align(request.bytes);
    let offset = start;
    for (const other of placed) {
      if (other.request.lastUse < request.firstUse || other.request.firstUse > request.lastUse) continue;
      if (offset + bytes <= other.offset) break;
      offset = Math.max(offset, other.end);
    }
    offsets.set(request.id, offset);
    const entry = { request, offset, end: offset + bytes };
    placed.splice(insertionIndex(placed, offset), 0, entry);
    arenaBytes = Math.max(arenaBytes, entry.end);
  }
  return { offsets, arenaBytes, lowerBound };
}

/** `placed` is kept sorted by offset. */
function insertionIndex(placed: readonly Placed[], offset: number): number {
  let [low, high] = [0, placed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function peak(requests: readonly Request[]): number {
  const changes = new Map<number, number>();
  const change = (time: number, bytes: number): void => void changes.set(time, (changes.get(time) ?? 0) + bytes);
  for (const request of requests) {
    change(request.firstUse, align(request.bytes));
    change(request.lastUse + 1, -align(request.bytes));
  }
  let [live, most] = [0, 0];
  for (const time of [...changes.keys()].sort((a, b) => a - b)) most = Math.max(most, (live += changes.get(time)!));
  return most;
}
