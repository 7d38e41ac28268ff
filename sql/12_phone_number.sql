/*
 * Phone numbers in one canonical form, whatever way they were written.
 */
CREATE TYPE ccc.phone_number;

CREATE FUNCTION ccc.phone_number_in(cstring) RETURNS ccc.phone_number
    AS 'MODULE_PATHNAME', 'phone_number_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_in(cstring) IS 'text form to a phone number';

CREATE FUNCTION ccc.phone_number_out(ccc.phone_number) RETURNS cstring
    AS 'MODULE_PATHNAME', 'phone_number_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_out(ccc.phone_number) IS 'a phone number to text form';

CREATE FUNCTION ccc.phone_number_recv(internal) RETURNS ccc.phone_number
    AS 'MODULE_PATHNAME', 'phone_number_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_recv(internal) IS 'binary form to a phone number';

CREATE FUNCTION ccc.phone_number_send(ccc.phone_number) RETURNS bytea
    AS 'MODULE_PATHNAME', 'phone_number_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_send(ccc.phone_number) IS 'a phone number to binary form';

CREATE TYPE ccc.phone_number (
    INPUT = ccc.phone_number_in,
    OUTPUT = ccc.phone_number_out,
    RECEIVE = ccc.phone_number_recv,
    SEND = ccc.phone_number_send,
    LIKE = pg_catalog.int8
);
COMMENT ON TYPE ccc.phone_number IS 'phone number with its country code, independent of how it was written';

CREATE FUNCTION ccc.phone_number_eq(ccc.phone_number, ccc.phone_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'phone_number_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_eq(ccc.phone_number, ccc.phone_number) IS 'implementation of the = operator';

CREATE FUNCTION ccc.phone_number_ne(ccc.phone_number, ccc.phone_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'phone_number_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_ne(ccc.phone_number, ccc.phone_number) IS 'implementation of the <> operator';

CREATE FUNCTION ccc.phone_number_lt(ccc.phone_number, ccc.phone_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'phone_number_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_lt(ccc.phone_number, ccc.phone_number) IS 'implementation of the < operator';

CREATE FUNCTION ccc.phone_number_le(ccc.phone_number, ccc.phone_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'phone_number_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_le(ccc.phone_number, ccc.phone_number) IS 'implementation of the <= operator';

CREATE FUNCTION ccc.phone_number_gt(ccc.phone_number, ccc.phone_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'phone_number_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_gt(ccc.phone_number, ccc.phone_number) IS 'implementation of the > operator';

CREATE FUNCTION ccc.phone_number_ge(ccc.phone_number, ccc.phone_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'phone_number_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_ge(ccc.phone_number, ccc.phone_number) IS 'implementation of the >= operator';

CREATE OPERATOR ccc.= (
    LEFTARG = ccc.phone_number, RIGHTARG = ccc.phone_number, FUNCTION = ccc.phone_number_eq,
    COMMUTATOR = OPERATOR(ccc.=), NEGATOR = OPERATOR(ccc.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR ccc.= (ccc.phone_number, ccc.phone_number) IS 'equality of phone numbers';

CREATE OPERATOR ccc.<> (
    LEFTARG = ccc.phone_number, RIGHTARG = ccc.phone_number, FUNCTION = ccc.phone_number_ne,
    COMMUTATOR = OPERATOR(ccc.<>), NEGATOR = OPERATOR(ccc.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR ccc.<> (ccc.phone_number, ccc.phone_number) IS 'inequality of phone numbers';

CREATE OPERATOR ccc.< (
    LEFTARG = ccc.phone_number, RIGHTARG = ccc.phone_number, FUNCTION = ccc.phone_number_lt,
    COMMUTATOR = OPERATOR(ccc.>), NEGATOR = OPERATOR(ccc.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR ccc.< (ccc.phone_number, ccc.phone_number) IS 'less-than comparison of phone numbers';

CREATE OPERATOR ccc.<= (
    LEFTARG = ccc.phone_number, RIGHTARG = ccc.phone_number, FUNCTION = ccc.phone_number_le,
    COMMUTATOR = OPERATOR(ccc.>=), NEGATOR = OPERATOR(ccc.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR ccc.<= (ccc.phone_number, ccc.phone_number) IS 'less-than-or-equal comparison of phone numbers';

CREATE OPERATOR ccc.> (
    LEFTARG = ccc.phone_number, RIGHTARG = ccc.phone_number, FUNCTION = ccc.phone_number_gt,
    COMMUTATOR = OPERATOR(ccc.<), NEGATOR = OPERATOR(ccc.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR ccc.> (ccc.phone_number, ccc.phone_number) IS 'greater-than comparison of phone numbers';

CREATE OPERATOR ccc.>= (
    LEFTARG = ccc.phone_number, RIGHTARG = ccc.phone_number, FUNCTION = ccc.phone_number_ge,
    COMMUTATOR = OPERATOR(ccc.<=), NEGATOR = OPERATOR(ccc.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR ccc.>= (ccc.phone_number, ccc.phone_number) IS 'greater-than-or-equal comparison of phone numbers';

CREATE FUNCTION ccc.phone_number_cmp(ccc.phone_number, ccc.phone_number) RETURNS integer
    AS 'MODULE_PATHNAME', 'phone_number_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_cmp(ccc.phone_number, ccc.phone_number) IS 'three-way comparison for btree';

CREATE FUNCTION ccc.phone_number_hash(ccc.phone_number) RETURNS integer
    AS 'MODULE_PATHNAME', 'phone_number_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_hash(ccc.phone_number) IS 'hash value';

CREATE FUNCTION ccc.phone_number_hash_extended(ccc.phone_number, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'phone_number_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.phone_number_hash_extended(ccc.phone_number, bigint) IS '64-bit hash value with a seed';

CREATE OPERATOR CLASS ccc.phone_number_ops DEFAULT FOR TYPE ccc.phone_number USING btree AS
    OPERATOR 1 ccc.<,
    OPERATOR 2 ccc.<=,
    OPERATOR 3 ccc.=,
    OPERATOR 4 ccc.>=,
    OPERATOR 5 ccc.>,
    FUNCTION 1 ccc.phone_number_cmp(ccc.phone_number, ccc.phone_number),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS ccc.phone_number_ops USING btree IS 'order of phone numbers';
COMMENT ON OPERATOR FAMILY ccc.phone_number_ops USING btree IS 'order of phone numbers';

CREATE OPERATOR CLASS ccc.phone_number_ops DEFAULT FOR TYPE ccc.phone_number USING hash AS
    OPERATOR 1 ccc.=,
    FUNCTION 1 ccc.phone_number_hash(ccc.phone_number),
    FUNCTION 2 ccc.phone_number_hash_extended(ccc.phone_number, bigint);
COMMENT ON OPERATOR CLASS ccc.phone_number_ops USING hash IS 'hashing of phone numbers';
COMMENT ON OPERATOR FAMILY ccc.phone_number_ops USING hash IS 'hashing of phone numbers';

CREATE FUNCTION ccc.try_phone_number(number text) RETURNS ccc.phone_number
    AS 'MODULE_PATHNAME', 'try_phone_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.try_phone_number(text) IS 'phone number in a text, or null when it is none';
