import type { ManifestPort } from "../package/manifest.ts";
import { pictureShape, type PreprocessSpec } from "../package/preprocess-spec.ts";

/** A decoded picture: RGBA, 8 bits each, rows from the top. `ImageData` of browsers is one. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** The width that `spec` scales a picture to before it meets the width of the input. */
export function naturalWidth(picture: Picture, spec: PreprocessSpec): number {
  if (!spec.resize) return picture.width;
  return spec.resize.width ?? Math.max(1, Math.ceil((spec.resize.height * picture.width) / picture.height));
}

/** The picture as elements of the port, row-major: opaque over white, resized, (pixel - mean) / scale, zero where the picture does not reach. */
export function pictureElements(picture: Picture, spec: PreprocessSpec, port: ManifestPort): Float64Array {
  const { channels, height, width } = pictureShape(port, spec)!;
  const filled = Math.min(naturalWidth(picture, spec), width);
  const planes = resizeBilinear(planesOf(picture, spec), picture.width, picture.height, filled, height);
  const elements = new Float64Array(channels * height * width);
  planes.forEach((plane, c) => {
    const mean = spec.mean[c] ?? spec.mean[0]!;
    const scale = spec.scale[c] ?? spec.scale[0]!;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < filled; x++) {
        const at = spec.layout === "nchw" ? (c * height + y) * width + x : (y * width + x) * channels + c;
        elements[at] = (plane[y * filled + x]! - mean) / scale;
      }
    }
  });
  return elements;
}

/** One plane a channel, 0 to 255. Gray has the weights of ITU-R BT.601, rounded as image libraries do. */
function planesOf({ width, height, data }: Picture, spec: PreprocessSpec): Float64Array[] {
  const [red, green, blue] = [0, 1, 2].map((channel) => {
    const plane = new Float64Array(width * height);
    for (let i = 0; i < plane.length; i++) {
      const alpha = data[4 * i + 3]!;
      plane[i] = alpha === 255 ? data[4 * i + channel]! : Math.round((data[4 * i + channel]! * alpha + 255 * (255 - alpha)) / 255);
    }
    return plane;
  }) as [Float64Array, Float64Array, Float64Array];
  if (spec.channels === "gray") return [red.map((r, i) => Math.round(0.299 * r + 0.587 * green[i]! + 0.114 * blue[i]!))];
  return spec.channels === "rgb" ? [red, green, blue] : [blue, green, red];
}

/** Bilinear between the four nearest pixels, half-pixel centres, no smoothing when it shrinks; results are whole numbers. OpenCV's INTER_LINEAR. */
export function resizeBilinear(planes: readonly Float64Array[], fromWidth: number, fromHeight: number, width: number, height: number): Float64Array[] {
  if (fromWidth === width && fromHeight === height) return [...planes];
  const xs = taps(fromWidth, width);
  const ys = taps(fromHeight, height);
  return planes.map((plane) => {
    const result = new Float64Array(width * height);
    ys.forEach((v, y) => {
      xs.forEach((u, x) => {
        const top = plane[v.low * fromWidth + u.low]! * (1 - u.share) + plane[v.low * fromWidth + u.high]! * u.share;
        const bottom = plane[v.high * fromWidth + u.low]! * (1 - u.share) + plane[v.high * fromWidth + u.high]! * u.share;
        result[y * width + x] = Math.round(top * (1 - v.share) + bottom * v.share);
      });
    });
    return result;
  });
}

interface Tap {
  readonly low: number;
  readonly high: number;
  /** Weight of `high`. */
  readonly share: number;
}

function taps(from: number, to: number): Tap[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, from - 1), share: at - low };
  });
}
