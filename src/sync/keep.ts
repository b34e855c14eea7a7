// What is kept of what the API says, and for how long. Pure.

export interface Keep {
  /** What the API no longer has is erased; else it is marked as deleted. */
  eraseDeleted: boolean;
  /** How often each closed conversation is fetched again, in seconds; null: never. */
  rereadSeconds: number | null;
}

export const keepEverything: Readonly<Keep> = { eraseDeleted: false, rereadSeconds: null };
