import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HostProblem } from "../../src/host/host-function.ts";
import { Pattern } from "../../src/host/pattern.ts";

const matches = (pattern: string, text: string): boolean => new Pattern(pattern).matches(text);

describe("a pattern", () => {
  test.each([
    ["", "", true],
    ["", "a", false],
    ["a|ab", "ab", true],
    ["(a|b)*c", "ababc", true],
    ["a{2,3}", "aaaa", false],
    ["a{0}b", "b", true],
    ["a{,3}", "a{,3}", true],
    ["x*?y+?", "xxyy", true],
    ["[^a-c]", "d", true],
    ["[]a]+", "a]", true],
    ["[a-]", "-", true],
    ["[[:digit:][:^alpha:]]+", "1!", true],
    [".", "\n", false],
    ["(?s).", "\n", true],
    ["(?i)straSSE", "STRASSE", true],
    ["(?i:a)b", "AB", false],
    ["a(?i)b|c", "C", true],
    ["(?P<name>a)(?<other>b)", "ab", true],
    ["^a$", "a", true],
    ["(?m)a$\n^b", "a\nb", true],
    ["a$\nb", "a\nb", false],
    ["\\Aa\\z", "a", true],
    ["a\\b \\bb", "a b", true],
    ["a\\Bb", "ab", true],
    ["\\d\\D\\w\\W\\s\\S", "1a_- x", true],
    ["\\x41\\x{1F600}\\101\\.", "A😀A.", true],
    ["\\Qa.b*\\E+", "a.b***", true],
    ["\\Qa.b*\\Ec", "a.b*c", true],
    ["\\p{L}\\pN\\P{Greek}", "ä5z", true],
    ["\\p{Greek}+", "αβγ", true],
    ["..", "😀é", true],
  ])("%j on %j: %s", (pattern, text, wanted) => {
    expect(matches(pattern, text)).toBe(wanted);
  });

  test.each([
    "(",
    ")",
    "a)",
    "[",
    "[b-a]",
    "*a",
    "a**",
    "a{2}{3}",
    "a{1001}",
    "a{3,2}",
    "(?=a)",
    "(?!a)",
    "\\1",
    "\\y",
    "\\",
    "\\p{Nothing}",
    "[[:none:]]",
    "(?P<x",
    "(".repeat(500),
  ])("%j is refused", (pattern) => {
    expect(() => new Pattern(pattern)).toThrowError(HostProblem);
  });

  test.each(["((a{500}){500}){500}", "(((){1000}){1000}){1000}", "(a?){1000}".repeat(30)])("%j is too large", (pattern) => {
    expect(() => new Pattern(pattern)).toThrowError(/too large/);
  });

  test("takes time by the length of the text, whatever it is", () => {
    const start = performance.now();
    expect(matches("(a*)*b", "a".repeat(20_000))).toBe(false);
    expect(matches("(a|aa)+$b?c", "a".repeat(20_000))).toBe(false);
    expect(matches("(a?){100}a{100}", "a".repeat(100))).toBe(true);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  const leaf = fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w");
  const pattern = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.tuple(tie("tree"), tie("tree")).map(([x, y]) => x + y),
      fc.tuple(tie("tree"), tie("tree")).map(([x, y]) => `(?:${x}|${y})`),
      fc.tuple(tie("tree"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{2,}", "*?")).map(([x, mark]) => `(?:${x})${mark}`),
    ),
  })).tree;

  test("means what JavaScript means by it, where both have it", () => {
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom("a", "b", "c", "1", "!"), maxLength: 7 }), (source, text) => {
        expect(matches(source, text)).toBe(new RegExp(`^(?:${source})$`, "u").test(text));
      }),
      { numRuns: 2000 },
    );
  });
});
