#!/bin/bash
# What score-peptide-md will not do, and that it says why: status 2 for the command line, 1 for all
# else.
. "$(dirname "$0")/peptides.sh"

run=("$md" "$aa" --output run.h5 --time 1 --equilibration 0.1 --interval 100)

nothing_written() {
    local left
    left=$(find . -name '*.h5*')
    [ -z "$left" ] || fail "something was written: $left"
}

# ---- The command line ----

expect 0 'usage: score-peptide-md' "$md" --help
expect 0 'score-peptide-md [0-9]' "$md" --version
expect 2 'needs one system' "$md"
expect 2 'needs one system' "$md" "$aa" "$aa" --output run.h5 --time 1
expect 2 'needs one system, --output and --time' "$md" "$aa" --time 1
expect 2 'needs one system, --output and --time' "$md" "$aa" --output run.h5
expect 2 'score-peptide-md --help' "${run[@]}" --dance
for name in run.txt .h5 h5 run.h5.txt ''; do
    expect 2 "output is '$name', must be a name that ends in .h5" "${run[@]}" --output "$name"
done
for option in copies:0 copies:-1 copies:1.5 copies:1000000 interval:0 seed:-1 seed:x first-copy:-1 \
    threads:0 exchange-interval:0; do
    expect 2 "${option%:*} is '${option#*:}'" "${run[@]}" "--${option%:*}" "${option#*:}"
done
for option in time:0 time:-1 time:nan time:inf time: time:1x timestep:0 timestep:-2 friction:-1 \
    friction:nan temperature:0 temperature:-300 equilibration:-1 checkpoint:-1; do
    expect 2 "${option%:*} is '${option#*:}', must be a number" \
        "${run[@]}" "--${option%:*}" "${option#*:}"
done
for ladder in 300,290 300,300 300,310,305; do
    expect 2 "ladder is '$ladder', must be rising temperatures" "${run[@]}" --ladder $ladder
done
for ladder in 300 '' ','; do
    expect 2 "ladder is '$ladder', must be two temperatures or more" "${run[@]}" --ladder "$ladder"
done
for ladder in 300,x 300,nan -300,300 0,300; do
    expect 2 "ladder is '.*', must be a number" "${run[@]}" --ladder="$ladder"
done
expect 2 'must be at most 64 temperatures' "${run[@]}" --ladder "$(seq -s, 300 364)"
nothing_written

# ---- Plans that are not possible ----

expect 1 '16 copies from number 0 on, must be whole ladders of 3 temperatures' \
    "${run[@]}" --ladder 300,310,320
expect 1 '6 copies from number 4 on, must be whole ladders of 3 temperatures' \
    "${run[@]}" --ladder 300,310,320 --copies 6 --first-copy 4
expect 1 'time of 0.1 ps is shorter than one interval of 100 steps' "${run[@]}" --time 0.1
expect 1 'time of 1e+12 ps are 5e+14 steps, at most 4e9' "${run[@]}" --time 1e12
expect 1 'steps, at most 4294967295' "${run[@]}" --time 7.9e6 --equilibration 7.9e6
nothing_written

# ---- The system ----

# system NAME SED: a changed copy of AA's numbers, in the file NAME.
system() {
    sed "$2" "$aa" >"$1"
    ! cmp -s "$1" "$aa" || fail "$1: '$2' changes nothing"
}

# refused PATTERN SED: the changed numbers are refused with this message, which names file and line.
refused() {
    system bad.system "$2"
    expect 1 "^score-peptide-md: bad.system:$1" "$md" bad.system --output run.h5 --time 1
}

line() {
    grep -n "^$1" "$aa" | cut -d: -f1
}
atoms=$(line atoms) bonds=$(line bonds) angles=$(line angles) torsions=$(line torsions)
exceptions=$(line exceptions) born=$(line born) beads=$(line beads) equivalent=$(line equivalent)

expect 1 'missing.system: cannot be opened: No such file' \
    "$md" missing.system --output run.h5 --time 1
mkdir a_folder
expect 1 'a_folder: cannot be opened: Is a directory' "$md" a_folder --output run.h5 --time 1
refused "1: 'score-peptide-md' expected, found 'peptide'" '1s/.*/peptide 1/'
refused "1: the version is '2', must be an integer from 1 to 1" '1s/1$/2/'
refused "$atoms: 'atoms' expected, found 'atom'" "${atoms}s/atoms/atom/"
for count in 1001 0 -1 1e3 99999999999999999999; do
    refused "$atoms: the number of atoms is '$count', must be an integer from 1 to 1000" \
        "${atoms}s/23/$count/"
done
refused "$((atoms + 1)): mass -8.03.*, .* of atom 0: the mass must be positive" \
    "$((atoms + 1))s/^/-/"
refused "$((atoms + 2)): mass 0, .* of atom 1: the mass must be positive" \
    "$((atoms + 2))s/^[^ ]*/0/"
refused "$((atoms + 3)): .*'nan', must be a number" "$((atoms + 3))s/^\([^ ]*\) [^ ]*/\1 nan/"
refused "$((atoms + 3)): .*'inf', must be a number" "$((atoms + 3))s/^\([^ ]*\) [^ ]*/\1 inf/"
refused "$((atoms + 3)): .*'1e999', must be a number" "$((atoms + 3))s/^\([^ ]*\) [^ ]*/\1 1e999/"
refused "$((atoms + 3)): .*, must be a number" \
    "$((atoms + 3))s/^\([^ ]*\) [^ ]*/\1 0.$(printf '1%.0s' $(seq 70))/" # of too many digits
refused "$((atoms + 4)): mass 3, sigma -[0-9.]*, .* of atom 3" \
    "$((atoms + 4))s/ \([^ ]*\) \([^ ]*\)\$/ -\1 \2/"
refused "$((bonds + 1)): atom 0 is named twice" "$((bonds + 1))s/^\([0-9]*\) [0-9]*/0 0/"
refused "$((bonds + 1)): an atom is '23', must be an integer from 0 to 22" \
    "$((bonds + 1))s/^[0-9]*/23/"
refused "$((bonds + 2)): an atom is '-1'" "$((bonds + 2))s/^[0-9]*/-1/"
refused "$((bonds + 2)): length or k is '[0-9.]*x'" "$((bonds + 2))s/\$/x/"
refused "$((angles - 1)): 'angles' expected, found '7'" "$((angles - 1))s/\$/ 7/"
refused "$((angles + 1)): atom [0-9]* is named twice" \
    "$((angles + 1))s/^\([0-9]* [0-9]*\) [0-9]*/\1 1/; $((angles + 1))s/^[0-9]* [0-9]*/1 2/"
refused "$((torsions + 1)): a periodicity is '7', must be an integer from 1 to 6" \
    "$((torsions + 1))s/^\([0-9]* [0-9]* [0-9]* [0-9]*\) [0-9]*/\1 7/"
refused "$((exceptions + 1)): atom [0-9]* is named twice" \
    "$((exceptions + 1))s/^\([0-9]*\) [0-9]*/\1 \1/"
refused "$born: dielectrics 0 (solute)" "${born}s/^born \([^ ]*\) [^ ]*/born \1 0/"
refused "$((born + 1)): or of atom 0 is 0, must be positive" \
    "$((born + 1))s/^\([^ ]*\) [^ ]*/\1 0/"
refused "$beads: the number of beads is '24', must be an integer from 1 to 23" "${beads}s/10/24/"
refused "$((beads + 1)): atom 0 is named twice" "$((beads + 1))s/^0 4/0 0/"
refused "$((equivalent + 1)): atom 17 is named twice" "$((equivalent + 1))s/.*/17 17/"
refused "[0-9]*: 'end' after the end" "\$s/\$/ end/"
head -n $((torsions + 3)) "$aa" >bad.system
expect 1 "bad.system:$((torsions + 4)): an atom is 'the end of the file'" \
    "$md" bad.system --output run.h5 --time 1
head -c 1000 "$aa" >bad.system # in the middle of a number, as a rule: the rest is missed
expect 1 'bad.system:[0-9]*: .*the end of the file' "$md" bad.system --output run.h5 --time 1
: >bad.system
expect 1 "bad.system:1: 'score-peptide-md' expected, found 'the end of the file'" \
    "$md" bad.system --output run.h5 --time 1
printf 'score-peptide-md 1\0' >bad.system
expect 1 'bad.system: is not a text' "$md" bad.system --output run.h5 --time 1
nothing_written

# Comments are read over, and counted, and so are blanks of any kind.
sed 's/^/ \t/; 3s/^/# a comment\n\n/' "$aa" >commented.system
expect 0 'largest difference' "$md" commented.system --check "$fixtures/AA.check"
sed 's/angles/angle/' commented.system >bad.system
expect 1 "bad.system:$((angles + 2)): 'angles' expected, found 'angle'" \
    "$md" bad.system --output run.h5 --time 1

# ---- Structures, and steps that are too long ----

# The second atom where the first is.
place=$(sed -n "$((atoms + 1))p" "$aa" | cut -d' ' -f2-4)
system bad.system "$((atoms + 2))s/^\([^ ]*\) [^ ]* [^ ]* [^ ]*/\1 $place/"
expect 1 'the energy of copy 0 is .* after 0 steps of 2 fs' \
    "$md" bad.system --output bad.h5 --time 10
expect 1 'the energy of copy [0-9]* is .* after [0-9]* steps of 30 fs: .*the length of the steps' \
    "$md" "$aa" --output bad2.h5 --time 100 --timestep 30 --checkpoint 0
[ ! -e bad2.h5.checkpoint ] || fail "what is not a number is in a checkpoint"
[ -z "$(ls bad.h5 bad2.h5 2>/dev/null)" ] || fail "a file of a run that broke has its name"
rm -f bad*.h5.*

# ---- The bias ----

bias() {
    printf '%s\n' "${@:3}" >bad.bias
    expect 1 "bad.bias:$1: $2" "${run[@]}" --bias bad.bias
}
expect 1 'missing.bias: cannot be opened' "${run[@]}" --bias missing.bias
bias 1 "an atom is '23'" 'bias 6 12 14 23 1' '1 2'
bias 1 'atom 12 is named twice' 'bias 6 12 12 16 1' '1 2'
bias 1 "the number of terms is '7'" 'bias 6 12 14 16 7'
bias 1 "the number of terms is '0'" 'bias 6 12 14 16 0'
bias 4 "a coefficient of the bias is 'the end of the file'" 'bias 6 12 14 16 2' '1 2' '3'
bias 3 "'4' after the end" 'bias 6 12 14 16 1' '1 2' '4 5'
bias 1 "'bias' expected, found 'torsion'" 'torsion 6 12 14 16 1' '1 2'
nothing_written

# ---- The output ----

expect 1 'no/run.h5.unfinished: cannot be opened: No such file' "${run[@]}" --output no/run.h5
mkdir locked
chmod a-w locked
if [ ! -w locked ]; then # not as root, who may write anywhere
    expect 1 'locked/run.h5.unfinished: cannot be opened: Permission denied' \
        "${run[@]}" --output locked/run.h5
fi
: >some_file
expect 1 'some_file/run.h5.unfinished: cannot be opened: Not a directory' \
    "${run[@]}" --output some_file/run.h5
(
    trap '' XFSZ
    ulimit -f 16
    expect 1 'big.h5.unfinished: cannot reserve its room: File too large' \
        "${run[@]}" --output big.h5 --time 10000
)
nothing_written

expect 0 'run.h5: 5 frames of each of 16 copies' "${run[@]}"
cp run.h5 before.h5
cp run.h5.checkpoint before.checkpoint
expect 1 'run.h5: exists already: continue that run with --resume, or choose another' "${run[@]}"
mv run.h5 gone.h5
expect 1 'run.h5.checkpoint: exists already, of another run' "${run[@]}"
expect 1 'run.h5: its .unfinished is not there, but run.h5.checkpoint is' "${run[@]}" --resume
mv gone.h5 run.h5
mv run.h5.checkpoint gone.checkpoint
expect 1 'run.h5: exists, but no checkpoint to resume from' "${run[@]}" --resume
mv gone.checkpoint run.h5.checkpoint

# What a kill leaves of a checkpoint goes also where there is nothing left to do.
true &
wait $!
: >"run.h5.checkpoint.$!-0.tmp"
expect 0 'run.h5: finished already' "${run[@]}" --resume
[ ! -e "run.h5.checkpoint.$!-0.tmp" ] || fail "run.h5.checkpoint.$!-0.tmp is left"

# ---- Links ----

ln -s some_file link.h5.unfinished
expect 1 'link.h5.unfinished: is a link: it is not written through one' "${run[@]}" --output link.h5 \
    --resume
[ ! -s some_file ] || fail "something was written through a link"
ln -s circle.h5 circle.h5
expect 1 'circle.h5: cannot be replaced: Too many levels of symbolic links' \
    "${run[@]}" --output circle.h5
rm link.h5.unfinished circle.h5

# ---- Runs that are not the same ----

differs() {
    expect 1 "run.h5.checkpoint: was made with '.*', now it is '$1'" "${run[@]}" --resume "${@:2}"
}
differs 'seed: 2' --seed 2
differs 'copies: 15 from number 0' --copies 15
differs 'copies: 16 from number 16' --first-copy 16
differs 'temperatures: 311' --temperature 311
differs 'temperatures: 300 310' --ladder 300,310
differs 'timestep: 1 fs' --timestep 1
differs 'friction: 1 /ps' --friction 1
differs 'interval: 50 steps' --interval 50
differs 'equilibration: 0.2[0-9]* ps' --equilibration 0.2
differs 'time: 2 ps' --time 2
differs 'atoms: all' --atoms
differs 'system and bias (CRC-32): [0-9a-f]*' --bias bias
system other.system 's/^name AA/name BB/'
expect 1 "now it is 'system and bias" \
    "$md" other.system --output run.h5 --time 1 --equilibration 0.1 --interval 100 --resume

head -c 1000 before.checkpoint >run.h5.checkpoint
expect 1 'run.h5.checkpoint: .*wrong size' "${run[@]}" --resume
cp before.checkpoint run.h5.checkpoint
printf 'XY' | dd of=run.h5.checkpoint bs=1 seek=2000 conv=notrunc status=none
expect 1 'run.h5.checkpoint: is damaged' "${run[@]}" --resume
cp before.checkpoint run.h5.checkpoint
cp before.h5 run.h5.unfinished # of another layout
truncate -s 1000 run.h5.unfinished
mv run.h5 gone.h5
expect 1 'run.h5.unfinished: is not the file of this run' "${run[@]}" --resume
rm run.h5.unfinished
mv gone.h5 run.h5

# ---- Frames that are not those of the checkpoint ----

# begun NAME OPTION...: a run of NAME.h5 that was killed when it had frames and a checkpoint.
begun() {
    local pid
    "${run[@]}" --output "$1.h5" --time 100000 --checkpoint 0 "${@:2}" >/dev/null &
    pid=$!
    while [ ! -e "$1.h5.checkpoint" ]; do
        sleep 0.01
    done
    sleep 0.1
    kill -9 $pid
    wait $pid 2>/dev/null || true
}
begun one
begun two --seed 2
cp one.h5.unfinished three.h5.unfinished
cp two.h5.checkpoint three.h5.checkpoint
expect 1 "three.h5.unfinished: was made with seed '1', now it is '2'" \
    "${run[@]}" --output three.h5 --time 100000 --seed 2 --resume
# An older copy of the frames.
cp one.h5.checkpoint three.h5.checkpoint
cp one.h5.unfinished early.h5.unfinished
cp one.h5.checkpoint early.h5.checkpoint
"${run[@]}" --output one.h5 --time 100000 --checkpoint 0 --resume >/dev/null &
pid=$!
while cmp -s one.h5.checkpoint early.h5.checkpoint; do
    sleep 0.01
done
sleep 0.2
kill -9 $pid
wait $pid 2>/dev/null || true
cp one.h5.checkpoint early.h5.checkpoint
expect 1 'early.h5.unfinished: frame [0-9]* is not that of early.h5.checkpoint: they are of two' \
    "${run[@]}" --output early.h5 --time 100000 --resume
rm -f one.* two.* three.* early.*

# ---- What goes on from another run ----

go_on=("$md" "$aa" --output next.h5 --time 1 --interval 100)
expect 1 'missing: cannot be opened: No such file' "${go_on[@]}" --continue missing
expect 1 'run.h5: is not a checkpoint' "${go_on[@]}" --continue run.h5
expect 1 "run.h5.checkpoint: was made with 'seed: 1', now it is 'seed: 2'" \
    "${go_on[@]}" --continue run.h5.checkpoint --seed 2
expect 1 "'copies: 16 from number 0', now it is 'copies: 8 from number 0'" \
    "${go_on[@]}" --continue run.h5.checkpoint --copies 8
# Its end would be overwritten by that of the other.
mv run.h5 gone.h5
expect 1 'run.h5.checkpoint: exists already' "${run[@]}" --continue run.h5.checkpoint
mv gone.h5 run.h5
# One that was interrupted between two frames has no end to go on from.
env --default-signal=INT "$md" "$aa" --output broken.h5 --time 10000 --interval 1000000 \
    --equilibration 0 >said 2>&1 &
pid=$!
while [ ! -e broken.h5.unfinished ]; do
    sleep 0.01
done
sleep 0.2
kill -INT $pid
wait $pid || true
expect 1 'broken.h5.checkpoint: is not of a run that has come to its end' \
    "$md" "$aa" --output next.h5 --time 10000 --interval 1000000 --continue broken.h5.checkpoint

cmp run.h5 before.h5 || fail "the finished run has changed"
cmp run.h5.checkpoint before.checkpoint || fail "the finished run's checkpoint has changed"

# ---- Two runs of one name ----

"${run[@]}" --output busy.h5 --time 100000 --interval 10000 >/dev/null &
pid=$!
while [ ! -e busy.h5.unfinished ]; do
    sleep 0.01
done
sleep 0.2
expect 1 'busy.h5: is begun already' "${run[@]}" --output busy.h5 --time 100000 --interval 10000
expect 1 'busy.h5.unfinished: is being written by another process' \
    "${run[@]}" --output busy.h5 --time 100000 --interval 10000 --resume
kill -9 $pid
wait $pid 2>/dev/null || true

# ---- Checks ----

expect 0 'AA, 23 atoms, 5 structures: largest difference of a force' \
    "$md" "$aa" --check "$fixtures/AA.check"
expect 1 'missing.check: cannot be opened' "$md" "$aa" --check missing.check
expect 1 "DCK.check:25: .* after the end" "$md" "$aa" --check "$fixtures/DCK.check" # of more atoms
head -n 20 "$fixtures/AA.check" >short.check
expect 1 "short.check:21: a position or force is 'the end of the file'" \
    "$md" "$aa" --check short.check
: >empty.check
expect 1 'empty.check:1: no structure' "$md" "$aa" --check empty.check
sed '3s/ [^ ]*$/ 10000/' "$fixtures/AA.check" >wrong.check
expect 1 'wrong.check: forces differ by .* of their rms' "$md" "$aa" --check wrong.check
