# The whole business killed at random moments, again and again.  What was
# acknowledged is there, what was not is there whole or not at all, also what
# was left prepared; what clients do again is done once; and all figures are
# those of a naive count of what is stored.
#
#   CRASH_ROUNDS=3   how often the server is killed
#   CRASH_SEED=1     of the first round: a round's load depends on its seed
#                    alone, the moment of the kill is about the same
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Test::More;

use harness::Load;
use harness::Rounds;
use harness::Server;

use constant TRANSACTIONS => 1000;     # of a session: more than it gets to

my $first_seed = $ENV{CRASH_SEED} || 1;
my $rounds = $ENV{CRASH_ROUNDS} || 3;

make_server();
prepare_business();
foreach my $seed ($first_seed .. $first_seed + $rounds - 1)
{
	srand($seed);
	my ($leaver, @others) = sessions($seed, TRANSACTIONS);
	my $seconds = 0.2 + rand 1.8;

	start_sessions(@others);
	select(undef, undef, undef, 0.05) until sql("SELECT count(*) FROM marks WHERE mark LIKE '$seed-%'") > 0;
	select(undef, undef, undef, $seconds);
	start_sessions($leaver);
	end_sessions($leaver);
	select(undef, undef, undef, rand 0.3);
	kill_server();
	end_sessions(@others);
	kill_in_recovery(rand 0.2) if rand() < 0.4;
	start_server();
	check_round($seed, qr/^(40P01|40001|25P02|3B001|42704|55006): /, $leaver, @others);
}
check_total("$rounds kills, seeds from $first_seed", qw(committed prepared absent));
done_testing();
