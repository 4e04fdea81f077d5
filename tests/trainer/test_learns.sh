#!/bin/bash
# A small model, trained for some seconds, has a lower loss on held-out frames than the best
# Gaussian, which only a model that has learned more than the data's covariance can have.
. "$(dirname "$0")/training.sh"

cat >recipe.xml <<END
<ScoreRecipe version="1" seed="7">
  <Data file="$frames" logWeights="log_weights"/>
  <Model temperatureK="300">
    <Bead name="C" mass="12"/><Bead name="N" mass="14"/><Bead name="CA" mass="12"/>
    <Bead name="C" mass="12"/><Bead name="N" mass="14"/>
    <Expert architecture="graph-transformer" hidden="32" layers="2" heads="4" headWidth="16"/>
  </Model>
  <Training validationSamples="10000">
    <Stage samples="60000" batch="64">
      <AdamW rate="3e-3" finalRate="1e-5" warmUpSamples="5000" clipNorm="1"/>
      <MovingAverage halfLifeSamples="3000"/>
      <DenoisingScoreMatching antithetic="true"/>
    </Stage>
  </Training>
</ScoreRecipe>
END
expect 0 'finished: ' "$train" recipe.xml --output run --threads 1
gaussian=$(sed -n 's/^the best Gaussian has the loss //p' said)
validation=$(tail -n 1 run/log.csv | cut -d, -f9)
echo "validation loss $validation, the best Gaussian's $gaussian"
# Validation draws 4,096 samples, whose losses scatter by some .25: its standard error is .004. The
# model has to be below the Gaussian by three of them.
awk -v v="$validation" -v g="$gaussian" 'BEGIN { exit !(v > 0 && g > 0 && v < g - 0.012) }' ||
    fail "it is not below by three standard errors"
