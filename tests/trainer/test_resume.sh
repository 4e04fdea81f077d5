#!/bin/bash
# kill -9 at many moments, then --resume: model and log are those of the run that was left alone.
. "$(dirname "$0")/training.sh"

write_recipe recipe.xml
begin=$(date +%s%N)
expect 0 'finished: ' "$train" recipe.xml --output whole
run_ms=$((($(date +%s%N) - begin) / 1000000))

# One run that is killed again and again, after times that cover starting, steps, checkpoints.
kills=0
for part in $(seq 1 24); do
    "$train" recipe.xml --output killed --resume >/dev/null &
    pid=$!
    sleep "$(printf '%d.%03d' $((run_ms * part / 24 / 1000)) $((run_ms * part / 24 % 1000)))"
    if kill -9 $pid 2>/dev/null; then
        kills=$((kills + 1))
    fi
    wait $pid 2>/dev/null || true
    if [ -e killed/checkpoint ] && [ ! -e early/checkpoint ]; then
        cp -r killed early # as it was after the first kill that left something
    fi
done
[ $kills -gt 3 ] || fail "only $kills kills"
expect 0 'finished: ' "$train" recipe.xml --output killed --resume
same_run whole killed

# Resumed on other threads; what a kill left of temporary files goes, and nothing else does.
left="checkpoint.12-0.tmp model.xml.gz.4194304-31.tmp log.csv.1-1.tmp"
kept="checkpoint.tmp checkpoint.12.tmp checkpoint.12-0.tmp2 checkpoint.a-0.tmp my.checkpoint.1-0.tmp
      model.xml.gz.old check"
(cd early && touch $left $kept)
expect 0 'finished: ' "$train" recipe.xml --output early --resume --threads 3
same_run whole early
for file in $left; do
    [ ! -e "early/$file" ] || fail "$file is left"
done
for file in $kept; do
    [ -e "early/$file" ] || fail "$file is gone"
done

# A finished run stays as it is, and gets a lost model back.
rm killed/model.xml.gz
expect 0 'finished: ' "$train" recipe.xml --output killed --resume
same_run whole killed
