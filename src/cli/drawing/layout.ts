import type { Drawing } from "./drawing.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Point = readonly [x: number, y: number];

/** Where everything is, in pixels: boxes by node, lines by edge. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly (readonly Point[])[];
}

const [BOX_HEIGHT, LAYER_GAP, BOX_GAP, LINE_WIDTH, MARGIN] = [44, 36, 20, 12, 20];
const [LETTER_WIDTH, MOST_LETTERS, LEAST_WIDTH] = [7, 36, 80];
const SWEEPS = 6;
/** Edges are led round boxes by a place in each layer they cross; beyond so many places they go straight. */
const MOST_PLACES = 20_000;

/** The text that fits into a box. */
export function fitting(text: string): string {
  return text.length <= MOST_LETTERS ? text : `${text.slice(0, MOST_LETTERS / 2 - 1)}…${text.slice(-MOST_LETTERS / 2)}`;
}

interface Place {
  readonly width: number;
  readonly layer: number;
  readonly before: Place[];
  readonly after: Place[];
  order: number;
  x: number;
}

/** Layers from top to bottom, each node below what it reads; within a layer, near the mean of its neighbours. The same drawing has the same layout. */
export function layoutOf(drawing: Drawing): Layout {
  const layers = layersOf(drawing);
  const placeFor = (layer: number, width: number): Place => ({ layer, width, before: [], after: [], order: 0, x: 0 });
  const rows: Place[][] = Array.from({ length: Math.max(0, ...layers) + 1 }, () => []);
  const put = (place: Place): Place => (rows[place.layer]!.push(place), place);
  const nodes = drawing.nodes.map((node, i) => put(placeFor(layers[i]!, widthOf([node.name, `${node.op}  ${node.types}`]))));
  const chains = new Map<number, Place[]>();
  let places = 0;
  const routes = drawing.edges.map(({ from, to }) => {
    // Edges of one source share their way down.
    const chain = chains.get(from) ?? [nodes[from]!];
    chains.set(from, chain);
    while (chain.length < layers[to]! - layers[from]! && places < MOST_PLACES) {
      const next = put(placeFor(layers[from]! + chain.length, LINE_WIDTH));
      join(chain.at(-1)!, next);
      chain.push(next);
      places++;
    }
    const way = chain.slice(0, layers[to]! - layers[from]!);
    join(way.at(-1)!, nodes[to]!);
    return [...way, nodes[to]!];
  });
  order(rows);
  const width = spread(rows);
  const top = (place: Place): number => MARGIN + place.layer * (BOX_HEIGHT + LAYER_GAP);
  const middle = (place: Place): number => place.x + place.width / 2;
  return {
    width,
    height: rows.length * (BOX_HEIGHT + LAYER_GAP) - LAYER_GAP + 2 * MARGIN,
    boxes: nodes.map((place) => ({ x: place.x, y: top(place), width: place.width, height: BOX_HEIGHT })),
    lines: routes.map((way) =>
      way.flatMap((place, i): Point[] => [
        ...(i > 0 ? [[middle(place), top(place)] as const] : []),
        ...(i < way.length - 1 ? [[middle(place), top(place) + BOX_HEIGHT] as const] : []),
      ]),
    ),
  };
}

/** The longest way from a node that reads nothing. */
function layersOf({ nodes, edges }: Drawing): number[] {
  const layers = nodes.map(() => 0);
  const into = nodes.map((): number[] => []);
  for (const { from, to } of edges) into[to]!.push(from);
  into.forEach((sources, node) => (layers[node] = Math.max(0, ...sources.map((source) => layers[source]! + 1))));
  return layers;
}

function widthOf(texts: readonly string[]): number {
  return Math.max(LEAST_WIDTH, ...texts.map((text) => fitting(text).length * LETTER_WIDTH + 16));
}

function join(above: Place, below: Place): void {
  above.after.push(below);
  below.before.push(above);
}

/** Sorts each row by the mean place of its neighbours, downwards and upwards in turn. */
function order(rows: readonly Place[][]): void {
  for (const row of rows) row.forEach((place, i) => (place.order = i));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : rows.toReversed()) {
      const mean = new Map(row.map((place) => [place, meanOf(down ? place.before : place.after, place.order)]));
      row.sort((a, b) => mean.get(a)! - mean.get(b)! || a.order - b.order);
      row.forEach((place, i) => (place.order = i));
    }
  }
}

function meanOf(neighbours: readonly Place[], own: number): number {
  return neighbours.length === 0 ? own : neighbours.reduce((sum, place) => sum + place.order, 0) / neighbours.length;
}

/** Rows are centred over each other. Gives the width of all. */
function spread(rows: readonly Place[][]): number {
  const widths = rows.map((row) => row.reduce((sum, place) => sum + place.width + BOX_GAP, -BOX_GAP));
  const widest = Math.max(0, ...widths);
  rows.forEach((row, i) => {
    let x = MARGIN + (widest - widths[i]!) / 2;
    for (const place of row) {
      place.x = x;
      x += place.width + BOX_GAP;
    }
  });
  return widest + 2 * MARGIN;
}
