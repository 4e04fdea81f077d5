#!/bin/bash
# SIGINT, SIGTERM and SIGHUP end a run with a checkpoint of the step they met.
. "$(dirname "$0")/training.sh"

write_recipe recipe.xml
sed -i 's/checkpointSamples="96"/checkpointSamples="1000000"/' recipe.xml
expect 0 'finished: ' "$train" recipe.xml --output whole

# Long enough that the signal comes in its middle; its checkpoints are only those of signals.
sed 's/samples="2000"/samples="2e6"/' recipe.xml >long.xml
for signal in INT:130 TERM:143 HUP:129; do
    # A shell without job control starts children that ignore SIGINT; env undoes it.
    env --default-signal=INT,HUP "$train" long.xml --output "$signal" >said 2>&1 &
    pid=$!
    while [ ! -e "$signal/log.csv" ] || [ "$(wc -l <"$signal/log.csv")" -lt 2 ]; do
        sleep 0.05
    done
    kill -"${signal%:*}" $pid
    status=0
    wait $pid || status=$?
    [ $status = "${signal#*:}" ] || fail "exit status $status after $signal"
    grep -q 'interrupted after [0-9]* samples; continue with --resume' said ||
        fail "$signal: $(cat said)"
    [ -s "$signal/model.xml.gz" ] || fail "no model after $signal"
    done=$(sed -n 's/.*interrupted after \([0-9]*\) samples.*/\1/p' said)
    [ "$done" -gt 0 ] || fail "interrupted before the first step"
    env --default-signal=INT timeout -s INT 1 "$train" long.xml --output "$signal" --resume \
        >said 2>&1 || true
    grep -q "resuming after $done samples" said || fail "$signal: $(cat said)"
done

# What was ignored when the run began, as under nohup, stays ignored.
env --ignore-signal=INT,HUP "$train" long.xml --output ignores >said 2>&1 &
pid=$!
rows() {
    while [ ! -e ignores/log.csv ] || [ "$(wc -l <ignores/log.csv)" -lt "$1" ]; do
        kill -0 $pid || fail "ended by a signal that it was to ignore: $(cat said)"
        sleep 0.05
    done
}
rows 2
kill -INT $pid
kill -HUP $pid
rows $(($(wc -l <ignores/log.csv) + 3))
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status = 143 ] || fail "exit status $status after TERM, with INT and HUP ignored: $(cat said)"

# Interrupted as soon as it begins and resumed until it is done, it is the same run.
for attempt in $(seq 1 200); do
    status=0
    env --default-signal=INT timeout -s INT 0.2 "$train" recipe.xml --output pieces --resume \
        >said 2>&1 || status=$?
    [ $status != 0 ] || break
done
expect 0 'finished: ' "$train" recipe.xml --output pieces --resume
same_run whole pieces
