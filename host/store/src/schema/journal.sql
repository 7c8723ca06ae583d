-- The journal of decisions, a file of its own. Filters look at the small columns, which stand before the
-- large one. No index: rows are read newest first, and written far more often than read.
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    account TEXT NOT NULL,
    method TEXT NOT NULL,
    code TEXT NOT NULL,
    named_by TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
