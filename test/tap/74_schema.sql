-- The extension goes only into a schema of nobody else's making, and gives the
-- ledger only to a role that nobody else has a way to.
BEGIN;
SELECT plan(8);

SET client_min_messages = warning;
DROP EXTENSION ccc_billing;
SELECT lives_ok('CREATE EXTENSION ccc_billing; DROP EXTENSION ccc_billing', 'what an earlier installation left is no hindrance');
DROP SCHEMA ccc;
CREATE SCHEMA ccc;
CREATE FUNCTION ccc.jsonb_build_object(text, text, text, numeric) RETURNS jsonb LANGUAGE sql AS $$SELECT '{}'::jsonb$$;
SELECT throws_ok('CREATE EXTENSION ccc_billing', '55000', NULL, 'a function planted beforehand');
DROP FUNCTION ccc.jsonb_build_object(text, text, text, numeric);
CREATE ROLE mallory;
GRANT CREATE ON SCHEMA ccc TO mallory;
SELECT throws_ok('CREATE EXTENSION ccc_billing', '55000', NULL, 'a schema that somebody may create in');
DROP SCHEMA ccc;
CREATE SCHEMA ccc AUTHORIZATION mallory;
SELECT throws_ok('CREATE EXTENSION ccc_billing', '55000', NULL, 'a schema of somebody else''s');
DROP SCHEMA ccc;

CREATE SCHEMA lair AUTHORIZATION ccc_owner;
SELECT throws_ok('CREATE EXTENSION ccc_billing', '55000', 'role "ccc_owner" owns something in this database already', 'a role with functions of its own');
DROP SCHEMA lair;
GRANT ccc_owner TO mallory;
SELECT throws_like('CREATE EXTENSION ccc_billing', '%more rights, or members%', 'one that somebody is a member of');
REVOKE ccc_owner FROM mallory;
GRANT mallory TO ccc_owner;
SELECT throws_like('CREATE EXTENSION ccc_billing', '%more rights, or members%', 'one that has another''s rights');
REVOKE mallory FROM ccc_owner;
SELECT lives_ok('CREATE EXTENSION ccc_billing', 'otherwise it is welcome');
SELECT * FROM finish();
ROLLBACK;
