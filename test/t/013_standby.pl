# A standby answers what its primary does, and refuses what would write; when
# it is promoted, and when a base backup is recovered to a point amid traffic,
# the figures are those of that point, and billing goes on.
#
# Makes servers of its own, with PostgreSQL's modules for tests.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use Test::More;

use harness::Business;
use harness::Routines;
use harness::Traffic;

plan(skip_all => 'initdb refuses root') if $> == 0;

use constant SOME => 25;    # transactions of each account

# Of two: "business", with something of everything, and "traffic".
sub in_database
{
	my ($node, $database) = @_;

	return sub { $node->safe_psql($database, @_) };
}

sub copy_of
{
	my ($primary, $name, $settings, @how) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init_from_backup($primary, 'base', @how);
	$node->append_conf('postgresql.conf', "archive_mode = off\n$settings");
	$node->start;
	return $node;
}

# A target amid traffic, with how much of that there was before and after.
sub target
{
	my ($sql, $setting, $value) = @_;
	my %before = notes($sql);
	my $target = $sql->("SELECT $value");

	return { setting => "$setting = '$target'", before => \%before, after => { notes($sql) } };
}

sub check_standby
{
	my ($primary, $standby) = @_;
	my ($here, $there) = map { in_database($_, 'business') } $primary, $standby;
	my %sees = (ccc_reader => 'call_charges', ccc_monitor => 'monitoring', $tenant => 'package_balances');

	$primary->wait_for_catchup($standby);
	is($there->('SELECT pg_is_in_recovery()'), 't', 'the standby is one');
	same_contents($there, contents($here), 'standby');
	foreach my $role (sort keys %sees)
	{
		# entries are counted by each server for itself
		my $question = "SET ROLE $role; SELECT to_jsonb(v) - 'ledger_entries' AS v FROM ccc.$sees{$role} AS v ORDER BY v";

		isnt($there->($question), '', "standby: $role sees something");
		is($there->($question), $here->($question), "standby: what $role sees");
	}
	prepare_routines($here);
	$primary->wait_for_catchup($standby);
	check_routines($here, $there);
	foreach my $statement ('INSERT INTO cdr SELECT * FROM cdr', 'UPDATE cdr SET id = id + 1', 'DELETE FROM cdr', 'TRUNCATE cdr')
	{
		eval { $there->("\\set VERBOSITY sqlstate\n$statement") };
		like($@, qr/ERROR: +25006/, "standby: $statement is refused");
	}
	$here->('DROP TABLE parted, switch');
}

sub check_promoted
{
	my ($standby, $contents, $notes) = @_;
	my $business = in_database($standby, 'business');
	my $traffic = in_database($standby, 'traffic');

	$standby->promote;
	same_contents($business, $contents, 'promoted');
	goes_on($business, 'promoted');
	is_deeply({ notes($traffic) }, $notes, 'promoted: all traffic is there');
	same_notes($traffic, 'promoted');
}

sub check_recovered
{
	my ($primary, $what, $target, $contents, $notes) = @_;
	my $node = copy_of($primary, $what =~ s/ /_/r, "recovery_target_action = promote\n$target->{setting}\n",
		has_restoring => 1, standby => 0);
	my $business = in_database($node, 'business');
	my $traffic = in_database($node, 'traffic');
	my $name = "recovered to a $what";

	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die "not $name";
	my %recovered = notes($traffic);
	note("$name: ", join ', ', map { "$recovered{$_} of $notes->{$_}" } sort keys %$notes);
	is(join(' ', grep { $recovered{$_} < $target->{before}{$_} } keys %$notes), '', "$name: what was done before");
	is(join(' ', grep { $recovered{$_} > $target->{after}{$_} } keys %$notes), '', "$name: nothing that was done after");
	same_notes($traffic, $name);
	is($traffic->('SELECT account_id FROM ccc.accounts WHERE ccc.replay(account_id) <> 0'), '', "$name: replay moves nothing");

	my @sessions = start_traffic($node->connstr('traffic'));
	await_traffic($traffic, SOME + max(values %recovered));
	stop_traffic($traffic, @sessions);
	same_notes($traffic, "$name, gone on");
	same_contents($business, $contents, $name);
	goes_on($business, $name);
	$node->stop('immediate');
}

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, has_archiving => 1, extra => [ '--wal-segsize=1', '--no-locale', '-E', 'UTF8' ]);
$primary->start;
$primary->backup('base');
$primary->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(business traffic);
my $business = in_database($primary, 'business');
my $traffic = in_database($primary, 'traffic');

make_business($business);
my $standby = copy_of($primary, 'standby', '', has_streaming => 1);
check_standby($primary, $standby);
my $contents = contents($business);

make_traffic($traffic);
my @sessions = start_traffic($primary->connstr('traffic'));
await_traffic($traffic, SOME);
my $restore_point = target($traffic, 'recovery_target_name', "'amid' FROM pg_create_restore_point('amid')");
await_traffic($traffic, 2 * SOME);
my $position = target($traffic, 'recovery_target_lsn', 'pg_current_wal_insert_lsn()');
await_traffic($traffic, 3 * SOME);
stop_traffic($traffic, @sessions);
my $notes = { notes($traffic) };
same_notes($traffic, 'primary');

my $last = $primary->safe_psql('postgres', 'SELECT pg_walfile_name(pg_switch_wal())');
$primary->poll_query_until('postgres', "SELECT last_archived_wal >= '$last' FROM pg_stat_archiver") or die 'not archived';
$primary->wait_for_catchup($standby);
$primary->stop('immediate');
check_promoted($standby, $contents, $notes);
$standby->stop('immediate');
check_recovered($primary, 'restore point', $restore_point, $contents, $notes);
check_recovered($primary, 'position', $position, $contents, $notes);
done_testing();
