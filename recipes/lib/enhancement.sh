# Stages 2 to 7 of a recipe that trains a network to take noise away; sourced after pipeline.sh.
#
# `manifests` of a recipe prepares corpora of clean speech as speech-NAME, of noise as noise-NAME, and calls `mixtures`
# unless its corpus comes with noisy recordings to test with: it then writes $run/mixtures/test.jsonl itself.
#
# The run folder:
#
#   data/{speech,noise}-*/ ──┬── checkpoints/ ── model/ ── wavs/, RESULTS.md
#                            └── mixtures/test.jsonl ──────┘

conf_help="settings of the training, a file"
settings_help="changes a setting, as for \`specgan train\`"
options=(--vocoder)
options_help="  --vocoder RUN     run of a vocoder for the same mel: the model gets the second renderer
"
vocoder=""

check() {
    [[ -f $conf ]] || fail "$conf: no such file; --conf names the settings of the training"
    [[ -z $vocoder || -d $vocoder ]] || fail "$vocoder: no such folder; --vocoder names the run of a vocoder"
}

sample_rate() { rate "$conf" ${settings[@]+"${settings[@]}"}; }

# sets_of KIND SET: fills `found` with the manifests of that set of all corpora of speech or noise
sets_of() {
    local path
    found=()
    for path in "$run"/data/"$1"-*/"$2.jsonl"; do
        if [[ -f $path ]]; then found+=("$path"); fi
    done
}

# list PATH ...: as the value of a setting
list() {
    local path quoted=()
    for path in "$@"; do quoted+=("\"$PWD/$path\""); done
    local IFS=,
    printf '[%s]' "${quoted[*]-}"
}

# training_too NAME SET: a set that nothing needs belongs to training as well
training_too() {
    cat "$run/data/$1/$2.jsonl" >> "$run/data/$1/train.jsonl"
    rm "$run/data/$1/$2.jsonl"
}

# mixtures OPTION ...: the test set, each test recording in one of the test noises
mixtures() {
    local speech
    sets_of speech test
    speech=("${found[@]}")
    sets_of noise test
    rm -rf "$run/mixtures"
    python "$root/recipes/lib/mixing.py" --rate "$(sample_rate)" test --speech "${speech[@]}" \
        --noise ${found[@]+"${found[@]}"} --out "$run/mixtures" "$@"
}

stage_2() { say "nothing to do: noisy and clean speech need no alignment"; }

stage_3() {
    local part kind key given=()
    for part in train validation; do
        sets_of speech "$part"
        ((${#found[@]})) || fail "$run/data has no manifests; begin with --stage 0"
        given+=("data.$part=$(list "${found[@]}")")
    done
    sets_of noise train
    given+=("data.noise=$(list ${found[@]+"${found[@]}"})")
    sets_of noise validation
    given+=("data.noise_validation=$(list ${found[@]+"${found[@]}"})")
    training train "$conf" --out "$run" "${given[@]}" ${settings[@]+"${settings[@]}"}
}

stage_4() {
    say "nothing to do: the gain renderer has nothing to train. A vocoder for the second one is trained by" \
        "recipes/vocoder/folder/run.sh spec=$(sed -n 's/^spec:[[:space:]]*//p' "$conf"); name its run with --vocoder"
}

# pack the model unless this has been done since the last training: what is evaluated is what will be given away
packed() {
    local state stale=false
    for state in "$run"/checkpoints/step-*/state.json; do
        if [[ $state -nt $run/model/config.json ]]; then stale=true; fi
    done
    $stale || return 0
    rm -rf "$run/model"
    specgan pack "$run" --out "$run/model" ${vocoder:+--vocoder "$vocoder"}
}

stage_5() {
    packed
    rm -rf "$run/wavs"
    specgan infer --audio "$run/mixtures/noisy" --model "$run/model" --out "$run/wavs"
}

stage_6() {
    packed
    local listen=() beside=()
    if $mini; then listen=(--recogniser none --only pesq,si_sdr,real_time_factor); fi
    others enhancement_peers.py mixtures "$run/mixtures/test.jsonl"
    scored mixtures --model "$run/model" --manifest "$run/mixtures/test.jsonl" \
        ${beside[@]+"${beside[@]}"} ${listen[@]+"${listen[@]}"}
    results
}

stage_7() {
    packed
    cp "$run/RESULTS.md" "$run/model"
    say "the model: $run/model"
}
