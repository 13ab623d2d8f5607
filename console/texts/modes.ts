import { counted } from "./counted.ts"
import { countText } from "../format/quantity.ts"

/** Texts about what is done while a system is away. */
export const modes = {
  modes: {
    title: "Modes",
    name: "Mode",
    system: "System",
    state: "State",
    since: "Since",
    waiting: "Wait",
    owner: "Owner",
    because: "Because",
    none: "The estate has no modes: what is done while a system is away is not written down yet.",
    goesOn: "Goes on",
    waits: "Waits",
    buyers: "Buyers are told",
    pace: "On the way back",
    perMinute: (n: number) => `${countText(n)} a minute`,
    asTaken: "as many as the system takes",
    done: (text: string) => `done in ${text}`,
    now: (n: number) => counted(n, "object waits", "objects wait"),
    isEntered: (name: string) => `${name}:`,
    runbooks: "What people do",
    readers: { it: "For IT", store: "For stores" } as Readonly<Record<string, string>>,
    elsewhere: "It is kept elsewhere:",
    enter: "Enter",
    leave: "Leave",
    enterTitle: (name: string) => `Enter "${name}"`,
    leaveTitle: (name: string) => `Leave "${name}"`,
    enterDoes: (system: string) =>
      `${system} is not called until somebody leaves the mode. Work for it waits, and nothing of it is lost. Channels are told.`,
    leaveDoes: (system: string) =>
      `${system} is called again. What waited goes on, and the mode ends with the last of it.`,
    reasonHint: "For example: maintenance until 23:00",
    episodes: "Before",
    neverEntered: "It was never entered.",
    when: "When",
    lasted: "Lasted",
    mostWaiting: "Most waited",
    orders: "Orders placed meanwhile",
    worth: "Worth",
    unaccounted: "Unaccounted for",
    ordersBecame: (of: { ended: number; goingOn: number; withAPerson: number }) =>
      `${countText(of.ended)} ended, ${countText(of.goingOn)} go on, ${countText(of.withAPerson)} with a person`,
    goesOnNow: "still entered",
  },
} as const
