import { join } from "node:path"

// `npm ci` runs this once (the script `prepare`). Without the development packages there is nothing to build with.
try {
  const { build } = await import("vite")
  await build({ configFile: join(import.meta.dirname, "vite.config.ts"), logLevel: "warn" })
} catch (error) {
  if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) throw error
  process.stderr.write("the console is not built: the development packages are not installed\n")
}
