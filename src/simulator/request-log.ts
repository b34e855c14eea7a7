// What a server was asked, counted: by endpoint, by status, at once. The requests themselves are kept as well unless
// that is switched off, as a bench does.

/** `names`: operators and configurations, in a list or one by one. */
export type Endpoint = 'list' | 'detail' | 'resultList' | 'result' | 'names' | 'other';

export interface RequestRecord {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  /** What stands behind the question mark, undecoded; empty where nothing does. */
  readonly query: string;
  /** The id asked for, by `detail`, `result` and `names`. */
  readonly id: string | undefined;
  readonly startedMs: number;
  /** The status sent; 0 while there is none, and for ever where the answer was withheld. */
  status: number;
}

/** Counters since the start or the last `reset()`. */
export class RequestLog {
  readonly byEndpoint: Record<Endpoint, number> = {
    list: 0,
    detail: 0,
    resultList: 0,
    result: 0,
    names: 0,
    other: 0,
  };
  readonly byStatus = new Map<number, number>();
  readonly records: RequestRecord[] = [];
  total = 0;
  inFlight = 0;
  maxInFlight = 0;
  bodyBytes = 0;
  readonly #keepRecords: boolean;

  constructor({ keepRecords = true }: { keepRecords?: boolean } = {}) {
    this.#keepRecords = keepRecords;
  }

  begin(record: RequestRecord): void {
    this.total += 1;
    this.byEndpoint[record.endpoint] += 1;
    this.inFlight += 1;
    if (this.inFlight > this.maxInFlight) this.maxInFlight = this.inFlight;
    if (this.#keepRecords) this.records.push(record);
  }

  answer(record: RequestRecord, status: number, bytes: number): void {
    record.status = status;
    this.bodyBytes += bytes;
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
  }

  end(): void {
    this.inFlight -= 1;
  }

  /** How many answers had this status. */
  count(status: number): number {
    return this.byStatus.get(status) ?? 0;
  }

  /** The ids whose detail was asked for, in order, repeated where asked for again. */
  detailIds(): string[] {
    return this.records.flatMap(({ endpoint, id }) => (endpoint === 'detail' && id !== undefined ? [id] : []));
  }

  /** The parameters of every list request, in order: of conversations, or of results. */
  listQueries(of: 'list' | 'resultList' = 'list'): URLSearchParams[] {
    return this.records.filter(({ endpoint }) => endpoint === of).map(({ query }) => new URLSearchParams(query));
  }

  /** Forgets everything but what is in flight. */
  reset(): void {
    for (const endpoint of Object.keys(this.byEndpoint) as Endpoint[]) this.byEndpoint[endpoint] = 0;
    this.byStatus.clear();
    this.records.length = 0;
    this.total = 0;
    this.maxInFlight = this.inFlight;
    this.bodyBytes = 0;
  }
}
