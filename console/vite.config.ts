import { join } from "node:path"
import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"
import { brotli } from "./brotli.ts"

/** An estate to develop against: its address, and the operator's key that the proxy adds instead of a session. */
const estate = process.env["CROSSDOCK_URL"] ?? "http://127.0.0.1:4400"
const key = process.env["CROSSDOCK_KEY"]

export default defineConfig({
  root: import.meta.dirname,
  base: "/console/",
  cacheDir: join(import.meta.dirname, "../node_modules/.vite/console"),
  plugins: [react(), brotli()],
  // The gateway puts a new nonce in its place with every response.
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/v1": { target: estate, ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }) },
    },
  },
})
