import { spawn } from "node:child_process"
import { chownSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { childEnvironment } from "../../base/config.ts"
import { AppError } from "../../base/errors.ts"
import type { PostgresPlace } from "../postgres-place.ts"
import { superuser } from "./roles.ts"

/** Creates the cluster in a temporary folder and renames it when complete, so that a crash leaves no partial cluster. */
export async function createCluster(
  place: PostgresPlace,
  data: string,
  options: { password: string; isSynced: boolean },
): Promise<void> {
  const unfinished = `${data}.new`
  const passwordFile = join(place.home, "initial-password")
  rmSync(unfinished, { recursive: true, force: true })
  writeFileSync(passwordFile, options.password, { mode: 0o600 })
  if (place.user) chownSync(passwordFile, place.user.uid, place.user.gid)
  try {
    await runInitdb(place, [
      `--pgdata=${unfinished}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // The built-in provider sorts the same on every operating system and after its upgrades.
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--data-checksums",
      ...(options.isSynced ? [] : ["--no-sync"]),
    ])
    renameSync(unfinished, data)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function runInitdb(place: PostgresPlace, args: string[]): Promise<void> {
  const identity = place.user ? { uid: place.user.uid, gid: place.user.gid } : {}
  return new Promise((resolve, reject) => {
    const child = spawn(place.initdb, args, { cwd: place.home, env: postgresEnvironment(), stdio: "pipe", ...identity })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)))
    const fail = (reason: string) =>
      reject(new AppError("CONFIG_INVALID", `initdb failed (${reason}): ${output.slice(-1000)}`))
    child.once("error", (error) => fail(error.message))
    child.once("close", (code) => (code === 0 ? resolve() : fail(`exit code ${code}`)))
  })
}

/** Environment for the server's programs. */
export function postgresEnvironment(): Record<string, string | undefined> {
  // The caller's PG* variables would reach initdb and the server; the locale sets the language of messages.
  const inherited = Object.entries(childEnvironment()).filter(
    ([name]) => !name.startsWith("PG") && !name.startsWith("LC_"),
  )
  return { ...Object.fromEntries(inherited), LANG: "C", LC_ALL: "C" }
}
