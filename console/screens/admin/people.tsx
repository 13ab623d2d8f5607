import { useState } from "react"
import { change } from "../../api/client.ts"
import { useRight } from "../../api/session.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { Person } from "../../api/system-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { CopyButton } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { Dialog } from "../../parts/dialog.tsx"
import { Failed } from "../../parts/failed.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { useAct } from "../../parts/use-act.ts"
import { State } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"

const t = en.admin

/** Who uses the console, and links to sign in. */
export function People() {
  const reading = useApi<Items<Person>>("/v1/people", { isSteady: true })
  const right = useRight("change people")
  const [made, setMade] = useState<{ name: string; link: string }>()
  const { error, run } = useAct()
  const makeLink = async (name: string) => {
    const { path } = await change<{ path: string }>("POST", `/v1/people/${encodeURIComponent(name)}/link`)
    setMade({ name, link: `${location.origin}${path}` })
  }
  const columns: readonly Column<Person>[] = [
    { head: t.person, cell: ({ fullName }) => fullName, isWide: true, onCard: "title" },
    { head: t.signInName, cell: ({ name }) => <span className="code">{name}</span> },
    { head: t.roles, cell: ({ roles }) => roles.join(", ") },
    { head: t.channels, cell: ({ channels }) => channels?.join(", ") ?? t.all },
    { head: t.stores, cell: ({ stores }) => stores?.join(", ") ?? t.all },
    { head: t.hasPassword, cell: ({ hasPassword }) => (hasPassword ? t.yes : t.no) },
    {
      head: t.state,
      cell: ({ isActive }) => (
        <State shown={isActive ? { role: "done", word: t.active } : { role: "stopped", word: t.inactive }} />
      ),
    },
    {
      head: t.link,
      cell: ({ name }) => (
        <button
          type="button"
          className="button quiet"
          disabled={!right.isAllowed}
          onClick={() => void run(() => makeLink(name))}
        >
          {t.link}
        </button>
      ),
      onCard: "aside",
    },
  ]
  return (
    <Section title={t.people}>
      {error && <Failed error={error} isAct />}
      <Loaded reading={reading} lines={3}>
        {({ items }) => <List name={t.people} rows={items} columns={columns} keyOf={({ name }) => name} />}
      </Loaded>
      {made && (
        <Dialog title={t.linkTitle(made.name)} onClose={() => setMade(undefined)}>
          <p>{t.linkOnce}</p>
          <p className="secret code">{made.link}</p>
          <CopyButton text={made.link} name={t.copy} />
        </Dialog>
      )}
    </Section>
  )
}
