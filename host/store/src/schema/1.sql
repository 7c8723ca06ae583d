-- Times are milliseconds since the Unix epoch. Columns named "sealed" are vault bytes.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    name             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    api_id           INTEGER,
    sealed_api_hash  BLOB,
    environment      TEXT,
    device           TEXT NOT NULL,
    state            TEXT NOT NULL,
    state_reason     TEXT,
    user_id          INTEGER,
    created_at       INTEGER NOT NULL,
    sealed_bot_token BLOB,
    deleted_at       INTEGER
) STRICT;
CREATE UNIQUE INDEX accounts_by_name ON accounts (name) WHERE deleted_at IS NULL;

CREATE TABLE authorizations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    home_dc    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX authorizations_by_account ON authorizations (account);
CREATE UNIQUE INDEX authorizations_one_current ON authorizations (account) WHERE role = 'current';

CREATE TABLE auth_keys (
    authorization INTEGER NOT NULL REFERENCES authorizations (id) ON DELETE CASCADE,
    dc            INTEGER NOT NULL,
    sealed_key    BLOB NOT NULL,
    salt          INTEGER NOT NULL,
    time_offset   INTEGER NOT NULL,
    authorized    INTEGER NOT NULL,
    PRIMARY KEY (authorization, dc)
) STRICT;

CREATE TABLE update_states (
    account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    pts     INTEGER NOT NULL,
    qts     INTEGER NOT NULL,
    date    INTEGER NOT NULL,
    seq     INTEGER NOT NULL
) STRICT;

CREATE TABLE channel_states (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    channel INTEGER NOT NULL,
    pts     INTEGER NOT NULL,
    PRIMARY KEY (account, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE peers (
    account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    id          INTEGER NOT NULL,
    access_hash INTEGER NOT NULL,
    username    TEXT,
    phone       TEXT,
    PRIMARY KEY (account, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX peers_by_username ON peers (account, username) WHERE username IS NOT NULL;
CREATE INDEX peers_by_phone ON peers (account, phone) WHERE phone IS NOT NULL;

CREATE TABLE rotations (
    place   INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    status  TEXT NOT NULL,
    steps   TEXT NOT NULL,
    error   TEXT
) STRICT;
CREATE INDEX rotations_by_account ON rotations (account, place);

CREATE TABLE events (
    cursor  INTEGER PRIMARY KEY AUTOINCREMENT,
    type    TEXT NOT NULL,
    account TEXT,
    at      INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT;

CREATE TABLE api_keys (
    place      INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL,
    scopes     TEXT NOT NULL,
    accounts   TEXT NOT NULL,
    methods    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
