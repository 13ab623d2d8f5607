import { defineConfig } from "vitest/config"
import { LongFirst } from "./test/fixtures/vitest/long-first.ts"
import { SummaryReporter } from "./test/fixtures/vitest/summary-reporter.ts"

const folders = ["src", "lab", "test", "chaos", "fuzz", "bench", "demo", "console"].map((folder) => `${folder}/**`)
const exclude = ["test/real/**", "node_modules/**"]

// Two projects: `unit` needs nothing and is part of `npm run check`; `engines` runs real PostgreSQL and simulators.
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    reporters: ["default", new SummaryReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // Pure functions leave nothing behind for the next file, and loading the modules anew took most of the time.
          isolate: false,
          include: folders.map((folder) => `${folder}/*.test.ts`),
          exclude: [...exclude, "**/*.int.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "engines",
          // Files share their loaded modules here, too: a tenth of the time. What a file starts ends with it.
          isolate: false,
          include: folders.map((folder) => `${folder}/*.int.test.ts`),
          exclude,
          globalSetup: ["test/fixtures/engines-run.ts"],
          // Servers, simulators and clients share two cores here: a wait that ran out is tried once more, and the report says so.
          retry: 1,
          expect: { poll: { timeout: 15_000 } },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
