-- The MTProto session that last used a key, for the next process to have it destroyed.
ALTER TABLE auth_keys ADD COLUMN session INTEGER;
