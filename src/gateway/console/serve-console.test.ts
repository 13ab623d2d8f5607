import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { brotliCompressSync, brotliDecompressSync } from "node:zlib"
import { fastify } from "fastify"
import { afterAll, describe, expect, it } from "vitest"
import { serveConsole } from "./serve-console.ts"

const folder = mkdtempSync(join(tmpdir(), "crossdock-console-"))
mkdirSync(join(folder, "assets"))
writeFileSync(
  join(folder, "index.html"),
  `<!doctype html><script type="module" nonce="__CSP_NONCE__" src="/console/assets/a.js"></script>`,
)
writeFileSync(join(folder, "assets", "a.js"), "let a = 1")
writeFileSync(join(folder, "assets", "a.js.br"), brotliCompressSync("let a = 1"))
const app = fastify()
serveConsole(app, folder)
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: "GET", url, headers })

describe("the console's page", () => {
  it("is the answer to every address below it, with a nonce of its own that the policy names", async () => {
    const nonces = []
    for (const url of ["/console/", "/console/exceptions?owner=me", "/console/orders/ord_1", "/console/index.html"]) {
      const answer = await get(url)
      expect([url, answer.statusCode, answer.headers["content-type"]]).toEqual([url, 200, "text/html; charset=utf-8"])
      const nonce = /nonce="([^"]+)"/.exec(answer.body)?.[1] ?? ""
      expect(answer.headers["content-security-policy"]).toContain(`script-src 'self' 'nonce-${nonce}'`)
      expect(answer.headers["content-security-policy"]).toContain("frame-ancestors 'none'")
      expect(answer.headers["cache-control"]).toBe("no-store")
      nonces.push(nonce)
    }
    expect(new Set(nonces).size).toBe(4)
    expect((await get("/")).headers.location).toBe("/console/")
  })

  it("says what to do when the console is not built", async () => {
    const bare = fastify()
    serveConsole(bare, join(folder, "nowhere"))
    expect((await bare.inject({ method: "GET", url: "/console/" })).body).toContain("npm ci")
    await bare.close()
  })
})

describe("its files", () => {
  it("are kept by browsers for good, and come compressed to those that take it", async () => {
    const plain = await get("/console/assets/a.js")
    expect([plain.body, plain.headers["cache-control"], plain.headers["content-encoding"]]).toEqual([
      "let a = 1",
      "public, max-age=31536000, immutable",
      undefined,
    ])
    const small = await get("/console/assets/a.js", { "accept-encoding": "gzip, br" })
    expect(small.headers["content-encoding"]).toBe("br")
    expect(brotliDecompressSync(small.rawPayload).toString()).toBe("let a = 1")
  })

  it("of another build are not found, and no path leads out of the folder", async () => {
    expect((await get("/console/assets/old.js")).statusCode).toBe(404)
    for (const url of [
      "/console/../package.json",
      "/console/%2e%2e/package.json",
      "/console/assets/..%2f..%2fpackage.json",
    ])
      expect((await get(url)).body).not.toContain('"crossdock"')
  })
})
