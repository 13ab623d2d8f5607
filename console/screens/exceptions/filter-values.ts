import { useApi } from "../../api/use-api.ts"
import type { ExceptionFilters } from "../../api/work-answers.ts"

/** By what open exceptions can be filtered; undefined while that is not read. */
export const useFilterValues = () => useApi<ExceptionFilters>("/v1/exception-filters").data

/** Values of a filter, each with its number of open cases. */
export const choicesOf = (values: ExceptionFilters["owners"] = []) =>
  values.map(({ value, open }) => [value, `${value} (${open})`] as const)
