# For the tests of score-train as a program: $1 is the program, $2 a file of frames with weights.
# They work in a temporary folder.
set -euo pipefail
train=$(realpath "$1")
frames=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect STATUS PATTERN COMMAND...: the command ends with this exit status and says this.
expect() {
    local status=0 expected=$1 pattern=$2
    shift 2
    "$@" >said 2>&1 || status=$?
    [ "$status" = "$expected" ] || fail "exit status $status, expected $expected: $* said $(cat said)"
    grep -q -- "$pattern" said || fail "no '$pattern' from $*, but: $(cat said)"
}

# All of a log but how fast it went.
course() {
    cut -d, -f1-10 "$1/log.csv"
}

same_run() {
    cmp "$1/model.xml.gz" "$2/model.xml.gz" || fail "models of $1 and $2 differ"
    cmp <(course "$1") <(course "$2") || fail "logs of $1 and $2 differ"
}

# Two experts, a score and an energy with a base, each a few dozen steps; a checkpoint every other step.
write_recipe() {
    cat >"$1" <<END
<ScoreRecipe version="1" seed="5">
  <Data file="$frames" logWeights="log_weights" heldOut="0.1"/>
  <Model temperatureK="300">
    <Bead name="C" mass="12"/><Bead name="N" mass="14"/><Bead name="CA" mass="12"/>
    <Bead name="C" mass="12"/><Bead name="N" mass="14"/>
    <Expert architecture="graph-transformer" output="score" hidden="8" layers="1" heads="2"
            headWidth="4" timeBegin="0.1" timeEnd="1"/>
    <Expert architecture="graph-transformer" output="energy" hidden="8" layers="1" heads="2"
            headWidth="4" timeBegin="0" timeEnd="0.1" base="gaussian"/>
  </Model>
  <Training validationSamples="600" checkpointSamples="96">
    <Stage expert="0" samples="2000" batch="48">
      <AdamW rate="2e-3" warmUpSamples="300" clipNorm="1"/>
      <MovingAverage halfLifeSamples="300"/>
      <DenoisingScoreMatching/>
    </Stage>
    <Stage expert="1" samples="2000" batch="48" weightMiddle="0.03">
      <Muon rate="2e-3" warmUpSamples="300"/>
      <DenoisingScoreMatching antithetic="true"/>
      <Emphasis dihedral="0 1 2 3" from="-15" to="135" factor="10"/>
    </Stage>
  </Training>
</ScoreRecipe>
END
}
