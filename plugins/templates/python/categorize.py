"""Tells callers whom to ask about an account that Telegram has limited for spam. On everything else
it has no opinion, and the next categorizer answers."""

import sluice
from sluice import Category, Severity, WaitScope, contract


class Policy(sluice.Policy):
    def take(self, settings):
        self.contact = settings.text("contact", "the operator of this gateway")

    @sluice.answers
    def categorize(self, failure):
        if failure.pattern != "PEER_FLOOD":
            return None
        return contract.Verdict(
            category=Category.PERMISSION,
            code="ACCOUNT_LIMITED",
            status=403,
            retryable=False,
            wait=None,
            wait_scope=WaitScope.ACCOUNT,
            severity=Severity.ERROR,
            advice="Telegram limits this account for spam. Stop writing to strangers and ask "
            f"{self.contact}.",
            extensions=[],
        )
