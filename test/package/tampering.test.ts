import { describe, expect, test } from "vitest";
import { buildBundle } from "../../src/package/build.ts";
import { exitCodeFor } from "../../src/support/errors.ts";
import { examineBundle } from "../../src/package/read-bundle.ts";
import { signBundle } from "../../src/package/sign-bundle.ts";
import { BLOCK, headerOf, paddedBytes, readHeader } from "../../src/package/ustar.ts";
import { load } from "../../src/session/index.ts";
import { nodeCrypto as crypto } from "../../src/support/node/crypto.ts";
import { PUBLIC_KEY, SECRET_KEY, smallInput } from "./small-bundle.ts";

const { artifacts, programs, ...rest } = smallInput();
const input = { ...rest, programs: programs.slice(0, 1), artifacts: artifacts.slice(1).map((a) => ({ ...a, programs: a.programs.slice(0, 1) })) };
const good = signBundle(buildBundle(input, crypto).bytes, SECRET_KEY, crypto);

/** The exit code that these bytes lead to; 0 where they are taken. */
const exitOf = (bytes: Uint8Array): number => {
  const { error, bundle } = examineBundle(bytes, { trust: [PUBLIC_KEY], crypto });
  return bundle ? 0 : exitCodeFor(error);
};

interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

const members: Member[] = [];
for (let at = 0, header; (header = readHeader(good, at)); at = members.at(-1)!.end)
  members.push({ name: header.name, start: at, end: at + BLOCK + paddedBytes(header.bytes) });
const part = ({ start, end }: Member): Uint8Array => good.subarray(start, end);
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const end = good.subarray(members.at(-1)!.end);

test("the bundle itself is taken", () => {
  expect(exitOf(good)).toBe(0);
  expect(members.map((m) => m.name)).toEqual(["manifest.json", "manifest.dsse", "selftest.bin", "pad.bin", "weights.bin", "code/wasm/wasm/main.wasm"]);
});

describe("every change is seen before anything runs", () => {
  test("each byte", { timeout: 300_000 }, () => {
    const bytes = good.slice();
    const missed: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const flip = at % 9 === 8 ? 255 : 1 << (at % 9);
      bytes[at]! ^= flip;
      if (exitOf(bytes) !== 5) missed.push(at);
      bytes[at]! ^= flip;
    }
    expect(missed).toEqual([]);
  });

  test("each length", { timeout: 300_000 }, () => {
    const missed: number[] = [];
    for (let length = 0; length < good.length; length++) if (exitOf(good.subarray(0, length)) !== 5) missed.push(length);
    expect(missed).toEqual([]);
  });

  test.each([1, 511, 512, 1024, 10_240])("%i bytes more", (count) => {
    expect(exitOf(join(good, new Uint8Array(count)))).toBe(5);
    expect(exitOf(join(good, new Uint8Array(count).fill(65)))).toBe(5);
  });

  test("members swapped, left out, twice", () => {
    for (let i = 0; i < members.length; i++) {
      const parts = members.map(part);
      expect(exitOf(join(...parts.filter((_, k) => k !== i), end))).toBe(5);
      expect(exitOf(join(...parts.slice(0, i), parts[i]!, ...parts.slice(i), end))).toBe(5);
      for (let j = 0; j < i; j++) {
        const swapped = [...parts];
        [swapped[i], swapped[j]] = [swapped[j]!, swapped[i]!];
        expect(exitOf(join(...swapped, end))).toBe(5);
      }
    }
  });

  test("a member that nobody listed", () => {
    const extra = join(headerOf("code/wasm/wasm/z.wasm", 3), Uint8Array.of(1, 2, 3, ...new Uint8Array(509)));
    for (let i = 0; i <= members.length; i++) expect(exitOf(join(...members.slice(0, i).map(part), extra, ...members.slice(i).map(part), end))).toBe(5);
  });

  test("members with other headers: names, links, modes, owners, times", () => {
    const code = members.at(-1)!;
    const change = (edit: (header: Uint8Array) => void): Uint8Array => {
      const bytes = good.slice();
      const header = bytes.subarray(code.start, code.start + BLOCK);
      edit(header);
      header.fill(32, 148, 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
      return bytes;
    };
    const put = (at: number, text: string) => (header: Uint8Array) => header.set(new TextEncoder().encode(text), at);
    const edits = {
      same: put(0, "code"),
      name: put(0, "../../etc/pass"),
      absolute: put(0, "/ode/"),
      upper: put(0, "Code"),
      mode: put(100, "0000755"),
      uid: put(108, "0000001"),
      time: put(136, "00000000001"),
      link: put(156, "2"),
      pax: put(156, "x"),
      user: put(265, "root"),
      prefix: put(345, "etc"),
      gnu: put(257, "ustar  \0"),
    };
    expect(
      Object.entries(edits)
        .filter(([, edit]) => exitOf(change(edit)) === 0)
        .map(([name]) => name),
    ).toEqual(["same"]);
  });

  test("by the loader: no engine is opened", async () => {
    let opened = 0;
    const native = {
      machine: { os: "linux", arch: "x86_64", cpuFeatures: ["avx2"], model: "", cores: 1 },
      open: () => Promise.reject(new Error(`opened ${++opened}`)),
    } as const;
    const both = signBundle(buildBundle(smallInput(), crypto).bytes, SECRET_KEY, crypto);
    await expect(load(both, { trust: [PUBLIC_KEY], crypto, native })).rejects.toThrow("opened 1");
    for (let at = 5; at < both.length; at += 997) {
      const bytes = both.slice();
      bytes[at]! ^= 4;
      await expect(load(bytes, { trust: [PUBLIC_KEY], crypto, native })).rejects.toSatisfy((error) => exitCodeFor(error) === 5);
    }
    expect(opened).toBe(1);
  });
});
