-- An account's own way out.
ALTER TABLE accounts ADD COLUMN sealed_proxy BLOB;
