import type { Promised } from "../../api/promise-answers.ts"
import { promisedTime, promiseState, shareText } from "../../format/promise.ts"
import { countText } from "../../format/quantity.ts"
import type { Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Amounts, State } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.promises

const name: Column<Promised> = {
  head: t.name,
  cell: (one) => <Link to={paths.promise(one.name)}>{one.name}</Link>,
  isWide: true,
  onCard: "title",
}
const state: Column<Promised> = {
  head: t.state,
  cell: ({ says }) => <State shown={promiseState(says)} />,
  onCard: "aside",
}
const missed: Column<Promised> = {
  head: t.missed,
  cell: ({ scopes: [worst] }) => (worst ? t.missedOf(countText(worst.bad), countText(worst.n)) : "–"),
  isNumber: true,
}
const atRisk: Column<Promised> = {
  head: t.atRisk,
  cell: (one) =>
    one.overdue > 0 ? `${countText(one.atRisk)}, ${t.overdue(countText(one.overdue))}` : countText(one.atRisk),
  isNumber: true,
}

/** Beside other lists. */
export const fewColumns: readonly Column<Promised>[] = [name, missed, state]

/** On a screen of their own. */
export const allColumns: readonly Column<Promised>[] = [
  state,
  name,
  { head: t.in, cell: promisedTime },
  { head: t.target, cell: ({ target }) => shareText(target), isNumber: true },
  { head: t.open, cell: ({ open }) => countText(open), isNumber: true },
  atRisk,
  missed,
  { head: t.burn, cell: ({ scopes: [worst] }) => (worst ? t.burnText(worst.burn.toFixed(1)) : "–"), isNumber: true },
  { head: t.money, cell: ({ scopes: [worst] }) => <Amounts amounts={worst?.money ?? []} />, isNumber: true },
  { head: t.owner, cell: ({ owner = "operations" }) => owner },
]
