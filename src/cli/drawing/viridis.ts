/** Coefficients of red, green and blue, from the constant up: a polynomial of degree 6 through matplotlib's table of this name. */
const VIRIDIS: readonly (readonly [number, number, number])[] = [
  [0.2777273272, 0.0054073445, 0.3340998053],
  [0.1050930431, 1.4046135299, 1.3845901627],
  [-0.3308618287, 0.2148475595, 0.095095163],
  [-4.6342304985, -5.7991009734, -19.3324409563],
  [6.2282699363, 14.1799333668, 56.6905526007],
  [4.7763849977, -13.7451453777, -65.3530326334],
  [-5.4354558559, 4.6458526122, 26.3124352496],
];

/** The colour of a share from 0 (dark) to 1 (bright), as bytes. Lightness grows with the share, also for eyes that see no red or no green. */
export function viridis(share: number): [red: number, green: number, blue: number] {
  const channel = (i: 0 | 1 | 2): number => {
    const value = VIRIDIS.reduceRight((sum, coefficients) => sum * share + coefficients[i], 0);
    return Math.round(255 * Math.min(1, Math.max(0, value)));
  };
  return [channel(0), channel(1), channel(2)];
}
