# A server of the test's own, with the programs found on the PATH, that can be
# killed as a failing machine kills it.  The machine's memory survives: that
# the disk does what fsync says is not tested.
package harness::Server;

use strict;
use warnings;

use Exporter 'import';
use File::Temp;
use IPC::Run;
use POSIX qw(WNOHANG);
use Test::More;

our @EXPORT = qw($dir make_server start_server kill_server kill_in_recovery processes sql set mapping);

our $dir = File::Temp->newdir('ccc_server_XXXXXX', TMPDIR => 1);
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

# Small files, so that a limit of their size is felt soon.
sub make_server
{
	my ($settings) = @_;

	plan(skip_all => 'initdb refuses root') if $> == 0;
	plan(skip_all => 'needs /proc to find the processes of a server') unless -e "/proc/$$/stat";
	program('initdb', '-D', "$dir/data", '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--wal-segsize=1');
	open my $conf, '>>', "$dir/data/postgresql.conf" or die $!;
	print $conf "listen_addresses = ''\nunix_socket_directories = '$dir'\nrestart_after_crash = off\n",
	  "fsync = on\nmax_wal_size = 64MB\ncheckpoint_timeout = 30s\n",
	  "max_prepared_transactions = 20\ndeadlock_timeout = 20ms\n", $settings // '';
	close $conf;
	start_server();
}

# A child of this test, which can then see the end of it.
sub launch
{
	$postmaster = fork // die "fork: $!";
	return if $postmaster;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', "$dir/log";
	open STDERR, '>&', \*STDOUT;
	exec 'postgres', '-D', "$dir/data" or POSIX::_exit(1);
}

sub start_server
{
	launch();
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

# The server's processes but the postmaster.
sub processes
{
	return grep { ((process($_))[1] // 0) == $postmaster } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

# A server that is killed after it has made such a file, and before it has written
# its number into it, is to be helped by hand: no other one takes the file over.
sub remove_empty_lock_files
{
	unlink grep { -z } "$dir/data/postmaster.pid", glob "$dir/.s.PGSQL.*.lock";
}

# Every process of the server at once, as when the machine fails.  A stopped
# postmaster makes no new ones while its children are looked for.
sub kill_server
{
	kill 'STOP', $postmaster;
	select(undef, undef, undef, 0.001) until ((process($postmaster))[0] // 'Z') =~ /[TZ]/;
	my @children = processes();
	kill 'KILL', @children, $postmaster;
	waitpid $postmaster, 0;
	undef $postmaster;
	remove_empty_lock_files();
	foreach my $pid (@children)
	{
		select(undef, undef, undef, 0.01) while ((process($pid))[0] // 'Z') ne 'Z';
	}
}

# A killed server started, and killed again after so many seconds.
sub kill_in_recovery
{
	my ($seconds) = @_;

	launch();
	select(undef, undef, undef, $seconds);
	kill_server();
}

1;
