// The connection parameters of libpq that are supported, and the environment variables that set them.

/** The supported connection parameters of libpq, with the variable that sets each, if there is one. */
export const variables = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  sslcrl: 'PGSSLCRL',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  sslnegotiation: 'PGSSLNEGOTIATION',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
} as const;

export type Parameter = keyof typeof variables;
export type Parameters = Partial<Record<Parameter, string>>;

/** Called for each parameter that cannot be used. The message completes "NAME …" and never holds the URL or a password. */
export type Report = (parameter: Parameter, message: string) => void;
