// Tells callers whom to ask about an account that Telegram has limited for spam. On everything else
// it has no opinion, and the next categorizer answers.
import { category, policyOf, severity, waitScope } from './sluice.js';

export const policy = policyOf(
  'categorize',
  (settings) => ({ contact: settings.text('contact', 'the operator of this gateway') }),
  ({ contact }, failure) => {
    if (failure.pattern !== 'PEER_FLOOD') return undefined;
    return {
      category: category.permission,
      code: 'ACCOUNT_LIMITED',
      status: 403,
      retryable: false,
      wait: undefined,
      waitScope: waitScope.account,
      severity: severity.error,
      advice: `Telegram limits this account for spam. Stop writing to strangers and ask ${contact}.`,
      extensions: [],
    };
  },
);
