// What the API answers to a request for operator results, and for names, in; findings out. Pure.

import { NotFound, Refused, Unauthorized } from '../twilio/errors.ts';
import { type Finding, ok, warn } from './finding.ts';
import { judgeAnswer, saidOf } from './judge-api.ts';

/** `answer`: whether there is any operator result. What goes wrong here does not keep conversations from being synced. */
export function judgeResults(answer: boolean | Error): Finding {
  const check = 'operator results';
  const links = 'Or set SYNC_OPERATOR_RESULTS=links, if only their ids are wanted.';
  if (answer === true) return ok(check, 'the key may read them');
  if (answer === false) return ok(check, 'the key may read them; there is none yet');
  if (answer instanceof Unauthorized)
    return warn(
      check,
      `the key may not read them ${saidOf(answer)}; conversations are synced without them`,
      `Give the key the right to read operator results. ${links}`,
    );
  if (answer instanceof NotFound || answer instanceof Refused)
    return warn(
      check,
      `the list of the whole account is refused (${answer.status}); results are asked for by conversation`,
      'Nothing to do: all of them come, some of them later.',
    );
  const judged = judgeAnswer(check, answer);
  return judged.mark === 'fail' ? warn(check, judged.found, judged.todo ?? '') : judged;
}

/** Of operators and intelligence configurations. */
export function judgeNames(answer: boolean | Error): Finding {
  const check = 'names';
  if (!(answer instanceof Error)) return ok(check, 'the key may read the names of operators');
  if (answer instanceof Unauthorized || answer instanceof NotFound || answer instanceof Refused)
    return warn(
      check,
      `the names of operators cannot be read (${answer.status}); results are stored without them`,
      'Give the key the right to read operators and intelligence configurations, if their names are wanted.',
    );
  const judged = judgeAnswer(check, answer);
  return judged.mark === 'fail' ? warn(check, judged.found, judged.todo ?? '') : judged;
}
