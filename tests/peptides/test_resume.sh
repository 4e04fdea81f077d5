#!/bin/bash
# kill -9 at many moments, then --resume: the file is, byte for byte, that of the run that was left
# alone; so after signals, with other numbers of threads, and of a run that goes on from another.
. "$(dirname "$0")/peptides.sh"

run=("$md" "$aa" "${ladder[@]}" --interval 70 --equilibration 1)

same() {
    cmp "$1" "$2" || fail "$1 and $2 differ"
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# How many picoseconds take a second.
begin=$(now_ms)
expect 0 'frames of each of 8 copies' "${run[@]}" --output short.h5 --time 10 --threads 1
per_second=$((10000 / ($(now_ms) - begin + 1) + 1))
run+=(--time $((per_second * 3 / 2)))

begin=$(now_ms)
expect 0 'frames of each of 8 copies' "${run[@]}" --output whole.h5 --threads 1
run_ms=$(($(now_ms) - begin))
expect 0 'frames of each of 8 copies' "${run[@]}" --output threads.h5 --threads 3
same whole.h5 threads.h5

# kill_often NAME TIMES COMMAND...: one run that is killed again and again, after times that cover
# starting, steps and checkpoints; by turns it saves whenever it can, and now and then.
kill_often() {
    local name=$1 times=$2 kills=0 intervals=(0 0.02 0) part pid status
    shift 2
    for part in $(seq 1 "$times"); do
        "$@" --output "$name.h5" --resume --threads $((part % 3 + 1)) \
            --checkpoint "${intervals[part % 3]}" >/dev/null &
        pid=$!
        sleep "$(printf '0.%03d' $((run_ms * (part % 8 + 1) / 300 % 1000)))"
        kill -9 $pid 2>/dev/null || true
        status=0
        wait $pid 2>/dev/null || status=$?
        [ $status != 137 ] || kills=$((kills + 1))
        [ $status = 137 ] || [ $status = 0 ] || fail "exit status $status in part $part"
        [ $status = 0 ] || [ ! -e "$name.h5" ] || fail "killed, but $name.h5 has its name"
        if [ -e "$name.h5.checkpoint" ] && [ ! -e "early_$name.h5.checkpoint" ] &&
            [ ! -e "$name.h5" ]; then
            # as it was after a kill that left something
            cp "$name.h5.checkpoint" "early_$name.h5.checkpoint"
            cp "$name.h5.unfinished" "early_$name.h5.unfinished"
        fi
    done
    [ $kills -ge $((times / 2)) ] || fail "only $kills kills"
    expect 0 'frames of each\|finished already' "$@" --output "$name.h5" --resume --threads 2
    [ ! -e "$name.h5.unfinished" ] || fail "$name.h5.unfinished is left"
    expect 0 'frames of each' "$@" --output "early_$name.h5" --resume --threads 3
    same "$name.h5" "early_$name.h5"
}
kill_often killed 40 "${run[@]}"
same whole.h5 killed.h5

# Frames so far apart that checkpoints come between them.
apart=("${run[@]}" --interval 3100)
expect 0 'frames of each of 8 copies' "${apart[@]}" --output apart.h5 --threads 1
kill_often apart_killed 20 "${apart[@]}"
same apart.h5 apart_killed.h5

# Killed before its first checkpoint it begins anew; so does one of which there is nothing.
"${run[@]}" --output first.h5 --checkpoint 1e6 >/dev/null &
pid=$!
while [ ! -e first.h5.unfinished ]; do
    sleep 0.01
done
sleep 0.1
kill -9 $pid
wait $pid 2>/dev/null || true
[ ! -e first.h5.checkpoint ] || fail "a checkpoint before it is time"
expect 1 'first.h5: is begun already' "${run[@]}" --output first.h5
expect 0 'frames of each' "${run[@]}" --output first.h5 --resume
same whole.h5 first.h5

# Killed between the last checkpoint and the name.
cp whole.h5 last.h5.unfinished
cp whole.h5.checkpoint last.h5.checkpoint
expect 0 'frames of each' "${run[@]}" --output last.h5 --resume
same whole.h5 last.h5

# A finished run is left alone.
state() {
    stat -c '%i %Y %Z %s' whole.h5 whole.h5.checkpoint
}
before=$(state)
sleep 1.1
expect 0 'whole.h5: finished already' "${run[@]}" --output whole.h5 --resume
[ "$before" = "$(state)" ] || fail "a finished run has changed"

# Signals end it with a checkpoint, in an equilibration longer than what is waited, and without one.
# A shell without job control starts children that ignore SIGINT; env undoes it.
long=("$md" "$aa" "${ladder[@]}" --interval 7000 --time $((per_second * 20)))
for signal in INT:130 TERM:143 HUP:129; do
    for equilibration in $((per_second * 20)) 0; do
        name=${signal%:*}$equilibration.h5
        env --default-signal=INT,HUP "${long[@]}" --output "$name" \
            --equilibration $equilibration >said 2>&1 &
        pid=$!
        while [ ! -e "$name.unfinished" ]; do
            sleep 0.01
        done
        sleep 0.2
        kill -"${signal%:*}" $pid
        status=0
        wait $pid || status=$?
        [ $status = "${signal#*:}" ] || fail "exit status $status after $signal: $(cat said)"
        grep -q 'interrupted after [0-9]* of [0-9]* steps; --resume goes on' said ||
            fail "$signal: $(cat said)"
        [ -s "$name.checkpoint" ] || fail "no checkpoint after $signal"
        [ ! -e "$name" ] || fail "$name has its name after $signal"
    done
done
for attempt in $(seq 1 200); do
    status=0
    env --default-signal=INT timeout -s INT 0.3 "${run[@]}" --output pieces.h5 --resume \
        >said 2>&1 || status=$?
    [ $status != 0 ] || break
    [ $status = 124 ] || fail "exit status $status in attempt $attempt: $(cat said)"
done
expect 0 'finished already' "${run[@]}" --output pieces.h5 --resume
same whole.h5 pieces.h5

# A run that goes on from another one, killed and resumed.
part=("$md" "$aa" "${ladder[@]}" --interval 70 --time 20 --continue whole.h5.checkpoint)
expect 0 'frames of each' "${part[@]}" --output part.h5
"${part[@]}" --output part_killed.h5 --checkpoint 0 >/dev/null &
pid=$!
while [ ! -e part_killed.h5.checkpoint ]; do
    sleep 0.01
done
kill -9 $pid
wait $pid 2>/dev/null || true
expect 0 'frames of each\|finished already' "${part[@]}" --output part_killed.h5 --resume
same part.h5 part_killed.h5

# Another seed is another run.
expect 0 'frames of each' "${run[@]}" --output other.h5 --seed 2
! cmp -s whole.h5 other.h5 || fail "the seed does not matter"
