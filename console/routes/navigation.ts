import { useNavigate, useParams, useRouter, useSearch } from "@tanstack/react-router"
import { useCallback } from "react"

/** Goes to an address that the path builder made. */
export function useGo(): (path: string, how?: { isReplaced?: boolean }) => void {
  const navigate = useNavigate()
  const router = useRouter()
  return useCallback(
    (path, { isReplaced = false } = {}) => {
      void navigate({ href: `${router.basepath}${path}`, replace: isReplaced })
    },
    [navigate, router],
  )
}

/** The texts of the address's query. */
export function useFilters(): Readonly<Record<string, string | undefined>> {
  return useSearch({ strict: false })
}

/** A part of the address's path. */
export function usePart(name: "id" | "ref" | "name"): string {
  const parts: Readonly<Record<string, string | undefined>> = useParams({ strict: false })
  return parts[name] ?? ""
}
