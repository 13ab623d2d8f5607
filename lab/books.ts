/** The vendor's own books: every document it holds, by kind. The checker compares these with Crossdock's. */
export type Books = Record<string, readonly unknown[]>

/** The result of a simulator's `routes`, which the kit uses. */
export type VendorState = { books(): Books; reset(): void; stop?(): void }
