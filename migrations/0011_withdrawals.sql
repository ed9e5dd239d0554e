-- Which client a notice is about, if it is about one. With this schema consents are withdrawn in my
-- account, by changes that an older release would take for copied into the journal without copying
-- them.
ALTER TABLE account_notices ADD COLUMN client_id TEXT;
