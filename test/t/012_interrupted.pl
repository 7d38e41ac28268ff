# What is interrupted leaves nothing behind, and what goes on beside it is
# right: statements that are cancelled, run out of time, meet a full disk or a
# deadlock, sessions that are ended, also between the phases of a transaction.
#
# A full disk is played by a limit of the size of the server's files, which
# writes beyond it meet with an error as they would there.  That of the log
# (a panic, and recovery as in 011_crash) is not.  Cancelled INSERT and COPY of
# one account are in 002_eight_sessions, prepared transactions over a crash in
# 011_crash.
#
#   INTERRUPT_ROUNDS=2   rounds of load
#   INTERRUPT_SEED=1     of the first round
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use Test::More;
use Time::HiRes qw(time);

use harness::Load;
use harness::Rounds;
use harness::Server;

use constant BULK => 6000;
use constant FILE_LIMIT => 1310720;    # bytes: more than a file of the log, less than the tables
use constant ROUND => 3;               # seconds
use constant TRANSACTIONS => 1000;     # of a session: more than it gets to

my $first_seed = $ENV{INTERRUPT_SEED} || 1;
my $rounds = $ENV{INTERRUPT_ROUNDS} || 2;
my $too_large = qr/^(XX000|53100): could not (extend|write to) file .*: File too large/;
my ($cancelled, $full) = (0, 0);

# Everything that the extension and the call tables keep.
my @tables = map { "ccc.$_" } qw(accounts agent_sessions exception_log ledger numbers packages purchases rentals requests other_usage wallet_entries);
my $state = 'SELECT ' . join ', ', map { "(SELECT sum(hashtextextended(t::text, 0)) FROM $_ AS t)" } @tables, qw(calls late old purged);

# Bulk of an account's records, as rows of a query.
sub bulk
{
	my ($prefix, $number) = @_;

	return "SELECT '$prefix-' || n, '$number', '10086', timestamptz '2025-02-01 10:00+08' + n * 37 % 89 * interval '1 day', 1 + n * 7 % 400"
	  . ' FROM generate_series(1, ' . BULK . ') AS n';
}

# The SQLSTATE with which a statement fails under these settings, if it does.
sub fails_under
{
	my ($settings, $statement) = @_;
	my ($out, $err);
	my $script = "$settings;\n$statement;\n";

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=sqlstate' ], '<', \$script, '>', \$out, '2>', \$err)
	  and return '';
	return $err =~ /ERROR: +(\w+)/ ? $1 : $err;
}

# Given ever more time until it gets through, a statement changes nothing
# before.
sub interrupted
{
	my ($name, $statement) = @_;
	my $before = sql($state);
	my $times = 0;
	my @wrong;

	for (my $timeout = 2;; $timeout *= 2)
	{
		my $error = fails_under("SET statement_timeout = '${timeout}ms'", $statement);

		last if $error eq '';
		$times++;
		push @wrong, "$timeout ms: $error" if $error ne '57014';
		push @wrong, "$timeout ms: changed" if sql($state) ne $before;
		last if $error ne '57014';
	}
	is("@wrong", '', "$name, interrupted $times times: nothing is changed");
	cmp_ok($times, '>', 1, "$name was interrupted");
	isnt(sql($state), $before, "$name gets through");
	is(sql('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated");
}

sub check_statements
{
	sql("COPY (" . bulk('bulk', own_number(1)) . ") TO '$dir/bulk'");
	sql(bulk('old', own_number(2)) =~ s/^/INSERT INTO old /r);
	sql('SET session_replication_role = replica; ' . bulk('late', own_number(2)) =~ s/^/INSERT INTO late /r);
	sql(bulk('unknown', '+8675586019999') =~ s/^/INSERT INTO calls /r);
	sql("SELECT ccc.add_own_number(1, '+8675586019999', 'landline', '2025-01-01 00:00+08')");
	sql('SET ccc_billing.replay = off; ' . bulk('disorder', own_number(3)) =~ s/^/INSERT INTO calls /r);

	is(fails_under("SET work_mem = '64kB'; SET temp_file_limit = '200kB'", "COPY calls FROM '$dir/bulk'"),
		'53400', 'COPY without room for its temporary files fails');
	is(sql("SELECT count(*) FROM calls WHERE call_id LIKE 'bulk%'") . sql("SELECT count(*) FROM ccc.ledger WHERE call_id LIKE 'bulk%'"),
		'00', 'and leaves nothing');
	interrupted('COPY', "COPY calls FROM '$dir/bulk'");
	interrupted('UPDATE', "UPDATE calls SET seconds = seconds + 60 WHERE call_id ~ '^bulk.*[05]\$'");
	interrupted('DELETE', "DELETE FROM calls WHERE call_id ~ '^bulk.*3\$'");
	interrupted('a purchase of the past', "SELECT ccc.buy(1, 'landline_30000', bought_at => '2025-01-01 12:00+08')");
	interrupted('replay', 'SELECT ccc.replay(3)');
	interrupted('purge', "SELECT ccc.purge('old', '2025-03-01 00:00+08')");
	interrupted('retry of exceptions', 'SELECT ccc.retry_exceptions()');
}

# A backfill keeps the blocks that it is through with.
sub check_backfill
{
	my $times = 0;
	my $error;

	$times++ while ($error = fails_under('SET statement_timeout = ' . int(10 * 1.5**$times), "CALL ccc.backfill('late', blocks => 20)")) eq '57014';
	is($error, '', 'backfill gets through');
	cmp_ok($times, '>', 1, 'but was interrupted');
	is(sql("SELECT count(*), count(DISTINCT call_id) FROM ccc.ledger WHERE call_id LIKE 'late-%' AND entry_no = 1"),
		BULK . '|' . BULK, 'and bills each record once');
}

# Single statements and transactions of one phase may run out of time.
sub timeout
{
	my ($t) = @_;

	return "RESET statement_timeout;\n" if $t->{verdict} || rand() < 0.6;
	return "SET statement_timeout = '" . int(1 + rand 40) . "ms';\n";
}

# Something bad for one of the sessions that are at work.
sub disturb
{
	my ($pid, $query) = split /\|/, sql(q{
		SELECT pid, query ~ ' PREPARED ' FROM pg_stat_activity
		WHERE application_name = 'load' AND state = 'active' ORDER BY random() LIMIT 1});
	my $what = one_of(qw(cancel full room));

	return unless $pid;
	$cancelled += sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND query !~ ' PREPARED ' AND pg_cancel_backend(pid)")
	  if $what eq 'cancel';
	system('prlimit', '--pid', $pid, '--fsize=' . ($what eq 'full' ? FILE_LIMIT : 'unlimited') . ':') if $what ne 'cancel';
}

sub end_by_force
{
	my @sessions = @_;

	sql(q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'load'});
	end_sessions(@sessions);
}

make_server();
prepare_business();
srand($first_seed);
check_statements();
check_backfill();
foreach my $seed ($first_seed .. $first_seed + $rounds - 1)
{
	srand($seed);
	my ($leaver, @others) = sessions($seed, TRANSACTIONS, \&timeout);
	my $until = time + ROUND;

	start_sessions(@others);
	disturb() while time < $until;
	start_sessions($leaver);
	select(undef, undef, undef, 0.3);
	end_by_force($leaver, @others);
	$full += grep { /$too_large/ } map { @{ $_->{errors} } } @others;
	check_round($seed, qr/^(57014|40P01|40001|25P02|3B001|42704|55006): |$too_large/, $leaver, @others);
}
check_total("$rounds rounds, seeds from $first_seed, $cancelled cancels", qw(committed aborted 57014));
cmp_ok($cancelled, '>', 0, 'statements were cancelled');
cmp_ok($full, '>', 0, 'statements met files that cannot grow');
done_testing();
