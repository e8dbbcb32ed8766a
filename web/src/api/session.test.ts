import { expect, test } from "vitest";
import { ticketPath } from "./session";

test("a pasted sign-in URL leads to its ticket on this host, whatever host it names", () => {
  expect(ticketPath(" http://127.0.0.1:8000/sign-in?ticket=a%2Bb ")).toBe("/sign-in?ticket=a%2Bb");
});

test("a token is no URL", () => {
  expect(ticketPath("lh_abc123")).toBeNull();
  expect(ticketPath("http://127.0.0.1:8000/")).toBeNull();
});
