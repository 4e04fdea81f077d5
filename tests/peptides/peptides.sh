# shellcheck shell=bash disable=SC2034,SC2054 # the tests use what is set here; commas of a value
# For the tests of score-peptide-md as a program: $1 is the program, $2 the folder of fixtures. They
# work in a temporary folder.
set -euo pipefail
md=$(realpath "$1")
fixtures=$(realpath "$2")
aa=$fixtures/AA.system
folder=$(mktemp -d)
# What a failed test has left running ends with it.
clean_up() {
    local pid
    for pid in $(jobs -p); do
        kill -9 "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap clean_up EXIT
cd "$folder"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect STATUS PATTERN COMMAND...: the command ends with this exit status and says this.
expect() {
    local status=0 expected=$1 pattern=$2
    shift 2
    timeout 300 "$@" >said 2>&1 || status=$?
    [ "$status" = "$expected" ] ||
        fail "exit status $status, expected $expected: $* said $(cat said)"
    grep -q -- "$pattern" said || fail "no '$pattern' from $*, but: $(cat said)"
}

# The whole state: ladders, and a bias.
printf '%s\n' '# along phi' 'bias 6 12 14 16 2' '3 4' '-2 1' >bias
ladder=(--copies 8 --ladder 300,330,360,400 --exchange-interval 30 --bias bias)
