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

done_testing();
