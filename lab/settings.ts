import { parseArgs } from "node:util"

/** What `lab/main.ts` was asked to do on its command line. */
export type LabArguments = {
  seed: number
  firstPort: number
  target: string | undefined
  configFile: string | undefined
  diesWithParent: boolean
}

/** Reads the command line; `--ports 4501..` means one port after the other from 4501, 0 means any free port. */
export function readLabArguments(args: readonly string[]): LabArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string", default: "7" },
      ports: { type: "string", default: "0" },
      target: { type: "string" },
      config: { type: "string" },
      "die-with-parent": { type: "boolean", default: false },
    },
  })
  return {
    seed: wholeNumber("--seed", values.seed),
    firstPort: wholeNumber("--ports", values.ports.replace(/\.\.$/, "")),
    target: values.target,
    configFile: values.config,
    diesWithParent: values["die-with-parent"],
  }
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${option} must be a whole number, got "${text}"`)
  return Number(text)
}
