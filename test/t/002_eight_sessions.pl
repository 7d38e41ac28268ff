# Eight sessions store calls of one account at once: no package is overdrawn,
# the totals are those of a naive count, and what is interrupted leaves
# nothing behind.
#
# Needs a running server, given by PGHOST and its kin, and a superuser.
use strict;
use warnings;

use File::Temp;
use IPC::Run;
use List::Util qw(min sum0);
use Test::More;

use constant SESSIONS => 8;
use constant PACKAGE_MINUTES => 1000;

my $dir = File::Temp->newdir('ccc_eight_XXXXXX', TMPDIR => 1);
my $database = 'ccc_eight';
my $application = "ccc_eight_$$";
my $start = '2025-02-01 10:00+08';

srand(20250201);

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
	my ($sql) = @_;
	my ($out, $err);

	IPC::Run::run(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database ],
		'<', \$sql, '>', \$out, '2>', \$err)
	  or die "psql failed: $err\n$sql";
	chomp $out;
	return $out;
}

END
{
	my $status = $?;

	system('dropdb', '--if-exists', '--force', $database) if $database;
	$? = $status;
}

# An account with three packages, valid one longer than the other.
sub fresh_database
{
	program('dropdb', '--if-exists', '--force', $database);
	program('createdb', $database);
	sql(q{
		CREATE EXTENSION ccc_billing;
		SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08'), ccc.top_up(1, 10000);
		SELECT FROM ccc.buy(1, 'number_landline', 1, 6, '075586013388', '2025-01-01 00:00+08');
		SELECT FROM ccc.buy(1, 'number_400', 1, 6, '4008123456', '2025-01-01 00:00+08');
		SELECT FROM ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
		SELECT FROM ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-02 00:00+08');
		SELECT FROM ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-03 00:00+08');
		SELECT FROM ccc.create_calls_table('calls')});
}

# One call is [id, caller, callee, seconds].  A statement stores some.
sub insert_statement
{
	my @calls = @_;

	return 'INSERT INTO calls VALUES '
	  . join(', ', map { "('$_->[0]', '$_->[1]', '$_->[2]', '$start', $_->[3])" } @calls) . ";\n";
}

sub copy_statement
{
	my @calls = @_;

	return "COPY calls FROM STDIN;\n"
	  . join('', map { "$_->[0]\t$_->[1]\t$_->[2]\t$start\t$_->[3]\n" } @calls) . "\\.\n";
}

sub statement
{
	return int(rand(2)) ? insert_statement(@_) : copy_statement(@_);
}

# A session's script: psql prints the command tag of each statement that was
# done.  Statement timeouts and the like are set between them.
sub script
{
	my ($no, @statements) = @_;
	my $name = "$dir/script$no.sql";

	open my $file, '>', $name or die "$name: $!";
	foreach my $n (0 .. $#statements)
	{
		my ($settings, @calls) = @{ $statements[$n] };

		print $file $settings, statement(@calls), "\\echo end of $n\n";
	}
	close $file;
	return $name;
}

# Runs the sessions' statements at once; gives for each session which of them
# were acknowledged, and the SQLSTATE of each error.
sub run_sessions
{
	my ($meanwhile, @sessions) = @_;
	my (@harnesses, @out, @err, @results);

	foreach my $no (0 .. $#sessions)
	{
		local $ENV{PGAPPNAME} = $application;

		push @harnesses, IPC::Run::start(
			[ 'psql', '-XAt', '-v', 'VERBOSITY=sqlstate', '-d', $database, '-f', script($no, @{ $sessions[$no] }) ],
			'<', \undef, '>', \$out[$no], '2>', \$err[$no]);
	}
	while (grep { $_->pumpable } @harnesses)
	{
		$meanwhile->();
		$_->pump_nb foreach grep { $_->pumpable } @harnesses;
		select(undef, undef, undef, 0.002);
	}
	foreach my $no (0 .. $#sessions)
	{
		my ($tag, @done);

		$harnesses[$no]->finish or die "psql failed: $err[$no]";
		foreach my $line (split /\n/, $out[$no])
		{
			$tag = 1 if $line =~ /^(INSERT 0|COPY) \d+$/;
			if ($line =~ /^end of \d+$/)
			{
				push @done, $tag;
				undef $tag;
			}
		}
		is(scalar @done, scalar @{ $sessions[$no] }, "session $no tried all statements");
		push @results, { done => \@done, errors => [ $err[$no] =~ /ERROR:\s+(\w+)/g ] };
	}
	return @results;
}

sub minutes
{
	my ($seconds) = @_;

	return int(($seconds + 59.999) / 60);
}

# The counters against a naive count of calls by id, which are of one content
# each: three packages are used up one after the other, the 400-number has
# none, calls to the landline are free.
sub check_totals
{
	my ($name, %calls) = @_;
	my @demand = map { minutes($_->[3]) } grep { $_->[1] eq '075586013388' } values %calls;
	my @inbound = map { minutes($_->[3]) } grep { $_->[2] eq '4008123456' } values %calls;
	my $demand = sum0(@demand);

	foreach my $package_no (1 .. 3)
	{
		my $used = min(PACKAGE_MINUTES, $demand);

		is(sql("SELECT used / 60.0 = $used FROM ccc.packages WHERE package_no = $package_no"),
			't', "$name: package $package_no has $used minutes used");
		$demand -= $used;
	}
	is(sql(q{SELECT coalesce(sum(short_minutes), 0) FROM ccc.call_charges WHERE pool = 'landline_outbound'}),
		$demand, "$name: shortfall of outbound minutes");
	is(sql(q{SELECT coalesce(sum(short_minutes), 0) FROM ccc.call_charges WHERE pool = '400_inbound'}),
		sum0(@inbound), "$name: shortfall of inbound minutes");
	is(sql('SELECT count(*) FROM ccc.packages WHERE used > granted'), '0', "$name: nothing overdrawn");
	is(sql('SELECT count(*) FROM ccc.call_charges'), scalar keys %calls, "$name: each call is billed once");
	is( sql(q{SELECT (SELECT count(*) FROM calls)
				= (SELECT count(*) FROM ccc.call_charges)
				+ (SELECT count(*) FROM ccc.ledger WHERE kind = 'r')
				+ (SELECT count(*) FROM ccc.exceptions)}),
		't', "$name: each other record is a repeat or an exception");
	is( sql(q{SELECT count(*) FROM ccc.call_charges AS c
			JOIN (SELECT DISTINCT call_id, seconds FROM calls) AS t USING (call_id)
			WHERE c.billed_minutes <> ceil(t.seconds / 60)}),
		'0', "$name: each is billed what its record says");
	is(sql('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated");
}

my @kinds = (
	[ '075586013388', '13800000001' ], [ '075586013388', '4001112222' ],
	[ '13800000001', '4008123456' ], [ '13800000001', '075586013388' ]);

# A call whose content depends on its id alone.
sub call_of
{
	my ($id, $n) = @_;

	return [ $id, @{ $kinds[ $n % @kinds ] }, $n * 37 % 300 + 0.5 ];
}

#
# Batches of mixed size, every third call one that other sessions store too.
#
fresh_database();
my %calls;
my @sessions;

foreach my $session (0 .. SESSIONS - 1)
{
	my @statements;

	foreach my $n (0 .. 39)
	{
		my @batch;

		foreach my $row (1 .. (1, 1, 2, 7, 40)[ rand 5 ])
		{
			my $shared = int(rand(600));

			push @batch, rand() < 0.33 ? call_of("shared $shared", $shared)
			  : call_of("$session-$n-$row", $session + $n + $row);
		}
		$calls{ $_->[0] } = $_ foreach @batch;
		push @statements, [ '', @batch ];
	}
	push @sessions, \@statements;
}
my @results = run_sessions(sub { }, @sessions);
is(scalar(grep { !$_ } map { @{ $_->{done} } } @results), 0, 'all statements were done');
is(sql('SELECT count(*) FROM ccc.exceptions'), '0', 'no exceptions');
cmp_ok(sql(q{SELECT count(*) FROM ccc.ledger WHERE kind = 'r'}), '>', 100, 'there were repeats');
cmp_ok(sql('SELECT min(granted - used) FROM ccc.packages'), '==', 0, 'packages were used up');
check_totals('mixed', %calls);

#
# One id with other content in every session: one of them is billed.
#
@results = run_sessions(sub { },
	map { my $session = $_; [ map { [ '', [ "contested $_", @{ $kinds[0] }, 60 * $session + 1 ] ] } 1 .. 30 ] } 1 .. SESSIONS);
is(scalar(grep { !$_ } map { @{ $_->{done} } } @results), 0, 'contested: all statements were done');
is( sql(q{SELECT count(*), count(DISTINCT call_id) FROM ccc.call_charges WHERE call_id LIKE 'contested %'}),
	'30|30', 'contested: each id is billed once');
is( sql(q{SELECT reason, count(*) FROM ccc.exceptions WHERE call_id LIKE 'contested %' GROUP BY reason}),
	'conflicting_repeat|' . 30 * (SESSIONS - 1), 'contested: the others are exceptions');
is( sql(q{SELECT count(*) FROM ccc.exceptions AS e JOIN ccc.call_charges AS c USING (account_id, call_id)
		WHERE (e.record->>'seconds')::numeric = c.seconds}),
	'0', 'contested: the billed content is no exception');
is(sql('SELECT * FROM ccc.check_integrity()'), '', 'contested: nothing violated');

#
# Statements that are cancelled, or run out of time or of patience for a lock.
#
fresh_database();
%calls = ();
@sessions = ();
foreach my $session (0 .. SESSIONS - 1)
{
	my @statements;

	foreach my $n (0 .. 29)
	{
		my $settings = (
			'', '',
			"SET statement_timeout = '" . int(1 + rand(60)) . "ms';\n",
			"SET lock_timeout = '" . int(1 + rand(20)) . "ms';\n")[ rand 4 ];
		my @batch;

		foreach my $row (1 .. (1, 50, 400)[ rand 3 ])
		{
			push @batch, call_of("$session-$n-$row", $session + $n + $row);
		}
		push @batch, call_of("shared $n", $n);
		push @statements, [ "RESET statement_timeout; RESET lock_timeout;\n$settings", @batch ];
	}
	push @sessions, \@statements;
}

my $cancelled = 0;
@results = run_sessions(
	sub {
		$cancelled += sql(qq{
			SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM
				(SELECT pid FROM pg_stat_activity
				 WHERE application_name = '$application' AND state = 'active' AND query ~ '^(INSERT|COPY)'
				 ORDER BY random() LIMIT 1) AS victim})
		  if rand() < 0.5;
	},
	@sessions);

my (%states, @done, @failed);
$states{$_}++ foreach map { @{ $_->{errors} } } @results;
foreach my $session (0 .. SESSIONS - 1)
{
	foreach my $n (0 .. 29)
	{
		my (undef, @batch) = @{ $sessions[$session][$n] };

		if ($results[$session]{done}[$n])
		{
			$states{done}++;
			push @done, $_->[0] foreach @batch;
			$calls{ $_->[0] } = $_ foreach @batch;
		}
		else
		{
			push @failed, grep { !/^shared/ } map { $_->[0] } @batch;
		}
	}
}
diag(join ', ', map { "$_: $states{$_}" } sort keys %states);
cmp_ok($cancelled, '>', 0, 'statements were cancelled');
cmp_ok($states{done}, '>', 0, 'some were done');
cmp_ok($states{57014} // 0, '>', 0, 'some were interrupted');
is(join(' ', grep { !/^(done|57014|55P03)$/ } keys %states), '', 'none failed otherwise');
# a late cancel may meet the settings that follow a statement
cmp_ok(sum0(values %states), '>=', 30 * SESSIONS, 'each was done or failed');
is(sql('SELECT count(*) FROM calls'), scalar @done, 'the records of acknowledged statements are stored');
is(sql('SELECT count(*) FROM ccc.exceptions'), '0', 'an interrupted statement is no exception');

my %charged = map { $_ => 1 } split /\n/, sql('SELECT DISTINCT call_id FROM ccc.ledger');
is(scalar(grep { $charged{$_} } @failed), 0, 'nothing of the others is billed');
is(scalar(grep { !$charged{$_} } @done), 0, 'all of the acknowledged is billed');
check_totals('interrupted', %calls);

done_testing();
