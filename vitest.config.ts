import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "lab/**/*.test.ts", "test/**/*.test.ts", "chaos/**/*.test.ts", "bench/**/*.test.ts"],
    exclude: ["test/real/**", "node_modules/**"],
    globalSetup: ["test/fixtures/engines-run.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
