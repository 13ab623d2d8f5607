import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** A system user that runs a server when Crossdock itself runs as root. */
export interface SystemUser {
  name: string
  uid: number
  gid: number
}

/** The user that runs PostgreSQL; undefined (our own) unless we are root, which PostgreSQL refuses. */
export function unprivilegedUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  return (
    findUser("postgres") ?? findUser("_postgres") ?? findUser("nobody") ?? { name: "65534", uid: 65_534, gid: 65_534 }
  )
}

// passwd(5): name:password:uid:gid:comment:home:shell
function findUser(name: string): SystemUser | undefined {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(":") ?? []
  const user = { name, uid: Number(uid), gid: Number(gid) }
  return user.uid > 0 && user.gid > 0 ? user : undefined
}

/** Whether the user can run this program. Runs it, because parent folders, ACLs and mount options all matter. */
export function canRun(user: SystemUser, program: string): boolean {
  return spawnSync(program, ["--version"], { cwd: "/", stdio: "ignore", uid: user.uid, gid: user.gid }).status === 0
}

/** Whether the user can enter and write this folder. */
export function canWrite(user: SystemUser, folder: string): boolean {
  const script = 'test -w "$0" && test -x "$0"'
  return (
    spawnSync("/bin/sh", ["-c", script, folder], { cwd: "/", stdio: "ignore", uid: user.uid, gid: user.gid }).status ===
    0
  )
}
