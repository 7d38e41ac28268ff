-- The extension goes only into a schema of nobody else's making.
BEGIN;
SELECT plan(4);

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
SELECT * FROM finish();
ROLLBACK;
