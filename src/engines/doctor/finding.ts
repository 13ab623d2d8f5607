import type { Problem } from "../../base/errors.ts"

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, e.g. `disk`, `connection shop`. */
  check: string
  status: "ok" | "warn" | "fail"
  /** What was seen. */
  found: string
  /** What to do about it; absent when all is well. */
  remedy?: string
}

/** Looks at one thing of somebody else's, e.g. one configured connection. A thrown error counts as `fail`. */
export interface NamedProbe {
  name: string
  run(): Promise<Pick<Finding, "status" | "found" | "remedy">>
}

export interface DoctorOptions {
  dataFolder: string
  /** Folder of the numbered SQL files. */
  migrationsFolder: string
  databaseUrl?: string | undefined
  /** Port the gateway would like; looked at only while no Crossdock runs. */
  gatewayPort?: number
  /** Every problem of the configuration; an empty list when it is well. */
  findConfigurationProblems?: () => Promise<readonly Problem[]>
  connections?: readonly NamedProbe[]
  /** Longest time for one check. Default 10 s. */
  timeoutMs?: number
}
