import type { ManifestPort } from "../package/manifest.ts";
import type { InputData } from "./tensors.ts";

/** Words in a list become their places among the labels of the port; words that it has not get the place behind the end. */
export function asPlaces(port: ManifestPort, data: InputData): InputData {
  const { labels } = port;
  if (!labels || !Array.isArray(data) || !data.some((element) => typeof element === "string")) return data;
  const places = new Map(labels.map((word, i) => [word, i] as const).toReversed());
  return (data as (number | bigint | boolean | string)[]).map((element) => (typeof element === "string" ? (places.get(element) ?? labels.length) : element));
}
