import { parseArgs } from "node:util"
import type { SimulatorName } from "./simulators.ts"
import type { LabOptions } from "./start.ts"

/** The command line of `lab/main.ts`. */
export type LabArguments = {
  options: Pick<LabOptions, "seed" | "firstPort" | "target" | "only" | "stateFolder">
  configFile: string | undefined
  diesWithParent: boolean
  /** The shop tells of each change of its stock, which it does for apps that ask for it. */
  tellsOfStock: boolean
}

/** Reads the command line; `--ports 4501..` means one port after the other from 4501, 0 means any free port. */
export function readLabArguments(args: readonly string[]): LabArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string", default: "7" },
      ports: { type: "string", default: "0" },
      target: { type: "string" },
      only: { type: "string" },
      state: { type: "string" },
      config: { type: "string" },
      "die-with-parent": { type: "boolean", default: false },
      "tell-of-stock": { type: "boolean", default: false },
    },
  })
  return {
    options: {
      seed: wholeNumber("--seed", values.seed),
      firstPort: wholeNumber("--ports", values.ports.replace(/\.\.$/, "")),
      ...(values.target === undefined ? {} : { target: values.target }),
      // startLab refuses names it does not know.
      ...(values.only === undefined ? {} : { only: values.only.split(",") as SimulatorName[] }),
      ...(values.state === undefined ? {} : { stateFolder: values.state }),
    },
    configFile: values.config,
    diesWithParent: values["die-with-parent"],
    tellsOfStock: values["tell-of-stock"],
  }
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${option} must be a whole number, got "${text}"`)
  return Number(text)
}
