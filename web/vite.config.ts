// How the web IDE is built, tested and, while developing, joined to a running host.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// While developing, `npm run dev` serves the screens and hands everything else to this host.
const developmentHost = process.env["LOCKHOUSE_HOST"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    // The editor and the terminal load after the first screen, so that page 9's cold start holds.
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      "/api": { target: developmentHost, ws: true },
      "/sign-in": {
        target: developmentHost,
        bypass: (request) => (request.url?.includes("ticket=") ? undefined : "/index.html"),
      },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
