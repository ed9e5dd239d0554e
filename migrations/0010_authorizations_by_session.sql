-- Who was entered in a session, found without reading all that its account ever authorized: whoever
-- enters portals all day long has thousands of authorizations, of which the end of one login reads
-- few. All that is asked for is in the index.
CREATE INDEX authorizations_by_session
    ON authorizations (account_id, session_id, client_id, subject);
