import "./styles/tokens.css"
import "./styles/elements.css"
import "./styles/desk.css"
import "./styles/parts.css"
import "./styles/list.css"
import "./styles/pages.css"
import "./styles/figures.css"
import { QueryClientProvider } from "@tanstack/react-query"
import { RouterProvider } from "@tanstack/react-router"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { queryClient } from "./api/use-api.ts"
import { router } from "./routes/router.tsx"

const place = document.getElementById("root")
if (place)
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  )
