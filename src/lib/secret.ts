// Objects that hold a secret and do not print it: JSON and Node's inspect show a placeholder, so that a configuration in
// a log or an error message does not reveal it. The secret itself stays an ordinary property.

import { inspect } from 'node:util';

/** The same object, with the named properties shown as `[secret]` by JSON.stringify, console and util.inspect. A copy by spread is an ordinary object again. */
export function hideSecrets<Holder extends object>(holder: Holder, ...names: (keyof Holder)[]): Holder {
  const shown = () => {
    const secret = names.filter((name) => holder[name] !== undefined).map((name) => [name, '[secret]']);
    return { ...holder, ...Object.fromEntries(secret) };
  };
  Object.defineProperty(holder, 'toJSON', { value: shown });
  return Object.defineProperty(holder, inspect.custom, { value: shown });
}
