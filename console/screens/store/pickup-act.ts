/** What is next to do with a pickup. */
export type NextAct = "pick" | "hand over" | "put back"
