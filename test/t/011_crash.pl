# The whole business killed at random moments, again and again: sessions that
# store, correct and delete calls, buy, renew, sign agents in, charge again and
# bill what is left over, some in two phases.  What was acknowledged is there,
# what was not is there whole or not at all, and all figures are those of a
# naive count of what is stored.
#
#   ROUNDS=30   how often the server is killed
#   SEED=1      of the first round; each round's scripts depend on its seed
#               alone, the moment of the kill is within what it says
#
# Makes a cluster of its own, with the programs found on the PATH.  The
# machine's memory survives: that the disk does what fsync says is not tested.
use strict;
use warnings;

use File::Temp;
use IPC::Run;
use POSIX qw(WNOHANG);
use Test::More;

use constant SESSIONS => 6;
use constant TRANSACTIONS => 2500;
use constant ACCOUNTS => 3;

plan(skip_all => 'initdb refuses root') if $> == 0;
plan(skip_all => 'needs /proc to find the processes of a server') unless -e "/proc/$$/stat";

my $rounds = $ENV{ROUNDS} || 4;
my $first_seed = $ENV{SEED} || 1;
my $dir = File::Temp->newdir('ccc_torture_XXXXXX', TMPDIR => 1);
my $data = "$dir/data";
my $month_ago = POSIX::strftime('%Y-%m-%d 00:00+08', gmtime(time - 32 * 86400));
my $postmaster;

# nothing of the environment is meant for this server
delete $ENV{$_} foreach grep { /^PG(?!_)/ } keys %ENV;
$ENV{PGHOST} = "$dir";
$ENV{PGPORT} = 5432;
$ENV{PGUSER} = 'postgres';
$ENV{PGDATABASE} = 'postgres';

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

# A column of values as a set; two columns as a mapping.
sub set
{
	return map { $_ => 1 } split /\n/, sql($_[0]);
}

sub mapping
{
	return map { split /\|/, $_, 2 } split /\n/, sql($_[0]);
}

# A child of this test, which can then see the end of it.
sub launch_server
{
	$postmaster = fork // die "fork: $!";
	return if $postmaster;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', "$dir/log";
	open STDERR, '>&', \*STDOUT;
	exec 'postgres', '-D', $data or POSIX::_exit(1);
}

sub start_server
{
	launch_server();
	foreach (1 .. 1200)
	{
		return if system('pg_isready -q') == 0;
		last if waitpid($postmaster, WNOHANG) != 0;
		select(undef, undef, undef, 0.05);
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

# State and parent of a process.
sub process
{
	my ($pid) = @_;

	open my $stat, '<', "/proc/$pid/stat" or return;
	return (<$stat> // '') =~ /^\d+ \(.*\) (\S) (\d+)/s;
}

# Every process of the server at once, as when the machine fails.  A stopped
# postmaster makes no new ones while its children are looked for.
sub kill_server
{
	kill 'STOP', $postmaster;
	select(undef, undef, undef, 0.001) until ((process($postmaster))[0] // 'Z') =~ /[TZ]/;
	my @children = grep { ((process($_))[1] // 0) == $postmaster } map { m{(\d+)$} } glob '/proc/[0-9]*';
	kill 'KILL', @children, $postmaster;
	waitpid $postmaster, 0;
	undef $postmaster;
	foreach my $pid (@children)
	{
		select(undef, undef, undef, 0.01) while ((process($pid))[0] // 'Z') ne 'Z';
	}
}

# One of these, at random.
sub one_of
{
	return $_[ rand @_ ];
}

sub own_number
{
	my ($account) = @_;

	return "+867558601338$account";
}

#
# What a session does.  A part of a transaction is its SQL and its effects on
# what the test expects, for %expected: [put, table, id, seconds], [set, id,
# seconds], [drop, id], [request, id, SQL that gives the result],
# [again, id], [less, id], [agent, name, whether online], [number, number].
#
sub rows
{
	my ($s, $count, $number) = @_;

	return map {
		my $id = "$s->{name}-" . ++$s->{ids};
		[ $id, $number // own_number(rand() < 0.03 ? 1 + int(rand(ACCOUNTS)) : $s->{account}),
			sprintf('2025-%02d-%02d 10:00+08', 2 + rand 3, 1 + rand 28), 1 + int(rand(400)) + one_of(0, 0.5) ]
	} 1 .. $count;
}

sub insert
{
	my ($table, @rows) = @_;

	return "INSERT INTO $table VALUES "
	  . join(', ', map { "('$_->[0]', '$_->[1]', '10086', '$_->[2]', $_->[3])" } @rows) . ";\n";
}

sub copy
{
	my ($table, @rows) = @_;

	return "COPY $table FROM STDIN;\n"
	  . join('', map { "$_->[0]\t$_->[1]\t10086\t$_->[2]\t$_->[3]\n" } @rows) . "\\.\n";
}

sub put
{
	my ($table, @rows) = @_;

	return map { [ put => $table, $_->[0], $_->[3] ] } @rows;
}

sub store
{
	my ($s, $statement, $count) = @_;
	my @rows = rows($s, $count);

	push @{ $s->{rows} }, @rows;
	return ($statement->('calls', @rows), put('calls', @rows));
}

# A money function, which can be asked again.
sub request
{
	my ($s, $function, $arguments, $result) = @_;
	my $id = "$s->{name}-" . ++$s->{ids};
	my $asked = "SELECT $result FROM ccc.$function($s->{account}, $arguments, request_id => '$id') AS r";

	return ("SELECT 'result $id ' || ($asked);\n", [ request => $id, $asked ]);
}

my %parts = (
	single => sub { store($_[0], \&insert, 1) },
	several => sub { store($_[0], \&insert, 2 + rand 30) },
	copy => sub { store($_[0], \&copy, 1 + rand 100) },
	repeat => sub {
		my ($s) = @_;
		my $row = one_of(@{ $s->{rows} }) or return '';
		return ("INSERT INTO calls SELECT * FROM calls WHERE call_id = '$row->[0]' LIMIT 1;\n", [ again => $row->[0] ]);
	},
	thin => sub {
		my ($s) = @_;
		my $row = one_of(@{ $s->{rows} }) or return '';
		return ("DELETE FROM calls WHERE ctid = (SELECT ctid FROM calls WHERE call_id = '$row->[0]' LIMIT 1);\n", [ less => $row->[0] ]);
	},
	negative => sub {
		my ($row) = rows($_[0], 1);
		$row->[3] = -1;
		return (insert('calls', $row), put('calls', $row));
	},
	unknown => sub {
		my ($s) = @_;
		my $number = sprintf '+86755%08d', 20000000 + $s->{no} * 100000 + $s->{ids};
		my @rows = rows($s, 3, $number);
		push @{ $s->{numbers} }, $number;
		return (insert('calls', @rows), put('calls', @rows));
	},
	number => sub {
		my ($s) = @_;
		my $number = pop @{ $s->{numbers} } or return '';
		return ("SELECT ccc.add_own_number($s->{account}, '$number', 'landline', '2025-01-01 00:00+08');\n"
			  . "SELECT ccc.retry_exceptions();\n", [ number => $number ]);
	},
	correct => sub {
		my ($s) = @_;
		my $row = one_of(@{ $s->{rows} }) or return '';
		my $seconds = 1 + int(rand(900));
		return ("UPDATE calls SET seconds = $seconds WHERE call_id = '$row->[0]';\n", [ set => $row->[0], $seconds ]);
	},
	remove => sub {
		my ($s) = @_;
		my $row = pop @{ $s->{rows} } or return '';
		return ("DELETE FROM calls WHERE call_id = '$row->[0]';\n", [ drop => $row->[0] ]);
	},
	top_up => sub { request($_[0], 'top_up', (1 + int(rand(100000))) / 100, 'r') },
	buy => sub {
		my $at = sprintf '2025-01-%02d 12:00+08', 1 + rand 28;
		request($_[0], 'buy', "'landline_custom', 1000, bought_at => '$at'", 'r.purchase_no');
	},
	renew => sub { request($_[0], 'renew', '2', 'r.purchase_no') },
	renew_due => sub {
		my ($s) = @_;
		my ($sql, @effects) = request($s, 'buy',
			qq{'seat_premium', bought_at => '$month_ago', auto_renew => true}, 'r.purchase_no');
		return ($sql . "SELECT FROM ccc.renew_due(now(), $s->{account});\n", @effects);
	},
	agent => sub {
		my ($s) = @_;
		$s->{online} = !$s->{online};
		my $function = $s->{online} ? 'sign_in' : 'sign_out';
		return ("SELECT ccc.$function($s->{account}, '$s->{name}');\n", [ agent => $s->{name}, $s->{online} ]);
	},
	replay => sub { "SELECT ccc.replay($_[0]{account});\n" },
	late => sub {
		my @rows = rows($_[0], 1 + rand 5);
		return ("SET LOCAL session_replication_role = replica;\n" . insert('late', @rows)
			  . "SET LOCAL session_replication_role = origin;\n", put('late', @rows));
	});
my @often = (('single') x 4, ('several') x 2, 'copy', ('correct') x 3, 'remove', 'agent', 'top_up', grep { $_ ne 'replay' } keys %parts);

# A transaction of one to three parts.  Each but a single statement by itself
# leaves a mark, which is there when the transaction is.
sub transaction
{
	my ($s, $n) = @_;
	my $mark = "$s->{name}/$n";

	return { sql => one_of('CHECKPOINT', 'VACUUM calls', "CALL ccc.backfill('late')") . ";\n", effects => [] } if rand() < 0.02;
	if (rand() < 0.3)
	{
		my ($sql, @effects) = $parts{ one_of('single', 'several', 'copy') }->($s);
		return { sql => $sql, effects => \@effects, witness => $effects[0][2] };
	}
	my $sql = "BEGIN;\nINSERT INTO marks VALUES ('$mark');\n";
	my @effects;
	foreach (1 .. 1 + rand 3)
	{
		my ($part_sql, @part_effects) = $parts{ rand() < 0.02 ? 'replay' : one_of(sort @often) }->($s);
		$sql .= $part_sql;
		push @effects, @part_effects;
		if (rand() < 0.15)
		{
			my @undone = rows($s, 1 + rand 10);
			$sql .= "SAVEPOINT s;\n" . insert('calls', @undone) . "ROLLBACK TO s;\nRELEASE s;\n";
		}
	}
	my %t = (effects => \@effects, mark => $mark);
	if (rand() < 0.15)
	{
		$t{verdict} = rand() < 0.8 ? 'COMMIT' : 'ROLLBACK';
		$t{sql} = "${sql}PREPARE TRANSACTION '$mark';\nSELECT pg_sleep(0.005);\n$t{verdict} PREPARED '$mark';\n";
	}
	else
	{
		$t{sql} = $sql . "COMMIT;\n";
	}
	return \%t;
}

sub session
{
	my ($round, $no) = @_;
	my %s = (name => "$round-$no", no => $round * SESSIONS + $no, ids => 0, rows => [], numbers => [],
		account => 1 + $no % ACCOUNTS);

	$s{transactions} = [ map { transaction(\%s, $_) } 0 .. TRANSACTIONS - 1 ];
	return \%s;
}

# Runs the sessions until the server is killed, and notes with each
# transaction what psql was told of it: begun, committed, aborted, prepared.
sub run_sessions
{
	my ($seconds, @sessions) = @_;
	my @harnesses;

	foreach my $s (@sessions)
	{
		open my $script, '>', "$dir/$s->{no}.sql" or die $!;
		print $script "\\echo begin $_\n", $s->{transactions}[$_]{sql} foreach 0 .. TRANSACTIONS - 1;
		close $script;
	}
	push @harnesses, IPC::Run::start(
		[ 'psql', '-XAt', '-v', 'VERBOSITY=sqlstate', '-f', "$dir/$_->{no}.sql" ],
		'<', '/dev/null', '>', "$dir/$_->{no}.out", '2>', "$dir/$_->{no}.err") foreach @sessions;
	select(undef, undef, undef, $seconds);
	kill_server();
	$_->finish foreach @harnesses;
	read_answers($_) foreach @sessions;
}

sub read_answers
{
	my ($s) = @_;
	my $t;

	open my $out, '<', "$dir/$s->{no}.out" or die $!;
	while (<$out>)
	{
		if (/^begin (\d+)$/)
		{
			$t->{aborted} = 1 if $t && !$t->{committed};
			$t = $s->{transactions}[$1];
			$t->{begun} = 1;
		}
		$s->{results}{$1} = $2 if /^result (\S+) (.*)$/;
		$t->{committed} = 1 if /^COMMIT( PREPARED)?$/ || (exists $t->{witness} && /^(INSERT 0|COPY) \d+$/);
		$t->{aborted} = 1 if /^ROLLBACK PREPARED$/;
		$t->{prepared} = 1 if /^PREPARE TRANSACTION$/;
	}
	open my $err, '<', "$dir/$s->{no}.err" or die $!;
	$s->{errors} = [ map { /ERROR: +(\w+)/ ? $1 : () } <$err> ];
	unlink glob "$dir/$s->{no}.*";
}

my %expected;

sub apply
{
	my ($t, $s) = @_;
	my $calls = $expected{calls} //= {};

	foreach (@{ $t->{effects} })
	{
		my ($what, @of) = @$_;

		if ($what eq 'put') { $expected{ $of[0] }{ $of[1] }[0] = $of[2] + 0; $expected{ $of[0] }{ $of[1] }[1]++ }
		elsif ($what eq 'again') { $calls->{ $of[0] }[1]++ if $calls->{ $of[0] } }
		elsif ($what eq 'less') { delete $calls->{ $of[0] } if $calls->{ $of[0] } && --$calls->{ $of[0] }[1] == 0 }
		elsif ($what eq 'set') { $calls->{ $of[0] }[0] = $of[1] if $calls->{ $of[0] } }
		elsif ($what eq 'drop') { delete $calls->{ $of[0] } }
		elsif ($what eq 'request') { $expected{requests}{ $of[0] } = $of[1] }
		elsif ($what eq 'agent') { $expected{agents}{ $of[0] } = $of[1] }
		elsif ($what eq 'number') { $expected{numbers}{ $of[0] } = 1 }
	}
}

# The figures, from the stored records alone.
my $records = <<'SQL';
	WITH stored AS (
		SELECT call_id, caller AS number, min(seconds) AS seconds, count(*) AS copies
		FROM (TABLE calls UNION ALL TABLE late) AS c GROUP BY 1, 2),
	rated AS (
		SELECT s.*, n.account_id, n.owner FROM stored AS s LEFT JOIN ccc.numbers AS n ON n.number::text = s.number)
SQL

sub check_figures
{
	my ($name) = @_;

	is(sql($records . <<'SQL'), '', "$name: each record is billed once, or an exception");
		, posted AS (
			SELECT call_id, sum(billed) AS billed, count(*) FILTER (WHERE kind = 'r') - count(*) FILTER (WHERE kind = 'x') AS repeats
			FROM ccc.ledger GROUP BY 1),
		refused AS (SELECT call_id, count(*) AS open FROM ccc.exception_log WHERE resolved_at IS NULL GROUP BY 1)
		SELECT coalesce(r.call_id, p.call_id, e.call_id), r.seconds, r.copies, p.billed, p.repeats, e.open
		FROM rated AS r FULL JOIN posted AS p USING (call_id) FULL JOIN refused AS e ON e.call_id = coalesce(r.call_id, p.call_id)
		WHERE ARRAY[coalesce(p.billed, 0), coalesce(p.repeats, 0), coalesce(e.open, 0)] <>
			CASE WHEN r.call_id IS NULL THEN ARRAY[0, 0, 0]
				WHEN r.account_id IS NULL OR r.seconds < 0 THEN ARRAY[0, 0, r.copies]
				ELSE ARRAY[ceil(r.seconds / 60) * 60, r.copies - 1, 0] END
		LIMIT 5
SQL
	is(sql($records . <<'SQL'), '', "$name: packages are drawn, and shortfalls left, as by a naive count");
		, demand AS (
			SELECT account_id, sum(ceil(seconds / 60) * 60) AS demand FROM rated WHERE owner = 'platform' AND seconds > 0 GROUP BY 1),
		lots AS (
			SELECT p.*, coalesce(sum(granted) OVER (PARTITION BY account_id ORDER BY valid_until, valid_from, package_no
				ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM ccc.packages AS p),
		naive AS (
			SELECT account_id, package_no, least(granted, greatest(0, coalesce(demand, 0) - before)) AS used
			FROM lots LEFT JOIN demand USING (account_id)
			UNION ALL
			SELECT account_id, 0, greatest(0, coalesce(demand, 0) - coalesce((SELECT sum(granted) FROM lots AS l WHERE l.account_id = a.account_id), 0))
			FROM ccc.accounts AS a LEFT JOIN demand USING (account_id)),
		posted AS (
			SELECT account_id, coalesce(package_no, 0) AS package_no, sum(billed) AS used FROM ccc.ledger WHERE kind IN ('c', 's') GROUP BY 1, 2),
		counted AS (SELECT account_id, package_no, sum(billed) AS used FROM ccc.usage GROUP BY 1, 2),
		kept AS (SELECT account_id, package_no, used FROM ccc.packages)
		SELECT account_id, package_no, naive.used, posted.used, counted.used, kept.used
		FROM naive FULL JOIN posted USING (account_id, package_no) FULL JOIN counted USING (account_id, package_no)
			LEFT JOIN kept USING (account_id, package_no)
		WHERE naive.used IS DISTINCT FROM coalesce(posted.used, 0) OR naive.used <> coalesce(counted.used, 0) OR kept.used <> naive.used
SQL
	is(sql(<<'SQL'), '', "$name: wallets are the sums of top-ups and purchases");
		SELECT account_id, a.balance FROM ccc.accounts AS a
		WHERE a.balance::numeric <> (SELECT sum(w.amount::numeric) FROM ccc.wallet_entries AS w WHERE w.account_id = a.account_id)
			OR a.balance::numeric <> (SELECT sum(w.amount::numeric) FROM ccc.wallet_entries AS w WHERE w.account_id = a.account_id AND w.reason = 'top_up')
				- (SELECT sum(p.amount::numeric) FROM ccc.purchases AS p WHERE p.account_id = a.account_id)
SQL
	is(sql('SELECT * FROM ccc.check_integrity()'), '', "$name: nothing violated");
	is(sql('SELECT account_id, ccc.replay(account_id) FROM ccc.accounts') =~ s/^\d+\|0$//mgr =~ s/\n//gr, '', "$name: replay moves nothing");
}

program('initdb', '-D', $data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale');
open my $conf, '>>', "$data/postgresql.conf" or die $!;
print $conf "listen_addresses = ''\nunix_socket_directories = '$dir'\n",
  "fsync = on\nmax_wal_size = 64MB\ncheckpoint_timeout = 30s\nrestart_after_crash = off\n",
  "max_prepared_transactions = 20\ndeadlock_timeout = 20ms\n";
close $conf;
start_server();
sql('CREATE EXTENSION ccc_billing; CREATE TABLE marks (mark text PRIMARY KEY);'
	  . "SELECT ccc.create_calls_table('calls'), ccc.create_calls_table('late'); CREATE INDEX ON calls (call_id);");
foreach my $account (1 .. ACCOUNTS)
{
	sql(qq{
		SELECT ccc.open_account($account, 'account', '2025-01-01 00:00+08'), ccc.top_up($account, 100000000);
		SELECT FROM ccc.buy($account, 'number_landline', 1, 6, '@{[own_number($account)]}', '2025-01-01 00:00+08');
		SELECT FROM ccc.buy($account, 'seat_standard', 100);
		SELECT FROM ccc.buy($account, 'landline_10000', bought_at => '2025-01-01 00:00+08')});
}

sub differences
{
	my ($got, $wanted) = @_;
	my %all = (%$got, %$wanted);

	return join(', ', map { "$_: " . ($got->{$_} // 'none') . ' for ' . ($wanted->{$_} // 'none') }
		  grep { ($got->{$_} // '') ne ($wanted->{$_} // '') } sort keys %all);
}

foreach my $round (1 .. $rounds)
{
	my $seed = $first_seed + $round - 1;
	my $name = "round $round";
	my %count = (committed => 0, aborted => 0, whole => 0, absent => 0, prepared => 0);
	my (%again, %errors, @lost, @kept, @forgotten, @wrong);

	srand($seed);
	%expected = (calls => {}, late => {}, requests => {}, agents => {}, numbers => {});
	my @sessions = map { session($round, $_) } 1 .. SESSIONS;
	my $seconds = 0.1 + rand 1.2;
	run_sessions($seconds, @sessions);
	if (rand() < 0.4)    # and once more while it recovers
	{
		launch_server();
		select(undef, undef, undef, rand 0.2);
		kill_server();
	}
	start_server();

	# what is left between the phases
	my %prepared = set('SELECT gid FROM pg_prepared_xacts');
	foreach (sort keys %prepared)
	{
		$count{prepared}++;
		sql(one_of('COMMIT', 'ROLLBACK') . " PREPARED '$_'");
	}

	my %marks = set("SELECT mark FROM marks WHERE mark LIKE '$round-%'");
	my %stored = mapping("SELECT call_id, trim_scale(min(seconds)) || ' ' || count(*) FROM calls WHERE call_id LIKE '$round-%' GROUP BY 1");
	my %late = mapping("SELECT call_id, trim_scale(min(seconds)) || ' ' || count(*) FROM late WHERE call_id LIKE '$round-%' GROUP BY 1");
	foreach my $s (@sessions)
	{
		$errors{$_}++ foreach @{ $s->{errors} };
		foreach my $t (grep { $_->{begun} && @{ $_->{effects} } } @{ $s->{transactions} })
		{
			my $there = $t->{mark} ? $marks{ $t->{mark} } : $stored{ $t->{witness} };
			my $what = $t->{mark} // $t->{witness};

			# a later transaction of the session may have deleted a single row
			$there = 1 if $t->{committed} && $t->{witness};
			$count{ $t->{committed} ? 'committed' : $t->{aborted} ? 'aborted' : $there ? 'whole' : 'absent' }++;
			push @lost, $what if $t->{committed} && !$there;
			push @kept, $what if $t->{aborted} && $there;
			push @forgotten, $what
			  if $t->{prepared} && !$t->{committed} && !$t->{aborted} && !$prepared{$what} && ($t->{verdict} eq 'COMMIT') != ($there // 0);
			apply($t) if $there;
			# what the client cannot know, it asks again
			$again{ $_->[1] } = $_->[2] foreach grep { $_->[0] eq 'request' && !$t->{aborted} && (!$t->{committed} || rand() < 0.05) } @{ $t->{effects} };
		}
	}
	note("$name, seed $seed: killed after ", sprintf('%.3f', $seconds), " s; transactions ",
		join(', ', map { "$count{$_} $_" } sort keys %count), '; errors ', join(', ', map { "$_: $errors{$_}" } sort keys %errors));
	cmp_ok($count{committed}, '>', 0, "$name: transactions were acknowledged");
	is("@lost", '', "$name: all of them are there");
	is("@kept", '', "$name: none that was rolled back");
	is("@forgotten", '', "$name: none that was prepared is lost");
	is(join(' ', grep { !/^(40P01|25P02|3B001|42704)$/ } keys %errors), '', "$name: no errors but deadlocks");

	my %wanted = map { $_ => join(' ', @{ $expected{calls}{$_} }) } keys %{ $expected{calls} };
	is(differences(\%stored, \%wanted), '', "$name: the records are those of whole transactions");
	%wanted = map { $_ => join(' ', @{ $expected{late}{$_} }) } keys %{ $expected{late} };
	is(differences(\%late, \%wanted), '', "$name: and those stored past the triggers");
	my %requests = set("SELECT request_id FROM ccc.requests WHERE request_id LIKE '$round-%'");
	is(differences(\%requests, { map { $_ => 1 } keys %{ $expected{requests} } }), '', "$name: the requests too");
	my %online = set("SELECT agent FROM ccc.agent_sessions WHERE signed_out_at = 'infinity' AND agent LIKE '$round-%'");
	is(differences(\%online, { map { $_ => 1 } grep { $expected{agents}{$_} } keys %{ $expected{agents} } }), '', "$name: the agents online too");
	my %numbers = set("SELECT number FROM ccc.numbers WHERE owner = 'customer'");
	is(join(' ', grep { !$numbers{$_} } keys %{ $expected{numbers} }), '', "$name: the numbers too");

	# asked again: the same result, done once
	my %results = map { %{ $_->{results} // {} } } @sessions;
	foreach my $id (sort keys %again)
	{
		my $entries = 'SELECT count(*) FROM ccc.wallet_entries';
		my $before = sql($entries);
		my $result = sql($again{$id});

		push @wrong, "$id: $result" if $requests{$id} && exists $results{$id} && $results{$id} ne $result;
		push @wrong, "$id: another result" if sql($again{$id}) ne $result;
		push @wrong, "$id: entries" if sql($entries) - $before != ($requests{$id} ? 0 : 1);
	}
	is("@wrong", '', "$name: " . keys(%again) . ' requests made again give what they gave, or are done once');
	is( sql('SELECT count(*) FROM (SELECT call_id FROM ccc.ledger EXCEPT SELECT call_id FROM late EXCEPT SELECT call_id FROM calls) AS l
			WHERE (SELECT sum(billed) FROM ccc.ledger AS b WHERE b.call_id = l.call_id) > 0'),
		'0', "$name: nothing is billed that is not stored");
	sql("CALL ccc.backfill('late'); SELECT ccc.retry_exceptions(); SELECT FROM ccc.renew_due()");
	is(sql('SELECT * FROM ccc.renew_due()'), '', "$name: renewals are paid once");
	check_figures($name);
	sql("SELECT ccc.sign_out(account_id, agent) FROM ccc.agent_sessions WHERE signed_out_at = 'infinity'");
}

done_testing();
