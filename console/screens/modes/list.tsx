import type { Page as Items } from "../../api/answers.ts"
import type { Mode } from "../../api/mode-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { modeState } from "./state.ts"
import { countText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.modes

const columns: readonly Column<Mode>[] = [
  { head: t.name, cell: ({ name }) => <Link to={paths.mode(name)}>{name}</Link>, onCard: "title" },
  { head: t.state, cell: (mode) => <State shown={modeState(mode)} />, onCard: "aside" },
  { head: t.since, cell: ({ since }) => <When at={since} isShort /> },
  { head: t.waiting, cell: ({ waiting }) => countText(waiting), isNumber: true },
  { head: t.system, cell: ({ connection }) => <Link to={paths.connection(connection)}>{connection}</Link> },
  { head: t.owner, cell: ({ owner }) => owner },
  { head: t.because, cell: ({ because }) => because, isWide: true, onCard: "text" },
]

/** All modes of the estate; an estate may have none. */
export function ModesSection() {
  const reading = useApi<Items<Mode>>("/v1/modes")
  return (
    <Section title={t.title}>
      <Loaded reading={reading} lines={4}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.none}</p>
          ) : (
            <List name={t.title} rows={items} columns={columns} keyOf={({ name }) => name} />
          )
        }
      </Loaded>
    </Section>
  )
}
