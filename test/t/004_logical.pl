# A call table that logical replication fills: what the apply worker writes is
# billed, corrected and reversed as if it had been stored here.  A call table
# that is billed can be replicated to where nothing is.
#
# Makes a cluster of its own, with the programs found on the PATH; one of its
# databases publishes, the next subscribes and bills, the last has an archive
# of that.
use strict;
use warnings;

use File::Temp;
use IPC::Run;
use Test::More;

plan(skip_all => 'initdb refuses root') if $> == 0;

my $dir = File::Temp->newdir('ccc_logical_XXXXXX', TMPDIR => 1);

# nothing of the environment is meant for this server
delete $ENV{$_} foreach grep { /^PG(?!_)/ } keys %ENV;
$ENV{PGHOST} = "$dir";
$ENV{PGPORT} = 5432;
$ENV{PGUSER} = 'postgres';

sub program
{
	my @command = @_;

	IPC::Run::run(\@command, '<', '/dev/null', '>', "$dir/output", '2>&1')
	  or die "@command failed:\n" . `cat $dir/output`;
}

sub sql
{
	my ($database, $sql) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database ],
		'<', \$sql, '>', \$out, '2>', \$err)
	  or die "psql failed: $err\n$sql";
	chomp $out;
	return $out;
}

# Waits until a subscriber says what is wanted, for a minute at most.
sub comes_to
{
	my ($sql, $wanted, $name, $database) = @_;
	my $said = '';

	foreach (1 .. 600)
	{
		$said = sql($database // 'subscriber', $sql);
		last if $said eq $wanted;
		select(undef, undef, undef, 0.1);
	}
	is($said, $wanted, $name);
}

program('initdb', '-D', "$dir/data", '-A', 'trust', '-U', 'postgres', '--locale=C', '-E', 'UTF8', '-N');
open my $conf, '>>', "$dir/data/postgresql.conf" or die;
print $conf "listen_addresses = ''\nunix_socket_directories = '$dir'\nwal_level = logical\nfsync = off\n";
close $conf;
program('pg_ctl', '-D', "$dir/data", '-l', "$dir/log", '-w', 'start');

END
{
	my $status = $?;
	system('pg_ctl', '-D', "$dir/data", '-m', 'immediate', '-s', 'stop') if -e "$dir/data/postmaster.pid";
	$? = $status;
}

sql('postgres', 'CREATE DATABASE publisher');
sql('postgres', 'CREATE DATABASE subscriber');
my $table = 'CREATE TABLE cdr (id text PRIMARY KEY, a text, b text, t timestamptz, s numeric)';
sql('publisher', "$table; INSERT INTO cdr VALUES ('first', '075586013388', 'x', '2025-02-01 10:00+08', 61)");
sql('publisher', 'CREATE PUBLICATION calls FOR TABLE cdr');
sql('publisher', "SELECT pg_create_logical_replication_slot('calls', 'pgoutput')");
sql('subscriber', "$table; CREATE EXTENSION ccc_billing");
sql('subscriber', q{
	SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
	SELECT ccc.top_up(1, 1000);
	SELECT ccc.buy(1, 'number_landline', 1, 6, '075586013388', '2025-01-01 00:00+08');
	SELECT ccc.buy(1, 'landline_custom', 1000, 1, NULL, '2025-01-01 00:00+08');
	SELECT ccc.attach('cdr', 'id', 't', 's', 'a', 'b', replicated => true)});
sql('subscriber', "CREATE SUBSCRIPTION calls CONNECTION 'host=$dir dbname=publisher user=postgres'"
	  . ' PUBLICATION calls WITH (create_slot = false, slot_name = calls)');

my $charges = "SELECT string_agg(call_id || ' ' || billed_minutes, ', ' ORDER BY call_id) FROM ccc.call_charges";
comes_to($charges, 'first 2', 'what the first copy brings is billed');
sql('publisher', "INSERT INTO cdr SELECT 'c' || n, '075586013388', 'x', '2025-02-02 10:00+08', 60 * n FROM generate_series(1, 3) AS n");
comes_to($charges, 'c1 1, c2 2, c3 3, first 2', 'applied inserts');
sql('publisher', "UPDATE cdr SET s = 600 WHERE id = 'c2'; DELETE FROM cdr WHERE id = 'c3'");
comes_to($charges, 'c1 1, c2 10, first 2', 'an applied correction and a deletion');
sql('publisher', "INSERT INTO cdr VALUES ('bad', '075586013388', 'x', NULL, 60)");
comes_to("SELECT string_agg(call_id || ' ' || reason, ', ') FROM ccc.exceptions", 'bad no_start', 'an applied record that cannot be rated');
sql('subscriber', "INSERT INTO cdr VALUES ('own', '075586013388', 'x', '2025-02-03 10:00+08', 1)");
comes_to($charges, 'c1 1, c2 10, first 2, own 1', 'a row that was stored here');
is(sql('subscriber', 'SELECT used FROM ccc.packages'), 14 * 60, 'the package');
is(sql('subscriber', 'SELECT count(*) FROM ccc.check_integrity()'), 0, 'nothing violated');

# exceptions of applied rows: suspended and paid for, contradicting and taking
# the place of what goes, of nobody, alike, unreadable for a time
my $exceptions = q{SELECT string_agg(concat_ws(' ', call_id, reason, resolution), ', ' ORDER BY call_id, reason, resolution)
	FROM ccc.exceptions WHERE reason <> 'no_start'};
sql('publisher', q{
	ALTER TABLE cdr DROP CONSTRAINT cdr_pkey;
	ALTER TABLE cdr REPLICA IDENTITY FULL;
	INSERT INTO cdr VALUES ('late', '075586013388', 'x', '2025-08-01 10:00+08', 60), ('late', '075586013388', 'x', '2025-08-01 10:00+08', 60),
		('k', '075586013388', 'x', '2025-02-05 10:00+08', 60), ('k', '075586013388', 'x', '2025-02-05 10:00+08', 120),
		('nobody', '02155556666', 'x', '2025-02-05 10:00+08', 60)});
sql('subscriber', 'ALTER TABLE cdr DROP CONSTRAINT cdr_pkey');
comes_to($exceptions, 'k conflicting_repeat, late number_suspended, late number_suspended, nobody unknown_number', 'applied exceptions');
sql('publisher', q{DELETE FROM cdr WHERE id = 'k' AND s = 60});
comes_to($charges, 'c1 1, c2 10, first 2, k 2, own 1', 'the contradicting record takes the place of the one that goes');
sql('subscriber', q{SELECT ccc.renew(1, 1, 6); SELECT ccc.add_own_number(1, '02155556666', 'landline', '2025-01-01 00:00+08');
	SELECT ccc.retry_exceptions()});
is(sql('subscriber', $exceptions),
	'k conflicting_repeat billed, late number_suspended billed, late number_suspended billed, nobody unknown_number billed', 'all are resolved');
comes_to($charges, 'c1 1, c2 10, first 2, k 2, late 1, nobody 1, own 1', 'and billed');
sql('publisher', q{DELETE FROM cdr WHERE ctid = (SELECT min(ctid) FROM cdr WHERE id = 'late'); DELETE FROM cdr WHERE id = 'nobody'});
comes_to($charges, 'c1 1, c2 10, first 2, k 2, late 1, own 1', 'of two alike the one that stays keeps the charge');
sql('publisher', q{DELETE FROM cdr WHERE id = 'late'});
comes_to($charges, 'c1 1, c2 10, first 2, k 2, own 1', 'until it goes');
sql('publisher', q{BEGIN; INSERT INTO cdr VALUES ('brief', '075586013388', 'x', NULL, 60);
	UPDATE cdr SET t = '2025-02-06 10:00+08' WHERE id = 'brief'; UPDATE cdr SET t = NULL WHERE id = 'brief'; DELETE FROM cdr WHERE id = 'brief';
	INSERT INTO cdr VALUES ('brief', '075586013388', 'x', '2025-02-06 10:00+08', 60); COMMIT; DELETE FROM cdr WHERE id IN ('brief', 'k')});
comes_to('SELECT count(*) FROM cdr', 5, 'a transaction that stores, corrects and deletes');
is(sql('subscriber', $charges), 'c1 1, c2 10, first 2, own 1', 'leaves nothing');
is(sql('subscriber', "SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL AND call_id <> 'bad'"), 0, 'nor exceptions');
sql('publisher', "UPDATE cdr SET id = id WHERE id = 'c1'; ALTER TABLE cdr ADD PRIMARY KEY (id), REPLICA IDENTITY DEFAULT");
sql('subscriber', 'ALTER TABLE cdr ADD PRIMARY KEY (id)');
is(sql('subscriber', 'SELECT count(*) FROM ccc.check_integrity()'), 0, 'nothing violated');

# a subscription that could block itself is told
is(sql('subscriber', q{BEGIN; UPDATE pg_subscription SET subtwophasestate = 'p';
	SELECT detail FROM ccc.check_integrity(); ROLLBACK}), 'subscription calls', 'a subscription with two phases is told');

# a slot cannot be made by a subscription within its own cluster
my $records = 'SELECT cdr::text FROM cdr ORDER BY id';
sql('postgres', 'CREATE DATABASE archive');
sql('archive', $table);
sql('subscriber', "CREATE PUBLICATION billed FOR TABLE cdr; SELECT pg_create_logical_replication_slot('billed', 'pgoutput')");
sql('archive', "CREATE SUBSCRIPTION billed CONNECTION 'host=$dir dbname=subscriber user=postgres'"
	  . ' PUBLICATION billed WITH (create_slot = false, slot_name = billed)');
comes_to($records, sql('subscriber', $records), 'a table that is billed is copied to where nothing is billed', 'archive');
sql('publisher', "INSERT INTO cdr VALUES ('through', '075586013388', 'x', '2025-02-04 10:00+08', 61); DELETE FROM cdr WHERE id = 'bad'");
sql('subscriber', "UPDATE cdr SET s = 90 WHERE id = 'own'");
comes_to($charges, 'c1 1, c2 10, first 2, own 2, through 2', 'it is still billed');
comes_to($records, sql('subscriber', $records), 'and what is applied, stored and corrected goes on', 'archive');
is(sql('subscriber', 'SELECT count(*) FROM ccc.check_integrity()'), 0, 'nothing violated by then');

# a number that replication puts into service: who bills knew all, by then
sql('publisher', q{CREATE SCHEMA ccc;
	CREATE TABLE ccc.numbers (number text, since timestamptz, paid_until timestamptz, released_at timestamptz, account_id bigint, line text, owner text);
	CREATE PUBLICATION numbers FOR TABLE ccc.numbers});
sql('publisher', "SELECT pg_create_logical_replication_slot('numbers', 'pgoutput')");
sql('subscriber', "CREATE SUBSCRIPTION numbers CONNECTION 'host=$dir dbname=publisher user=postgres'"
	  . ' PUBLICATION numbers WITH (create_slot = false, slot_name = numbers, copy_data = false)');
sql('publisher', "INSERT INTO cdr SELECT 'n' || n, '02155557777', 'x', '2025-02-05 10:00+08', 60 FROM generate_series(1, 200) AS n");
comes_to("SELECT count(*) FROM ccc.exceptions WHERE reason = 'unknown_number' AND resolved_at IS NULL", 200, 'of nobody, many times');
sql('publisher', "INSERT INTO ccc.numbers VALUES ('02155557777', '2025-01-01 00:00+08', 'infinity', 'infinity', 1, 'landline', 'customer')");
comes_to("SELECT count(*) FROM ccc.numbers WHERE number OPERATOR(ccc.=) '02155557777'", 1, 'a number is applied');
sql('publisher', "INSERT INTO cdr VALUES ('told', '02155557777', 'x', '2025-02-05 10:00+08', 60)");
comes_to($charges, 'c1 1, c2 10, first 2, own 2, through 2, told 1', 'and its call is billed');

done_testing();
