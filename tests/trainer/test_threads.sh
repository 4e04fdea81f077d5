#!/bin/bash
# The number of threads does not change a byte of the model, nor the course of the run.
. "$(dirname "$0")/training.sh"

write_recipe recipe.xml
expect 0 'finished: ' "$train" recipe.xml --output one --threads 1
for threads in 2 3 8 20; do
    expect 0 'finished: ' "$train" recipe.xml --output "many$threads" --threads $threads
    same_run one "many$threads"
done
grep -q ' 8 threads;' said || fail "20 threads: $(cat said)"

grep -q '^weighted: as good as [0-9.]* training frames' said || fail "no weights: $(cat said)"

# Another seed is another run.
sed 's/seed="5"/seed="6"/' recipe.xml >other.xml
expect 0 'finished: ' "$train" other.xml --output other
! cmp -s one/model.xml.gz other/model.xml.gz || fail "the seed does not matter"
expect 0 'finished: ' "$train" recipe.xml --seed 6 --output given
same_run other given

# The second stage's emphasis is of that stage alone.
sed '/<Emphasis/d' recipe.xml >even.xml
expect 0 'finished: ' "$train" even.xml --output even
cmp <(course one | grep '^1,') <(course even | grep '^1,') ||
    fail "stage 1 knows the emphasis of stage 2"
! cmp -s <(course one | grep '^2,') <(course even | grep '^2,') ||
    fail "the emphasis does not matter"

# With and without a base, the second expert is another; the first has none. The Gaussian is in the
# file, and is that of the frames alone.
sed 's/ base="gaussian"//' recipe.xml >bare.xml
expect 0 'finished: ' "$train" bare.xml --output bare
cmp <(course one | grep '^1,') <(course bare | grep '^1,') ||
    fail "stage 1 knows the base of the second expert"
! cmp -s <(course one | grep '^2,') <(course bare | grep '^2,') || fail "the base does not matter"
gaussian() {
    zcat "$1/model.xml.gz" | sed -n '/<Gaussian/,/<\/Gaussian>/p'
}
[ "$(gaussian one | head -n 1)" = '  <Gaussian over="beads">' ] || fail "no Gaussian in one"
[ "$(gaussian one)" = "$(gaussian even)" ] || fail "the emphasis matters to the Gaussian"
[ -z "$(gaussian bare)" ] || fail "a Gaussian without a base"

# 2 stages of 42 steps of 48 samples; a row whenever 600 samples are passed and at a stage's end.
[ "$(course one | tail -n +2 | cut -d, -f1-3 | tr '\n' ' ')" = \
  "1,13,624 1,25,1200 1,38,1824 1,42,2016 2,8,2400 2,21,3024 2,33,3600 2,42,4032 " ] ||
    fail "rows of the log: $(course one)"
