import { own } from "../base/lookup.ts"
import { editDistance } from "../base/text.ts"
import { commandGroups, commands, type Command } from "./commands.ts"

/** How one command is used. */
export const commandHelp = ({ usage, summary }: Command): string => `usage: crossdock ${usage}\n${summary}\n`

/** The groups with the names of their commands; of a group every command with its usage; of a command its usage. Undefined: neither. */
export function helpOf(name: string | undefined): string | undefined {
  if (name === undefined) return `usage: crossdock <command>\n\n${groupList()}`
  const does = own(commandGroups, name)
  if (does !== undefined)
    return `${name}: ${does}\n\n${commandsOf(name)
      .map(([, one]) => details(one))
      .join("\n")}`
  const command = own(commands, name)
  return command && commandHelp(command)
}

/** What is said about a name that is neither a command nor a group. */
export function unknownCommand(name: string): string {
  const near = nearest(name)
  const hint = near === undefined ? "" : `; did you mean "${near}"?`
  return `there is no command "${name}"${hint}\n\n${groupList()}`
}

const commandsOf = (group: string) => Object.entries(commands).filter(([, one]) => one.group === group)

const details = ({ usage, summary }: Command) => `  crossdock ${usage}\n      ${summary}\n`

function groupList(): string {
  const lines = Object.entries(commandGroups).map(([group, does]) => {
    const names = commandsOf(group).map(([name]) => name)
    return `  ${group.padEnd(10)} ${does}\n             ${names.join(", ")}\n`
  })
  return `${lines.join("")}\ncrossdock help <group or command> says how they are used\n`
}

/** The name most like it: the beginning of one, or one with few letters changed. */
function nearest(name: string): string | undefined {
  const wanted = name.toLowerCase()
  const [best] = [...Object.keys(commands), "help"]
    .map((known) => ({
      known,
      distance: wanted.length > 1 && known.startsWith(wanted) ? 1 : editDistance(wanted, known),
    }))
    .sort((one, other) => one.distance - other.distance)
  return best && best.distance <= Math.max(1, Math.ceil(wanted.length / 3)) ? best.known : undefined
}
