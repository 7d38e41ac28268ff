# The inputs that fuzzing kept (test/fuzz/), through a server: each is refused
# as wrong input, or is a value whose text and binary form lead back to it.
#
# Needs a running server, given by PGHOST and its kin, and a superuser.
use strict;
use warnings;

use FindBin;
use IPC::Run;
use Test::More;

use constant DATABASE => 'ccc_fuzz';

my $dir = "$ENV{TESTDIR}/fuzz";
my $corpus = "$FindBin::RealBin/../fuzz/corpus";
my $wrong_input = qr/^(22P02|22003|22P03|08P01)$/;

sub sql
{
	my ($sql, $database) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database // DATABASE ], '<', \$sql, '>', \$out, '2>', \$err)
	  or die "$sql: $err";
	chomp $out;
	return $out;
}

sub content
{
	my ($file) = @_;

	open my $in, '<:raw', $file or die "$file: $!";
	local $/;
	return <$in> // '';
}

# A file of one row with one column, as COPY reads it.
sub write_row
{
	my ($bytes) = @_;

	open my $out, '>:raw', "$dir/row" or die $!;
	print $out "PGCOPY\n\377\r\n\0", pack('NN', 0, 0), pack('nN', 1, length $bytes), $bytes, pack('n', 0xffff);
	close $out;
}

# What becomes of an input: a SQLSTATE, or ok.
sub received
{
	my ($type, $bytes) = @_;

	write_row($bytes);
	return sql("SELECT received('$type', '$dir/row')");
}

sub read_in
{
	my ($type, $text) = @_;

	# a client's text ends where a zero byte is
	return sql("SELECT read_in('$type', decode('" . unpack('H*', $text =~ s/\0.*//sr) . "', 'hex'))");
}

mkdir $dir;
chmod 0755, $dir;
sql('DROP DATABASE IF EXISTS ' . DATABASE . ' WITH (FORCE)', 'postgres');
sql('CREATE DATABASE ' . DATABASE . " TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'", 'postgres');
sql(<<'SQL');
	CREATE EXTENSION ccc_billing;
	-- a value's text leads back to it, and so does its binary form
	CREATE FUNCTION leads_back(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		again text;
	BEGIN
		EXECUTE format('SELECT %L::ccc.%s::text', value, type) INTO again;
		RETURN CASE WHEN again = value THEN 'ok' ELSE format('%s: %s', value, again) END;
	END $$;
	CREATE FUNCTION read_in(type text, input bytea) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		value text;
	BEGIN
		EXECUTE format('SELECT %L::ccc.%s::text', convert_from(input, 'SQL_ASCII'), type) INTO value;
		RETURN leads_back(type, value);
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;
	CREATE FUNCTION received(type text, file text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		value text;
	BEGIN
		EXECUTE format('CREATE TEMP TABLE received (value ccc.%s)', type);
		EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
		SELECT r.value::text INTO value FROM received AS r;
		EXECUTE format('COPY received TO %L (FORMAT binary)', file || '.again');
		IF pg_read_binary_file(file) <> pg_read_binary_file(file || '.again') THEN
			RETURN 'sent otherwise than received';
		END IF;
		RETURN leads_back(type, value);
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$
SQL
foreach my $type (qw(billing_increment price_tiers phone_number))
{
	foreach my $form ([ text => \&read_in ], [ binary => \&received ])
	{
		my ($name, $tried) = @$form;
		my %count;

		foreach my $file (glob "$corpus/${type}_$name/*")
		{
			my $result = $tried->($type, content($file));

			diag("$file: $result") unless $result eq 'ok' || $result =~ $wrong_input;
			$count{ $result eq 'ok' ? 'accepted' : $result =~ $wrong_input ? 'refused' : 'wrong' }++;
		}
		is($count{wrong} // 0, 0, "$type, $name: $count{accepted} accepted, $count{refused} refused, none otherwise");
		ok($count{accepted} && $count{refused}, "$type, $name: both are met");
	}
}
sql('DROP DATABASE ' . DATABASE . ' WITH (FORCE)', 'postgres');
done_testing();
