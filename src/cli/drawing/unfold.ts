/** Where the elements of a tensor lie in a picture: in cells of rows and columns. */
export interface Unfolding {
  readonly rows: number;
  readonly columns: number;
  /** Row and column of an element, by its place in row-major order. */
  readonly at: (element: number) => readonly [row: number, column: number];
}

/** So many times longer than wide, a matrix is cut into strips. */
const LONGEST = 16;

/**
 * The last two dims, but those of 1, are a matrix. Those before number matrices, which lie in a grid about as wide as high, one cell
 * apart. A single matrix that is very long or wide is cut into strips; of a vector, these are lines.
 */
export function unfold(shape: readonly number[]): Unfolding {
  const dims = shape.filter((dim) => dim !== 1);
  const [width, height] = [dims.at(-1) ?? 1, dims.at(-2) ?? 1];
  const count = dims.slice(0, -2).reduce((product, dim) => product * dim, 1);
  const side = Math.ceil(Math.sqrt(width * height));
  if (count > 1) {
    const across = Math.min(count, Math.max(1, Math.round(Math.sqrt((count * height) / width))));
    return grid({ tiles: count, height, width, across }, (i) => [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width]);
  }
  if (width > LONGEST * height)
    return grid({ tiles: Math.ceil(width / side), height, width: side, across: 1 }, (i) => {
      const column = i % width;
      return [Math.floor(column / side), Math.floor(i / width), column % side];
    });
  if (height > LONGEST * width) {
    const tiles = Math.ceil(height / side);
    return grid({ tiles, height: side, width, across: tiles }, (i) => {
      const row = Math.floor(i / width);
      return [Math.floor(row / side), row % side, i % width];
    });
  }
  return { rows: height, columns: width, at: (i) => [Math.floor(i / width), i % width] };
}

interface Grid {
  readonly tiles: number;
  readonly height: number;
  readonly width: number;
  readonly across: number;
}

function grid({ tiles, height, width, across }: Grid, place: (element: number) => readonly [tile: number, row: number, column: number]): Unfolding {
  const down = Math.ceil(tiles / across);
  // Lines of a vector lie close together.
  const gap = height === 1 || width === 1 ? 0 : 1;
  return {
    rows: down * (height + gap) - gap,
    columns: across * (width + gap) - gap,
    at(element) {
      const [tile, row, column] = place(element);
      return [Math.floor(tile / across) * (height + gap) + row, (tile % across) * (width + gap) + column];
    },
  };
}
