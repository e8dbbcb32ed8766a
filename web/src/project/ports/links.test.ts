import { expect, test } from "vitest";
import { LIFETIMES, LIFETIME_LABELS, inOrder, portText } from "./links";

const port = (port: number, listening: boolean) => ({ port, listening, exposed: true, host_port: null, preview_url: "" });

test("ports on which somebody listens stand first, each lot in order", () => {
  const ports = inOrder([port(8080, false), port(9000, true), port(3000, false), port(5000, true)]);
  expect(ports.map(({ port }) => port)).toEqual([5000, 9000, 3000, 8080]);
});

test("a link without a port says what it opens", () => {
  expect([portText(null), portText(3000)]).toEqual(["whichever the preview shows", "3000"]);
});

test("each lifetime has a name", () => {
  expect(LIFETIMES.map((seconds) => LIFETIME_LABELS[seconds])).toEqual(["1 hour", "1 day", "7 days"]);
});
