import type { HostFunction } from "./host-function.ts";
import { decodeImage } from "./pictures.ts";
import { numberToText, textToNumber } from "./numbers.ts";
import { fullMatch } from "./pattern.ts";
import { textConcat, textNormalise, textPlaces, textSplit } from "./texts.ts";

/** What every session offers, by the name of the op that it does. */
export const HOST_FUNCTIONS: ReadonlyMap<string, HostFunction> = new Map(
  Object.entries({ decodeImage, fullMatch, numberToText, textConcat, textNormalise, textPlaces, textSplit, textToNumber }),
);
