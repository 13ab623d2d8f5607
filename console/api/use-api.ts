import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { isLive } from "../live/live.ts"
import { isHinted } from "../live/touched.ts"
import { ApiError, apiPath, get } from "./client.ts"
import type { Page } from "./answers.ts"

/** What is looked at is read again this often; what the stream tells of, only to be sure. */
const refreshMs = 10_000
const refreshHintedMs = 30_000

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      refetchInterval: ({ queryKey: [path] }) => (isLive() && isHinted(String(path)) ? refreshHintedMs : refreshMs),
      // An answer that says no says it again; an outage may be over soon.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status < 500),
    },
  },
})

interface Options {
  isEnabled?: boolean
  /** For what changes only by people's acts. */
  isSteady?: boolean
}

/** Reads a path of the API, again and again while it is looked at. */
export function useApi<Answer>(path: string, { isEnabled = true, isSteady = false }: Options = {}) {
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => get<Answer>(path, signal),
    enabled: isEnabled,
    ...(isSteady ? { refetchInterval: false as const } : {}),
  })
}

const pageSize = 50

/** A list whose pages begin after the number of a row, and not at a cursor. */
export type AfterOf<Item> = (last: Item) => number

/** Reads a list page by page. Rows of the filter before stay until the new ones are there. */
export function useApiList<Item>(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>> = {},
  afterOf?: AfterOf<Item>,
) {
  const next = ({ items, cursor }: Page<Item>) => {
    if (!afterOf) return cursor === undefined ? undefined : { cursor }
    const last = items.at(-1)
    return items.length < pageSize || last === undefined ? undefined : { after: afterOf(last) }
  }
  return useInfiniteQuery({
    queryKey: [path, parameters],
    queryFn: ({ signal, pageParam }) =>
      get<Page<Item>>(apiPath(path, { limit: pageSize, ...parameters, ...pageParam }), signal),
    initialPageParam: {} as Readonly<Record<string, string | number>>,
    getNextPageParam: next,
    placeholderData: keepPreviousData,
  })
}
