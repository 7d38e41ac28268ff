/*
 * Price tiers: a unit price for each band of quantities.
 * '0:0.15, 10000:0.145' reads lower bound : unit price.
 */
CREATE TYPE ccc.price_tiers;

CREATE FUNCTION ccc.price_tiers_in(cstring) RETURNS ccc.price_tiers
    AS 'MODULE_PATHNAME', 'price_tiers_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_in(cstring) IS 'text form to price tiers';

CREATE FUNCTION ccc.price_tiers_out(ccc.price_tiers) RETURNS cstring
    AS 'MODULE_PATHNAME', 'price_tiers_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_out(ccc.price_tiers) IS 'price tiers to text form';

CREATE FUNCTION ccc.price_tiers_recv(internal) RETURNS ccc.price_tiers
    AS 'MODULE_PATHNAME', 'price_tiers_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_recv(internal) IS 'binary form to price tiers';

CREATE FUNCTION ccc.price_tiers_send(ccc.price_tiers) RETURNS bytea
    AS 'MODULE_PATHNAME', 'price_tiers_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_send(ccc.price_tiers) IS 'price tiers to binary form';

CREATE TYPE ccc.price_tiers (
    INPUT = ccc.price_tiers_in,
    OUTPUT = ccc.price_tiers_out,
    RECEIVE = ccc.price_tiers_recv,
    SEND = ccc.price_tiers_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE ccc.price_tiers IS 'unit prices by lower bound of the quantity, as in 0:0.15, 10000:0.145';

CREATE FUNCTION ccc.price_tiers_eq(ccc.price_tiers, ccc.price_tiers) RETURNS boolean
    AS 'MODULE_PATHNAME', 'price_tiers_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_eq(ccc.price_tiers, ccc.price_tiers) IS 'implementation of the = operator';

CREATE FUNCTION ccc.price_tiers_ne(ccc.price_tiers, ccc.price_tiers) RETURNS boolean
    AS 'MODULE_PATHNAME', 'price_tiers_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_ne(ccc.price_tiers, ccc.price_tiers) IS 'implementation of the <> operator';

CREATE FUNCTION ccc.price_tiers_lt(ccc.price_tiers, ccc.price_tiers) RETURNS boolean
    AS 'MODULE_PATHNAME', 'price_tiers_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_lt(ccc.price_tiers, ccc.price_tiers) IS 'implementation of the < operator';

CREATE FUNCTION ccc.price_tiers_le(ccc.price_tiers, ccc.price_tiers) RETURNS boolean
    AS 'MODULE_PATHNAME', 'price_tiers_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_le(ccc.price_tiers, ccc.price_tiers) IS 'implementation of the <= operator';

CREATE FUNCTION ccc.price_tiers_gt(ccc.price_tiers, ccc.price_tiers) RETURNS boolean
    AS 'MODULE_PATHNAME', 'price_tiers_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_gt(ccc.price_tiers, ccc.price_tiers) IS 'implementation of the > operator';

CREATE FUNCTION ccc.price_tiers_ge(ccc.price_tiers, ccc.price_tiers) RETURNS boolean
    AS 'MODULE_PATHNAME', 'price_tiers_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_ge(ccc.price_tiers, ccc.price_tiers) IS 'implementation of the >= operator';

CREATE OPERATOR ccc.= (
    LEFTARG = ccc.price_tiers, RIGHTARG = ccc.price_tiers, FUNCTION = ccc.price_tiers_eq,
    COMMUTATOR = OPERATOR(ccc.=), NEGATOR = OPERATOR(ccc.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR ccc.= (ccc.price_tiers, ccc.price_tiers) IS 'equality of price tiers';

CREATE OPERATOR ccc.<> (
    LEFTARG = ccc.price_tiers, RIGHTARG = ccc.price_tiers, FUNCTION = ccc.price_tiers_ne,
    COMMUTATOR = OPERATOR(ccc.<>), NEGATOR = OPERATOR(ccc.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR ccc.<> (ccc.price_tiers, ccc.price_tiers) IS 'inequality of price tiers';

CREATE OPERATOR ccc.< (
    LEFTARG = ccc.price_tiers, RIGHTARG = ccc.price_tiers, FUNCTION = ccc.price_tiers_lt,
    COMMUTATOR = OPERATOR(ccc.>), NEGATOR = OPERATOR(ccc.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR ccc.< (ccc.price_tiers, ccc.price_tiers) IS 'less-than comparison of price tiers';

CREATE OPERATOR ccc.<= (
    LEFTARG = ccc.price_tiers, RIGHTARG = ccc.price_tiers, FUNCTION = ccc.price_tiers_le,
    COMMUTATOR = OPERATOR(ccc.>=), NEGATOR = OPERATOR(ccc.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR ccc.<= (ccc.price_tiers, ccc.price_tiers) IS 'less-than-or-equal comparison of price tiers';

CREATE OPERATOR ccc.> (
    LEFTARG = ccc.price_tiers, RIGHTARG = ccc.price_tiers, FUNCTION = ccc.price_tiers_gt,
    COMMUTATOR = OPERATOR(ccc.<), NEGATOR = OPERATOR(ccc.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR ccc.> (ccc.price_tiers, ccc.price_tiers) IS 'greater-than comparison of price tiers';

CREATE OPERATOR ccc.>= (
    LEFTARG = ccc.price_tiers, RIGHTARG = ccc.price_tiers, FUNCTION = ccc.price_tiers_ge,
    COMMUTATOR = OPERATOR(ccc.<=), NEGATOR = OPERATOR(ccc.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR ccc.>= (ccc.price_tiers, ccc.price_tiers) IS 'greater-than-or-equal comparison of price tiers';

CREATE FUNCTION ccc.price_tiers_cmp(ccc.price_tiers, ccc.price_tiers) RETURNS integer
    AS 'MODULE_PATHNAME', 'price_tiers_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_cmp(ccc.price_tiers, ccc.price_tiers) IS 'three-way comparison for btree';

CREATE FUNCTION ccc.price_tiers_hash(ccc.price_tiers) RETURNS integer
    AS 'MODULE_PATHNAME', 'price_tiers_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_hash(ccc.price_tiers) IS 'hash value';

CREATE FUNCTION ccc.price_tiers_hash_extended(ccc.price_tiers, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'price_tiers_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.price_tiers_hash_extended(ccc.price_tiers, bigint) IS '64-bit hash value with a seed';

CREATE OPERATOR CLASS ccc.price_tiers_ops DEFAULT FOR TYPE ccc.price_tiers USING btree AS
    OPERATOR 1 ccc.<,
    OPERATOR 2 ccc.<=,
    OPERATOR 3 ccc.=,
    OPERATOR 4 ccc.>=,
    OPERATOR 5 ccc.>,
    FUNCTION 1 ccc.price_tiers_cmp(ccc.price_tiers, ccc.price_tiers),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS ccc.price_tiers_ops USING btree IS 'order of price tiers';
COMMENT ON OPERATOR FAMILY ccc.price_tiers_ops USING btree IS 'order of price tiers';

CREATE OPERATOR CLASS ccc.price_tiers_ops DEFAULT FOR TYPE ccc.price_tiers USING hash AS
    OPERATOR 1 ccc.=,
    FUNCTION 1 ccc.price_tiers_hash(ccc.price_tiers),
    FUNCTION 2 ccc.price_tiers_hash_extended(ccc.price_tiers, bigint);
COMMENT ON OPERATOR CLASS ccc.price_tiers_ops USING hash IS 'hashing of price tiers';
COMMENT ON OPERATOR FAMILY ccc.price_tiers_ops USING hash IS 'hashing of price tiers';

CREATE FUNCTION ccc.unit_price(tiers ccc.price_tiers, quantity bigint) RETURNS numeric
    AS 'MODULE_PATHNAME', 'price_tiers_unit_price' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.unit_price(ccc.price_tiers, bigint) IS 'price of one unit in the band that holds a quantity';

CREATE FUNCTION ccc.volume_price(tiers ccc.price_tiers, quantity bigint) RETURNS numeric
    AS 'MODULE_PATHNAME', 'price_tiers_volume_price' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.volume_price(ccc.price_tiers, bigint) IS 'price of a quantity, all of it at the unit price of its band';

CREATE FUNCTION ccc.graduated_price(tiers ccc.price_tiers, quantity bigint) RETURNS numeric
    AS 'MODULE_PATHNAME', 'price_tiers_graduated_price' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ccc.graduated_price(ccc.price_tiers, bigint) IS 'price of a quantity, each part of it at the unit price of its own band';

CREATE FUNCTION ccc.tiers(tiers ccc.price_tiers) RETURNS TABLE (lower_bound bigint, unit_price numeric)
    AS 'MODULE_PATHNAME', 'price_tiers_list' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 4;
COMMENT ON FUNCTION ccc.tiers(ccc.price_tiers) IS 'price tiers as rows';
