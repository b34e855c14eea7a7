// Counts the requests of a server: by endpoint, by status, and concurrent ones. It also keeps the requests themselves,
// unless that is turned off, as in the benchmark.

/** `names`: operators and configurations, in a list or one by one. */
export type Endpoint = 'list' | 'detail' | 'resultList' | 'result' | 'names' | 'other';

export interface RequestRecord {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  /** The query string, not decoded; may be empty. */
  readonly query: string;
  /** The id asked for, by `detail`, `result` and `names`. */
  readonly id: string | undefined;
  readonly startedMs: number;
  /** The status sent; 0 if none was sent, or not yet. */
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

  /** The ids of all detail requests, in order, with repetitions. */
  detailIds(): string[] {
    return this.records.flatMap(({ endpoint, id }) => (endpoint === 'detail' && id !== undefined ? [id] : []));
  }

  /** The parameters of every list request, in order: of conversations, or of results. */
  listQueries(of: 'list' | 'resultList' = 'list'): URLSearchParams[] {
    return this.records.filter(({ endpoint }) => endpoint === of).map(({ query }) => new URLSearchParams(query));
  }

  /** Forgets everything except requests in flight. */
  reset(): void {
    for (const endpoint of Object.keys(this.byEndpoint) as Endpoint[]) this.byEndpoint[endpoint] = 0;
    this.byStatus.clear();
    this.records.length = 0;
    this.total = 0;
    this.maxInFlight = this.inFlight;
    this.bodyBytes = 0;
  }
}
