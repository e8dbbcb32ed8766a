import { describe, expect, test } from "vitest";
import { MAX_OPEN_FILES, NONE_OPEN, type OpenFilesAction, change } from "./openFiles";

const after = (...actions: OpenFilesAction[]) => actions.reduce(change, NONE_OPEN);
const open = (file: string): OpenFilesAction => ({ type: "open", file });

describe("open files", () => {
  test("a file that is opened is seen, and opened once", () => {
    const { files, current } = after(open("a"), open("b"), open("a"));
    expect([files, current]).toEqual([["a", "b"], "a"]);
  });

  test("closing the file that is seen shows its neighbour", () => {
    expect(after(open("a"), open("b"), open("c"), open("b"), { type: "close", file: "b" }).current).toBe("c");
    expect(after(open("a"), { type: "close", file: "a" }).current).toBeNull();
  });

  test("closing another file leaves the one that is seen", () => {
    expect(after(open("a"), open("b"), { type: "close", file: "a" }).current).toBe("b");
  });

  test("too many files close the oldest, but never one with unsaved edits", () => {
    const many = Array.from({ length: MAX_OPEN_FILES }, (_, number) => open(`f${number}`));
    const { files } = after(...many, { type: "mark", file: "f0", isChanged: true }, open("last"));
    expect([files.includes("f0"), files.includes("f1"), files.length]).toEqual([true, false, MAX_OPEN_FILES]);
  });

  test("a closed file is no longer changed", () => {
    const { changed } = after(open("a"), { type: "mark", file: "a", isChanged: true }, { type: "close", file: "a" });
    expect(changed.size).toBe(0);
  });
});
