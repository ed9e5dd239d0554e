# sandbox.pl ARCHITECTURE CALLS COMMAND…: runs a program as the unit of systemd has it. No new privileges,
# no memory that is or becomes both writable and executable, and of system calls only those whose numbers
# are listed; any other ends the process, so that it is noticed.
use strict;
use warnings;

my ($architecture, $calls, @command) = @ARGV;
my %of = (
    x86_64  => { audit => 0xC000003E, prctl => 157, seccomp => 317, mmap => 9,   mprotect => 10 },
    aarch64 => { audit => 0xC00000B7, prctl => 167, seccomp => 277, mmap => 222, mprotect => 226 },
);
my $here = $of{$architecture} or die "sandbox.pl does not know $architecture\n";

use constant {
    LOAD => 0x20, AND => 0x54, EQUALS => 0x15, ANY_OF => 0x45, RETURN => 0x06,
    ALLOW => 0x7fff0000, REFUSE => 0x00050001, KILL => 0x80000000,
    NUMBER => 0, ARCHITECTURE => 4, PROTECTION => 32,    # the third argument
    WRITE_AND_EXECUTE => 6, EXECUTE => 4,
};
my @filter;
sub step { push @filter, pack('SCCL', @_) }    # code, if true and if false so many steps further, value

step(LOAD, 0, 0, ARCHITECTURE);
step(EQUALS, 1, 0, $here->{audit});
step(RETURN, 0, 0, KILL);
step(LOAD, 0, 0, NUMBER);
step(EQUALS, 0, 5, $here->{mmap});
step(LOAD, 0, 0, PROTECTION);
step(AND, 0, 0, WRITE_AND_EXECUTE);
step(EQUALS, 0, 1, WRITE_AND_EXECUTE);
step(RETURN, 0, 0, REFUSE);
step(RETURN, 0, 0, ALLOW);
step(EQUALS, 0, 4, $here->{mprotect});
step(LOAD, 0, 0, PROTECTION);
step(ANY_OF, 0, 1, EXECUTE);
step(RETURN, 0, 0, REFUSE);
step(RETURN, 0, 0, ALLOW);
for my $number (split /,/, $calls) {
    step(EQUALS, 0, 1, $number);
    step(RETURN, 0, 0, ALLOW);
}
step(RETURN, 0, 0, KILL);

my $steps = join '', @filter;
my $program = pack('S x![P] P', scalar @filter, $steps);
use constant { NO_NEW_PRIVILEGES => 38, SET_FILTER => 1 };
syscall($here->{prctl}, NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 or die "prctl: $!\n";
syscall($here->{seccomp}, SET_FILTER, 0, $program) == 0 or die "seccomp: $!\n";
exec { $command[0] } @command or die "$command[0]: $!\n";
