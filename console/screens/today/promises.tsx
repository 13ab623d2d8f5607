import type { Promised } from "../../api/promise-answers.ts"
import type { Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { List } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { fewColumns } from "../promises/columns.tsx"

/** Whether promises are kept. */
export function TodayPromises() {
  const reading = useApi<Items<Promised>>("/v1/promises")
  return (
    <Section title={en.promises.title} aside={<Link to={paths.promises()}>{en.promises.all}</Link>}>
      <Loaded reading={reading} lines={5}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{en.promises.none.title}</p>
          ) : (
            <List name={en.promises.title} rows={items} columns={fewColumns} keyOf={({ name }) => name} />
          )
        }
      </Loaded>
    </Section>
  )
}
