import { deploymentValue, setDeploymentValue } from "../base/config.ts"
import { own } from "../base/lookup.ts"
import { commands } from "./commands.ts"
import { restoreLabAddresses } from "./demo/lab-process.ts"
import { exitCodes, failureOf } from "./failure.ts"
import { commandHelp, helpOf, unknownCommand } from "./help.ts"

process.exitCode = await main(process.argv.slice(2))

async function main([name = "help", ...args]: string[]): Promise<number> {
  const command = own(commands, name)
  if (deploymentValue("LAB_ADDRESSES") === undefined && name !== "demo")
    restoreLabAddresses((value) => setDeploymentValue("LAB_ADDRESSES", value))
  if (["help", "--help", "-h"].includes(name)) {
    const text = helpOf(args[0])
    ;(text === undefined ? process.stderr : process.stdout).write(text ?? unknownCommand(args[0] ?? ""))
    return text === undefined ? exitCodes.usage : exitCodes.done
  }
  if (!command) {
    process.stderr.write(unknownCommand(name))
    return exitCodes.usage
  }
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(commandHelp(command))
    return exitCodes.done
  }
  try {
    return await command.run(args)
  } catch (thrown) {
    const wrongOption = optionProblem(thrown)
    if (wrongOption !== undefined) {
      process.stderr.write(`${wrongOption}\n${commandHelp(command)}`)
      return exitCodes.usage
    }
    const { text, code } = failureOf(thrown, { isJson: args.includes("--json") })
    process.stderr.write(text)
    return code
  }
}

/** What is wrong with the options of a command, when that is what `parseArgs` threw. Its advice about "--" helps nobody here. */
function optionProblem(thrown: unknown): string | undefined {
  const isOfOptions = thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE_ARGS_")
  return isOfOptions ? thrown.message.split(". ")[0] : undefined
}
