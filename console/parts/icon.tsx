import type { Role } from "../format/roles.ts"

/** Outlines on a grid of 16; the icons of state are filled where their role is. */
const outlines = {
  today: "M2.5 6.5h11M4.5 2v2M11.5 2v2M2.5 3.5h11v10h-11z",
  exceptions: "M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2",
  orders: "M3 2.5h10v11l-1.7-1.2L9.7 13.5 8 12.3l-1.7 1.2-1.6-1.2L3 13.5zM5.5 5.5h5M5.5 8.5h5",
  returns: "M6 3 2.5 6.5 6 10M2.5 6.5h7a3.5 3.5 0 0 1 0 7H6",
  stock: "M2.5 5 8 2.2 13.5 5v6L8 13.8 2.5 11zM2.5 5 8 7.8 13.5 5M8 7.8v6",
  store:
    "M2.5 6.5 4 2.5h8l1.5 4M2.5 6.5a1.8 1.8 0 0 0 3.7 0 1.8 1.8 0 0 0 3.6 0 1.8 1.8 0 0 0 3.7 0M3.5 8.5v5h9v-5M6.5 13.5v-3h3v3",
  catalogue: "M2.5 2.5h5l6 6-5 5-6-6zM5.2 5.2h.1",
  books: "M3 3.5c2-1 4-1 5 0 1-1 3-1 5 0v9c-2-1-4-1-5 0-1-1-3-1-5 0zM8 3.5v9",
  connections: "M6 5V2.5M10 5V2.5M4 5h8v2.5a4 4 0 0 1-8 0zM8 11.5v2.5",
  flows: "M4 4.5h5a2.5 2.5 0 0 1 0 5H7a2.5 2.5 0 0 0 0 5h5M2.5 4.5h.2M13.5 14.5h-.2",
  promises: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM5.5 8.2 7.3 10l3.3-3.8",
  operations: "M2.5 4h3v3h-3zM2.5 10h3v3h-3zM8 5.5h5.5M8 11.5h5.5",
  admin: "M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M10.5 3v3M5.5 10v3",
  find: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.7 10.7 14 14",
  more: "M3 8h.2M8 8h.2M13 8h.2",
  out: "M6 2.5H2.5v11H6M9.5 5 13 8l-3.5 3M13 8H6",
  copy: "M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3",
  back: "M9.5 3.5 5 8l4.5 4.5",
  close: "M4 4l8 8M12 4l-8 8",
} as const

const states: Readonly<Record<Role, { outline?: string; filled?: string }>> = {
  moving: { filled: "M4.5 3v10l8-5z" },
  waiting: { outline: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 5v3.2l2 1.3" },
  risk: { outline: "M8 2.8 14 13H2zM8 6.8v2.7M8 11.2v.1" },
  stopped: { filled: "M3.5 3.5h9v9h-9z" },
  done: { outline: "M3 8.5 6.5 12 13 4.5" },
  needs: { filled: "M8 12.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z" },
}

export type IconName = keyof typeof outlines

const size = { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": true, focusable: false } as const
const stroke = {
  fill: "none",
  stroke: "currentColor",
  strokeWidth: 1.5,
  strokeLinecap: "round",
  strokeLinejoin: "round",
} as const

/** A picture beside a word that says the same. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg {...size} className="icon">
      <path d={outlines[name]} {...stroke} strokeWidth={name === "more" ? 2.6 : 1.5} />
    </svg>
  )
}

export function StateIcon({ role }: { role: Role }) {
  const { outline, filled } = states[role]
  return (
    <svg {...size} className="icon">
      {outline !== undefined && <path d={outline} {...stroke} strokeWidth={1.8} />}
      {filled !== undefined && <path d={filled} fill="currentColor" />}
    </svg>
  )
}
