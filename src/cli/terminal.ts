// Where a command writes and whom it asks. Commands get it from cli.ts, so that tests can read what they write.

export interface Terminal {
  /** Writes a line for people, or for the program that reads `--json`. */
  write(line: string): void;
  /** Asks a question; null if nobody is there to answer. */
  ask(question: string): Promise<string | null>;
  /** Progress goes here, apart from the lines. */
  progress: NodeJS.WritableStream;
  interactive: boolean;
}
