# A dump, restored into a new database, holds every figure; the tables that
# were attached are, and calls that were billed before are not billed again.
#
# Needs a running server, given by PGHOST and its kin, and a superuser.
use strict;
use warnings;

use File::Temp;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use Test::More;

use harness::Business;

my $dir = File::Temp->newdir('ccc_dump_XXXXXX', TMPDIR => 1);
my %databases;

# Runs a program; dies with what it said when it fails.
sub program
{
	my @command = @_;
	my ($out, $err);

	IPC::Run::run(\@command, '<', \'', '>', \$out, '2>', \$err)
	  or die "@command failed:\n$out$err";
	return $out;
}

sub sql
{
	my ($database, $sql) = @_;
	my ($out, $err);

	IPC::Run::run(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database ],
		'<', \$sql, '>', \$out, '2>', \$err)
	  or die "psql failed: $err\n$sql";
	chomp $out;
	return $out;
}

sub in_database
{
	my ($database) = @_;

	return sub { sql($database, @_) };
}

sub make_database
{
	my ($name) = @_;

	program('dropdb', '--if-exists', '--force', $name);
	program('createdb', '-T', 'template0', $name);
	$databases{$name} = 1;
	return $name;
}

END
{
	my $status = $?;

	system('dropdb', '--force', $_) foreach keys %databases;
	system('psql', '-Xq', '-d', 'postgres', '-c', "DROP ROLE IF EXISTS $tenant");
	$? = $status;
}

my $database = make_database('ccc_dump');
make_business(in_database($database));
my $contents = contents(in_database($database));
program('pg_dump', '-f', "$dir/plain.sql", $database);
program('pg_dump', '--inserts', '-f', "$dir/inserts.sql", $database);
program('pg_dump', '-Fc', '-f', "$dir/custom", $database);
program('pg_dump', '-Fd', '-j', '2', '-f', "$dir/directory", $database);

my @restores = (
	[ 'plain', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql" ],
	[ 'inserts', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/inserts.sql" ],
	[ 'one transaction', 'psql', '-Xq', '-1', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql" ],
	[ 'custom', 'pg_restore', '--exit-on-error', "$dir/custom" ],
	[ 'custom, one transaction', 'pg_restore', '--single-transaction', "$dir/custom" ],
	[ 'two jobs', 'pg_restore', '--exit-on-error', '-j', '2', "$dir/custom" ],
	[ 'directory, two jobs', 'pg_restore', '--exit-on-error', '-j', '2', "$dir/directory" ]);

foreach my $restore (@restores)
{
	my ($name, @command) = @$restore;
	my $copy = make_database('ccc_restored');

	if (ok(eval { program(@command, '-d', $copy); 1 }, "$name: restored") or diag($@), !$@)
	{
		same_contents(in_database($copy), $contents, $name);
		goes_on(in_database($copy), $name);
	}
}

# The schema first, then the data, while the triggers of the call tables are
# silent: they would take each record for a repeat of what the ledger holds.
my $copy = make_database('ccc_restored');
program('pg_restore', '--exit-on-error', '--schema-only', '-d', $copy, "$dir/custom");
{
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	program('pg_restore', '--exit-on-error', '--data-only', '-d', $copy, "$dir/custom");
}
same_contents(in_database($copy), $contents, 'data after schema');
goes_on(in_database($copy), 'data after schema');

# A restored database can be dumped and restored again.
$copy = make_database('ccc_restored');
program('pg_restore', '--exit-on-error', '-d', $copy, "$dir/custom");
program('pg_dump', '-Fc', '-f', "$dir/again", $copy);
$copy = make_database('ccc_restored');
program('pg_restore', '--exit-on-error', '-d', $copy, "$dir/again");
same_contents(in_database($copy), $contents, 'dumped again');

# What was granted to a role that is gone would be the next one's of its number.
sql($copy, q{CREATE ROLE ccc_dump_gone IN ROLE ccc_tenant; SELECT ccc.grant_account('ccc_dump_gone', 1); DROP ROLE ccc_dump_gone});
program('pg_dump', '-Fc', '-f', "$dir/gone", $copy);
$copy = make_database('ccc_restored');
program('pg_restore', '--exit-on-error', '-d', $copy, "$dir/gone");
is(sql($copy, 'SELECT account_id FROM ccc.tenants'), 2, 'grants to a role that was dropped are not restored');

# A table that was dropped has no name: its number would be another table's.
# What was told of its records is there still, and is rated as it would have been.
$copy = make_database('ccc_dump');
sql($copy, q{
	CREATE EXTENSION ccc_billing;
	SELECT ccc.open_account(1, 'first', '2025-01-01');
	SELECT ccc.top_up(1, 10000);
	CREATE TABLE old_calls (call_id text, caller text, started_at timestamptz, seconds numeric);
	SELECT ccc.attach('old_calls', 'call_id', 'started_at', 'seconds', 'caller', $$'x'$$, max_seconds => 3600);
	INSERT INTO old_calls VALUES ('a', '075586013388', '2025-03-02 00:00+08', 61), ('b', '075586013388', '2025-03-02 00:00+08', 3601);
	DROP TABLE old_calls});
my $gone = sql($copy, 'SELECT cdr::oid FROM ccc.sources');
sql($copy, 'SELECT ccc.create_calls_table()');
program('pg_dump', '-Fc', '-f', "$dir/dropped", $copy);
$copy = make_database('ccc_restored');
ok(eval { program('pg_restore', '--exit-on-error', '-d', $copy, "$dir/dropped"); 1 }, 'a table that was dropped: restored') or diag($@);
is(sql($copy, 'SELECT cdr FROM ccc.sources'), 'calls', 'a table that was dropped is attached no more');
is(sql($copy, "SELECT count(*) FROM ccc.sources WHERE cdr::oid = $gone AND cdr::text <> 'calls'"), 0, 'nor is who has its number now');
sql($copy, q{SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08')});
sql($copy, 'SELECT ccc.retry_exceptions()');
is(sql($copy, q{SELECT string_agg(call_id || ' ' || reason || ' ' || coalesce(resolution, ''), ', ' ORDER BY call_id) FROM ccc.exceptions}),
	'a unknown_number billed, b bad_length ', 'what was told of its records is rated again, but for what was too long');

# What a reseller does to rows that came with the extension, in ways less
# usual: the catalogue of the restored database is the dumped one's.
my %edits = (
	'a built-in row edited back' =>
	  q{UPDATE ccc.prices SET tiers = '0:1' WHERE product = 'seat_standard';
		UPDATE ccc.prices SET tiers = '0:125' WHERE product = 'seat_standard'},
	'a built-in price that is moved in time' =>
	  q{UPDATE ccc.prices SET valid_from = '2025-01-01 00:00+08' WHERE product = 'seat_standard'},
	'a built-in product of another code' =>
	  q{UPDATE ccc.products SET code = 'seat_basic' WHERE code = 'seat_standard'},
	'a built-in price edited, then deleted' =>
	  q{UPDATE ccc.prices SET tiers = '0:1' WHERE product = 'seat_standard';
		DELETE FROM ccc.prices WHERE product = 'seat_standard'},
	'a built-in rule edited, then deleted' =>
	  q{UPDATE ccc.call_rules SET treatment = 'free' WHERE (line, owner, direction) = ('400', 'platform', 'outbound');
		DELETE FROM ccc.call_rules WHERE (line, owner, direction) = ('400', 'platform', 'outbound')},
	'the built-in trial edited' =>
	  q{UPDATE ccc.trials SET quantity = 0},
	'an own row deleted' =>
	  q{INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_standard', '2025-06-01 00:00+08', '0:130');
		DELETE FROM ccc.prices WHERE product = 'seat_standard' AND valid_from > '2025-01-01 00:00+08'},
	'an own row claimed to be built in' =>
	  q{INSERT INTO ccc.prices (product, valid_from, tiers, built_in) VALUES ('seat_standard', '2025-06-01 00:00+08', '0:130', true)});

foreach my $name (sort keys %edits)
{
	my $edited = make_database('ccc_dump');
	my $catalogue = join ' UNION ALL ',
	  map { "SELECT '$_', t::text FROM ccc.$_ AS t" } qw(products prices pools call_rules trials);

	sql($edited, 'CREATE EXTENSION ccc_billing');

	# to refuse an edit is fine, to lose it is not
	if (!eval { sql($edited, "BEGIN; $edits{$name}; COMMIT"); 1 })
	{
		pass("$name: refused");
		next;
	}
	program('pg_dump', '-Fc', '-f', "$dir/edited", $edited);
	$copy = make_database('ccc_restored');
	ok(eval { program('pg_restore', '--exit-on-error', '-d', $copy, "$dir/edited"); 1 },
		"$name: restored") or diag($@);

	my %dumped = map { $_ => 1 } split /\n/, sql($edited, $catalogue);
	my %restored = map { $_ => 1 } split /\n/, sql($copy, $catalogue);
	is(join("\n", sort grep { !$restored{$_} } keys %dumped), '', "$name: nothing lost");
	is(join("\n", sort grep { !$dumped{$_} } keys %restored), '', "$name: nothing come back");
}

done_testing();
