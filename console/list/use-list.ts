import { useCallback, useMemo, useState } from "react"
import { useApiList, type AfterOf } from "../api/use-api.ts"
import { useSteadyRows } from "./steady-rows.ts"

/** A list of the API, kept still while it is read again, with the rows somebody has chosen. */
export function useList<Row>(
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
  { keyOf, afterOf }: { keyOf: (row: Row) => string; afterOf?: AfterOf<Row> },
) {
  const query = useApiList<Row>(path, parameters, afterOf)
  const latest = useMemo(() => query.data?.pages.flatMap(({ items }) => items), [query.data])
  const listKey = query.isPlaceholderData ? "before" : JSON.stringify(parameters)
  const hasMore = query.hasNextPage
  const steady = useSteadyRows(latest, { keyOf, listKey, pages: query.data?.pages.length ?? 0, hasMore })
  return {
    ...steady,
    reading: query,
    hasMore,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
  }
}

/** The rows somebody has chosen. They stay chosen when the list is read again. */
export function useSelection() {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const toggle = useCallback(
    (key: string) =>
      setChosen((before) => {
        const after = new Set(before)
        if (!after.delete(key)) after.add(key)
        return after
      }),
    [],
  )
  const clear = useCallback(() => setChosen(new Set()), [])
  return { chosen, toggle, clear }
}
