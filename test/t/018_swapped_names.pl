# While a table is backfilled and purged, who owns its schema keeps giving its
# name to a table of its own: it is the right table that is read, or an error
# (40001, or that it is gone), and nothing of the other's is run as who asked.
#
#   SWAP_SECONDS=2   how long for each function
#
# Needs a running server, given by PGHOST and its kin, and a superuser.
use strict;
use warnings;

use File::Temp;
use IPC::Run;
use Test::More;

my $database = 'ccc_swapped';
my $seconds = $ENV{SWAP_SECONDS} || 2;

# A session that is at work until result() has its output.
sub psql
{
	my ($sql) = @_;
	my $script = File::Temp->new();
	my $out = '';

	print $script $sql;
	close $script;
	return IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', "$script" ],
		'>', \$out, '2>&1'), \$out, $script;
}

sub result
{
	my ($session, $out) = @_;

	IPC::Run::finish($session) or die "psql failed: $$out";
	chomp $$out;
	return $$out;
}

sub sql { return result(psql(@_)); }

END
{
	my $status = $?;

	system('dropdb', '--if-exists', '--force', $database);
	system('dropuser', '--if-exists', 'swapper');
	$? = $status;
}

# What does something until the time is over, each time in a transaction of its
# own, and says how often, and how often a name was wrong.
sub repeated
{
	my ($role, $statements) = @_;

	return qq{
		SET ROLE $role;
		DO \$do\$
		DECLARE
			until timestamptz := clock_timestamp() + interval '$seconds s';
			done  bigint := 0;
			wrong bigint := 0;
		BEGIN
			WHILE clock_timestamp() < until OR done % 2 = 1 LOOP
				BEGIN
					$statements;
				EXCEPTION WHEN serialization_failure OR undefined_table OR invalid_schema_name THEN
					wrong := wrong + 1;
				END;
				done := done + 1;
				COMMIT;
			END LOOP;
			RAISE NOTICE 'done %, wrong %', done, wrong;
		END \$do\$;
	};
}

# What the other table has to say: whether its code ran as somebody else,
# whether its call was billed, and whether that is still there.
sub traces
{
	return join ' ', sql(q{SELECT 'run as ' || string_agg(DISTINCT who, ', ') FROM planted}),
		sql(q{SELECT 'billed ' || string_agg(call_id, ', ') FROM ccc.call_charges}),
		sql(q{SET ROLE swapper; SELECT count(*) || ' there' FROM app_theirs.calls});
}

system('dropdb', '--if-exists', '--force', $database);
system('createdb', $database) == 0 or die "no database $database";
sql(q{
	SET client_min_messages = warning;
	CREATE EXTENSION ccc_billing;
	SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
	SELECT ccc.top_up(1, 1000);
	SELECT ccc.buy(1, 'number_landline', periods => 6, number => '075586013388', bought_at => '2025-01-01 00:00+08');
	CREATE ROLE swapper;
	GRANT CREATE ON DATABASE ccc_swapped TO swapper;
	CREATE TABLE planted (who name);
	GRANT INSERT ON planted TO swapper;
	GRANT CREATE ON SCHEMA public TO swapper;
	CREATE SCHEMA app AUTHORIZATION swapper;
	CREATE TABLE app.calls (call_id text, caller text, started_at timestamptz, seconds numeric);
	SELECT ccc.attach('app.calls', 'call_id', 'started_at', 'seconds', 'caller', '''x''');
	CREATE SCHEMA app_theirs AUTHORIZATION swapper;
	SET ROLE swapper;
	CREATE TABLE app_theirs.calls (call_id text, caller text, started_at timestamptz, seconds numeric);
	INSERT INTO app_theirs.calls VALUES ('theirs', '075586013388', '2025-02-01 10:00+08', 6000);
	CREATE FUNCTION public.planted() RETURNS void LANGUAGE sql AS 'INSERT INTO public.planted VALUES (current_user)';
	CREATE FUNCTION app_theirs.constant() RETURNS text LANGUAGE plpgsql IMMUTABLE
		AS 'BEGIN PERFORM public.planted(); RETURN ''''; END';
	CREATE INDEX ON app_theirs.calls (call_id) WHERE call_id <> app_theirs.constant()});

my $calls = sql(q{SELECT 'app.calls'::regclass::oid});
my $backfill = "PERFORM ccc.backfill_blocks($calls, 0, 10, '-infinity')";

# The statement, again and again, while names are swapped.
sub beside_swaps
{
	my ($statement, $name) = @_;
	my @swaps = psql(repeated('swapper', q{
		IF done % 2 = 0 THEN
			ALTER SCHEMA app RENAME TO app_gone;
			ALTER SCHEMA app_theirs RENAME TO app;
		ELSE
			ALTER SCHEMA app RENAME TO app_theirs;
			ALTER SCHEMA app_gone RENAME TO app;
		END IF}));
	my ($asked) = sql(repeated('postgres', $statement)) =~ /done ([1-9][0-9]*, wrong [0-9]+)/;
	my ($swapped) = result(@swaps) =~ /done ([1-9][0-9]*), wrong 0/;

	ok($asked && $swapped, $name);
	note('done ' . $asked . ' times, beside ' . $swapped . ' swaps');
	is(traces(), 'run as swapper  1 there', 'nothing of the other was run by others, billed or deleted');
}

foreach my $statement (
	$backfill,
	"PERFORM FROM ccc.records_before($calls, '2025-03-01 00:00+08')",
	"PERFORM ccc.purge($calls, '2025-03-01 00:00+08')")
{
	beside_swaps($statement, $statement);
}
sql('SET ROLE swapper; ALTER TABLE app_theirs.calls RENAME caller TO calling');
beside_swaps($backfill, 'a table with other columns is told by its name, not by what it lacks');
is(sql('SELECT * FROM ccc.check_integrity()'), '', 'integrity');
done_testing();
