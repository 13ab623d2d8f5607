import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, relative, sep } from "node:path"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"

const mount = "/console/"
const noncePlace = "__CSP_NONCE__"

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  json: "application/json; charset=utf-8",
  woff2: "font/woff2",
  png: "image/png",
}

interface Asset {
  bytes: Buffer
  brotli: Buffer | undefined
  type: string
}

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Crossdock</title>
<p>The console is not built. Run <code>npm ci</code>, or <code>npm run prepare</code>, and start Crossdock again.</p></html>`

/**
 * Serves the built console from memory: a client of the public API like any other, so its pages need no credentials and hold no data.
 * Every address below it that names no file is answered with the page, which reads the rest of the address itself. Only scripts and
 * styles with the nonce of the response run.
 */
export function serveConsole(app: FastifyInstance, folder: string): void {
  const assets = readAssets(folder)
  const page = assets.get("index.html")?.bytes.toString("utf8") ?? notBuilt
  app.get("/", (_request, reply) => reply.redirect(mount, 302))
  app.get("/console", (_request, reply) => reply.redirect(mount, 302))
  app.get(`${mount}*`, (request, reply) => {
    const path = (request.params as { "*": string })["*"]
    const asset = path === "index.html" ? undefined : assets.get(path)
    if (asset) return sendAsset(asset, request, reply)
    // A file of an earlier build: the page would be taken for it.
    if (path.startsWith("assets/"))
      return reply.code(404).headers(safe).type("text/plain").send("there is no such file")
    return sendPage(page, reply)
  })
}

function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>()
  if (!existsSync(folder)) return assets
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith(".br")) continue
    const file = join(entry.parentPath, entry.name)
    const type = types[entry.name.slice(entry.name.lastIndexOf(".") + 1)] ?? "application/octet-stream"
    const brotli = existsSync(`${file}.br`) ? readFileSync(`${file}.br`) : undefined
    assets.set(relative(folder, file).split(sep).join("/"), { bytes: readFileSync(file), brotli, type })
  }
  return assets
}

const safe = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
}

function sendAsset({ bytes, brotli, type }: Asset, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const takesBrotli = /\bbr\b/.test(request.headers["accept-encoding"] ?? "")
  reply.headers(safe).header("vary", "accept-encoding").type(type)
  // Names of files contain a hash of what is in them.
  reply.header("cache-control", "public, max-age=31536000, immutable")
  if (!brotli || !takesBrotli) return reply.send(bytes)
  return reply.header("content-encoding", "br").send(brotli)
}

function sendPage(page: string, reply: FastifyReply): FastifyReply {
  const nonce = randomBytes(18).toString("base64")
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ")
  return reply
    .headers(safe)
    .headers({ "content-security-policy": policy, "cache-control": "no-store" })
    .type(types["html"] ?? "")
    .send(page.replaceAll(noncePlace, nonce))
}
