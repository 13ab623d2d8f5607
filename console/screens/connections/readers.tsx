import type { Reader } from "../../api/system-answers.ts"
import { readerState } from "../../format/connection.ts"
import { lengthText } from "../../format/time.ts"
import type { Column } from "../../list/list.tsx"
import { State, When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"

const t = en.connections

/** What reads in the background, and whether it is in time. */
export const readerColumns: readonly Column<Reader>[] = [
  { head: t.reader, cell: ({ name }) => name, onCard: "title" },
  { head: t.state, cell: (one) => <State shown={readerState(one)} />, onCard: "aside" },
  { head: t.heard, cell: ({ succeededAt }) => <When at={succeededAt} isShort /> },
  { head: t.every, cell: ({ everyMs }) => (everyMs === 0 ? "–" : lengthText(everyMs)), isNumber: true },
  { head: t.limit, cell: ({ lateAfterMs }) => lengthText(lateAfterMs), isNumber: true },
  {
    head: t.lastError,
    cell: ({ lastError }) => <span title={lastError}>{lastError}</span>,
    isWide: true,
    onCard: "text",
  },
]
