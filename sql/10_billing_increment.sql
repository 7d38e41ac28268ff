/*
 * Billing increments and the rounding of call lengths.
 * '60/60' is telecom's notation: first increment / next increments, seconds.
 */
CREATE TYPE ccc.billing_increment;

CREATE FUNCTION ccc.billing_increment_in(cstring) RETURNS ccc.billing_increment
    AS 'MODULE_PATHNAME', 'billing_increment_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_in(cstring) IS 'text form to a billing increment';

CREATE FUNCTION ccc.billing_increment_out(ccc.billing_increment) RETURNS cstring
    AS 'MODULE_PATHNAME', 'billing_increment_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_out(ccc.billing_increment) IS 'a billing increment to text form';

CREATE FUNCTION ccc.billing_increment_recv(internal) RETURNS ccc.billing_increment
    AS 'MODULE_PATHNAME', 'billing_increment_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_recv(internal) IS 'binary form to a billing increment';

CREATE FUNCTION ccc.billing_increment_send(ccc.billing_increment) RETURNS bytea
    AS 'MODULE_PATHNAME', 'billing_increment_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_send(ccc.billing_increment) IS 'a billing increment to binary form';

CREATE TYPE ccc.billing_increment (
    INPUT = ccc.billing_increment_in,
    OUTPUT = ccc.billing_increment_out,
    RECEIVE = ccc.billing_increment_recv,
    SEND = ccc.billing_increment_send,
    LIKE = pg_catalog.int8
);
COMMENT ON TYPE ccc.billing_increment IS 'seconds billed at first and in each further step, as in 60/60';

CREATE FUNCTION ccc.billing_increment_eq(ccc.billing_increment, ccc.billing_increment) RETURNS boolean
    AS 'MODULE_PATHNAME', 'billing_increment_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_eq(ccc.billing_increment, ccc.billing_increment) IS 'implementation of the = operator';

CREATE FUNCTION ccc.billing_increment_ne(ccc.billing_increment, ccc.billing_increment) RETURNS boolean
    AS 'MODULE_PATHNAME', 'billing_increment_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_ne(ccc.billing_increment, ccc.billing_increment) IS 'implementation of the <> operator';

CREATE FUNCTION ccc.billing_increment_lt(ccc.billing_increment, ccc.billing_increment) RETURNS boolean
    AS 'MODULE_PATHNAME', 'billing_increment_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_lt(ccc.billing_increment, ccc.billing_increment) IS 'implementation of the < operator';

CREATE FUNCTION ccc.billing_increment_le(ccc.billing_increment, ccc.billing_increment) RETURNS boolean
    AS 'MODULE_PATHNAME', 'billing_increment_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_le(ccc.billing_increment, ccc.billing_increment) IS 'implementation of the <= operator';

CREATE FUNCTION ccc.billing_increment_gt(ccc.billing_increment, ccc.billing_increment) RETURNS boolean
    AS 'MODULE_PATHNAME', 'billing_increment_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_gt(ccc.billing_increment, ccc.billing_increment) IS 'implementation of the > operator';

CREATE FUNCTION ccc.billing_increment_ge(ccc.billing_increment, ccc.billing_increment) RETURNS boolean
    AS 'MODULE_PATHNAME', 'billing_increment_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_ge(ccc.billing_increment, ccc.billing_increment) IS 'implementation of the >= operator';

CREATE OPERATOR ccc.= (
    LEFTARG = ccc.billing_increment, RIGHTARG = ccc.billing_increment, FUNCTION = ccc.billing_increment_eq,
    COMMUTATOR = OPERATOR(ccc.=), NEGATOR = OPERATOR(ccc.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR ccc.= (ccc.billing_increment, ccc.billing_increment) IS 'equality of billing increments';

CREATE OPERATOR ccc.<> (
    LEFTARG = ccc.billing_increment, RIGHTARG = ccc.billing_increment, FUNCTION = ccc.billing_increment_ne,
    COMMUTATOR = OPERATOR(ccc.<>), NEGATOR = OPERATOR(ccc.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR ccc.<> (ccc.billing_increment, ccc.billing_increment) IS 'inequality of billing increments';

CREATE OPERATOR ccc.< (
    LEFTARG = ccc.billing_increment, RIGHTARG = ccc.billing_increment, FUNCTION = ccc.billing_increment_lt,
    COMMUTATOR = OPERATOR(ccc.>), NEGATOR = OPERATOR(ccc.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR ccc.< (ccc.billing_increment, ccc.billing_increment) IS 'less-than comparison of billing increments';

CREATE OPERATOR ccc.<= (
    LEFTARG = ccc.billing_increment, RIGHTARG = ccc.billing_increment, FUNCTION = ccc.billing_increment_le,
    COMMUTATOR = OPERATOR(ccc.>=), NEGATOR = OPERATOR(ccc.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR ccc.<= (ccc.billing_increment, ccc.billing_increment) IS 'less-than-or-equal comparison of billing increments';

CREATE OPERATOR ccc.> (
    LEFTARG = ccc.billing_increment, RIGHTARG = ccc.billing_increment, FUNCTION = ccc.billing_increment_gt,
    COMMUTATOR = OPERATOR(ccc.<), NEGATOR = OPERATOR(ccc.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR ccc.> (ccc.billing_increment, ccc.billing_increment) IS 'greater-than comparison of billing increments';

CREATE OPERATOR ccc.>= (
    LEFTARG = ccc.billing_increment, RIGHTARG = ccc.billing_increment, FUNCTION = ccc.billing_increment_ge,
    COMMUTATOR = OPERATOR(ccc.<=), NEGATOR = OPERATOR(ccc.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR ccc.>= (ccc.billing_increment, ccc.billing_increment) IS 'greater-than-or-equal comparison of billing increments';

CREATE FUNCTION ccc.billing_increment_cmp(ccc.billing_increment, ccc.billing_increment) RETURNS integer
    AS 'MODULE_PATHNAME', 'billing_increment_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_cmp(ccc.billing_increment, ccc.billing_increment) IS 'three-way comparison for btree';

CREATE FUNCTION ccc.billing_increment_hash(ccc.billing_increment) RETURNS integer
    AS 'MODULE_PATHNAME', 'billing_increment_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_hash(ccc.billing_increment) IS 'hash value';

CREATE FUNCTION ccc.billing_increment_hash_extended(ccc.billing_increment, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'billing_increment_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billing_increment_hash_extended(ccc.billing_increment, bigint) IS '64-bit hash value with a seed';

CREATE OPERATOR CLASS ccc.billing_increment_ops DEFAULT FOR TYPE ccc.billing_increment USING btree AS
    OPERATOR 1 ccc.<,
    OPERATOR 2 ccc.<=,
    OPERATOR 3 ccc.=,
    OPERATOR 4 ccc.>=,
    OPERATOR 5 ccc.>,
    FUNCTION 1 ccc.billing_increment_cmp(ccc.billing_increment, ccc.billing_increment),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS ccc.billing_increment_ops USING btree IS 'order of billing increments';
COMMENT ON OPERATOR FAMILY ccc.billing_increment_ops USING btree IS 'order of billing increments';

CREATE OPERATOR CLASS ccc.billing_increment_ops DEFAULT FOR TYPE ccc.billing_increment USING hash AS
    OPERATOR 1 ccc.=,
    FUNCTION 1 ccc.billing_increment_hash(ccc.billing_increment),
    FUNCTION 2 ccc.billing_increment_hash_extended(ccc.billing_increment, bigint);
COMMENT ON OPERATOR CLASS ccc.billing_increment_ops USING hash IS 'hashing of billing increments';
COMMENT ON OPERATOR FAMILY ccc.billing_increment_ops USING hash IS 'hashing of billing increments';

CREATE FUNCTION ccc.billed_seconds(seconds numeric, increment ccc.billing_increment DEFAULT '60/60') RETURNS bigint
    AS 'MODULE_PATHNAME', 'billed_seconds' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billed_seconds(numeric, ccc.billing_increment) IS 'seconds billed for a call of a given length';

CREATE FUNCTION ccc.billed_minutes(seconds numeric) RETURNS bigint
    AS 'MODULE_PATHNAME', 'billed_minutes' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.billed_minutes(numeric) IS 'started minutes of a call of a given length';
