import { readdirSync } from "node:fs"
import type { LawSubject } from "../../src/ports/law-subject.ts"

/** A connector beside a simulator of its vendor: each of its writes is a subject of the laws. */
export interface LawBench {
  subjects: LawSubject[]
  stop(): Promise<void>
}

const folder = new URL("./subjects/", import.meta.url)

/** Starts the bench of every connector that has one: `subjects/{folder of the connector}.ts`, which exports `startBench`. */
export async function startBenches(): Promise<LawBench[]> {
  const benches: LawBench[] = []
  for (const file of readdirSync(folder).sort()) {
    // Each file of the folder exports it, see above; another would fail at the call.
    const { startBench } = (await import(new URL(file, folder).href)) as { startBench: () => Promise<LawBench> }
    benches.push(await startBench())
  }
  return benches
}
