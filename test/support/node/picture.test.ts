import { PNG } from "pngjs";
import { expect, test } from "vitest";
import { decodePicture } from "../../../src/support/node/picture.ts";

function png(width: number, height: number): Uint8Array {
  return new Uint8Array(PNG.sync.write(new PNG({ width, height })));
}

test("a PNG is decoded", async () => {
  expect(await decodePicture(png(3, 2), "a.png")).toMatchObject({ width: 3, height: 2 });
});

test("a small file that announces a huge picture is refused before it is decoded", async () => {
  const bytes = png(1, 1);
  new DataView(bytes.buffer).setUint32(16, 60_000);
  new DataView(bytes.buffer).setUint32(20, 60_000);
  await expect(decodePicture(bytes, "bomb.png")).rejects.toMatchObject({ code: "NEO7040", message: expect.stringContaining("60000x60000") as string });
});

test.each([
  ["text", new TextEncoder().encode("no picture")],
  ["a cut PNG", png(8, 8).subarray(0, 40)],
  ["a cut JPEG", Uint8Array.of(0xff, 0xd8, 0xff)],
])("%s is refused", async (_, bytes) => {
  await expect(decodePicture(bytes, "a.png")).rejects.toMatchObject({ code: "NEO1056" });
});
