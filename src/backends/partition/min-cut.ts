/** Which nodes stay on the side of the source in a cut of least capacity between source and sink: Dinic's algorithm. */
export class FlowNetwork {
  private readonly to: number[] = [];
  private readonly room: number[] = [];
  private readonly edges: number[][];

  constructor(nodes: number) {
    this.edges = Array.from({ length: nodes }, () => []);
  }

  edge(from: number, to: number, capacity: number): void {
    if (capacity <= 0) return;
    this.edges[from]!.push(this.to.length);
    this.to.push(to);
    this.room.push(capacity);
    this.edges[to]!.push(this.to.length);
    this.to.push(from);
    this.room.push(0);
  }

  /** 1 for nodes that the source still reaches when no more can flow. Capacities that are Infinity are never cut as long as another way is. */
  sourceSide(source: number, sink: number): Uint8Array {
    for (;;) {
      const level = this.levels(source);
      if (level[sink] === -1) return Uint8Array.from(level, (l) => Number(l >= 0));
      const next = new Int32Array(this.edges.length);
      while (this.push(source, sink, level, next));
    }
  }

  private levels(source: number): Int32Array {
    const level = new Int32Array(this.edges.length).fill(-1);
    level[source] = 0;
    const queue = [source];
    for (const node of queue)
      for (const edge of this.edges[node]!) {
        const target = this.to[edge]!;
        if (this.room[edge]! <= TINY || level[target] !== -1) continue;
        level[target] = level[node]! + 1;
        queue.push(target);
      }
    return level;
  }

  /** One way to the sink that has room, filled; without recursion, as graphs are deep. */
  private push(source: number, sink: number, level: Int32Array, next: Int32Array): boolean {
    const path: number[] = [];
    let node = source;
    while (node !== sink) {
      const edges = this.edges[node]!;
      while (next[node]! < edges.length && !this.goesOn(edges[next[node]!]!, node, level)) next[node]!++;
      if (next[node]! < edges.length) {
        const edge = edges[next[node]!]!;
        path.push(edge);
        node = this.to[edge]!;
        continue;
      }
      if (path.length === 0) return false;
      node = this.to[path.pop()! ^ 1]!;
      next[node]!++;
    }
    const most = path.reduce((least, edge) => Math.min(least, this.room[edge]!), Infinity);
    for (const edge of path) {
      this.room[edge]! -= most;
      this.room[edge ^ 1]! += most;
    }
    return true;
  }

  private goesOn(edge: number, node: number, level: Int32Array): boolean {
    return this.room[edge]! > TINY && level[this.to[edge]!] === level[node]! + 1;
  }
}

/** Rounding of sums of doubles. */
const TINY = 1e-9;
