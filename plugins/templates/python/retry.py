"""Sits out every wait of Telegram's that is short enough and ends before the caller's deadline,
whether the caller sent `X-Wait` or not. On everything else it has no opinion, and the next policy
decides."""

import sluice
from sluice import Category, contract, log

# Left for the call itself after the wait.
TIME_FOR_THE_CALL_MS = 500
# Callers that all met the same wait do not come back in the same moment.
SPREAD_MS = 99


class Policy(sluice.Policy):
    def take(self, settings):
        # Longer waits, in seconds, are left to the next policy.
        self.longest_wait = settings.number("longest_wait", 60, 0, 86_400)

    @sluice.answers
    def decide(self, attempt):
        wait = attempt.verdict.wait
        if attempt.verdict.category != Category.RATE_LIMIT or wait is None:
            return contract.Decision_Abstain()
        if wait > self.longest_wait:
            return contract.Decision_Abstain()
        after_ms = wait * 1000 + attempt.entropy % (SPREAD_MS + 1)
        if after_ms + TIME_FOR_THE_CALL_MS >= attempt.deadline_left_ms:
            return contract.Decision_Abstain()
        log.info(f"sitting out {wait} s for {attempt.failure.method}")
        repeat = contract.Repeat(after_ms=after_ms, other_link=False, extensions=[])
        return contract.Decision_Retry(repeat)
