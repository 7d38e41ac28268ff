# A small business with something of everything, what is asked of it, and how
# it goes on: for tests that move it whole to another place.
#
# All take a function that runs SQL in its database and gives bare rows.
package harness::Business;

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = qw($tenant make_business contents same_contents goes_on);

# A role that sees account 2.
our $tenant = q{"ccc_test's ""tenant"""};

my $business = <<'SQL';
CREATE EXTENSION ccc_billing;

-- the catalogue: built-in rows edited, versions and products added
UPDATE ccc.products SET day_rule = 'end_of_day' WHERE code = 'landline_10000';
UPDATE ccc.products SET withdrawn_at = '2030-01-01 00:00+08' WHERE code = '400_50000';
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_standard', '2025-06-01 00:00+08', '0:130');
UPDATE ccc.prices SET tiers = '0:55' WHERE product = 'number_landline';
UPDATE ccc.prices SET tiers = '0:0.16, 10000:0.15' WHERE product = '400_custom';
INSERT INTO ccc.pools (code, valid_from, increment) VALUES
	('mobile outbound', '2025-01-01 00:00+08', '6/6'),
	('landline_outbound', '2025-02-10 00:00+08', '30/6');
UPDATE ccc.pools SET increment = '60/30' WHERE code = '400_inbound';
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES
	('reseller''s "mobile", 500', 'package', 'mobile outbound', 500, '1 month 10 days 5 hours');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES
	('reseller''s "mobile", 500', '2025-01-01 00:00+08', '0:33.333333');
UPDATE ccc.call_rules SET treatment = 'free' WHERE (line, owner, direction) = ('400', 'platform', 'outbound');
INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment, pool) VALUES
	('landline', 'customer', 'outbound', '2025-02-15 00:00+08', 'charge', 'mobile outbound');
UPDATE ccc.trials SET quantity = 12;
INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES ('2026-01-01 00:00+08', 'seat_premium', 2, '1 month');

-- accounts, money, numbers
SELECT ccc.open_account(1, E'one, "1"\t\\N\\', '2025-01-01 00:00+08');
SELECT ccc.open_account(2, E'二\n号', '2025-01-01 00:00+08', 'America/New_York');
SELECT ccc.open_account(-9223372036854775808, '', '2025-01-01 00:00+08', 'UTC');
SELECT ccc.top_up(1, 20000, 'first'), ccc.top_up(2, 5000.01), ccc.top_up(-9223372036854775808, 0.01, E'odd\t\\');
SELECT FROM ccc.buy(1, 'landline_10000', bought_at => '2025-01-01 00:00+08', request_id => 'second');
SELECT FROM ccc.buy(1, 'landline_custom', 1000, bought_at => '2024-09-01 00:00+08');
SELECT FROM ccc.buy(1, '400_custom', 1000, bought_at => '2025-01-01 00:00+08');
SELECT FROM ccc.buy(1, 'reseller''s "mobile", 500', bought_at => '2025-02-01 00:00+08');
SELECT FROM ccc.buy(1, 'seat_premium', 3, 2, bought_at => '2025-01-01 00:00+08');
SELECT FROM ccc.buy(1, 'number_landline', 1, 6, '0755-8601-3388', '2025-01-01 00:00+08');
SELECT FROM ccc.buy(1, 'number_400', 1, 6, '400-812-3456', '2025-01-01 00:00+08', 'number');
SELECT ccc.add_own_number(1, '010 6552 9988', 'landline', '2025-01-01 00:00+08');
SELECT FROM ccc.buy(2, 'landline_custom', 2000, bought_at => '2025-01-31 23:00-05');
SELECT FROM ccc.buy(2, 'number_landline', 1, 2, '021 6123 4567', '2025-01-01 00:00+08');

-- rentals renewed, lapsed and released, money given back, agents who came and went
SELECT FROM ccc.buy(2, 'seat_premium', 2, bought_at => '2025-01-01 00:00+08', auto_renew => true);
SELECT FROM ccc.buy(2, 'number_400', 1, 1, '400 111 2222', '2025-01-01 00:00+08');
SELECT FROM ccc.renew(2, 3);
SELECT FROM ccc.renew(2, 4, 2, 'renewal');
SELECT FROM ccc.renew_due('2025-03-20 00:00+08');
SELECT ccc.set_auto_renew(2, 4, true), ccc.release_number(2, '400 111 2222', '2025-03-10 00:00+08');
SELECT FROM ccc.buy(2, '400_custom', 3000, bought_at => '2025-02-01 00:00+08');
SELECT FROM ccc.buy(2, '400_custom', 1000, bought_at => '2025-02-01 00:00+08');
SELECT ccc.refund(2, (SELECT max(purchase_no) - 1 FROM ccc.purchases WHERE account_id = 2), '2025-03-01 00:00+08', 'refund'),
	ccc.void_purchase(2, (SELECT max(purchase_no) FROM ccc.purchases WHERE account_id = 2), 'void');
SELECT ccc.sign_in(2, E'agent\t"1"', 'premium', '2025-01-10 00:00+08'), ccc.sign_in(2, 'two', 'premium', '2025-01-11 00:00+08');
SELECT ccc.sign_out(2, 'two', '2025-01-12 00:00+08');
SELECT FROM ccc.buy(1, 'seat_standard', 1, bought_at => '2025-01-01 00:00+08', auto_renew => true);

-- call tables: one later renamed and moved, one of a name to be quoted, one
-- of somebody's own, one detached
CREATE SCHEMA archive;
CREATE SCHEMA "my calls";
SELECT ccc.create_calls_table();
SELECT ccc.create_calls_table('"my calls"."Calls 2"');
SELECT ccc.create_calls_table('detached');
CREATE FUNCTION tidy(number text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT trim('x' FROM number) $$;
CREATE TABLE cdr (id bigint, start timestamp, length interval, src text, dst text, done boolean);
SELECT ccc.attach('cdr', 'id', 'start', 'length', 'public.tidy(src)', 'dst', finished => 'done',
	time_zone => 'Asia/Shanghai', direction => $$CASE WHEN src LIKE 'x%' THEN 'outbound' ELSE 'inbound' END$$,
	on_delete => 'keep', unknown => 'ignore', max_seconds => 7200, max_ahead => 60);
-- the last minutes of a package that ends, then the next one; a shortfall; free
INSERT INTO calls
	SELECT 'bulk ' || n, '075586013388', '1380000' || n, '2025-02-01 09:00+08'::timestamptz + n * interval '1 minute', 3060
	FROM generate_series(1001, 1025) AS n;
INSERT INTO calls VALUES
	('split', '075586013388', NULL, '2025-02-02 09:00+08', 86399.5),
	('by seconds', '+8675586013388', 'anonymous', '2025-02-12 09:00+08', 61),
	('incoming', '13800000001', '(0755) 8601-3388', '2025-02-02 09:00+08', 61),
	('own', '01065529988', '13800000001', '2025-02-16 09:00+08', 61),
	('refused before', '4008123456', '13800000001', '2025-02-02 09:00+08', 61),
	('late for the number', '075586013388', '13800000001', '2025-12-02 09:00+08', 61),
	('unfinished', '075586013388', '13800000001', '2025-02-02 09:00+08', NULL),
	(E'odd \t\\N "id"', '075586013388', '13800000001', '2025-02-02 09:00+08', 0.000001),
	('negative', '075586013388', '13800000001', '2025-02-02 09:00+08', -1),
	('not a number', '075586013388', '13800000001', '2025-02-02 09:00+08', 'NaN'),
	('nobody''s', '13800000002', '13800000001', '2025-02-02 09:00+08', 1),
	(NULL, '075586013388', '13800000001', '2025-02-02 09:00+08', 1);
INSERT INTO calls SELECT * FROM calls WHERE call_id IN ('split', 'incoming');
INSERT INTO calls VALUES ('split', '075586013388', NULL, '2025-02-02 09:00+08', 1);
INSERT INTO "my calls"."Calls 2" SELECT '400 ' || n, '13800000001', '400 812 3456', '2025-02-05 10:00+08', 3601
	FROM generate_series(1, 20) AS n;
INSERT INTO detached VALUES ('elsewhere', '075586013388', '02161234567', '2025-02-05 10:00+08', 100);
INSERT INTO cdr SELECT n, '2025-02-05 10:00', n * interval '20.2 s', 'x02161234567x', '10086', n % 7 <> 0
	FROM generate_series(1, 30) AS n;
SELECT ccc.detach('detached');
INSERT INTO detached VALUES ('unbilled', '075586013388', '13800000001', '2025-02-05 10:00+08', 100);
ALTER TABLE calls RENAME TO renamed;
ALTER TABLE renamed SET SCHEMA archive;
INSERT INTO archive.renamed VALUES ('after the move', '075586013388', '13800000001', '2025-02-06 10:00+08', 100);
SQL

# Makes it, and shows that it has what moving could lose.
sub make_business
{
	my ($sql) = @_;

	$sql->($business);
	$sql->("CREATE ROLE $tenant IN ROLE ccc_tenant; SELECT ccc.grant_account(\$\$$tenant\$\$, 2)");
	is($sql->('SELECT * FROM ccc.check_integrity()'), '', 'nothing violated at first');
	is( $sql->(q{SELECT outcome FROM ccc.call_charges WHERE call_id = 'after the move'}),
		'charged', 'a table that was renamed and moved is still billed');
	cmp_ok($sql->(q{
			SELECT count(*) FROM (SELECT FROM ccc.ledger WHERE kind IN ('c', 's')
				GROUP BY account_id, call_id, direction HAVING count(*) = 2) AS s}),
		'>=', 2, 'calls are split');
	cmp_ok($sql->('SELECT sum(short_minutes) FROM ccc.call_charges'), '>', 0, 'there is a shortfall');
	cmp_ok($sql->('SELECT count(DISTINCT reason) FROM ccc.exceptions'), '>=', 5,
		'there are exceptions of several kinds');
}

# Every table and view of the schema, and what is asked of it, as text.
sub contents
{
	my ($sql) = @_;
	my %contents;

	foreach my $relation (
		split /\n/,
		$sql->(q{
			SELECT oid::regclass FROM pg_class
			WHERE relnamespace = 'ccc'::regnamespace AND relkind IN ('r', 'v')
				AND relname <> 'monitoring'}))
	{
		$contents{$relation} = $sql->(qq{
			SELECT t::text FROM $relation AS t ORDER BY t::text COLLATE "C"});
	}
	$contents{"balances at $_"} = $sql->(qq{
		SELECT b::text FROM ccc.balances('$_') AS b ORDER BY account_id, package_no})
	  foreach '2025-01-15 00:00+08', '2025-04-01 00:00+08', '2026-01-01 00:00+08';
	$contents{'explanations'} = $sql->(q{
		SELECT c.account_id, c.call_id, e
		FROM (SELECT DISTINCT account_id, call_id FROM ccc.call_charges) AS c,
			ccc.explain_call(c.account_id, c.call_id) WITH ORDINALITY AS e (line, n)
		ORDER BY c.account_id, c.call_id, e.n});
	$contents{'prices'} = $sql->(q{
		SELECT p.code, d.at, q.amount
		FROM ccc.products AS p, (VALUES ('2025-01-01 00:00+08'::timestamptz), ('2025-12-01 00:00+08')) AS d (at),
			ccc.quote(p.code, p.minimum, d.at) AS q
		ORDER BY p.code COLLATE "C", d.at});
	$contents{'life'} = $sql->(q{
		SELECT a.account_id, d.at, s::text, o::text
		FROM ccc.accounts AS a, (VALUES ('2025-01-11 12:00+08'::timestamptz), ('2025-03-05 00:00+08')) AS d (at),
			ccc.seats(a.account_id, d.at) AS s, ccc.account_overview(a.account_id, d.at) AS o
		WHERE o.section <> 'wallet'
		ORDER BY 1, 2, 3, 4});
	$contents{'triggers'} = $sql->(q{
		SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger
		WHERE tgfoid = 'ccc.bill'::regproc ORDER BY 1});
	$contents{'integrity'} = $sql->('SELECT * FROM ccc.check_integrity()');
	return \%contents;
}

sub same_contents
{
	my ($sql, $expected, $name) = @_;
	my $got = contents($sql);

	is(join("\n", sort keys %$got), join("\n", sort keys %$expected),
		"$name: the same tables and views");
	is($got->{$_}, $expected->{$_}, "$name: $_") foreach sort keys %$expected;
	is($got->{integrity}, '', "$name: nothing violated");
}

# It goes on where it stopped.
sub goes_on
{
	my ($sql, $name) = @_;
	my $before = $sql->('SELECT account_id, package_no, used FROM ccc.packages ORDER BY 1, 2');
	my $short = 'SELECT account_id, pool, sum(short_minutes) FROM ccc.call_charges GROUP BY 1, 2 ORDER BY 1, 2';
	my $shortfalls = $sql->($short);
	my $repeats = q{SELECT count(*) FROM ccc.ledger WHERE kind = 'r'};
	my $charges = q{SELECT count(*) FROM ccc.ledger WHERE kind <> 'r'};
	my ($repeated, $charged) = ($sql->($repeats), $sql->($charges));

	# each side that was billed or is a repeat, but those of the table that is
	# not attached any more
	my $expected = $repeated + $sql->(q{
		SELECT count(DISTINCT (account_id, call_id, direction)) FROM ccc.ledger
		WHERE call_id <> 'elsewhere'});

	# every record of every attached table once more
	$sql->('INSERT INTO archive.renamed SELECT * FROM archive.renamed');
	$sql->('INSERT INTO "my calls"."Calls 2" SELECT * FROM "my calls"."Calls 2"');
	$sql->('INSERT INTO cdr SELECT * FROM cdr');
	is($sql->('SELECT account_id, package_no, used FROM ccc.packages ORDER BY 1, 2'),
		$before, "$name: repeats draw nothing");
	is($sql->($short),
		$shortfalls, "$name: repeats fall short of nothing");
	is($sql->($charges), $charged, "$name: repeats are not charged");
	is($sql->($repeats), $repeated + $expected, "$name: each is a repeat");

	# new calls
	$sql->(q{
		INSERT INTO archive.renamed VALUES ('new', '075586013388', '13800000001', '2025-02-20 10:00+08', 61);
		INSERT INTO "my calls"."Calls 2" VALUES ('new 2', '13800000001', '4008123456', '2025-02-20 10:00+08', 1);
		INSERT INTO cdr VALUES (99, '2025-02-20 10:00', '00:00:30.5', 'x02161234567x', '13800000001', true);
	});
	is( $sql->(q{
			SELECT account_id, call_id, direction, outcome, billed_minutes FROM ccc.call_charges
			WHERE call_id IN ('new', 'new 2', '99') ORDER BY account_id, call_id}),
		"1|new|outbound|charged|1.1\n1|new 2|inbound|short|1\n2|99|outbound|charged|0.6",
		"$name: new calls are billed");

	# requests made before, and a new purchase
	my $balance = $sql->('SELECT ccc.wallet_balance(1)');
	is( $sql->(q{SELECT ccc.top_up(1, 20000, 'first')}),
		'20000.00', "$name: a top-up made before gives the same result");
	is( $sql->(q{SELECT purchase_no FROM ccc.buy(1, 'landline_10000',
			bought_at => '2025-01-01 00:00+08', request_id => 'second')}),
		'1', "$name: a purchase made before gives the same result");
	is($sql->('SELECT ccc.wallet_balance(1)'), $balance, "$name: and they move no money");
	is( $sql->(q{SELECT purchase_no - last FROM
			(SELECT max(purchase_no) AS last FROM ccc.purchases WHERE account_id = 1) AS p,
			ccc.buy(1, 'seat_standard', 2)}),
		'1', "$name: purchases are counted on");
	is( $sql->(q{SELECT ccc.refund(2, purchase_no, '2025-03-01 00:00+08', 'refund') = refunded
			FROM ccc.purchases WHERE account_id = 2 AND refunded > 0 AND NOT voided}),
		't', "$name: a refund made before gives the same result");
	is( $sql->(q{SELECT count(*) FROM ccc.renew_due('2025-03-20 00:00+08') WHERE account_id = 2}),
		'0', "$name: what was renewed is not due");
	is( $sql->(q{SELECT ccc.sign_in(2, E'agent\t"1"', 'premium', '2025-03-05 00:00+08'),
			ccc.sign_in(2, 'three', 'premium', '2025-03-05 00:00+08')}),
		'f|t', "$name: who was online still is, and another comes");
	is( $sql->("SET ROLE $tenant; SELECT string_agg(account_id::text, ',') FROM ccc.accounts"),
		'2', "$name: a tenant sees its account");
	is( $sql->('SELECT count(*) FROM ccc.check_integrity()'),
		'0', "$name: nothing violated afterwards");
}

1;
