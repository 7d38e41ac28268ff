# Every function and procedure that somebody may call, on a primary and on its
# standby: what does not write says the same, what would write is refused.
#
# The list is the catalogue's: a new one is tried with the arguments below, and
# fails until they suit it.  Servers are functions that run SQL in a database
# there, that of harness::Business.
package harness::Routines;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use Test::More;

use harness::Business;

our @EXPORT = qw(prepare_routines check_routines);

# SQL, by name and type, else by type.
my %arguments = (
	'account_id bigint' => [ 1, 2, 99, '(-9223372036854775808)' ],
	'product text' => ["'landline_custom'"],
	'quantity integer' => [1000],
	'purchase_no integer' => [ 1, 3, 5 ],
	'number text' => [ "'0755-86013389'", "'021 6123 4567'", 'NULL' ],
	'line text' => ["'landline'"],
	'agent text' => [ q{E'agent\t"1"'}, "'three'" ],
	'edition text' => ["'premium'"],
	'time_zone text' => ["'Asia/Shanghai'"],
	'pool text' => ["'landline_outbound'"],
	'name text' => ["'another'"],
	'preset text' => ["'kamailio'"],
	'day_rule text' => ["'end_of_day'"],
	'request_id text' => [ 'NULL', "'first'" ],
	'call_id text' => [ "'id'", "'split'", "'12'" ],
	'started_at text' => ["'start'"],
	'seconds text' => ["'length'"],
	'caller text' => ["'src'"],
	'callee text' => ["'dst'"],
	'finished text' => ["'done'"],
	'direction text' => ['NULL'],
	'on_delete text' => ["'keep'"],
	'unknown text' => ["'ignore'"],
	'field text' => ["'call_id'"],
	'expression text' => ["'id'"],
	'first_block bigint' => [0],
	'mapping jsonb' => [q('{"started_at": "start_time", "time_zone": "UTC"}')],
	'as_of timestamp with time zone' => ["'2025-05-01 00:00+08'"],
	'until timestamp with time zone' => ["'2025-04-01 00:00+08'"],
	'minutes bigint' => [ 900, 25000 ],
	'bigint' => [1000],
	'bigint[]' => ["'{1,1000}'"],
	'oid' => [1000],
	'uuid[]' => [ "'{}'", 'ARRAY(SELECT exception_id FROM ccc.exception_log)' ],
	'integer' => [1],
	'numeric' => [61.2],
	'text' => ["'x'"],
	'boolean' => ['false'],
	'timestamp with time zone' => [ "'2025-02-20 10:00+08'", "'2025-03-05 00:00+08'" ],
	'timestamp with time zone[]' => ["'{2025-02-01 00:00+08, 2025-03-01 00:00+08}'"],
	'interval' => ["'1 month'"],
	'exclusively boolean' => ['true'],
	'regclass' => [ "'cdr'", "'switch'", "'parted'", "'part'" ],
	'regrole' => ["\$role\$$tenant\$role\$"],
	'ccc.phone_number' => [ "'4008123456'", "'075586013388'" ],
	'ccc.billing_increment' => [ "'60/60'", "'30/6'" ],
	'ccc.price_tiers' => [ "'0:0.15'", "'0:0.16, 500:0.15'" ],
	'ccc.package_state[]' => [q(ARRAY[(1, '2025-01-01 00:00+08', '2025-07-01 00:00+08', 600)])],
	'ccc.rentals' => [ map { "(SELECT r FROM ccc.rentals AS r WHERE (account_id, purchase_no) = (2, $_))" } 2, 3 ]);

# What a call of a function says: all rows, or the error.  Nothing of it stays.
# What writes, or would have, has a transaction id.
my $answer = <<'SQL';
	CREATE FUNCTION answer(call text) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		said   text;
		failed boolean := false;
	BEGIN
		BEGIN
			EXECUTE format('SELECT string_agg(a::text, E''\n'' ORDER BY a::text COLLATE "C") FROM %s AS a', call) INTO said;
			RAISE EXCEPTION USING ERRCODE = 'ZZUND';
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE <> 'ZZUND' THEN
				said := SQLSTATE || ': ' || SQLERRM;
				failed := true;
			END IF;
		END;
		RETURN jsonb_build_object('call', call, 'said', coalesce(said, ''), 'failed', failed::integer,
			'writes', (pg_current_xact_id_if_assigned() IS NOT NULL)::integer);
	END $$;
SQL

# What somebody may call, with the types of its arguments; not triggers, nor
# what reads and prints a type.
my $routines = <<'SQL';
	SELECT p.oid::regproc, p.prokind, p.provolatile, (
		SELECT string_agg(concat_ws(' ', nullif(p.proargnames[t.n], ''), format_type(t.type, NULL)), '|' ORDER BY t.n)
		FROM unnest(p.proargtypes) WITH ORDINALITY AS t (type, n))
	FROM pg_proc AS p
	WHERE p.pronamespace = 'ccc'::regnamespace AND p.prorettype <> 'trigger'::regtype
		AND NOT p.proargtypes::oid[] && ARRAY['internal', 'cstring']::regtype[]::oid[]
		AND EXISTS (SELECT FROM unnest('{ccc_admin,ccc_writer,ccc_reader,ccc_tenant,ccc_monitor}'::text[]) AS r (name)
			WHERE has_function_privilege(r.name, p.oid, 'EXECUTE'))
	ORDER BY p.oid::regprocedure::text COLLATE "C"
SQL

# On the primary: what asks; a table that is not attached; and one that is, with
# a partition that is not billed now, but was by itself, and left an exception.
sub prepare_routines
{
	my ($sql) = @_;

	$sql->($answer);
	$sql->(q{
		CREATE TABLE switch (id bigint, start timestamp, length interval, src text, dst text, done boolean,
			callid text, caller text, callee text, start_time timestamp, duration real);
		CREATE TABLE parted (id text, start timestamptz, seconds numeric, src text, dst text) PARTITION BY LIST (id);
		SELECT ccc.attach('parted', 'id', 'start', 'seconds', 'src', 'dst');
		CREATE TABLE part (LIKE parted);
		SELECT ccc.attach('part', 'id', 'start', 'seconds', 'src', 'dst');
		INSERT INTO part VALUES ('nobody', '2025-03-10 10:00+08', 61, '075586019999', '10086');
		SELECT ccc.detach('part');
		ALTER TABLE parted ATTACH PARTITION part DEFAULT;
		INSERT INTO part VALUES ('unbilled', '2025-03-10 10:00+08', 61, '075586013388', '10086')});
}

# Every combination of the arguments.
sub calls
{
	my ($routine, @parameters) = @_;
	my @lists = ([]);

	foreach my $parameter (@parameters)
	{
		my ($type) = $parameter =~ /(timestamp with time zone\S*|\S+)$/;
		my $values = $arguments{$parameter} // $arguments{$type} // die "no arguments for $routine: $parameter";

		@lists = map { my $list = $_; map { [ @$list, "${_}::$type" ] } @$values } @lists;
	}
	return map { "$routine(" . join(', ', @$_) . ')' } @lists;
}

# Keyed by call.
sub answers
{
	my ($sql, @calls) = @_;

	return map { $_->{call} => $_ } map { decode_json($_) } split /\n/,
	  $sql->(join '', map { "SELECT answer(\$call\$$_\$call\$);\n" } @calls);
}

# Of one function, by the answers of both.
sub check_function
{
	my ($here, $there, $function, $volatile, @calls) = @_;
	my @wrong;

	foreach my $call (@calls)
	{
		my ($said, $wanted) = ($there->{$call}{said}, $here->{$call}{said});
		my $refused = $said =~ /^25006: /;

		push @wrong, "$call: $said, on the primary $wanted"
		  unless $refused && $volatile || !$here->{$call}{writes} && $said eq $wanted;
	}
	is(join("\n", @wrong), '', "$function: " . ($volatile ? 'refused' : 'the same') . ' in ' . @calls . ' calls');
	ok((grep { !$_->{failed} && (!$volatile || $_->{writes}) } @$here{@calls}), "$function: tried with arguments that it takes")
	  or diag(map { "$_: $here->{$_}{said}\n" } @calls);
}

sub check_procedure
{
	my ($standby, @calls) = @_;

	foreach my $call (@calls)
	{
		eval { $standby->("\\set VERBOSITY sqlstate\nCALL $call") };
		like($@, qr/ERROR: +25006/, "$call: refused");
	}
}

sub check_routines
{
	my ($primary, $standby) = @_;
	my @routines = map {
		my ($name, $kind, $volatility, @parameters) = split /\|/;
		{ name => $name, procedure => $kind eq 'p', volatile => $volatility eq 'v', calls => [ calls($name, @parameters) ] }
	} split /\n/, $primary->($routines);
	my @calls = map { @{ $_->{calls} } } grep { !$_->{procedure} } @routines;
	my ($here, $there) = map { { answers($_, @calls) } } $primary, $standby;

	foreach my $r (@routines)
	{
		check_procedure($standby, @{ $r->{calls} }) if $r->{procedure};
		check_function($here, $there, $r->{name}, $r->{volatile}, @{ $r->{calls} }) if !$r->{procedure};
	}
}

1;
