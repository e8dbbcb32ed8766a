import { describe, expect, test } from "vitest";
import { contentUrl, readAtMost, textIn } from "./files";

describe("a file's content", () => {
  test("is text when it is UTF-8, with its byte order mark kept", () => {
    expect(textIn(new TextEncoder().encode("grüße\r\n"))).toBe("grüße\r\n");
    expect(textIn(Uint8Array.of(0xef, 0xbb, 0xbf, 65))).toBe("\ufeffA");
  });

  test("is no text when an editor would spoil it", () => {
    expect([textIn(Uint8Array.of(0xff, 0xfe)), textIn(Uint8Array.of(65, 0, 66))]).toEqual([null, null]);
  });

  test("is read up to its limit and no further", async () => {
    const answer = () => new Response("12345");
    expect(await readAtMost(answer(), 5)).toEqual(new TextEncoder().encode("12345"));
    expect(await readAtMost(answer(), 4)).toBeNull();
  });

  test("is empty when there is none", async () => {
    expect(await readAtMost(new Response(null), 5)).toEqual(new Uint8Array());
  });
});

test("names with any characters stand in the address unharmed", () => {
  expect(contentUrl("todo", "docs/über uns#1?.md")).toBe("/api/v1/projects/todo/content/docs/%C3%BCber%20uns%231%3F.md");
});
