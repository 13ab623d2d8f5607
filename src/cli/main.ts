import { asAppError } from "../base/errors.ts"
import { runDemo } from "./demo.ts"
import { runEngines, runStart } from "./start.ts"

/** Exit codes, a public list: 0 done, 1 defect, 2 usage, 3 not reachable, 4 checks failed. */
export const exitCodes = { done: 0, defect: 1, usage: 2, notReachable: 3, checksFailed: 4 } as const

interface Command {
  usage: string
  summary: string
  run: (args: string[]) => Promise<number>
}

const commands: Record<string, Command> = {
  start: { usage: "start", summary: "start engines and Crossdock with crossdock.config.ts", run: runStart },
  demo: {
    usage: "demo [--orders-per-second N] [--seed N] [--calm]",
    summary: "start everything with the demo estate and trade",
    run: runDemo,
  },
  engines: { usage: "engines", summary: "start only the engines and print their addresses as JSON", run: runEngines },
}

process.exitCode = await main(process.argv.slice(2))

async function main([name = "help", ...args]: string[]): Promise<number> {
  const command = commands[name]
  if (!command) {
    const isHelp = ["help", "--help", "-h"].includes(name)
    const lines = Object.values(commands).map(({ usage, summary }) => `  crossdock ${usage.padEnd(52)} ${summary}`)
    const text = `${isHelp ? "" : `there is no command "${name}"\n\n`}usage:\n${lines.join("\n")}\n`
    ;(isHelp ? process.stdout : process.stderr).write(text)
    return isHelp ? exitCodes.done : exitCodes.usage
  }
  try {
    return await command.run(args)
  } catch (thrown) {
    const error = asAppError(thrown)
    process.stderr.write(`${error.message}\n`)
    return error.kind === "invalid"
      ? exitCodes.usage
      : error.kind === "unavailable"
        ? exitCodes.notReachable
        : exitCodes.defect
  }
}
