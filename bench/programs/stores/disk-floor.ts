import { fdatasyncRate } from "../../floors/fdatasync.ts"
import { answerParent } from "../answer-parent.ts"

// The floor of the store's agent. In a process of its own, because it blocks its process while it waits for the disk.

answerParent({
  run: ({ folder, seconds }: { folder: string; seconds: number }) =>
    Promise.resolve(fdatasyncRate(folder, seconds * 1000)),
})
