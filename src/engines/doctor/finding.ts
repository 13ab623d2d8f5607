import type { Problem } from "../../base/errors.ts"

/** The result of one check. */
export interface Finding {
  /** Name of the check, e.g. `disk`, `connection shop`. */
  check: string
  status: "ok" | "warn" | "fail"
  /** The observation. */
  found: string
  /** The action for a person; absent when all is well. */
  remedy?: string
}

/** A check that the caller supplies, e.g. of one configured connection. A thrown error counts as `fail`. */
export interface NamedProbe {
  name: string
  run(): Promise<Pick<Finding, "status" | "found" | "remedy">>
}

export interface DoctorOptions {
  dataFolder: string
  /** Folder of the numbered SQL files. */
  migrationsFolder: string
  databaseUrl?: string | undefined
  /** Preferred port of the gateway; checked only while no Crossdock runs. */
  gatewayPort?: number
  /** The configuration file that is used. */
  configurationFile?: string
  /** Asks a running Crossdock how its work goes. */
  findProblemsAtWork?: () => Promise<readonly Finding[]>
  /** Returns every problem of the configuration; an empty list when it is valid. */
  findConfigurationProblems?: () => Promise<readonly Problem[]>
  connections?: readonly NamedProbe[]
  /** Longest time for one check. Default 10 s. */
  timeoutMs?: number
}
