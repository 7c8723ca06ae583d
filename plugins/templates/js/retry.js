// Sits out every wait of Telegram's that is short enough and ends before the caller's deadline,
// whether the caller sent `X-Wait` or not. On everything else it has no opinion, and the next
// policy decides.
import { abstain, category, log, policyOf, retryAfterMs } from './sluice.js';

// Left for the call itself after the wait.
const TIME_FOR_THE_CALL_MS = 500n;
// Callers that all met the same wait do not come back in the same moment.
const SPREAD_MS = 99n;

export const policy = policyOf(
  'decide',
  (settings) => ({
    // Longer waits, in seconds, are left to the next policy.
    longestWait: BigInt(settings.number('longest_wait', 60, 0, 86_400)),
  }),
  ({ longestWait }, attempt) => {
    const { wait } = attempt.verdict;
    if (wait === undefined) return abstain();
    if (attempt.verdict.category !== category.rateLimit || wait > longestWait) return abstain();
    const afterMs = wait * 1000n + (attempt.entropy % (SPREAD_MS + 1n));
    if (afterMs + TIME_FOR_THE_CALL_MS >= attempt.deadlineLeftMs) return abstain();
    log.info(`sitting out ${wait} s for ${attempt.failure.method}`);
    return retryAfterMs(afterMs);
  },
);
