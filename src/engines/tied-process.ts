import { spawn } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { createInterface } from "node:readline"

/** A program to run so that it ends with its owner. */
export interface TiedProcess {
  command: string
  args: readonly string[]
  cwd: string
  env: Record<string, string | undefined>
  /** User to run as; default: our own. */
  identity?: { uid: number; gid: number }
  logFile: string
  /** Signal that ends it when the owner is gone. */
  stopSignal: NodeJS.Signals
  /** A named pipe whose writers are the owner; default: this process is the owner. */
  lifeline?: string
}

/** How long a process may take to end by itself once its owner is gone. */
const patienceSeconds = 6

/**
 * A shell between us and the process. It reads from a pipe that only the owner has open for writing. However the owner
 * dies, `kill -9` included, the system closes the pipe, the read ends, and the shell ends the process. This works on
 * every system with a POSIX shell and for every user, and the process is never unwatched, not even at its start. File
 * descriptors: 0 the pipe, 1 receives the process id, 2 the log.
 */
const script = `
signal=$1 patience=$2
shift 2
exec 3<&0 0</dev/null
"$@" 3<&- >&2 &
process=$!
(exec >&2
read -r _ <&3
kill -"$signal" "$process"
sleep "$patience" 3<&-
kill -KILL "$process") 2>/dev/null &
watcher=$!
echo "$process"
exec >&2 3<&-
wait "$process"
kill "$watcher" 2>/dev/null`

/**
 * Starts a process that ends with its owner. It is outside our process group, so that Ctrl-C reaches us first. Returns
 * its process id (not the shell's). Errors: the system's, when there is no shell or the folder is missing.
 */
export async function startTiedProcess(plan: TiedProcess): Promise<number> {
  const log = openSync(plan.logFile, "a", 0o600)
  const lifeline = plan.lifeline === undefined ? undefined : openSync(plan.lifeline, "r")
  const args = [plan.stopSignal.replace(/^SIG/, ""), String(patienceSeconds), plan.command, ...plan.args]
  const shell = spawn("/bin/sh", ["-c", script, "crossdock", ...args], {
    cwd: plan.cwd,
    env: plan.env,
    detached: true,
    stdio: [lifeline ?? "pipe", "pipe", log],
    ...plan.identity,
  })
  closeSync(log)
  if (lifeline !== undefined) closeSync(lifeline)
  const failed = new Promise<never>((_resolve, reject) => shell.once("error", reject))
  // The pipe stays open, unused, as long as this process lives.
  shell.stdin?.on("error", () => undefined)
  if (shell.stdin && "unref" in shell.stdin && typeof shell.stdin.unref === "function") shell.stdin.unref()
  shell.unref()
  const { stdout } = shell
  if (!stdout) throw new Error("the shell has no output for the process id")
  const told = new Promise<number>((resolve, reject) => {
    createInterface({ input: stdout }).once("line", (line) => resolve(Number(line)))
    stdout.once("close", () => reject(new Error("the shell ended before it started the process")))
  })
  return Promise.race([told, failed])
}
