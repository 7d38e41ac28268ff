# A server killed under load: what was acknowledged is billed once, what was
# not is billed whole or not at all, and a writer that stores it again pays
# nothing twice.
#
# Makes a cluster of its own, with the programs found on the PATH.
use strict;
use warnings;

use File::Temp;
use IPC::Run;
use List::Util qw(min);
use POSIX qw(WNOHANG);
use Test::More;

use constant SESSIONS => 4;
use constant STATEMENTS => 3000;
use constant ROUNDS => 3;

plan(skip_all => 'initdb refuses root') if $> == 0;
plan(skip_all => 'needs /proc to find the processes of a server') unless -e "/proc/$$/stat";

my $dir = File::Temp->newdir('ccc_crash_XXXXXX', TMPDIR => 1);
my $data = "$dir/data";
my @package_minutes = (10000, 30000);
my $start = '2025-02-01 10:00+08';
my $postmaster;

# nothing of the environment is meant for this server
delete $ENV{$_} foreach grep { /^PG(?!_)/ } keys %ENV;
$ENV{PGHOST} = "$dir";
$ENV{PGPORT} = 5432;
$ENV{PGUSER} = 'postgres';
$ENV{PGDATABASE} = 'postgres';

srand(20250201);

sub program
{
	my @command = @_;

	IPC::Run::run(\@command, '<', '/dev/null', '>', "$dir/output", '2>&1')
	  or die "@command failed:\n" . `cat $dir/output`;
}

sub sql
{
	my ($sql) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1' ],
		'<', \$sql, '>', \$out, '2>', \$err)
	  or die "psql failed: $err\n$sql";
	chomp $out;
	return $out;
}

# A child of this test, which can then see the end of it.
sub start_server
{
	$postmaster = fork // die "fork: $!";
	if ($postmaster == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$dir/log";
		open STDERR, '>&', \*STDOUT;
		exec 'postgres', '-D', $data or POSIX::_exit(1);
	}
	foreach (1 .. 600)
	{
		return if system('pg_isready -q') == 0;
		last if waitpid($postmaster, WNOHANG) != 0;
		select(undef, undef, undef, 0.1);
	}
	undef $postmaster;
	die "the server does not start:\n" . `cat $dir/log`;
}

END
{
	my $status = $?;

	if ($postmaster)
	{
		kill 'QUIT', $postmaster;
		waitpid $postmaster, 0;
	}
	$? = $status;
}

# Every process of the server at once, as when the machine fails.  A stopped
# postmaster makes no new ones while its children are looked for.
sub kill_server
{
	my @children;

	kill 'STOP', $postmaster;
	foreach my $stat (glob '/proc/[0-9]*/stat')
	{
		open my $process, '<', $stat or next;
		my ($pid, $parent) = (<$process> // '') =~ /^(\d+) \(.*\) \S (\d+)/s or next;
		push @children, $pid if $parent == $postmaster;
	}
	kill 'KILL', @children, $postmaster;
	waitpid $postmaster, 0;
	undef $postmaster;
	foreach my $pid (@children)
	{
		select(undef, undef, undef, 0.01) while kill(0, $pid) && !is_zombie($pid);
	}
}

sub is_zombie
{
	my ($pid) = @_;

	open my $process, '<', "/proc/$pid/stat" or return 1;
	return (<$process> // '') =~ /^\d+ \(.*\) Z/s;
}

# A statement is a list of calls [id, seconds].
sub statement_sql
{
	my ($copy, @calls) = @_;

	return "COPY calls FROM STDIN;\n"
	  . join('', map { "$_->[0]\t075586013388\t10086\t$start\t$_->[1]\n" } @calls) . "\\.\n"
	  if $copy;
	return 'INSERT INTO calls VALUES '
	  . join(', ', map { "('$_->[0]', '075586013388', '10086', '$start', $_->[1])" } @calls) . ";\n";
}

# Runs the sessions until they end or the server is killed; gives for each
# statement whether it was acknowledged.
sub run_sessions
{
	my ($seconds, @sessions) = @_;
	my (@harnesses, @done);

	foreach my $no (0 .. $#sessions)
	{
		open my $script, '>', "$dir/script$no" or die $!;
		print $script "SET synchronous_commit = on;\n";
		print $script statement_sql($_ % 5 == 0, @{ $sessions[$no][$_] }), "\\echo end of $_\n"
		  foreach 0 .. $#{ $sessions[$no] };
		close $script;
		push @harnesses, IPC::Run::start([ 'psql', '-XAt', '-f', "$dir/script$no" ],
			'<', '/dev/null', '>', "$dir/out$no", '2>', "$dir/err$no");
	}
	if ($seconds)
	{
		select(undef, undef, undef, $seconds);
		kill_server();
	}
	foreach my $no (0 .. $#sessions)
	{
		my $tag;

		$harnesses[$no]->finish;
		$done[$no] = [];
		open my $out, '<', "$dir/out$no" or die $!;
		while (my $line = <$out>)
		{
			$tag = 1 if $line =~ /^(INSERT 0|COPY) \d+$/;
			if ($line =~ /^end of (\d+)$/)
			{
				$done[$no][$1] = $tag;
				undef $tag;
			}
			# the last tag may come without the line that follows it
			$done[$no][ scalar @{ $done[$no] } ] = 1 if $tag && eof $out;
		}
	}
	return @done;
}

program('initdb', '-D', $data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale');
open my $conf, '>>', "$data/postgresql.conf" or die $!;
print $conf "listen_addresses = ''\nunix_socket_directories = '$dir'\n",
  "fsync = on\nmax_wal_size = 64MB\ncheckpoint_timeout = 30s\nrestart_after_crash = off\n";
close $conf;
start_server();
sql(q{
	CREATE EXTENSION ccc_billing;
	SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08'), ccc.top_up(1, 10000);
	SELECT FROM ccc.buy(1, 'number_landline', 1, 6, '075586013388', '2025-01-01 00:00+08');
	SELECT FROM ccc.buy(1, 'landline_10000', bought_at => '2025-01-01 00:00+08');
	SELECT FROM ccc.buy(1, 'landline_30000', bought_at => '2025-01-02 00:00+08');
	SELECT FROM ccc.create_calls_table('calls')});

# Totals against a naive count of the table, in which every id has one content.
sub check_totals
{
	my ($name) = @_;
	my $demand = sql('SELECT coalesce(sum(ceil(seconds / 60)), 0) FROM (SELECT DISTINCT call_id, seconds FROM calls) AS c');

	foreach my $package_no (1 .. @package_minutes)
	{
		my $used = min($package_minutes[ $package_no - 1 ], $demand);

		is(sql("SELECT used = $used * 60 FROM ccc.packages WHERE package_no = $package_no"),
			't', "$name: minutes used of package $package_no");
		$demand -= $used;
	}
	is(sql("SELECT coalesce(sum(short_minutes), 0) = $demand FROM ccc.call_charges"),
		't', "$name: minutes short");
	is( sql(q{SELECT count(DISTINCT call_id) = (SELECT count(*) FROM ccc.call_charges)
			AND count(*) = (SELECT count(*) FROM ccc.call_charges)
				+ (SELECT count(*) FROM ccc.ledger WHERE kind = 'r') FROM calls}),
		't', "$name: each record is billed once, or a repeat");
	is(sql('SELECT count(*) FROM ccc.exceptions'), '0', "$name: no exceptions");
	is(sql('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated");
}

my $total = 0;
foreach my $round (1 .. ROUNDS)
{
	my (@sessions, %acknowledged, %size, @again);

	foreach my $session (1 .. SESSIONS)
	{
		push @sessions, [
			map {
				my $n = $_;
				[ map { [ "$round-$session-$n-$_", ($n + $_) * 7 % 90 + 0.5 ] } 1 .. (1, 1, 3, 30)[ rand 4 ] ]
			} 1 .. STATEMENTS ];
	}
	my @done = run_sessions(0.5 + rand(0.7), @sessions);

	foreach my $session (0 .. SESSIONS - 1)
	{
		foreach my $n (0 .. STATEMENTS - 1)
		{
			my @calls = @{ $sessions[$session][$n] };
			(my $statement = $calls[0][0]) =~ s/-\d+$//;

			$size{$statement} = @calls;
			if ($done[$session][$n]) { $acknowledged{$statement} = @calls }
			elsif ($n <= scalar @{ $done[$session] } + 1) { push @{ $again[$session] }, \@calls }
		}
		$again[$session] //= [];
	}
	cmp_ok(scalar keys %acknowledged, '>', 0, "round $round: statements were acknowledged");
	cmp_ok(scalar keys %acknowledged, '<', SESSIONS * STATEMENTS, "round $round: and the server killed amid them");
	diag("round $round: " . keys(%acknowledged) . ' statements acknowledged');

	start_server();
	my %stored = map { split /\|/ } split /\n/, sql(qq{
		SELECT regexp_replace(call_id, '-[0-9]+\$', ''), count(*) FROM calls WHERE call_id LIKE '$round-%' GROUP BY 1});
	my %billed = map { split /\|/ } split /\n/, sql(qq{
		SELECT regexp_replace(call_id, '-[0-9]+\$', ''), count(*) FROM ccc.call_charges WHERE call_id LIKE '$round-%' GROUP BY 1});

	is(scalar(grep { ($billed{$_} // 0) != $acknowledged{$_} } keys %acknowledged),
		0, "round $round: all that was acknowledged is billed");
	is(scalar(grep { $billed{$_} != $size{$_} } keys %billed),
		0, "round $round: no statement is billed in part");
	is_deeply(\%billed, \%stored, "round $round: what is stored is billed");
	check_totals("round $round");

	# the writers store again what was not acknowledged
	@done = run_sessions(0, @again);
	is(scalar(grep { !$_ } map { @$_ } @done), 0, "round $round: stored again");
	check_totals("round $round, stored again");
}

done_testing();
