-- The flood ledger. An empty method holds back the whole account, an empty chat every chat.

CREATE TABLE waits (
    id      TEXT PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    method  TEXT NOT NULL,
    chat    TEXT NOT NULL,
    code    INTEGER NOT NULL,
    name    TEXT NOT NULL,
    until   INTEGER NOT NULL,
    UNIQUE (account, method, chat)
) STRICT;
CREATE INDEX waits_by_end ON waits (until);
