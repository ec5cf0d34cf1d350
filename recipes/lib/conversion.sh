# Stages 2 to 7 of a recipe that trains voice conversion; sourced after pipeline.sh.
#
# The run folder:
#
#   data/*/ ── align/ ── convert/ ── model/ ── wavs/<target>/, pairs.jsonl, RESULTS.md

parts=(align convert)
conf_help="folder with align.yaml and convert.yaml, the settings of each training"
settings_help="changes a setting of one of these: convert.train.steps=5000"
options=(--from --pairs)
options_help="  --from MODEL      begin with a conversion model that has its weights, or with the run of a recipe: its recogniser is
                    taken, so that recordings need no texts, and speakers of the same names keep their styles
  --pairs N         test recordings that are converted for each pair of speakers (default 5)
"
from="" pairs=5
pretrained=$root/recipes/vocoder/kathleen/pretrained  # the shipped vocoder, through which validation listens

check() {
    local part word
    if [[ -n $from ]]; then from=$(weights_of "$from") || exit; fi
    for part in "${parts[@]}"; do
        [[ -f $conf/$part.yaml ]] || fail "$conf/$part.yaml: no such file; --conf names a folder with the settings"
    done
    for word in ${settings[@]+"${settings[@]}"}; do
        [[ " ${parts[*]} " == *" ${word%%.*} "* ]] || fail "$word: a setting begins with align. or convert."
    done
    [[ $pairs =~ ^[1-9][0-9]*$ ]] || fail "--pairs is $pairs, must be a number from 1"
    if $mini; then pairs=1; fi
}

# weights_of MODEL: the folder with the weights of a packed model, or of one that a recipe trained or keeps
weights_of() {
    local place
    for place in "$1" "$1/model" "$root/recipes/conversion/$1/pretrained" "$root/specgan/zoo/$1"; do
        if [[ -f $place/converter.safetensors ]]; then printf '%s' "$place"; return; fi
    done
    fail "$1: no conversion model with its weights (converter.safetensors)"
}

sample_rate() {
    settings_of convert
    rate "$conf/convert.yaml" ${chosen[@]+"${chosen[@]}"}
}

stage_2() {
    local train held_out  # not inside the command: a failure there would go unnoticed
    if [[ -n $from ]]; then
        say "nothing to do: the recogniser is that of $from"
        return
    fi
    train=$(manifests_of train)
    held_out=$(manifests_of validation test)  # all that it will hear, so that it knows their phones
    settings_of align
    training train "$conf/align.yaml" --out "$run/align" "data.train=$train" "data.validation=$held_out" \
        ${chosen[@]+"${chosen[@]}"}
}

stage_3() {
    local train validation given=()
    train=$(manifests_of train)
    validation=$(manifests_of validation)
    if [[ -n $from ]]; then
        given=("initial=$(place "$from")")
    else
        given=("recogniser=$(place "$run/align")")
    fi
    if [[ $(sample_rate) == 22050 ]] && ! $mini; then given+=("vocoder=$(place "$pretrained")"); fi
    settings_of convert
    training train "$conf/convert.yaml" --out "$run/convert" "data.train=$train" "data.validation=$validation" \
        "${given[@]}" ${chosen[@]+"${chosen[@]}"}
}

stage_4() {
    say "nothing to do: the shipped vocoder renders. recipes/vocoder/folder/run.sh trains one on these voices;" \
        "specgan pack $run/convert --vocoder RUN takes it along"
}

# pack the model unless this has been done since the last training: what is evaluated is what will be given away
packed() {
    local state stale=false
    for state in "$run"/convert/checkpoints/step-*/state.json; do
        if [[ $state -nt $run/model/config.json ]]; then stale=true; fi
    done
    if $stale; then
        rm -rf "$run/model"
        specgan pack "$run/convert" --out "$run/model"
    fi
    python "$root/recipes/lib/conversion_pairs.py" "$run"/data/*/test.jsonl --model "$run/model" --each "$pairs" --out "$run/pairs.jsonl"
}

stage_5() {
    packed
    local speaker file files
    rm -rf "$run/wavs"
    while IFS= read -r speaker; do
        files=()
        while IFS= read -r file; do files+=("$file"); done < <(python "$root/recipes/lib/conversion_pairs.py" --to "$speaker" "$run/pairs.jsonl")
        ((${#files[@]})) || continue
        mkdir -p "$run/wavs/$speaker"
        specgan infer --audio "${files[@]}" --model "$run/model" --to "$speaker" --out "$run/wavs/$speaker"
    done < <(python -c 'import json, sys; print(*json.load(open(sys.argv[1]))["speakers"], sep="\n")' "$run/model/config.json")
}

stage_6() {
    packed
    local listen=() beside=()
    if $mini; then listen=(--recogniser none --only real_time_factor); fi
    others world_peer.py pairs "$run/pairs.jsonl" "$run"/data/*/train.jsonl
    scored pairs --model "$run/model" --manifest "$run/pairs.jsonl" ${beside[@]+"${beside[@]}"} ${listen[@]+"${listen[@]}"}
    results
}

stage_7() {
    packed
    if [[ -f $run/RESULTS.md ]]; then cp "$run/RESULTS.md" "$run/model"; fi
    say "the model: $run/model"
}
