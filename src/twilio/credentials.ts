// Who asks: the header `authorization`, which may become another under a running client, as its key's file does.

export interface Auth {
  username: string;
  password: string;
}

export interface Credentials {
  /** What the header says now. */
  readonly authorization: string;
  /** The API refused this header: whether there is another by now. */
  renewed(refused: string): boolean;
}

/** `current` says what the credentials have become; it is asked only where the API refuses those there are. */
export function createCredentials(auth: Auth & { current?: () => Auth | undefined }): Credentials {
  let authorization = basic(auth);
  return {
    get authorization() {
      return authorization;
    },
    renewed(refused) {
      // Of requests that were refused together, the first has read them anew.
      const now = authorization === refused ? auth.current?.() : undefined;
      if (now !== undefined) authorization = basic(now);
      return authorization !== refused;
    },
  };
}

function basic({ username, password }: Auth): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
