# What many sessions of the whole business do at once: they store, correct,
# contradict, delete and purge calls, buy, renew, refund and void, rent numbers,
# release them and pass them on, sign agents in, change the catalogue, rate and
# charge again and bill what is left over; in single statements and in
# transactions of any isolation level, some with savepoints rolled back, some in
# two phases.  The scripts depend on the seed alone.
package harness::Load;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use POSIX qw();

use harness::Server;

our @EXPORT = qw(prepare_business drop_business sessions start_sessions end_sessions one_of own_number);

use constant ACCOUNTS => 3;
use constant SESSIONS => 6;

my $month_ago = POSIX::strftime('%Y-%m-%d 00:00+08', gmtime(time - 32 * 86400));

# Tables: `calls`; `late`, which is stored past the triggers; `old`, which is
# purged, and what is purged of it kept to be counted.
sub prepare_business
{
	sql(q{
		CREATE EXTENSION ccc_billing;
		ALTER DATABASE postgres SET search_path = public, ccc;
		CREATE TABLE marks (mark text PRIMARY KEY);
		SELECT ccc.create_calls_table('calls'), ccc.create_calls_table('late'), ccc.create_calls_table('old');
		CREATE INDEX ON calls (call_id);
		CREATE INDEX ON late (call_id);
		CREATE TABLE purged (LIKE old);
		CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN INSERT INTO public.purged SELECT OLD.*; RETURN NULL; END $$;
		CREATE TRIGGER keep AFTER DELETE ON old FOR EACH ROW EXECUTE FUNCTION keep()});
	foreach my $account (1 .. ACCOUNTS)
	{
		sql(qq{
			SELECT ccc.open_account($account, 'account', '2025-01-01 00:00+08'), ccc.top_up($account, 100000000);
			SELECT FROM ccc.buy($account, 'number_landline', 1, 6, '@{[own_number($account)]}', '2025-01-01 00:00+08');
			SELECT FROM ccc.buy($account, 'seat_standard', 100);
			SELECT FROM ccc.buy($account, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08')});
	}
}

sub drop_business
{
	sql('DROP EXTENSION ccc_billing CASCADE; DROP TABLE marks, calls, late, old, purged; DROP FUNCTION keep');
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
# A part of a transaction is its SQL and its effects on what must be there:
# [put, table, id, seconds], [again, id], [also, id, seconds], [less, id],
# [set, table, id, seconds], [drop, table, id],
# [request, id, SQL that gives the result], [agent, name, whether online],
# [number, number].  Of several records of an id, `again` and `less` mean the
# shortest.
#
sub rows
{
	my ($s, $count, $number) = @_;

	return map {
		my $id = "$s->{name}-" . ++$s->{ids};
		[ $id, $number // own_number(rand() < 0.03 ? 1 + int(rand(ACCOUNTS)) : $s->{account}),
			an_instant() =~ s/00:/10:/r, 1 + int(rand(400)) + one_of(0, 0.5) ]
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

# What is done with a row that the session stored, if it did.
sub with_row
{
	my ($s, $part, $rows) = @_;
	my $row = one_of(@{ $rows // $s->{rows} }) or return '';

	return $part->($row->[0]);
}

# A row's correction, in its table.
sub correct
{
	my ($table, $id) = @_;
	my $seconds = 1 + int(rand(900));

	return ("UPDATE $table SET seconds = $seconds WHERE call_id = '$id';\n", [ set => $table, $id, $seconds ]);
}

sub remove
{
	my ($table, $id) = @_;

	return ("DELETE FROM $table WHERE call_id = '$id';\n", [ drop => $table, $id ]);
}

# What is done with a number that the session put into service, if it did, and
# if nobody has done it before.
sub with_number
{
	my ($s, $numbers, $sql) = @_;
	my $number = one_of(@{ $s->{$numbers} }) or return '';

	return $sql =~ s/%/$number/gr . ";\n";
}

# An instant of the calls' time.
sub an_instant
{
	return sprintf '2025-%02d-%02d 00:00+08', 2 + rand 3, 1 + rand 28;
}

my %parts = (
	single => sub { store($_[0], \&insert, 1) },
	several => sub { store($_[0], \&insert, 2 + rand 30) },
	copy => sub { store($_[0], \&copy, 1 + rand 100) },
	repeat => sub {
		with_row($_[0], sub { (
			"INSERT INTO calls SELECT * FROM calls WHERE call_id = '$_[0]' ORDER BY seconds LIMIT 1;\n", [ again => $_[0] ]) });
	},
	contradict => sub {
		my $seconds = 1 + int(rand(900));
		with_row($_[0], sub { (
			"INSERT INTO calls SELECT call_id, caller, callee, started_at, $seconds FROM calls WHERE call_id = '$_[0]' LIMIT 1;\n",
			[ also => $_[0], $seconds ]) });
	},
	remove_one => sub {
		with_row($_[0], sub { (
			"DELETE FROM calls WHERE ctid = (SELECT ctid FROM calls WHERE call_id = '$_[0]' ORDER BY seconds LIMIT 1);\n",
			[ less => $_[0] ]) });
	},
	remove => sub { with_row($_[0], sub { remove('calls', @_) }) },
	correct => sub { with_row($_[0], sub { correct('calls', @_) }) },
	remove_late => sub { with_row($_[0], sub { remove('late', @_) }, $_[0]{late}) },
	correct_late => sub { with_row($_[0], sub { correct('late', @_) }, $_[0]{late}) },
	negative => sub {
		my ($row) = rows($_[0], 1);
		$row->[3] = -1;
		return (insert('calls', $row), put('calls', $row));
	},
	unknown => sub {
		my ($s) = @_;
		my $number = sprintf '+86755%08d', 20000000 + $s->{no} % 4000 * 10000 + ++$s->{numbered};
		my @rows = rows($s, 3, $number);
		push @{ $s->{numbers} }, $number;
		push @{ $s->{rows} }, @rows;
		return (insert('calls', @rows), put('calls', @rows));
	},
	number => sub {
		my ($s) = @_;
		my $number = pop @{ $s->{numbers} } or return '';
		my $since = one_of('2025-01-01', '2025-03-10');
		push @{ $s->{own} }, $number;
		return ("SELECT ccc.add_own_number($s->{account}, '$number', 'landline', '$since 00:00+08');\n"
			  . "SELECT ccc.retry_exceptions();\n", [ number => $number ]);
	},
	rent => sub {
		my ($s) = @_;
		my $number = pop @{ $s->{numbers} } or return '';
		push @{ $s->{rented} }, $number;
		return request($s, 'buy', "'number_landline', 1, @{[ 1 + int(rand(3)) ]}, '$number', '2025-01-01 00:00+08'", 'r.purchase_no');
	},
	prolong => sub {
		with_number($_[0], 'rented', q{SELECT FROM ccc.rentals AS r JOIN ccc.numbers AS n USING (number, since),
			LATERAL ccc.renew(r.account_id, r.purchase_no) WHERE r.number = '%' AND n.released_at = 'infinity'});
	},
	release => sub {
		with_number($_[0], one_of('own', 'rented'), q{SELECT ccc.release_number(account_id, number::text, '} . an_instant()
			. q{') FROM ccc.numbers WHERE number = '%' AND released_at = 'infinity'});
	},
	pass_on => sub {
		with_number($_[0], 'own', 'SELECT ccc.add_own_number(' . (1 + int(rand(ACCOUNTS))) . q{, '%', 'landline', max(released_at))
			FROM ccc.numbers WHERE number = '%' HAVING max(released_at) < 'infinity'});
	},
	return_number => sub {
		my $how = one_of('void_purchase(r.account_id, r.purchase_no)', "refund(r.account_id, r.purchase_no, '" . an_instant() . "')");
		with_number($_[0], 'rented', "SELECT ccc.$how FROM ccc.rentals AS r WHERE r.number = '%'");
	},
	void => sub {
		"SELECT ccc.void_purchase(account_id, purchase_no) FROM (SELECT account_id, purchase_no FROM ccc.packages"
		  . " WHERE account_id = $_[0]{account} AND used = 0 AND refunded_at = 'infinity' ORDER BY package_no DESC LIMIT 1) AS p;\n";
	},
	refund => sub {
		"SELECT ccc.refund(account_id, purchase_no, '@{[an_instant()]}') FROM (SELECT account_id, purchase_no FROM ccc.packages"
		  . " WHERE account_id = $_[0]{account} AND refunded_at = 'infinity' ORDER BY random() LIMIT 1) AS p;\n";
	},
	increment => sub {
		my ($s) = @_;
		sprintf "INSERT INTO ccc.pools VALUES ('landline_outbound', timestamptz '%s' + interval '%d us', '%s');\n",
		  an_instant(), $s->{no} * 10000 + ++$s->{ids}, one_of('60/60', '30/6', '6/6', '1/1');
	},
	top_up => sub { request($_[0], 'top_up', (1 + int(rand(100000))) / 100, 'r') },
	buy => sub {
		my $at = sprintf '2025-%02d-%02d 12:00+08', 1 + rand 3, 1 + rand 28;
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
	rerate => sub { "SELECT ccc.rerate($_[0]{account}, '@{[an_instant()]}');\n" },
	retry => sub { "SELECT ccc.retry_exceptions();\n" },
	late => sub {
		my @rows = rows($_[0], 1 + rand 5);
		push @{ $_[0]{late} }, @rows;
		return ("SET LOCAL session_replication_role = replica;\n" . insert('late', @rows)
			  . "SET LOCAL session_replication_role = origin;\n", put('late', @rows));
	},
	old => sub {
		my @rows = rows($_[0], 1 + rand 5);
		return (insert('old', @rows), put('old', @rows));
	},
	purge => sub { sprintf "SELECT ccc.purge('old', '2025-%02d-%02d 00:00+08');\n", 2 + rand 3, 1 + rand 28 });
my @seldom = qw(replay rerate purge increment void);
my @often = (('single') x 4, ('several') x 2, 'copy', ('correct') x 3, 'remove', 'agent', 'top_up',
	('unknown') x 3, ('contradict') x 2, qw(number rent prolong pass_on release correct_late retry));
my @usual = sort grep { my $part = $_; !grep { $_ eq $part } @seldom } keys %parts;

# Several parts; each such transaction leaves a mark, which is there when the
# transaction is.
sub several_parts
{
	my ($s, $mark, $isolation, @names) = @_;
	my $sql = "BEGIN $isolation;\nINSERT INTO marks VALUES ('$mark');\n";
	my @effects;
	my $savepoints = 0;

	foreach my $name (@names)
	{
		my ($part_sql, @part_effects) = $parts{$name}->($s);
		$sql .= $part_sql;
		push @effects, @part_effects;
		if (rand() < 0.15)
		{
			my @undone = rows($s, 1 + rand 10);
			# of names of their own: one whose release is interrupted is there to be rolled back to
			my $savepoint = 's' . ++$savepoints;
			$sql .= "SAVEPOINT $savepoint;\n" . insert('calls', @undone) . "ROLLBACK TO $savepoint;\nRELEASE $savepoint;\n";
		}
	}
	return { sql => $sql, effects => \@effects, mark => $mark };
}

sub prepared
{
	my ($t) = @_;

	$t->{sql} .= "PREPARE TRANSACTION '$t->{mark}';\n";
	return $t;
}

sub ended
{
	my ($t, $verdict) = @_;

	$t->{sql} .= $verdict ? "SELECT pg_sleep(0.005);\n$verdict PREPARED '$t->{mark}';\n" : "COMMIT;\n";
	$t->{verdict} = $verdict;
	return $t;
}

# Single statements are known by their first row instead.
sub transaction
{
	my ($s, $mark) = @_;

	return { sql => one_of('CHECKPOINT', 'VACUUM calls', ("CALL ccc.backfill('late', blocks => 1)") x 4) . ";\n", effects => [] } if rand() < 0.04;
	if (rand() < 0.3)
	{
		my ($sql, @effects) = $parts{ one_of('single', 'several', 'copy') }->($s);
		return { sql => $sql, effects => \@effects, witness => $effects[0][2] };
	}
	my $isolation = one_of(('') x 8, 'ISOLATION LEVEL REPEATABLE READ', 'ISOLATION LEVEL SERIALIZABLE');
	my @names = map { rand() < 0.04 ? one_of(@seldom) : one_of(@often, @usual) } 1 .. 1 + rand 3;
	my $t = several_parts($s, $mark, $isolation, @names);
	return rand() < 0.15 ? ended(prepared($t), one_of(('COMMIT') x 4, 'ROLLBACK')) : ended($t);
}

sub new_session
{
	my ($seed, $no) = @_;

	return { name => "$seed-$no", no => $seed * (SESSIONS + 1) + $no, account => 1 + $no % ACCOUNTS, ids => 0, rows => [], late => [], numbers => [], own => [], rented => [] };
}

# A session with a single transaction, left prepared, to which others yield when
# they block each other for good; then those with so many.
# `between` gives what is to be set before a transaction.
sub sessions
{
	my ($seed, $transactions, $between) = @_;
	my @sessions = map { new_session($seed, $_) } 0 .. SESSIONS;
	my ($leaver, @others) = @sessions;

	$leaver->{transactions} = [ prepared(several_parts($leaver, "$leaver->{name}/0", '', qw(copy buy correct))) ];
	$leaver->{transactions}[0]{before} = "SET deadlock_timeout = '1min';\n";
	foreach my $s (@others)
	{
		foreach my $n (0 .. $transactions - 1)
		{
			my $t = transaction($s, "$s->{name}/$n");

			$t->{before} = $between->($t) if $between;
			push @{ $s->{transactions} }, $t;
		}
	}
	return @sessions;
}

# Of a transaction that could not begin, nothing is done by itself.
sub script_of
{
	my ($t) = @_;

	return $t->{sql} unless $t->{mark};
	my ($begin, $rest) = split /(?<=;\n)/, $t->{sql}, 2;
	return "$begin\\if :ERROR\n\\else\n$rest\\endif\n";
}

# A psql for each session.
sub start_sessions
{
	local $ENV{PGAPPNAME} = 'load';

	foreach my $s (@_)
	{
		open my $script, '>', "$dir/$s->{no}.sql" or die $!;
		foreach my $n (0 .. $#{ $s->{transactions} })
		{
			my $t = $s->{transactions}[$n];

			print $script "\\echo begin $n\n", $t->{before} // '', script_of($t);
		}
		close $script;
		$s->{harness} = IPC::Run::start(
			[ 'psql', '-XAt', '-v', 'VERBOSITY=verbose', '-f', "$dir/$s->{no}.sql" ],
			'<', '/dev/null', '>', "$dir/$s->{no}.out", '2>', "$dir/$s->{no}.err");
	}
}

# Waits until the sessions end, or their server has, and notes with each
# transaction what psql was told of it: begun, committed, aborted, prepared.
sub end_sessions
{
	$_->{harness}->finish foreach @_;
	read_answers($_) foreach @_;
}

sub read_answers
{
	my ($s) = @_;
	my $t;

	open my $out, '<', "$dir/$s->{no}.out" or die $!;
	while (my $line = <$out>)
	{
		if ($line =~ /^begin (\d+)$/)
		{
			# the next one was begun: this one failed, unless it is between its phases
			$t->{aborted} = 1 if $t && !$t->{committed} && !$t->{prepared};
			$t = $s->{transactions}[$1];
			$t->{begun} = 1;
		}
		$s->{results}{$1} = $2 if $line =~ /^result (\S+) (.*)$/;
		$t->{committed} = 1 if $line =~ /^COMMIT( PREPARED)?$/ || ($t->{witness} && $line =~ /^(INSERT 0|COPY) \d+$/);
		$t->{aborted} = 1 if $line =~ /^ROLLBACK PREPARED$/;
		$t->{prepared} = 1 if $line =~ /^PREPARE TRANSACTION$/;
	}
	open my $err, '<', "$dir/$s->{no}.err" or die $!;
	$s->{errors} = [ map { /ERROR: +(\w+: .*)/ ? $1 : () } <$err> ];
	unlink glob "$dir/$s->{no}.*";
}

1;
