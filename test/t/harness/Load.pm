# What many sessions of the whole business do at once: they store, correct,
# delete and purge calls, buy, renew, sign agents in, charge again and bill
# what is left over; in single statements and in transactions of any isolation
# level, some with savepoints rolled back, some in two phases.  The scripts
# depend on the seed alone.
package harness::Load;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use POSIX qw();

use harness::Server;

our @EXPORT = qw(prepare_business sessions start_sessions end_sessions one_of own_number);

use constant ACCOUNTS => 3;
use constant SESSIONS => 6;
use constant TRANSACTIONS => 1000;

my $month_ago = POSIX::strftime('%Y-%m-%d 00:00+08', gmtime(time - 32 * 86400));

# Tables: `calls`; `late`, which is stored past the triggers; `old`, which is
# purged, and what is purged of it kept to be counted.
sub prepare_business
{
	sql(q{
		CREATE EXTENSION ccc_billing;
		CREATE TABLE marks (mark text PRIMARY KEY);
		SELECT ccc.create_calls_table('calls'), ccc.create_calls_table('late'), ccc.create_calls_table('old');
		CREATE INDEX ON calls (call_id);
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
# [put, table, id, seconds], [again, id], [less, id], [set, id, seconds],
# [drop, id], [request, id, SQL that gives the result],
# [agent, name, whether online], [number, number].
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

# What is done with a row that the session stored, if it did.
sub with_row
{
	my ($s, $part) = @_;
	my $row = one_of(@{ $s->{rows} }) or return '';

	return $part->($row->[0]);
}

my %parts = (
	single => sub { store($_[0], \&insert, 1) },
	several => sub { store($_[0], \&insert, 2 + rand 30) },
	copy => sub { store($_[0], \&copy, 1 + rand 100) },
	repeat => sub {
		with_row($_[0], sub { ("INSERT INTO calls SELECT * FROM calls WHERE call_id = '$_[0]' LIMIT 1;\n", [ again => $_[0] ]) });
	},
	remove_one => sub {
		with_row($_[0], sub { (
			"DELETE FROM calls WHERE ctid = (SELECT ctid FROM calls WHERE call_id = '$_[0]' LIMIT 1);\n", [ less => $_[0] ]) });
	},
	remove => sub {
		with_row($_[0], sub { ("DELETE FROM calls WHERE call_id = '$_[0]';\n", [ drop => $_[0] ]) });
	},
	correct => sub {
		my $seconds = 1 + int(rand(900));
		with_row($_[0], sub { ("UPDATE calls SET seconds = $seconds WHERE call_id = '$_[0]';\n", [ set => $_[0], $seconds ]) });
	},
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
		return ("SELECT ccc.add_own_number($s->{account}, '$number', 'landline', '2025-01-01 00:00+08');\n"
			  . "SELECT ccc.retry_exceptions();\n", [ number => $number ]);
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
	},
	old => sub {
		my @rows = rows($_[0], 1 + rand 5);
		return (insert('old', @rows), put('old', @rows));
	},
	purge => sub { sprintf "SELECT ccc.purge('old', '2025-%02d-%02d 00:00+08');\n", 2 + rand 3, 1 + rand 28 });
my @seldom = qw(replay purge);
my @often = (('single') x 4, ('several') x 2, 'copy', ('correct') x 3, 'remove', 'agent', 'top_up');
my @usual = sort grep { my $part = $_; !grep { $_ eq $part } @seldom } keys %parts;

# Several parts; each such transaction leaves a mark, which is there when the
# transaction is.
sub several_parts
{
	my ($s, $mark, $isolation, @names) = @_;
	my $sql = "BEGIN $isolation;\nINSERT INTO marks VALUES ('$mark');\n";
	my @effects;

	foreach my $name (@names)
	{
		my ($part_sql, @part_effects) = $parts{$name}->($s);
		$sql .= $part_sql;
		push @effects, @part_effects;
		if (rand() < 0.15)
		{
			my @undone = rows($s, 1 + rand 10);
			$sql .= "SAVEPOINT s;\n" . insert('calls', @undone) . "ROLLBACK TO s;\nRELEASE s;\n";
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

	return { sql => one_of('CHECKPOINT', 'VACUUM calls', "CALL ccc.backfill('late')") . ";\n", effects => [] } if rand() < 0.02;
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

	return { name => "$seed-$no", no => $seed * (SESSIONS + 1) + $no, account => 1 + $no % ACCOUNTS, ids => 0, rows => [], numbers => [] };
}

# A session with a single transaction, left prepared, to which others yield when
# they block each other for good; then those with many.
# `between` gives what is to be set before a transaction.
sub sessions
{
	my ($seed, $between) = @_;
	my @sessions = map { new_session($seed, $_) } 0 .. SESSIONS;
	my ($leaver, @others) = @sessions;

	$leaver->{transactions} = [ prepared(several_parts($leaver, "$leaver->{name}/0", '', qw(copy buy correct))) ];
	$leaver->{transactions}[0]{before} = "SET deadlock_timeout = '1min';\n";
	foreach my $s (@others)
	{
		foreach my $n (0 .. TRANSACTIONS - 1)
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
