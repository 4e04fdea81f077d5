#!/bin/bash
# What score-train will not do, and that it says why.
. "$(dirname "$0")/training.sh"

write_recipe recipe.xml
expect 0 'usage: score-train' "$train" --help
expect 0 'score-train [0-9]' "$train" --version
expect 2 'needs one recipe' "$train"
expect 2 'needs one recipe, got 2' "$train" recipe.xml recipe.xml
expect 2 'score-train --help' "$train" --dance recipe.xml
for seed in -1 two 9223372036854775808 ''; do
    expect 2 "seed is '$seed'" "$train" --seed "$seed" recipe.xml
done
for threads in 0 -1 two 1.5 ''; do
    expect 2 "threads is '$threads'" "$train" --threads "$threads" recipe.xml
done
expect 1 'missing.xml' "$train" missing.xml
expect 1 'no/folder' "$train" recipe.xml --output no/folder
[ -z "$(ls -d run 2>/dev/null)" ] || fail "something was written"

sed 's/from="-15" to="135"/from="-5" to="-5"/' recipe.xml >nothing.xml
expect 1 'nothing.xml:[0-9]*: <Emphasis> from="-5" to="-5": none of the training frames' \
    "$train" nothing.xml --output run

# A run is never overwritten, nor another file of its names.
expect 0 'finished: ' "$train" recipe.xml --output run
cp -r run before
expect 1 'run/checkpoint: exists already' "$train" recipe.xml --output run
for name in model.xml.gz log.csv; do
    mkdir "only-$name"
    cp "run/$name" "only-$name"
    expect 1 "only-$name/$name: exists already" "$train" recipe.xml --output "only-$name"
    expect 1 "only-$name/$name: exists, but no checkpoint" \
        "$train" recipe.xml --output "only-$name" --resume
    cmp "run/$name" "only-$name/$name"
done

# A run is resumed with its own recipe and data only, and what differs is named.
refuse() {
    sed "$1" recipe.xml >other.xml
    ! cmp -s recipe.xml other.xml || fail "$1 changes nothing"
    expect 1 "$2" "$train" other.xml --output run --resume
}
refuse 's/seed="5"/seed="6"/' "run/checkpoint: .*'seed: 5'.*'seed: 6'"
refuse 's/batch="48" weight/batch="24" weight/' "'stage 1, batch: 48'.*'stage 1, batch: 24'"
refuse 's/hidden="8"/hidden="16"/' 'hidden 8.*hidden 16'
refuse 's/ base="gaussian"//' 'float32, base gaussian.*float32'
refuse 's/mass="14"/mass="15"/' "14 amu'.*15 amu'"
refuse 's/rate="2e-3"/rate="3e-3"/' 'learning rate: 0.002.*learning rate: 0.003'
refuse 's/<Muon/<AdamW/' "stage 1, Muon: .*stage 1, AdamW"
refuse 's/antithetic="true"//' 'antithetic 1.*antithetic 0'
refuse 's/heldOut="0.1"/heldOut="0.2"/' 'held-out fraction'
refuse 's/temperatureK="300"/temperatureK="310"/' 'temperature'
refuse 's/weightMiddle="0.03"//' 'middle of the weights'
refuse 's/factor="10"/factor="9"/' 'emphasis: 10 where dihedral 0-1-2-3.*emphasis: 9'
refuse 's/logWeights="log_weights"/logWeights="none"/' 'log-weights: log_weights.*none'
cp "$frames" frames.h5
chmod u+w frames.h5
sed "s|$frames|frames.h5|" recipe.xml >copy.xml
cp -r run moved
expect 0 'finished: ' "$train" copy.xml --output moved --resume # the same data elsewhere
printf 'x' >>frames.h5
expect 0 'finished: ' "$train" copy.xml --output moved --resume # the same frames in another file

# A damaged checkpoint is named and left alone.
cp -r run damaged
printf 'X' | dd of=damaged/checkpoint bs=1 seek=2000 conv=notrunc status=none
expect 1 'damaged/checkpoint: is damaged' "$train" recipe.xml --output damaged --resume
head -c 1000 run/checkpoint >damaged/checkpoint
expect 1 'damaged/checkpoint: .*wrong size' "$train" recipe.xml --output damaged --resume
: >damaged/checkpoint
expect 1 'damaged/checkpoint: is not a checkpoint' "$train" recipe.xml --output damaged --resume

for name in model.xml.gz log.csv checkpoint; do
    cmp "run/$name" "before/$name" || fail "$name of the finished run has changed"
done

# Two runs in one folder.
sed 's/samples="2000"/samples="2e6"/' recipe.xml >long.xml
"$train" long.xml --output busy >/dev/null &
pid=$!
while [ ! -e busy/log.csv ]; do
    sleep 0.05
done
expect 1 'busy: is in use by another score-train' "$train" long.xml --output busy --resume
kill -9 $pid
wait $pid 2>/dev/null || true

# Another kind of processor is no reason to refuse, and no matter where nothing is left to do.
if [ "$(uname -m)" = x86_64 ]; then
    other="env SCORE_ISA=v1"
    expect 143 "^warning: busy/checkpoint: .*'processor: .*now it is 'processor: x86-64-v1'" \
        $other timeout --preserve-status 3 "$train" long.xml --output busy --resume
    expect 0 'finished: ' $other "$train" recipe.xml --output run --resume
    ! grep -q '^warning' said || fail "$(cat said)"
    cmp run/model.xml.gz before/model.xml.gz || fail "a finished model has changed"
fi

# A loss that stops being a number: steps this large leave the range of float.
sed 's/AdamW rate="2e-3"/AdamW rate="1e30"/' recipe.xml >explodes.xml
expect 1 'the loss is .* in step [0-9]* of stage 1; the last good checkpoint is that of step [0-9]* of stage 1 in explodes/checkpoint' \
    "$train" explodes.xml --output explodes
expect 1 'of stage 1' "$train" explodes.xml --output explodes --resume

# Weights that stop being numbers though the loss before was one: Adam's first step is ten times the
# rate, beyond float. They must not replace the checkpoint, nor become a model.
sed 's/AdamW rate="2e-3" warmUpSamples="300" clipNorm/AdamW rate="1e38" clipNorm/
     s/checkpointSamples="96"/checkpointSamples="48"/' recipe.xml >overflows.xml
for resume in '' --resume; do
    expect 1 'weight [0-9]* is .* in step 1 of stage 1; the last good checkpoint is that of step 0 of stage 1 in overflows/checkpoint' \
        "$train" overflows.xml --output overflows $resume
    [ ! -e overflows/model.xml.gz ] || fail "a model of weights that are not numbers"
done
