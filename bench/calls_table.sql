-- The call records that everybody stores.
CREATE TABLE calls (
    call_id    text,
    caller     text,
    callee     text,
    started_at timestamptz,
    seconds    integer,
    agent      text
);
